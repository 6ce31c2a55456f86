import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { readEnvironment } from '../../sample/90-reference/src/environment.js';
import { ADAPTERS } from '../support/app.js';
import type { RunningSample } from '../support/process/sample.js';
import { CompiledSample, deliveredBy, PASSWORD, SECRET } from '../support/process/sample.js';

let compiled: CompiledSample;

beforeAll(() => {
  compiled = new CompiledSample();
});

afterAll(() => compiled.dispose());

describe.each(ADAPTERS)('the reference sample on %s', (HTTP_ADAPTER) => {
  let file: string;
  let sample: RunningSample;

  beforeAll(async () => {
    file = compiled.newDatabase();
    sample = await compiled.start({ HTTP_ADAPTER, DATABASE_URL: `sqlite:${file}` });
  }, 30_000);

  const login = (body: unknown) => sample.call('/auth/login', { method: 'POST', body });

  describe('POST /auth/login', () => {
    it('answers 200 and the pair under its standard names (RFC 6749 §5.1)', async () => {
      const answer = await login({ username: 'alice', password: PASSWORD });
      expect(answer.status).toBe(200);
      expect(answer.json()).toEqual({
        access_token: expect.any(String),
        refresh_token: expect.stringMatching(/^ntr_/),
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        refresh_expires_in: 14 * 86_400,
        session_id: expect.any(String),
      });
    });

    it('puts the pair into the headers too, uncacheable', async () => {
      const answer = await login({ username: 'bob', password: PASSWORD });
      expect(answer.json()).toMatchObject(deliveredBy(answer));
      expect(answer.headers['cache-control']).toBe('no-store');
    });

    it.each([
      ['a wrong password', { username: 'alice', password: 'wrong' }],
      ['an unknown user', { username: 'mallory', password: PASSWORD }],
      ['an unknown user and the password of nobody', { username: 'mallory', password: ' ' }],
      ['a name that every object has', { username: 'constructor', password: PASSWORD }],
    ])('answers 401 to %s', async (_, body) => {
      expect((await login(body)).status).toBe(401);
    });

    it.each([
      ['broken JSON', '{"username":'],
      ['null', 'null'],
      ['a list', '[]'],
      ['no password', { username: 'alice' }],
      ['a password that is no text', { username: 'alice', password: { length: 12 } }],
      ['an endless password', { username: 'alice', password: 'x'.repeat(10_000) }],
      ['no body', undefined],
    ])('answers 400 to %s', async (_, body) => {
      expect((await login(body)).status).toBe(400);
    });
  });

  describe('POST /auth/refresh', () => {
    it('takes the refresh token from its header', async () => {
      const { access_token, refresh_token } = await sample.signIn('alice');
      const answer = await sample.as({ refresh_token }, '/auth/refresh', 'POST');
      expect(answer.status).toBe(200);
      expect(answer.json()['refresh_token']).not.toBe(refresh_token);
      expect(answer.json()['access_token']).not.toBe(access_token);
    });

    it('takes the refresh token from the body', async () => {
      const { refresh_token } = await sample.signIn('alice');
      const answer = await sample.call('/auth/refresh', { method: 'POST', body: { refresh_token } });
      expect(answer.status).toBe(200);
      expect(answer.json()['refresh_token']).toMatch(/^ntr_/);
    });

    it.each([
      ['refresh_missing', 'no token', undefined],
      ['refresh_invalid', 'an invented token', { refresh_token: 'ntr_invented' }],
      ['refresh_invalid', 'a token that is no text', { refresh_token: [1] }],
    ])('answers 401 %s to %s', async (errorCode, _, body) => {
      const answer = await sample.call('/auth/refresh', { method: 'POST', body });
      expect(answer.status).toBe(401);
      expect(answer.json()['errorCode']).toBe(errorCode);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    });
  });

  describe('POST /auth/logout', () => {
    it.each(['access_token', 'refresh_token'] as const)('ends the session of the %s', async (name) => {
      const pair = await sample.signIn('alice');
      expect((await sample.as({ [name]: pair[name] }, '/auth/logout', 'POST')).status).toBe(204);
      expect((await sample.as(pair, '/me')).json()['errorCode']).toBe('token_revoked');
      expect((await sample.as({ refresh_token: pair.refresh_token }, '/me')).json()['errorCode']).toBe('session_revoked');
    });

    it('takes the refresh token from the body', async () => {
      const { refresh_token } = await sample.signIn('alice');
      expect((await sample.call('/auth/logout', { method: 'POST', body: { refresh_token } })).status).toBe(204);
      expect((await sample.as({ refresh_token }, '/me')).status).toBe(401);
    });

    it('is idempotent, and silent on junk (RFC 7009 §2.2)', async () => {
      const pair = await sample.signIn('alice');
      for (const tokens of [pair, pair, {}, { access_token: 'junk' }, { refresh_token: 'junk' }]) {
        expect((await sample.as(tokens, '/auth/logout', 'POST')).status).toBe(204);
      }
    });
  });

  describe('POST /auth/logout-all', () => {
    it('ends all sessions of the caller and no others, and is idempotent', async () => {
      const [here, there, other] = [await sample.signIn('alice'), await sample.signIn('alice'), await sample.signIn('bob')];
      expect((await sample.as(here, '/auth/logout-all', 'POST')).status).toBe(204);
      expect((await sample.as(here, '/auth/logout-all', 'POST')).status).toBe(204);
      for (const ended of [here, there]) expect((await sample.as(ended, '/me')).status).toBe(401);
      expect((await sample.as(other, '/me')).status).toBe(200);
    });

    it('answers 401 to a caller whom it does not know', async () => {
      expect((await sample.as({}, '/auth/logout-all', 'POST')).status).toBe(401);
    });
  });

  describe('/auth/sessions', () => {
    it('lists the sessions of the caller and marks the current one', async () => {
      const here = await sample.signIn('bob');
      const there = await sample.signIn('bob');
      await sample.signIn('alice');
      const sessions = (await sample.as(here, '/auth/sessions')).json<{ id: string; subject: string; current: boolean }[]>();
      expect(sessions.filter(({ current }) => current).map(({ id }) => id)).toEqual([here.session_id]);
      expect(sessions.map(({ id }) => id)).toContain(there.session_id);
      expect(new Set(sessions.map(({ subject }) => subject))).toEqual(new Set(['bob']));
    });

    it('ends one of them', async () => {
      const [here, there] = [await sample.signIn('alice'), await sample.signIn('alice')];
      expect((await sample.as(here, `/auth/sessions/${there.session_id}`, 'DELETE')).status).toBe(204);
      expect((await sample.as(there, '/me')).status).toBe(401);
      expect((await sample.as(here, '/me')).status).toBe(200);
    });

    it("answers 404 to another user's session and leaves it alive", async () => {
      const [alice, bob] = [await sample.signIn('alice'), await sample.signIn('bob')];
      expect((await sample.as(alice, `/auth/sessions/${bob.session_id}`, 'DELETE')).status).toBe(404);
      expect((await sample.as(bob, '/me')).status).toBe(200);
    });
  });

  describe('guarded and open routes', () => {
    it('GET /me answers the principal', async () => {
      const pair = await sample.signIn('alice');
      const answer = await sample.as({ access_token: pair.access_token }, '/me');
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({ sub: 'alice', sid: pair.session_id, roles: ['admin'] });
      expect(answer.headers['x-refresh-token']).toBeUndefined();
    });

    it('GET /me answers 401 with a bare challenge without a token (RFC 6750 §3.1)', async () => {
      const answer = await sample.call('/me');
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    });

    it('GET /public is open', async () => {
      expect((await sample.as({ access_token: 'junk' }, '/public')).status).toBe(200);
    });

    it('GET /optional is anonymous, knows the caller, and refuses a bad token', async () => {
      expect((await sample.call('/optional')).json()).toEqual({ anonymous: true });
      expect((await sample.as(await sample.signIn('bob'), '/optional')).json()).toMatchObject({ sub: 'bob' });
      expect((await sample.as({ access_token: 'junk' }, '/optional')).status).toBe(401);
    });

    it('GET /admin is for alice, and 403 for bob', async () => {
      expect((await sample.as(await sample.signIn('alice'), '/admin')).status).toBe(200);
      expect((await sample.as(await sample.signIn('bob'), '/admin')).status).toBe(403);
    });

    it('GET /slow waits as long as it is told', async () => {
      const pair = await sample.signIn('alice');
      expect((await sample.as(pair, '/slow?ms=30')).json()).toEqual({ waited_ms: 30 });
      expect((await sample.as(pair, '/slow?ms=-1')).json()).toEqual({ waited_ms: 0 });
      expect((await sample.as(pair, '/slow?ms=soon')).json()).toEqual({ waited_ms: 0 });
    });

    it.each(['/boom', '/slow', '/stream', '/admin'])('GET %s answers 401 without a token', async (path) => {
      expect((await sample.call(path)).status).toBe(401);
    });

    it('GET /health answers 200', async () => {
      expect((await sample.call('/health')).status).toBe(200);
    });
  });

  describe('with an expired pair', () => {
    it.each([
      ['alice', '/me', 200],
      ['alice', '/boom', 500],
      ['bob', '/admin', 403],
      ['alice', '/stream', 200],
      ['bob', '/optional', 200],
    ])('delivers to %s a new pair with GET %s (%d), and the pair works', async (user, path, status) => {
      const old = await sample.signInLongAgo(user);
      expect((await sample.as({ access_token: old.access_token }, path)).json()['errorCode']).toBe('token_expired');
      const answer = await sample.as(old, path);
      expect(answer.status).toBe(status);
      const fresh = deliveredBy(answer);
      expect(fresh.refresh_token).not.toBe(old.refresh_token);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect((await sample.as({ access_token: fresh.access_token ?? '' }, '/me')).json()).toMatchObject({ sub: user });
      expect((await sample.as({ refresh_token: fresh.refresh_token ?? '' }, '/me')).status).toBe(200);
    });

    it('answers 200 to 200 parallel requests with one rotation and one successor', async () => {
      const pair = await sample.signInLongAgo('alice');
      const answers = await Promise.all(Array.from({ length: 200 }, () => sample.as(pair, '/me')));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map((answer) => deliveredBy(answer).refresh_token)).size).toBe(1);
      expect(generationOf(file, pair.session_id)).toBe(1);
    });
  });
});

