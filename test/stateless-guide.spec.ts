import { afterEach, describe, expect, it } from '@jest/globals';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { SignInService } from 'nestjs-token';
import type { FakeClock } from 'nestjs-token/testing';
import { tokenHeaders, useTestTokens } from 'nestjs-token/testing';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AuthController } from './stateless-guide/auth.controller.js';
import { DownloadsService } from './stateless-guide/downloads.service.js';
import { ReportsController } from './stateless-guide/reports.controller.js';
import { fromConfig, sliding, tokens } from './stateless-guide/tokens.js';
import { UsersService } from './stateless-guide/users.service.js';
import { ADAPTERS, call, SECRET } from './support/app.js';
import { Browser } from './support/browser.js';

const HERE = import.meta.dirname;
const GUIDE = readFileSync(join(HERE, '../docs/stateless.md'), 'utf8');
const withoutIndent = (text: string): string => text.replace(/^ +/gm, '').replace(/;$/gm, '');
const SOURCES = readdirSync(join(HERE, 'stateless-guide')).map((name) =>
  withoutIndent(readFileSync(join(HERE, 'stateless-guide', name), 'utf8')),
);
const LOGIN = { username: 'alice', password: 'secret' };

describe('docs/stateless.md', () => {
  it('shows nothing but code that the tests below run', () => {
    const examples = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text]) => withoutIndent(text ?? ''));
    expect(examples).toHaveLength(6);
    expect(examples.filter((example) => !SOURCES.some((source) => source.includes(example)))).toEqual([]);
  });
});

describe.each(ADAPTERS)('What docs/stateless.md shows, on %s', (adapter) => {
  let app: INestApplication;
  afterEach(() => app.close());

  async function start(tokenModule: () => DynamicModule): Promise<{ port: number; clock: FakeClock }> {
    process.env.TOKEN_SECRET = SECRET;
    const controllers = [AuthController, ReportsController];
    const builder = Test.createTestingModule({ imports: [tokenModule()], controllers, providers: [UsersService, DownloadsService] });
    const clock = useTestTokens(builder);
    const compiled = await builder.compile();
    app = adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
    await app.listen(0, '127.0.0.1');
    return { port: (app.getHttpServer().address() as AddressInfo).port, clock };
  }

  it.each<[string, () => DynamicModule]>([
    ['forRoot', tokens],
    ['forRootAsync', fromConfig],
  ])('signs in and knows the caller, with %s', async (_, tokenModule) => {
    const { port, clock } = await start(tokenModule);
    expect((await call({ port, path: '/auth/login', method: 'POST', body: { ...LOGIN, password: 'wrong' } })).status).toBe(401);
    const login = await call({ port, path: '/auth/login', method: 'POST', body: LOGIN });
    expect(Object.keys(login.json())).toEqual(['access_token', 'token_type', 'expires_in']);
    const get = () => call({ port, path: '/reports', headers: { authorization: `Bearer ${login.json()['access_token'] as string}` } });
    expect((await get()).json()).toMatchObject({ sub: 'alice', roles: ['editor'] });
    clock.advance('16m');
    expect((await get()).json()).toMatchObject({ errorCode: 'token_expired' });
  });

  it('signs a token for one purpose', async () => {
    const { port } = await start(tokens);
    const address = await app.get(DownloadsService).addressOf('alice');
    expect((await call({ port, path: address })).json()).toEqual({ subject: 'alice' });
    const headers = { authorization: `Bearer ${address.split('=')[1]}` };
    expect((await call({ port, path: '/reports', headers })).status).toBe(403);
    const { accessToken } = await app.get(SignInService).signIn('alice');
    expect((await call({ port, path: `/reports/latest?access_token=${accessToken}` })).status).toBe(403);
  });

  it('keeps an active user signed in for the working day, and signs out', async () => {
    const { port, clock } = await start(sliding);
    const browser = new Browser(port, { clock });
    expect((await browser.fetch('/auth/login', { method: 'POST', body: LOGIN, from: 'https://evil.example.org' })).status).toBe(403);
    await browser.fetch('/auth/login', { method: 'POST', body: LOGIN });
    for (let minutes = 20; minutes < 480; minutes += 20) {
      clock.advance('20m');
      expect((await browser.fetch('/reports')).status).toBe(200);
    }
    clock.advance('20m');
    expect((await browser.fetch('/reports')).status).toBe(401);
    await browser.fetch('/auth/login', { method: 'POST', body: LOGIN });
    expect((await browser.fetch('/auth/logout', { method: 'POST', from: 'https://evil.example.org' })).status).toBe(403);
    expect((await browser.fetch('/reports')).status).toBe(200);
    expect((await browser.fetch('/auth/logout', { method: 'POST' })).status).toBe(204);
    expect((await browser.fetch('/reports')).status).toBe(401);
  });

  it.each<[string, () => DynamicModule]>([
    ['headers', tokens],
    ['cookies', sliding],
  ])('signs a test in with %s', async (_, tokenModule) => {
    const { port } = await start(tokenModule);
    const headers = tokenHeaders(app, await app.get(SignInService).signIn('alice'));
    expect((await call({ port, path: '/reports', headers })).json()).toMatchObject({ sub: 'alice' });
    expect('X-CSRF-Token' in headers).toBe(tokenModule === sliding);
  });
});
