import { afterEach, describe, expect, it } from '@jest/globals';
import type { DynamicModule } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { INestApplication } from '@nestjs/common';
import { useTestTokens } from 'nestjs-token/testing';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AuthController } from './cookies-guide/auth.controller.js';
import { cookies, onSubdomain, serverRendered } from './cookies-guide/modules.js';
import { ReportsController } from './cookies-guide/reports.controller.js';
import { UsersService } from './cookies-guide/users.service.js';
import { ADAPTERS, SECRET } from './support/app.js';
import { Browser } from './support/browser.js';

const HERE = import.meta.dirname;
const GUIDE = readFileSync(join(HERE, '../docs/cookies.md'), 'utf8');
const withoutIndent = (text: string): string => text.replace(/^ +/gm, '').replace(/;$/gm, '');
const SOURCES = readdirSync(join(HERE, 'cookies-guide')).map((name) =>
  withoutIndent(readFileSync(join(HERE, 'cookies-guide', name), 'utf8')),
);

describe('docs/cookies.md', () => {
  it('shows nothing but code that the tests below run', () => {
    const examples = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text]) => withoutIndent(text ?? ''));
    expect(examples).toHaveLength(5);
    expect(examples.filter((example) => !SOURCES.some((source) => source.includes(example)))).toEqual([]);
  });
});

describe.each(ADAPTERS)('What docs/cookies.md shows, on %s', (adapter) => {
  let app: INestApplication;
  afterEach(() => app.close());

  async function start(tokens: DynamicModule): Promise<Browser> {
    const builder = Test.createTestingModule({
      imports: [TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }), tokens],
      controllers: [AuthController, ReportsController],
      providers: [UsersService],
    });
    const clock = useTestTokens(builder);
    const compiled = await builder.compile();
    app = adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const browser = new Browser(port, { clock });
    expect((await browser.fetch('/auth/login', { method: 'POST', body: { username: 'alice', password: 'wrong' } })).status).toBe(401);
    expect((await browser.fetch('/auth/login', { method: 'POST', body: LOGIN })).status).toBe(200);
    clock.advance('1h');
    return browser;
  }

  const LOGIN = { username: 'alice', password: 'secret', remember: true };

  it('signs in, refreshes, downloads and signs out', async () => {
    process.env.TOKEN_SECRET = SECRET;
    const browser = await start(cookies());
    expect((await browser.fetch('/reports/7')).json()).toEqual({ id: '7', subject: 'alice' });
    const renewed = await browser.fetch('/auth/refresh', { method: 'POST' });
    expect(Object.keys(renewed.json())).toEqual(['token_type', 'expires_in', 'refresh_expires_in', 'session_id']);
    expect((await browser.fetch('/auth/logout', { method: 'POST' })).status).toBe(204);
    expect((await browser.fetch('/reports/7')).status).toBe(401);
  });

  it('ends with the browser session without “remember me”', async () => {
    const browser = await start(cookies());
    await browser.fetch('/auth/login', { method: 'POST', body: { ...LOGIN, remember: false } });
    expect(Object.values(await browser.cookies()).filter(({ maxAge }) => maxAge !== null)).toEqual([]);
  });

  it('knows a user who follows a link on another site, if the server renders the pages', async () => {
    const browser = await start(serverRendered());
    expect((await browser.navigate('/reports/7', { from: 'https://mail.example.net' })).status).toBe(200);
  });

  it('serves a page on another subdomain', async () => {
    const browser = await start(onSubdomain());
    const from = 'https://app.example.com';
    const api = new Browser(browser.port, { site: 'https://api.example.com' });
    expect((await api.fetch('/auth/login', { from, method: 'POST', body: LOGIN })).status).toBe(200);
    expect((await api.fetch('/auth/refresh', { from, method: 'POST' })).status).toBe(200);
    expect((await api.fetch('/auth/refresh', { from: 'https://blog.example.com', method: 'POST' })).status).toBe(403);
  });
});
