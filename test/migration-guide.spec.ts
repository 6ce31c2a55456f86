import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { RefreshService } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { AppModule, FirstModule } from './migration-guide/app.module.js';
import { OldRows, OpaqueTokens } from './migration-guide/opaque-tokens.js';
import { UsersService } from './migration-guide/users.service.js';
import type { AdapterName, Answer, CallOptions } from './support/app.js';
import { ADAPTERS, call, ISSUER, SECRET } from './support/app.js';
import { composeInstance } from './support/instance.js';
import { resolveTokenOptions } from './support/lib.js';

const FOLDER = join(import.meta.dirname, 'migration-guide');
const FILES = readdirSync(FOLDER).map((name) => readFileSync(join(FOLDER, name), 'utf8'));
const GUIDE = readFileSync(join(import.meta.dirname, '..', 'docs', 'migration.md'), 'utf8');
const DAY = 86_400_000;

interface OldPair {
  accessToken: string;
  refreshToken: string;
}

/** An application of the guide, and a client that knows only the old form of the responses. */
interface Started {
  readonly users: UsersService;
  readonly refresh: RefreshService;
  me(pair: Partial<OldPair>): Promise<Answer>;
  post(path: string, body: object): Promise<Answer>;
  renew(refreshToken: string): Promise<OldPair>;
}

const apps: INestApplication[] = [];
beforeEach(() => {
  process.env['TOKEN_SECRET'] = SECRET;
  process.env['OLD_TOKENS_UNTIL'] = new Date(Date.now() + 7 * DAY).toISOString();
});
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

async function start(module: Type, adapter: AdapterName): Promise<Started> {
  const compiled = await Test.createTestingModule({ imports: [module] }).compile();
  const app = adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const send = (path: string, options: CallOptions) => call({ port, path, ...options });
  const post = (path: string, body: object) => send(path, { method: 'POST', body });
  return {
    users: app.get(UsersService, { strict: false }),
    refresh: app.get(RefreshService, { strict: false }),
    me: ({ accessToken, refreshToken }) =>
      send('/me', { headers: { authorization: `Bearer ${accessToken}`, ...(refreshToken && { 'x-refresh-token': refreshToken }) } }),
    post,
    renew: async (refreshToken) => (await post('/auth/refresh', { refreshToken })).json<OldPair>(),
  };
}

describe('docs/migration.md', () => {
  it('shows nothing but code that this test runs', () => {
    const examples = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text = '']) => text);
    expect(examples.length).toBeGreaterThanOrEqual(5);
    expect(examples.filter((example) => !FILES.some((text) => text.includes(example)))).toEqual([]);
  });
});

describe.each(ADAPTERS)('the first deployment of docs/migration.md on %s', (adapter) => {
  it('goes on with old tokens, and accepts new ones for the time of the second deployment', async () => {
    const { me, post, renew, refresh } = await start(FirstModule, adapter);
    const old = (await post('/auth/login', { name: 'alice' })).json<OldPair>();
    expect((await me({ accessToken: old.accessToken })).json()).toMatchObject({ sub: 'alice', roles: ['member'] });
    expect((await renew(old.refreshToken)).refreshToken).toMatch(/^eyJ/);
    const { accessToken, refreshToken = '' } = await refresh.signIn('bob');
    expect((await me({ accessToken })).status).toBe(200);
    expect((await renew(refreshToken)).refreshToken).toMatch(/^ntr_/);
  });
});

