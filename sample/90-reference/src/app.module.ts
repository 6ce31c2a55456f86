import type { DynamicModule } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TokenModule } from 'nestjs-token';
import { AccountsModule } from './accounts/accounts.module.js';
import { AccountsService } from './accounts/accounts.service.js';
import { AdminController } from './admin/admin.controller.js';
import { AuthController } from './auth/auth.controller.js';
import { SessionsController } from './auth/sessions.controller.js';
import { databaseOptions, openDatabase } from './database.js';
import type { Environment } from './environment.js';
import { HealthController } from './health.controller.js';
import { MeController } from './me.controller.js';
import { PlaygroundController } from './playground.controller.js';
import { tokenSecret } from './token-secret.js';

@Module({})
export class AppModule {
  static forRoot(environment: Environment): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AccountsModule,
        TypeOrmModule.forRootAsync({ useFactory: () => databaseOptions(environment.database), dataSourceFactory: openDatabase }),
        TokenModule.forRootAsync({
          imports: [AccountsModule],
          inject: [AccountsService],
          useFactory: (accounts: AccountsService) => ({
            issuer: 'https://api.example.com',
            secret: tokenSecret(environment),
            access: environment.access,
            refresh: environment.refresh,
            sessions: environment.sessions,
            transport: environment.transport,
            cookie: { insecure: environment.insecureCookies },
            csrf: environment.csrf === 'off' ? false : { mode: environment.csrf },
            // Called for every request as well, so it has to be fast. Here it reads a map.
            loadUser: (name) => accounts.active(name),
          }),
        }),
      ],
      controllers: [AuthController, SessionsController, MeController, AdminController, PlaygroundController, HealthController],
    };
  }
}
