import type { DynamicModule } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { TokenModuleOptions } from 'nestjs-token';
import { TokenModule } from 'nestjs-token';
import { randomBytes } from 'node:crypto';
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

/** Secrets are never published. With a key pair, other services verify access tokens with the published key. */
function keysOf(environment: Environment): Pick<TokenModuleOptions, 'secret' | 'keys' | 'refresh'> {
  const { accessKey, refresh } = environment;
  const secret = tokenSecret(environment);
  if (accessKey === undefined) return { secret, refresh };
  return { keys: [{ algorithm: 'EdDSA', key: accessKey, use: 'sign' }], refresh: { ...refresh, secret } };
}

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
            ...keysOf(environment),
            access: environment.access,
            sessions: environment.sessions,
            transport: environment.transport,
            cookie: { insecure: environment.insecureCookies },
            csrf: environment.csrf === 'off' ? false : { mode: environment.csrf },
            // Called for every request as well, so it has to be fast. Here it reads a map.
            loadUser: (name) => accounts.active(name),
            // Without a secret in the environment nobody knows it, so nobody may introspect.
            clients: [{ id: environment.client.id, secret: environment.client.secret ?? randomBytes(32) }],
          }),
          // The other routes below /auth are written by hand, to show how.
          endpoints: { path: 'auth', token: true, revoke: true, introspect: true, jwks: environment.accessKey !== undefined },
        }),
      ],
      controllers: [AuthController, SessionsController, MeController, AdminController, PlaygroundController, HealthController],
    };
  }
}
