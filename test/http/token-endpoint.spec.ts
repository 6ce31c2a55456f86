import { afterEach, describe, expect, it } from '@jest/globals';
import { UserRejected } from 'nestjs-token';
import type { TokenModuleRootOptions } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { ADAPTERS, bearing } from '../support/app.js';
import type { AppSetup } from '../support/app.js';
import { findLeaks } from '../support/leaks.js';
import type { OAuthApp } from '../support/oauth-app.js';
import { BASIC, CLIENT, duringOutage, refusal, startOAuthApp } from '../support/oauth-app.js';

const GRANT = { grant_type: 'refresh_token' };

describe.each(ADAPTERS)('POST token on %s', (adapter) => {
  let running: OAuthApp;
  afterEach(() => running.close());

  const start = async (options: Partial<TokenModuleRootOptions> = {}, setup: AppSetup = {}): Promise<OAuthApp> =>
    (running = await startOAuthApp({ adapter, ...setup }, options));
  const signIn = async (claims: object = {}): Promise<string> => (await running.refresh.signIn('alice', { claims })).refreshToken!;

  it('refreshes with a form and with JSON, and responds as RFC 6749 §5.1 says', async () => {
    await start();
    const first = await running.form('/auth/token', { ...GRANT, refresh_token: await signIn() });
    expect([first.status, first.headers['cache-control'], first.headers['pragma'], first.headers['content-type']]).toEqual([
      200,
      'no-store',
      'no-cache',
      'application/json; charset=utf-8',
    ]);
    const pair = first.json<Record<string, string>>();
    expect(Object.keys(pair).sort()).toEqual([
      'access_token',
      'expires_in',
      'refresh_expires_in',
      'refresh_token',
      'session_id',
      'token_type',
    ]);
    const second = await running.call('/auth/token', { method: 'POST', body: { ...GRANT, refresh_token: pair['refresh_token'] } });
    expect([second.status, second.json()['session_id']]).toEqual([200, pair['session_id']]);
    const accessToken = second.json<Record<string, string>>()['access_token']!;
    expect((await running.call('/me', { headers: bearing({ accessToken }) })).json()).toMatchObject({ sub: 'alice' });
  });

  it.each(['cookie', 'mixed'] as const)('has both tokens in the body and no cookie with transport: %s', async (transport) => {
    await start({ transport, cookie: { insecure: true } });
    const response = await running.form(
      '/auth/token',
      { ...GRANT, refresh_token: await signIn() },
      { headers: { origin: 'https://evil.example' } },
    );
    expect([response.status, response.headers['set-cookie'], response.headers['authorization']]).toEqual([200, undefined, undefined]);
    expect(response.json()).toEqual(expect.objectContaining({ access_token: expect.any(String), refresh_token: expect.any(String) }));
  });

  it('reads no refresh token from a cookie, a header or the query, so that no page of another site can send it', async () => {
    await start({ transport: 'cookie', cookie: { insecure: true } });
    const token = await signIn();
    const headers = { cookie: `refresh=${token}`, 'x-refresh-token': token };
    expect(refusal(await running.form(`/auth/token?refresh_token=${token}`, GRANT, { headers }))).toEqual([400, 'invalid_request']);
    expect((await running.form('/auth/token', { ...GRANT, refresh_token: token })).status).toBe(200);
  });

  it('gives every one of 20 parallel requests the same successor', async () => {
    await start();
    const refresh_token = await signIn();
    const responses = await Promise.all(Array.from({ length: 20 }, () => running.form('/auth/token', { ...GRANT, refresh_token })));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(responses.map((response) => response.json()['refresh_token'])).size).toBe(1);
  });

  const good = { ...GRANT, refresh_token: 'ntr_' };
  it.each<[string, Record<string, string | string[]>, string]>([
    ['no grant_type', { refresh_token: 'a' }, 'invalid_request'],
    ['a grant_type without a value', { ...good, grant_type: '' }, 'invalid_request'],
    ['two grant_types', { ...good, grant_type: ['refresh_token', 'refresh_token'] }, 'invalid_request'],
    ['another grant_type', { ...good, grant_type: 'authorization_code' }, 'unsupported_grant_type'],
    ['no refresh token', GRANT, 'invalid_request'],
    ['a refresh token without a value', { ...GRANT, refresh_token: '' }, 'invalid_request'],
    ['two refresh tokens', { ...GRANT, refresh_token: ['a', 'b'] }, 'invalid_request'],
    ['a list of refresh tokens', { ...GRANT, 'refresh_token[]': 'a' }, 'invalid_request'],
    ['an invented refresh token', { ...GRANT, refresh_token: 'invented' }, 'invalid_grant'],
    ['two scopes', { ...good, scope: ['a', 'b'] }, 'invalid_request'],
    ['a malformed scope', { ...good, scope: 'a  b' }, 'invalid_scope'],
    ['two client ids', { ...good, client_id: ['a', 'b'] }, 'invalid_request'],
  ])('refuses %s with 400, and says nothing of the request', async (_, parameters, error) => {
    await start();
    const response = await running.form('/auth/token', parameters);
    expect([...refusal(response), response.headers['cache-control'], response.headers['www-authenticate']]).toEqual([
      400,
      error,
      'no-store',
      undefined,
    ]);
    expect(Object.keys(response.json())).toEqual(['error', 'error_description']);
    expect(response.json()['error_description']).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
  });

  it.each<[string, unknown, string]>([
    ['a number', 1, 'application/json'],
    ['a list', [1], 'application/json'],
    ['null', 'null', 'application/json'],
    ['a refresh token that is no text', { ...GRANT, refresh_token: { $gt: '' } }, 'application/json'],
    ['nothing', undefined, 'application/json'],
    ['text', 'grant_type=refresh_token', 'text/plain'],
    ['multipart', '--a--', 'multipart/form-data; boundary=a'],
    ['a form without a type', 'grant_type=refresh_token', ''],
    ['text of an unknown type', 'grant_type=refresh_token', 'nonsense'],
    ['malformed JSON', '{"grant_type', 'application/json'],
    ['a form that is too large', `grant_type=${'a'.repeat(2_000_000)}`, 'application/x-www-form-urlencoded'],
    ['an unknown charset', 'a=b', 'application/x-www-form-urlencoded; charset=utf-32'],
  ])('never responds 5xx to a body that is %s', async (_, body, type) => {
    await start();
    const response = await running.call('/auth/token', { method: 'POST', headers: { 'content-type': type }, body });
    expect([400, 413, 415]).toContain(response.status);
    if (!type.startsWith('application/')) expect(refusal(response)).toEqual([400, 'invalid_request']);
  });

  it('knows POST only', async () => {
    await start();
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) expect((await running.call('/auth/token', { method })).status).toBe(404);
  });

  it('is invalid_grant once the session has ended, its user is gone, or the token was reused, and leaves no challenge', async () => {
    let isGone = false;
    await start({
      loadUser: () => {
        if (isGone) throw new UserRejected();
        return {};
      },
    });
    const [ended, gone] = [await signIn(), await signIn()];
    await running.refresh.signOut(ended);
    const refused = await running.form('/auth/token', { ...GRANT, refresh_token: ended });
    expect([...refusal(refused), refused.json()['error_description']]).toEqual([400, 'invalid_grant', 'session has been revoked']);
    isGone = true;
    expect(refusal(await running.form('/auth/token', { ...GRANT, refresh_token: gone }))).toEqual([400, 'invalid_grant']);
  });

  it('responds 429 with Retry-After and our code to a session that is refreshed too often, which goes on later', async () => {
    const clock = new FakeClock(Date.now());
    await start({ refresh: { limit: { max: 1, per: '1h' } }, repository: InMemoryTokenRepository }, { clock });
    const refresh = (refresh_token: unknown) => running.form('/auth/token', { ...GRANT, refresh_token: String(refresh_token) });
    const first = (await refresh(await signIn())).json();
    clock.advance(60_000);
    const second = (await refresh(first['refresh_token'])).json();
    clock.advance(60_000);
    const limited = await refresh(second['refresh_token'] ?? first['refresh_token']);
    expect([...refusal(limited), limited.headers['retry-after']]).toEqual([429, 'refresh_limited', '3480']);
    clock.advance(3_480_000);
    expect((await refresh(first['refresh_token'])).status).toBe(200);
  });

  it('R-01 responds 503 with Retry-After while the store is away, and the token is good afterwards', async () => {
    await start();
    const refresh_token = await signIn();
    const away = await duringOutage(running, () => running.form('/auth/token', { ...GRANT, refresh_token }));
    expect([...refusal(away), away.headers['retry-after'], away.headers['cache-control']]).toEqual([
      503,
      'store_unavailable',
      '1',
      'no-store',
    ]);
    expect((await running.form('/auth/token', { ...GRANT, refresh_token })).status).toBe(200);
  });

  it('never gives more scope than the session has, and says which scope the token has', async () => {
    await start();
    const refresh_token = await signIn({ scope: 'notes:read notes:write' });
    for (const scope of ['admin', 'notes:read admin', 'notes:read']) {
      const response = await running.form('/auth/token', { ...GRANT, refresh_token, scope });
      expect([response.status, response.json()['scope']]).toEqual([200, 'notes:read notes:write']);
    }
    const response = await running.form('/auth/token', { ...GRANT, refresh_token: await signIn(), scope: 'a' });
    expect([response.status, response.json()['scope']]).toEqual([200, '']);
  });

  it('never costs a session because of the scope that is asked for, also if each refresh token works once', async () => {
    await start({ refresh: { reuse: 'strict' } });
    const refresh_token = await signIn({ scope: 'notes:read' });
    const next = (await running.form('/auth/token', { ...GRANT, refresh_token, scope: 'admin' })).json<{ refresh_token: string }>();
    expect((await running.form('/auth/token', { ...GRANT, refresh_token: next.refresh_token })).status).toBe(200);
  });

  it('tells who listens about tokens that are not good, as a guarded route does (LG-02)', async () => {
    const events: unknown[] = [];
    await start({ onEvent: (event) => events.push(event) });
    await running.form('/auth/token', { ...GRANT, refresh_token: 'invented' });
    expect(events).toEqual([expect.objectContaining({ type: 'access-rejected', code: 'refresh_invalid' })]);
  });

  it('takes public clients, and refuses a client that has a secret and does not prove it with 401 and a challenge', async () => {
    await start();
    const refresh = async (parameters: Record<string, string>, authorization?: string) =>
      running.form(
        '/auth/token',
        { ...GRANT, refresh_token: await signIn(), ...parameters },
        { headers: { ...(authorization && { authorization }) } },
      );
    expect((await refresh({ client_id: 'spa' })).status).toBe(200);
    expect((await refresh({}, 'Bearer something')).status).toBe(200);
    expect((await refresh({}, BASIC)).status).toBe(200);
    expect((await refresh({ client_id: CLIENT.id, client_secret: CLIENT.secret })).status).toBe(200);
    for (const refused of [
      await refresh({ client_id: CLIENT.id }),
      await refresh({ client_id: CLIENT.id, client_secret: 'wrong' }),
      await refresh({ client_id: 'unknown', client_secret: CLIENT.secret }),
      await refresh({ client_secret: CLIENT.secret }),
      await refresh({}, `Basic ${Buffer.from(`${CLIENT.id}:wrong%`).toString('base64')}`),
      await refresh({}, 'Basic !!!!'),
    ]) {
      expect([...refusal(refused), refused.headers['www-authenticate']]).toEqual([
        401,
        'invalid_client',
        'Basic realm="nestjs-token", charset="UTF-8"',
      ]);
      expect(findLeaks(refused.text, [CLIENT.secret])).toEqual([]);
    }
    expect(refusal(await refresh({ client_secret: CLIENT.secret, client_id: CLIENT.id }, BASIC))).toEqual([400, 'invalid_request']);
    expect(refusal(await refresh({ client_id: 'another' }, BASIC))).toEqual([400, 'invalid_request']);
  });

  it('takes no public client with requireClient', async () => {
    await start({ endpoints: { token: true, revoke: true, requireClient: true } });
    const refresh_token = await signIn();
    expect(refusal(await running.form('/auth/token', { ...GRANT, refresh_token }))).toEqual([401, 'invalid_client']);
    expect(refusal(await running.form('/auth/revoke', { token: refresh_token }))).toEqual([401, 'invalid_client']);
    expect((await running.form('/auth/token', { ...GRANT, refresh_token }, { headers: { authorization: BASIC } })).status).toBe(200);
  });
});
