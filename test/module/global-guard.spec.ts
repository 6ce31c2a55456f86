import { afterEach, describe, expect, it } from '@jest/globals';
import type { CanActivate, DynamicModule, ExecutionContext, INestApplication, ModuleMetadata } from '@nestjs/common';
import { Controller, ForbiddenException, Get, Injectable, Module, Scope } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { CurrentUser, JwtAuthGuard, Public, RefreshService, TokenModule } from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';
import type { AddressInfo } from 'node:net';
import type { AdapterName, Answer } from '../support/app.js';
import { ADAPTERS, bearing, call, ISSUER, SECRET } from '../support/app.js';

/** Lets pass whoever has no user, as careless guards do: only the order of the guards closes the route. */
@Injectable()
class CarelessRolesGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<{ user?: { roles?: string[] } }>();
    if (user && !user.roles?.includes('admin')) throw new ForbiddenException();
    return true;
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestScopedRolesGuard extends CarelessRolesGuard {}

@Controller()
class Routes {
  @Get('admin')
  admin(@CurrentUser('sub') sub: string): string {
    return sub;
  }

  @Get('open')
  @Public()
  open(): string {
    return 'open';
  }
}

const tokens = (): DynamicModule =>
  TokenModule.forRoot({ issuer: ISSUER, secret: SECRET, repository: InMemoryTokenRepository, globalGuard: true });

@Module({ providers: [{ provide: APP_GUARD, useClass: CarelessRolesGuard }] })
class RolesModule {}

/** Where a roles guard may stand: all of them are applied by Nest in an order of its own. */
const PLACES: Record<string, () => ModuleMetadata> = {
  'the root module': () => ({ imports: [tokens()], providers: [{ provide: APP_GUARD, useClass: CarelessRolesGuard }] }),
  'a module imported before ours': () => ({ imports: [RolesModule, tokens()] }),
  'a module imported after ours': () => ({ imports: [tokens(), RolesModule] }),
  'the root module, in the scope of the request': () => ({
    imports: [tokens()],
    providers: [{ provide: APP_GUARD, useClass: RequestScopedRolesGuard }],
  }),
  'the root module, by a factory that takes time': () => ({
    imports: [tokens()],
    providers: [{ provide: APP_GUARD, useFactory: async () => Promise.resolve(new CarelessRolesGuard()) }],
  }),
};

const running: INestApplication[] = [];
afterEach(async () => {
  for (const app of running.splice(0)) await app.close();
});

async function start(adapter: AdapterName, metadata: ModuleMetadata, prepare?: (app: INestApplication) => void): Promise<INestApplication> {
  @Module({ ...metadata, controllers: [Routes] })
  class RootModule {}
  const options = { logger: false, abortOnError: false } as const;
  const app: INestApplication =
    adapter === 'express'
      ? await NestFactory.create(RootModule, options)
      : await NestFactory.create(RootModule, new FastifyAdapter(), options);
  prepare?.(app);
  await app.listen(0, '127.0.0.1');
  running.push(app);
  return app;
}

function ask(app: INestApplication, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return call({ port: (app.getHttpServer().address() as AddressInfo).port, path, headers });
}

/** What nobody, a user and an administrator get. */
async function statuses(app: INestApplication, path = '/admin'): Promise<number[]> {
  const refresh = app.get(RefreshService);
  const [user, admin] = [await refresh.signIn('alice'), await refresh.signIn('root', { claims: { roles: ['admin'] } })];
  const answers = await Promise.all([ask(app, path), ask(app, path, bearing(user)), ask(app, path, bearing(admin))]);
  return answers.map(({ status }) => status);
}

describe.each(ADAPTERS)('globalGuard: true on %s', (adapter) => {
  it.each(Object.entries(PLACES))(`runs before a roles guard in %s (${adapter}) (F-26)`, async (_, metadata) => {
    expect(await statuses(await start(adapter, metadata()))).toEqual([401, 403, 200]);
  });

  it(`runs before guards that main.ts adds with useGlobalGuards (${adapter}) (F-26)`, async () => {
    const app = await start(adapter, { imports: [tokens()] }, (created) => created.useGlobalGuards(new CarelessRolesGuard()));
    expect(await statuses(app)).toEqual([401, 403, 200]);
  });

  it(`leaves routes marked with @Public() open, before a roles guard too (${adapter}) (F-26)`, async () => {
    const app = await start(adapter, PLACES['the root module']!());
    expect((await ask(app, '/open')).status).toBe(200);
  });
});

describe('globalGuard: true', () => {
  it('guards each of two applications in one process, and goes on when one of them ends (F-26)', async () => {
    const [one, other] = [
      await start('express', PLACES['the root module']!()),
      await start('express', PLACES['a module imported after ours']!()),
    ];
    expect([await statuses(one), await statuses(other)]).toEqual([
      [401, 403, 200],
      [401, 403, 200],
    ]);
    await running.splice(running.indexOf(one), 1)[0]!.close();
    expect(await statuses(other)).toEqual([401, 403, 200]);
  });

  it('is a provider that a test overrides (F-26)', async () => {
    @Module({ imports: [tokens()], controllers: [Routes] })
    class RootModule {}
    const compiled = await Test.createTestingModule({ imports: [RootModule] })
      .overrideProvider(JwtAuthGuard)
      .useValue({ canActivate: () => true })
      .compile();
    const app = compiled.createNestApplication();
    await app.listen(0, '127.0.0.1');
    running.push(app);
    expect((await ask(app, '/admin')).status).toBe(200);
  });
});