describe.each(ADAPTERS)('the reference sample on %s, out of the ordinary', (HTTP_ADAPTER) => {
  let file: string;
  let sample: RunningSample;

  beforeAll(async () => {
    file = compiled.newDatabase();
    sample = await compiled.start({ HTTP_ADAPTER, DATABASE_URL: `sqlite:${file}` });
  }, 30_000);

  it('refuses a disabled user with the next refresh, and lets only administrators disable', async () => {
    const [alice, bob] = [await sample.signIn('alice'), await sample.signInLongAgo('bob')];
    const disable = '/admin/users/bob/disable';
    expect((await sample.as({ refresh_token: bob.refresh_token }, disable, 'POST')).status).toBe(403);
    expect((await sample.as(alice, '/admin/users/nobody/disable', 'POST')).status).toBe(404);
    expect((await sample.as(alice, disable, 'POST')).status).toBe(204);
    const refused = await sample.as(bob, '/me');
    expect(refused.status).toBe(401);
    expect(refused.json()['errorCode']).toBe('user_rejected');
    expect(deliveredBy(refused)).toEqual({});
    expect((await sample.as(bob, '/me')).json()['errorCode']).toBe('session_revoked');
    expect((await sample.call('/auth/login', { method: 'POST', body: { username: 'bob', password: PASSWORD } })).status).toBe(401);
    expect((await sample.as(alice, '/me')).status).toBe(200);
  });

  it('answers 503 to GET /health and to a refresh while the table is away, and keeps the session', async () => {
    const pair = await sample.signInLongAgo('alice');
    withDatabase(file, (database) => database.exec('ALTER TABLE token_session RENAME TO away'));
    expect((await sample.call('/health')).status).toBe(503);
    expect((await sample.as(pair, '/me')).status).toBe(503);
    withDatabase(file, (database) => database.exec('ALTER TABLE away RENAME TO token_session'));
    expect((await sample.call('/health')).status).toBe(200);
    expect((await sample.as(pair, '/me')).status).toBe(200);
  });
});

