// A newcomer's application: sign in, call a guarded route with the token and without one. Exits 0 when the answers are 200 and 401.
import 'reflect-metadata';
import { Controller, Get, HttpCode, Module, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CurrentUser, JwtAuthGuard, type Principal, RefreshService, TokenInterceptor, TokenModule, type TokenPair } from 'nestjs-token';
import * as testing from 'nestjs-token/testing';

@Controller()
class AppController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('login')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  login(): Promise<TokenPair> {
    return this.refresh.signIn('alice', { claims: { roles: ['admin'] } });
  }

  @UseGuards(JwtAuthGuard)
  @Get('me')
  me(@CurrentUser() user: Principal): Principal {
    return user;
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
    TokenModule.forRoot({ issuer: 'https://api.example.com', secret: 'a secret of this test, 8f1c0e5b7d2a4936' }),
  ],
  controllers: [AppController],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();

  const login = await fetch(`${url}/login`, { method: 'POST' });
  expect('POST /login', login.status, 200);
  const pair = (await login.json()) as { access_token: string; refresh_token: string };
  expect('the access token in its header', login.headers.get('Authorization'), `Bearer ${pair.access_token}`);

  const guarded = await fetch(`${url}/me`, { headers: { Authorization: `Bearer ${pair.access_token}` } });
  expect('GET /me with a token', guarded.status, 200);
  expect('its subject', ((await guarded.json()) as Principal).sub, 'alice');
  const anonymous = await fetch(`${url}/me`);
  expect('GET /me without a token', anonymous.status, 401);
  expect('its code', ((await anonymous.json()) as { errorCode: string }).errorCode, 'token_missing');
  expect('nestjs-token/testing has exports', Object.keys(testing).length > 0, true);

  await app.close();
}

function expect(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
  console.log(`ok  ${what}: ${String(actual)}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
