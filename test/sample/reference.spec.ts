import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { ADAPTERS } from '../support/app.js';
import type { RunningSample } from '../support/process/sample.js';
import { CompiledSample, deliveredBy, PASSWORD } from '../support/process/sample.js';
import { leaksOf, MODES } from '../support/process/sample-clients.js';
import { describeBlackBox } from './black-box.js';

let compiled: CompiledSample;

beforeAll(() => {
  compiled = new CompiledSample();
});

afterAll(() => compiled.dispose());

for (const HTTP_ADAPTER of ADAPTERS)
  for (const TOKEN_TRANSPORT of MODES)
    describeBlackBox(`the reference sample on ${HTTP_ADAPTER}`, TOKEN_TRANSPORT, () => compiled.start({ HTTP_ADAPTER, TOKEN_TRANSPORT }));

describe.each(ADAPTERS)('the reference sample on %s, out of the ordinary', (HTTP_ADAPTER) => {
  let file: string;
  let sample: RunningSample;

  beforeAll(async () => {
    file = compiled.newDatabase();
    sample = await compiled.start({ HTTP_ADAPTER, DATABASE_URL: `sqlite:${file}` });
  }, 30_000);

  it.each([
    ['broken JSON', '{"username":'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no password', { username: 'alice' }],
    ['a password that is no text', { username: 'alice', password: { length: 12 } }],
    ['an endless password', { username: 'alice', password: 'x'.repeat(10_000) }],
    ['no body', undefined],
  ])('answers 400 to a sign-in with %s', async (_, body) => {
    expect((await sample.call('/auth/login', { method: 'POST', body })).status).toBe(400);
  });

  it.each([
    ['an unknown user and the password of nobody', { username: 'mallory', password: ' ' }],
    ['a name that every object has', { username: 'constructor', password: PASSWORD }],
  ])('answers 401 to %s', async (_, body) => {
    expect((await sample.call('/auth/login', { method: 'POST', body })).status).toBe(401);
  });

  it('signs out with the access token alone', async () => {
    const { access_token, refresh_token } = await sample.signIn('alice');
    expect((await sample.as({ access_token }, '/auth/logout', 'POST')).status).toBe(204);
    expect((await sample.as({ access_token }, '/me')).json()['errorCode']).toBe('token_revoked');
    expect((await sample.as({ refresh_token }, '/me')).json()['errorCode']).toBe('session_revoked');
  });

  it('refuses a bad access token on GET /optional, ignores it on GET /public, and waits no negative time', async () => {
    expect((await sample.as({ access_token: 'junk' }, '/optional')).status).toBe(401);
    expect((await sample.as({ access_token: 'junk' }, '/public')).status).toBe(200);
    const pair = await sample.signIn('alice');
    for (const ms of ['-1', 'soon']) expect((await sample.as(pair, `/slow?ms=${ms}`)).json()).toEqual({ waited_ms: 0 });
  });

  it('delivers the pair in body and headers in header mode, which the search for tokens in responses finds', async () => {
    const answer = await sample.call('/auth/login', { method: 'POST', body: { username: 'bob', password: PASSWORD } });
    expect(answer.json()).toMatchObject(deliveredBy(answer));
    expect(leaksOf('cookie', [answer])).toHaveLength(3);
    expect(leaksOf('mixed', [answer])).toHaveLength(2);
  });

  it('answers 200 to 200 parallel requests with one rotation and one successor', async () => {
    const pair = await sample.signInLongAgo('alice');
    const answers = await Promise.all(Array.from({ length: 200 }, () => sample.as(pair, '/me')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => deliveredBy(answer).refresh_token)).size).toBe(1);
    expect(generationOf(file, pair.session_id)).toBe(1);
  });

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