describe.each(ADAPTERS)('the second deployment of docs/migration.md on %s', (adapter) => {
  it('signs nobody out: an old pair is used as long as it is good, and its refresh gives a new pair', async () => {
    const { users, me, renew, refresh } = await start(AppModule, adapter);
    const old = await users.issueOldTokens('alice');
    expect((await me({ accessToken: old.accessToken })).json()).toMatchObject({ sub: 'alice', roles: ['member'] });
    const renewed = await renew(old.refreshToken);
    expect(renewed.refreshToken).toMatch(/^ntr_/);
    expect((await me({ accessToken: renewed.accessToken })).json()).toMatchObject({ sub: 'alice', roles: ['member'] });
    const again = await renew(old.refreshToken);
    expect(again.refreshToken).toBe(renewed.refreshToken);
    expect(await refresh.sessions('alice')).toHaveLength(1);
  });

  it('leaves an old client its refresh token if the response has none', async () => {
    const { renew, post } = await start(AppModule, adapter);
    const { refreshToken } = (await post('/auth/login', { name: 'alice' })).json<OldPair>();
    const first = await renew(refreshToken);
    expect((await renew(first.refreshToken)).refreshToken).toBe(first.refreshToken);
  });

  it('refreshes inside the request of a client that sends both tokens', async () => {
    const { users, me } = await start(AppModule, adapter);
    const answer = await me(await users.issueOldTokens('alice', { accessLifetime: -1 }));
    expect([answer.status, answer.json()['sub'], answer.headers['x-refresh-token']]).toEqual([
      200,
      'alice',
      expect.stringMatching(/^ntr_/),
    ]);
  });

  it('refuses old tokens that were never good, or are none of those kinds', async () => {
    const { users, me, post } = await start(AppModule, adapter);
    const { accessToken } = await users.issueOldTokens('alice');
    const { refreshToken } = await users.issueOldTokens('bob');
    users.find('bob')!.refreshTokenHash = null;
    for (const token of [accessToken, refreshToken, 'x', `${refreshToken}A`]) {
      expect((await post('/auth/refresh', { refreshToken: token })).json()).toMatchObject({ errorCode: 'refresh_invalid', signIn: true });
    }
    expect((await me({ accessToken: refreshToken })).json()).toMatchObject({ errorCode: 'token_invalid' });
  });

  it('ends old tokens at a sign-out and when the password changes', async () => {
    const { users, post, renew } = await start(AppModule, adapter);
    const [alice, bob] = [await users.issueOldTokens('alice'), await users.issueOldTokens('bob')];
    const { refreshToken } = await renew(bob.refreshToken);
    expect((await post('/auth/logout', { refreshToken: alice.refreshToken })).status).toBe(204);
    expect((await post('/auth/password', { name: 'bob' })).status).toBe(204);
    for (const token of [alice.refreshToken, bob.refreshToken, refreshToken]) {
      expect((await post('/auth/refresh', { refreshToken: token })).json()).toMatchObject({ errorCode: 'session_revoked', signIn: true });
    }
  });
});

describe('the opaque tokens of docs/migration.md', () => {
  const setup = () => {
    const rows = new OldRows();
    const token = randomBytes(32).toString('hex');
    const hash = createHash('sha256').update(token).digest('hex');
    const row = { hash, userId: 'alice', userAgent: 'Firefox', expiresAt: new Date(Date.now() + DAY), revokedAt: null as Date | null };
    rows.rows.push(row);
    return { tokens: new OpaqueTokens(rows), token, row };
  };

  it('are exchanged if they are good', async () => {
    const { tokens, token } = setup();
    const clock = new FakeClock(Date.now());
    const legacy = { until: new Date(Date.now() + DAY), exchange: (text: string) => tokens.exchange(text) };
    const options = resolveTokenOptions({ issuer: ISSUER, secret: SECRET, legacy }, 'default');
    const { refresh } = composeInstance({ options, repository: new InMemoryTokenRepository(clock), clock });
    expect((await refresh.rotate(token)).principal.sub).toBe('alice');
    expect(await refresh.sessions('alice')).toEqual([expect.objectContaining({ userAgent: 'Firefox' })]);
  });

  it('are refused if they are unknown, in another spelling, revoked or expired', async () => {
    const { tokens, token, row } = setup();
    expect(await tokens.exchange(randomBytes(32).toString('hex'))).toBeNull();
    expect(await tokens.exchange(token.toUpperCase())).toBeNull();
    row.revokedAt = new Date();
    expect(await tokens.exchange(token)).toBeNull();
    Object.assign(row, { revokedAt: null, expiresAt: new Date(Date.now() - 1) });
    expect(await tokens.exchange(token)).toBeNull();
  });
});
