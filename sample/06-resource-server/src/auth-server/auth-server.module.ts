import { Body, Controller, HttpCode, Module, Post, UnauthorizedException, UseInterceptors } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, TokenInterceptor, TokenModule } from 'nestjs-token';
import { KeyStore } from './key-store.js';

@Module({ providers: [KeyStore], exports: [KeyStore] })
class KeyStoreModule {}

@Controller('auth')
class AuthController {
  constructor(private readonly refresh: RefreshService) {}

  /** The check of the password is yours. The quick start has one. */
  @Post('login')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  login(@Body() { username, password }: { username?: unknown; password?: unknown } = {}): Promise<TokenPair> {
    if (username !== 'alice' || password !== 'correct horse battery staple') throw new UnauthorizedException();
    return this.refresh.signIn(username);
  }
}

/** Signs users in, and publishes the public keys of its access tokens. */
@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
    KeyStoreModule,
    TokenModule.forRootAsync({
      imports: [KeyStoreModule],
      inject: [KeyStore],
      useFactory: (store: KeyStore) => ({
        issuer: 'https://auth.example.com',
        audience: ['auth', 'reports'],
        keys: () => store.keys(),
        refresh: { secret: process.env.TOKEN_SECRET },
      }),
      endpoints: { jwks: true },
    }),
  ],
  controllers: [AuthController],
})
export class AuthServerModule {}
