import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TokenModule } from 'nestjs-token';
import { AuthController } from './auth.controller.js';
import { FirstAuthController } from './first-auth.controller.js';
import { MeController } from './me.controller.js';
import { OldTokens } from './old-tokens.js';
import { UsersService } from './users.service.js';

/** What the old application has. */
@Module({ imports: [JwtModule.register({})], providers: [UsersService, OldTokens], exports: [UsersService, OldTokens] })
export class UsersModule {}

export const tokens = TokenModule.forRootAsync({
  imports: [UsersModule],
  inject: [OldTokens],
  useFactory: (old: OldTokens) => ({
    issuer: 'https://api.example.com',
    secret: process.env.TOKEN_SECRET,
    legacy: {
      until: process.env.OLD_TOKENS_UNTIL,
      verify: (token: string) => old.verify(token),
      exchange: (token: string) => old.exchange(token),
    },
  }),
});

const database = TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true });

@Module({ imports: [database, UsersModule, tokens], controllers: [FirstAuthController, MeController] })
export class FirstModule {}

@Module({ imports: [database, UsersModule, tokens], controllers: [AuthController, MeController] })
export class AppModule {}