describe('two processes of the sample on one new SQLite file', () => {
  let file: string;
  let samples: [RunningSample, RunningSample];

  beforeAll(async () => {
    file = compiled.newDatabase();
    const environment = { DATABASE_URL: `sqlite:${file}` };
    samples = await Promise.all([compiled.start(environment), compiled.start({ ...environment, HTTP_ADAPTER: 'fastify' })]);
  }, 30_000);

  it('answer 200 to 100 parallel requests each with one rotation and one successor', async () => {
    const pair = await samples[0].signInLongAgo('alice');
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => samples[index % 2 === 0 ? 0 : 1].as(pair, '/me')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => deliveredBy(answer).refresh_token)).size).toBe(1);
    expect(generationOf(file, pair.session_id)).toBe(1);
  });

  it('refuse a session at once that one of them has ended, when it is refreshed by the other', async () => {
    const pair = await samples[0].signInLongAgo('alice');
    await samples[0].as(pair, '/auth/logout', 'POST');
    expect((await samples[1].as(pair, '/me')).json()['errorCode']).toBe('session_revoked');
  });
});

describe('the environment of the sample', () => {
  it('without TOKEN_SECRET keeps a random one beside the database that outlives the process', async () => {
    const file = compiled.newDatabase();
    const environment = { DATABASE_URL: `sqlite:${file}` };
    const first = await compiled.start({ ...environment, TOKEN_SECRET: undefined as never });
    const pair = await first.signIn('alice');
    const secret = readFileSync(`${file}.secret`, 'utf8');
    expect(statSync(`${file}.secret`).mode & 0o777).toBe(0o600);
    expect(first.log).toContain('a random secret is kept in');
    expect(first.log).not.toContain(secret);
    await first.stop();
    const second = await compiled.start({ ...environment, TOKEN_SECRET: undefined as never });
    expect((await second.as(pair, '/me')).status).toBe(200);
  }, 30_000);

  it.each<[string, Record<string, string>]>([
    ['DATABASE_URL', { TOKEN_SECRET: SECRET }],
    ['TOKEN_SECRET|DATABASE_URL', {}],
  ])(
    'ends with a line about %s where no folder can be made for the SQLite file (F-42)',
    async (variable, environment) => {
      const { code, output } = await compiled.run({ DATABASE_URL: 'sqlite:/proc/nope/deeper/x.db', ...environment });
      expect(code).toBe(1);
      expect(output).toMatch(new RegExp(`^reference: (${variable}) .*\\(.*(ENOENT|EACCES|EPERM|EROFS).*/proc.*\\)\\n$`));
    },
    30_000,
  );

  it('takes an SQLite database in memory, lifetimes and limits', async () => {
    const sample = await compiled.start({
      DATABASE_URL: 'sqlite::memory:',
      ACCESS_LIFETIME: '20s',
      REFRESH_GRACE: '1s',
      REFRESH_LIMIT: '1/1h',
    });
    const pair = await sample.signIn('alice');
    expect(pair.expires_in).toBeLessThanOrEqual(20);
    const next = await sample.as({ refresh_token: pair.refresh_token }, '/auth/refresh', 'POST');
    expect(next.status).toBe(200);
    // Two grace periods later the token may be rotated again, were it not for the limit.
    await delay(2_100);
    const limited = await sample.as({ refresh_token: String(next.json()['refresh_token']) }, '/auth/refresh', 'POST');
    expect(limited.status).toBe(429);
    expect(limited.headers['retry-after']).toMatch(/^\d+$/);
  }, 30_000);

  it.each([
    ['PORT', '65536'],
    ['HTTP_ADAPTER', 'koa'],
    ['DATABASE_URL', 'oracle://user:hidden-password@localhost/app'],
    ['DATABASE_URL', 'postgres://user:hidden-password@localhost'],
    ['DATABASE_URL', 'mysql://user:%hidden-password@localhost/app'],
    ['DATABASE_URL', 'mariadb:///app'],
    ['DATABASE_URL', 'app.db'],
    ['TOKEN_SECRET', ''],
    ['TOKEN_TRANSPORT', 'cookie'],
    ['TOKEN_TRANSPORT', 'mixed'],
    ['ACCESS_LIFETIME', '900'],
    ['REFRESH_ABSOLUTE_LIFETIME', '1 year'],
    ['REFRESH_LIMIT', '60'],
  ])('refuses %s=%s and names it', (name, value) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(new RegExp(`^${name} (?!.*hidden-password)`));
  });

  it.each([
    ['PORT', 'eighty'],
    ['DATABASE_URL', 'postgres://user:hidden-password@localhost/'],
    ['TOKEN_SECRET', 'hidden-password'],
    ['REFRESH_GRACE', '10m'],
  ])(
    'ends with code 1 and one line that names %s=%s',
    async (name, value) => {
      const { code, output } = await compiled.run({
        DATABASE_URL: `sqlite:${compiled.newDatabase()}`,
        TOKEN_SECRET: SECRET,
        [name]: value,
      });
      expect(code).toBe(1);
      expect(output).toMatch(new RegExp(`^reference: ${name} .+\\n$`));
      expect(output).not.toContain('hidden-password');
    },
    30_000,
  );
});

function withDatabase<T>(file: string, use: (database: Database.Database) => T): T {
  const database = new Database(file);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

function generationOf(file: string, sessionId: string): unknown {
  return withDatabase(file, (database) => database.prepare('SELECT generation FROM token_session WHERE id = ?').pluck().get(sessionId));
}
