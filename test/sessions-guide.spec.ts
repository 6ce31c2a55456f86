import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { useTestTokens } from 'nestjs-token/testing';
import type { FakeClock } from 'nestjs-token/testing';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AccountController } from './sessions-guide/account.controller.js';
import { tokens, UsersModule } from './sessions-guide/tokens.js';
import { UsersService } from './sessions-guide/users.service.js';
import type { Answer } from './support/app.js';
import { ADAPTERS, bearing, call, SECRET } from './support/app.js';

const HERE = import.meta.dirname;
const GUIDE = readFileSync(join(HERE, '../docs/sessions.md'), 'utf8');
const SOURCES = readdirSync(join(HERE, 'sessions-guide')).map((name) =>
  withoutIndent(readFileSync(join(HERE, 'sessions-guide', name), 'utf8')),
);

/** Members of a class stand in the guide without their class. */
function withoutIndent(text: string): string {
  return text.replace(/^ +/gm, '');
}

describe('docs/sessions.md', () => {
  it('shows nothing but code that the tests below run', () => {
    const examples = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text]) => withoutIndent(text ?? ''));
    expect(examples.length).toBeGreaterThan(8);
    expect(examples.filter((example) => !SOURCES.some((source) => source.includes(example)))).toEqual([]);
  });
});

/** Has a table of sessions that the tests do not use. */
function database(): ReturnType<typeof TypeOrmModule.forRoot> {
  return TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true });
}

interface Pair {
  accessToken: string;
  refreshToken: string;
}

interface Device {
  id: string;
  label: string;
  lastUsedAt: number;
  isCurrent: boolean;
}

describe.each(ADAPTERS)('the code of docs/sessions.md on %s', (adapter) => {
  let app: INestApplication;
  let clock: FakeClock;

  beforeEach(async () => {
    process.env['TOKEN_SECRET'] = SECRET;
    const builder = Test.createTestingModule({ imports: [database(), UsersModule, tokens], controllers: [AccountController] });
    clock = useTestTokens(builder);
    const compiled = await builder.compile();
    app = adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
    await app.listen(0, '127.0.0.1');
  });
  afterEach(async () => {
    delete process.env['TOKEN_SECRET'];
    await app.close();
  });

  const send = (method: string, path: string, { pair, body }: { pair?: Pair; body?: object } = {}): Promise<Answer> => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    return call({ port, path: `/account/${path}`, method, headers: pair ? bearing(pair) : {}, body });
  };
  const login = async (name: string, more: object = {}): Promise<Pair> => {
    const response = await send('POST', 'login', { body: { name, password: `${name}'s password`, ...more } });
    const { access_token, refresh_token } = response.json<{ access_token: string; refresh_token: string }>();
    clock.advance(1_000);
    return { accessToken: access_token, refreshToken: refresh_token };
  };
  const devices = async (pair: Pair): Promise<Device[]> => (await send('GET', 'devices', { pair })).json<Device[]>();
  const code = (answer: Answer): unknown => answer.json()['errorCode'];

  it('keeps as many devices as the user may have, and lists them with names', async () => {
    const [first, , , last] = [await login('alice', { device: 'a' }), await login('alice'), await login('alice'), await login('alice')];
    expect(code(await send('GET', 'devices', { pair: first }))).toBe('token_revoked');
    expect((await devices(last)).map(({ label, isCurrent }) => [label, isCurrent])).toEqual([
      ['Unknown device', true],
      ['Unknown device', false],
      ['Unknown device', false],
    ]);
  });

  it('gives a shared device a short idle lifetime', async () => {
    const pair = await login('alice', { isShared: true });
    clock.advance(3_600_000);
    expect(code(await send('GET', 'devices', { pair }))).toBe('refresh_expired');
  });

  it('renames and ends devices of the caller, and leaves those of others alone', async () => {
    const [mine, phone, bobs] = [await login('alice'), await login('alice'), await login('bob')];
    const id = (await devices(phone)).find(({ isCurrent }) => isCurrent)!.id;
    expect((await send('PATCH', `devices/${id}`, { pair: bobs, body: { label: 'x' } })).status).toBe(404);
    expect((await send('PATCH', `devices/${id}`, { pair: mine, body: { label: 'my phone' } })).status).toBe(204);
    expect((await devices(mine)).map(({ label }) => label)).toContain('my phone');
    await send('DELETE', `devices/${id}`, { pair: bobs });
    expect(await devices(mine)).toHaveLength(2);
    expect((await send('DELETE', `devices/${id}`, { pair: mine })).status).toBe(204);
    expect(code(await send('GET', 'devices', { pair: phone }))).toBe('token_revoked');
  });

  it('changes the password once it has been asked for again, and signs the other devices out', async () => {
    const [mine, phone] = [await login('alice'), await login('alice')];
    clock.advance(600_000);
    const body = { password: 'a new password' };
    expect(code(await send('POST', 'password', { pair: mine, body }))).toBe('fresh_token_required');
    expect((await send('POST', 'reauthenticate', { pair: mine, body: { password: 'wrong' } })).status).toBe(401);
    const again = await send('POST', 'reauthenticate', { pair: mine, body: { password: "alice's password" } });
    const accessToken = String(again.headers.authorization).replace('Bearer ', '');
    expect((await send('POST', 'password', { pair: { ...mine, accessToken }, body })).status).toBe(204);
    expect(code(await send('GET', 'devices', { pair: phone }))).toBe('token_revoked');
    expect(await devices({ ...mine, accessToken })).toHaveLength(1);
  });

  it('gives a user new roles with the next request', async () => {
    const [admin, bob] = [await login('alice'), await login('bob')];
    expect((await send('PUT', 'users/bob/roles', { pair: admin, body: { roles: ['editor'] } })).status).toBe(204);
    const answer = await send('GET', 'devices', { pair: bob });
    const [, payload] = String(answer.headers.authorization).split('.');
    expect([answer.status, JSON.parse(Buffer.from(payload!, 'base64url').toString())]).toMatchObject([200, { roles: ['editor'] }]);
  });

  it('refuses the access tokens of a session that stays open', async () => {
    const bob = await login('bob');
    const [{ id } = { id: '' }] = await devices(bob);
    expect((await send('POST', `devices/${id}/recheck`, { pair: bob })).status).toBe(204);
    expect(code(await send('GET', 'devices', { pair: { accessToken: bob.accessToken } as Pair }))).toBe('token_expired');
    expect((await send('GET', 'devices', { pair: bob })).status).toBe(200);
  });

  it('loads the user once for many requests, and stops a disabled user at once', async () => {
    const [admin, bob] = [await login('alice'), await login('bob')];
    const users = app.get(UsersService);
    const before = users.reads;
    for (let count = 0; count < 5; count += 1) await devices(bob);
    expect(users.reads).toBe(before);
    await send('POST', 'users/bob/disable', { pair: admin });
    expect(code(await send('GET', 'devices', { pair: bob }))).toBe('token_revoked');
    expect(code(await send('POST', 'login', { body: { name: 'bob', password: "bob's password" } }))).toBe('user_rejected');
  });
});
