// A newcomer's applications: sign in, call guarded routes with the token and without one. Exits 0 when the responses are as expected.
import 'reflect-metadata';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Controller, Get, HttpCode, Module, Post, Scope, UseGuards, UseInterceptors } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  CurrentUser,
  JwtAuthGuard,
  type Principal,
  RefreshService,
  TokenHealthIndicator,
  TokenInterceptor,
  TokenModule,
  type TokenPair,
} from 'nestjs-token';
import * as testing from 'nestjs-token/testing';
import { expect, run } from './check.js';

@Controller()
class AppController {
  constructor(
    private readonly refresh: RefreshService,
    private readonly health: HealthCheckService,
    private readonly tokens: TokenHealthIndicator,
  ) {}

  @Get('health')
  @HealthCheck()
  check() {
    return this.health.check([() => this.tokens.isHealthy('tokens')]);
  }

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
    TokenModule.forRoot({ issuer: 'https://api.example.com', secret: 'a secret of this test, 8f1c0e5b7d2a4936', telemetry: true }),
    TerminusModule,
  ],
  controllers: [AppController],
})
class AppModule {}

/** Lets pass whoever has no user: only the order of the guards closes the route. */
class CarelessRolesGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<{ user?: Principal }>();
    return user === undefined || user.roles.includes('admin');
  }
}

@Controller()
class AdminController {
  @Get('admin')
  admin(@CurrentUser('sub') sub: string): string {
    return sub;
  }
}

@Module({
  imports: [
    TokenModule.forRoot({
      issuer: 'https://api.example.com',
      secret: 'a secret of this test, 8f1c0e5b7d2a4936',
      repository: testing.InMemoryTokenRepository,
      globalGuard: true,
    }),
  ],
  controllers: [AdminController],
  providers: [
    { provide: APP_GUARD, useClass: CarelessRolesGuard },
    { provide: APP_GUARD, scope: Scope.REQUEST, useClass: CarelessRolesGuard },
  ],
})
class GuardedModule {}

async function main(): Promise<void> {
  await newcomer();
  await globalGuard();
}

/** `globalGuard: true` runs before every APP_GUARD, those of the root module too, on this version of Nest. */
async function globalGuard(): Promise<void> {
  const app = await NestFactory.create(GuardedModule, { logger: ['warn', 'error'] });
  app.useGlobalGuards(new CarelessRolesGuard());
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/admin`;
  const refresh = app.get(RefreshService);
  const as = async (roles: string[]) => {
    const { accessToken } = await refresh.signIn('alice', { claims: { roles } });
    return (await fetch(url, { headers: { Authorization: `Bearer ${accessToken}` } })).status;
  };
  expect('GET /admin behind the global guard and a roles guard, anonymous', (await fetch(url)).status, 401);
  expect('GET /admin without the role', await as([]), 403);
  expect('GET /admin with the role', await as(['admin']), 200);
  await app.close();
}

async function newcomer(): Promise<void> {
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
  const health = (await (await fetch(`${url}/health`)).json()) as { details: { tokens: { status: string } } };
  expect('the health in the report of terminus', health.details.tokens.status, 'up');
  expect('nestjs-token/testing has exports', Object.keys(testing).length > 0, true);

  await app.close();
}

run(main);
