import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PairBody, RunningSample } from '../support/process/sample.js';
import { CompiledSample, deliveredBy, PASSWORD, SECRET } from '../support/process/sample.js';

const README = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
const hasCurl = spawnSync('curl', ['--version']).status === 0;

let compiled: CompiledSample;

beforeAll(() => {
  compiled = new CompiledSample('01-quickstart');
});

afterAll(() => compiled.dispose());

describe('the quick start', () => {
  let sample: RunningSample;

  beforeAll(async () => {
    sample = await compiled.start();
  }, 30_000);

  it('signs a user in with 200 and a pair, in the body and in the headers', async () => {
    const response = await sample.call('/auth/login', { method: 'POST', body: { username: 'alice', password: PASSWORD } });
    expect(response.status).toBe(200);
    expect(response.json()).toMatchObject({ access_token: expect.any(String), refresh_token: expect.any(String), token_type: 'Bearer' });
    expect(response.json()).toMatchObject(deliveredBy(response));
    expect(response.headers['cache-control']).toBe('no-store');
  });

  it.each([
    ['a wrong password', { username: 'alice', password: 'wrong' }],
    ['an unknown user', { username: 'mallory', password: PASSWORD }],
    ['a name that every object has', { username: 'constructor', password: PASSWORD }],
    ['a password that is not text', { username: 'alice', password: { length: 28 } }],
    ['a list', []],
    ['no body', undefined],
  ])('refuses to sign in with %s (401)', async (_, body) => {
    expect((await sample.call('/auth/login', { method: 'POST', body })).status).toBe(401);
  });

  it('tells the caller of a guarded route who they are', async () => {
    const { access_token, session_id } = await sample.signIn('alice');
    const response = await sample.as({ access_token }, '/me');
    expect(response.status).toBe(200);
    expect(response.json()).toMatchObject({ sub: 'alice', sid: session_id, roles: ['admin'] });
  });

  it('refuses a guarded route without a token', async () => {
    const response = await sample.call('/me');
    expect([response.status, response.json()['errorCode']]).toEqual([401, 'token_missing']);
    expect(response.headers['www-authenticate']).toBe('Bearer');
  });

  it('refreshes inside a request whose access token has expired', async () => {
    const old = await sample.signInLongAgo('bob');
    const response = await sample.as(old, '/me');
    expect([response.status, response.json()['sub']]).toEqual([200, 'bob']);
    expect((await sample.as(deliveredBy(response), '/me')).status).toBe(200);
    expect(deliveredBy(response).refresh_token).not.toBe(old.refresh_token);
  });

  it('refreshes on request', async () => {
    const { refresh_token } = await sample.signIn('bob');
    const response = await sample.as({ refresh_token }, '/auth/refresh', 'POST');
    expect(response.status).toBe(200);
    const next = response.json<PairBody>();
    expect(next.refresh_token).not.toBe(refresh_token);
    expect((await sample.as({ access_token: next.access_token }, '/me')).status).toBe(200);
  });

  it.each([
    ['refresh_missing', {}],
    ['refresh_invalid', { refresh_token: 'ntr_invented' }],
  ])('refuses an explicit refresh with 401 %s', async (errorCode, tokens) => {
    const response = await sample.as(tokens, '/auth/refresh', 'POST');
    expect([response.status, response.json()['errorCode']]).toEqual([401, errorCode]);
    expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  it('signs out: both tokens of the session are refused', async () => {
    const { access_token, refresh_token } = await sample.signIn('alice');
    expect((await sample.as({ refresh_token }, '/auth/logout', 'POST')).status).toBe(204);
    expect((await sample.as({ access_token }, '/me')).json()['errorCode']).toBe('token_revoked');
    expect((await sample.as({ refresh_token }, '/auth/refresh', 'POST')).json()['errorCode']).toBe('session_revoked');
  });

  it('signs out again, and without a token, with 204 (RFC 7009 §2.2)', async () => {
    const { refresh_token } = await sample.signIn('alice');
    for (const tokens of [{ refresh_token }, { refresh_token }, {}]) {
      expect((await sample.as(tokens, '/auth/logout', 'POST')).status).toBe(204);
    }
  });

  (hasCurl ? it : it.skip)('gives every curl line of the README the status that its comment names', () => {
    const [script = ''] = /^U=http[^]*?(?=^```$)/m.exec(README) ?? [];
    const promised = [...script.matchAll(/# (\d{3})\b/g)].map(([, status]) => status);
    const output = execFileSync('bash', ['-c', script.replace(':3000', `:${sample.port}`)], { encoding: 'utf8', stdio: 'pipe' });
    expect(promised).toEqual(['200', '401', '200', '200', '204', '401']);
    expect([...output.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual(promised);
  });
});

describe('the secret of the quick start', () => {
  const file = () => join(compiled.directory, 'data', 'token.secret');
  const withoutSecret = { TOKEN_SECRET: undefined as never };

  it('comes from TOKEN_SECRET alone in production: without it, nothing starts and nothing is kept', async () => {
    const { code, output } = await compiled.run({ NODE_ENV: 'production' });
    expect(code).not.toBe(0);
    expect(output).toMatch(/TokenOptionsError.*secret/);
    expect(existsSync(file())).toBe(false);
  }, 30_000);

  it('is not written anywhere when TOKEN_SECRET is set', async () => {
    await (await compiled.start({ TOKEN_SECRET: SECRET })).stop();
    expect(existsSync(file())).toBe(false);
  }, 30_000);

  it('is a random one otherwise, kept in a file so that sessions survive a restart', async () => {
    const first = await compiled.start(withoutSecret);
    const pair = await first.signIn('alice');
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(first.log).not.toContain(readFileSync(file(), 'utf8'));
    await first.stop();
    const second = await compiled.start(withoutSecret);
    expect((await second.as(pair, '/me')).status).toBe(200);
    expect((await second.as({ refresh_token: pair.refresh_token }, '/auth/refresh', 'POST')).status).toBe(200);
  }, 30_000);
});
