import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import type { Answer, CallOptions } from '../support/app.js';
import { ADAPTERS, bearing, cookieNamesOf, expired } from '../support/app.js';
import type { OAuthApp } from '../support/oauth-app.js';
import { duringOutage, startOAuthApp } from '../support/oauth-app.js';

const MODES = ['header', 'cookie', 'mixed'] as const;
type Mode = (typeof MODES)[number];
type Listed = { id: string; current: boolean; lastUsedAt: number; label: string | null };
type Page = { sessions: Listed[]; next?: string };

const CASES = ADAPTERS.flatMap((adapter) => MODES.map((mode) => [adapter, mode] as const));

describe.each(CASES)('the endpoints of sessions on %s, tokens: %s', (adapter, mode) => {
  let running: OAuthApp;
  afterEach(() => running.close());

  const start = async (options: Partial<TokenModuleRootOptions> = {}): Promise<void> => {
    running = await startOAuthApp({ adapter }, { transport: mode, ...(mode !== 'header' && { cookie: { insecure: true } }), ...options });
  };
  const signIn = (subject = 'alice') => running.refresh.signIn(subject, { device: { label: 'Laptop' }, data: { secret: 'internal' } });
  const send = (method: string, path: string, pair?: TokenPair, options: CallOptions = {}): Promise<Answer> =>
    running.call(path, {
      method,
      ...options,
      headers: { ...(pair && carried(mode, pair)), 'sec-fetch-site': 'same-origin', ...options.headers },
    });
  const idsOf = async (subject = 'alice'): Promise<string[]> =>
    (await running.refresh.sessions(subject)).map(({ sessionId }) => sessionId).sort();
  const cleared = mode === 'header' ? [] : expect.arrayContaining(['refresh']);

  it('POST logout ends the session of the request and no other, and a browser deletes its cookies', async () => {
    await start();
    const [one, other] = [await signIn(), await signIn()];
    const response = await send('POST', '/auth/logout', one);
    expect([response.status, response.text, cookieNamesOf(response)]).toEqual([204, '', cleared]);
    expect(await idsOf()).toEqual([other.sessionId]);
    expect((await running.call('/me', { headers: { authorization: `Bearer ${one.accessToken}` } })).status).toBe(401);
  });

  it('RV-04 POST logout responds 204 without a token, with a bad one, and for a session that has ended', async () => {
    await start();
    const pair = await signIn();
    const invented = { refresh_token: 'invented' };
    for (let time = 0; time < 2; time += 1) expect((await send('POST', '/auth/logout', pair)).status).toBe(204);
    for (const options of [{}, { body: invented }, { headers: { authorization: 'Bearer a.b.c' } }]) {
      expect((await send('POST', '/auth/logout', undefined, options)).status).toBe(204);
    }
  });

  it('POST logout takes the refresh token from the body, and an access token from its header', async () => {
    await start();
    const [one, other] = [await signIn(), await signIn()];
    expect((await send('POST', '/auth/logout', undefined, { body: { refresh_token: one.refreshToken } })).status).toBe(204);
    expect(await idsOf()).toEqual([other.sessionId]);
    const headers = { authorization: `Bearer ${other.accessToken}` };
    expect((await send('POST', '/auth/logout', undefined, { headers })).status).toBe(204);
    expect(await idsOf()).toEqual(mode === 'cookie' ? [other.sessionId] : []);
  });

  it('RV-03 POST logout responds 503 while the store is away, and the cookies stay', async () => {
    await start();
    const pair = await signIn();
    const response = await duringOutage(running, () => send('POST', '/auth/logout', pair));
    expect([response.status, response.json()['errorCode'], response.headers['retry-after'], cookieNamesOf(response)]).toEqual([
      503,
      'store_unavailable',
      '1',
      [],
    ]);
    expect(await idsOf()).toEqual([pair.sessionId]);
  });

  it('POST logout-all ends all sessions of the caller and of nobody else', async () => {
    await start();
    const [one, bob] = [await signIn(), await signIn('bob')];
    await signIn();
    expect((await send('POST', '/auth/logout-all')).status).toBe(401);
    const response = await send('POST', '/auth/logout-all', one);
    expect([response.status, cookieNamesOf(response)]).toEqual([204, cleared]);
    expect([await idsOf(), await idsOf('bob')]).toEqual([[], [bob.sessionId]]);
  });

  it('POST logout-all delivers no tokens although it had to refresh', async () => {
    await start();
    const pair = await signIn();
    const response = await send('POST', '/auth/logout-all', expired(running.app, pair));
    expect([response.status, response.headers['x-refresh-token'], await idsOf()]).toEqual([204, undefined, []]);
    for (const line of response.headers['set-cookie'] ?? []) expect(line).toMatch(/Max-Age=0|Expires=Thu, 01 Jan 1970/);
  });

  it('GET sessions lists the own sessions, marks the one of the request, and shows nothing of the application', async () => {
    await start();
    const [one, other] = [await signIn(), await signIn()];
    await signIn('bob');
    const response = await send('GET', '/auth/sessions', one);
    const { sessions, next } = response.json<Page>();
    expect([response.status, response.headers['cache-control'], next]).toEqual([200, 'no-store', undefined]);
    expect(Object.fromEntries(sessions.map(({ id, current }) => [id, current]))).toEqual({
      [one.sessionId]: true,
      [other.sessionId]: false,
    });
    expect(Object.keys(sessions[0]!)).toEqual(['id', 'label', 'ip', 'userAgent', 'createdAt', 'lastUsedAt', 'expiresAt', 'current']);
    expect(response.text).not.toContain('internal');
    expect((await send('GET', '/auth/sessions')).status).toBe(401);
  });

  it('GET sessions has pages, with every session on one of them', async () => {
    await start();
    const pairs: TokenPair[] = [];
    for (let count = 0; count < 5; count += 1) pairs.push(await signIn());
    const found: string[] = [];
    let path = '/auth/sessions?limit=2';
    let pages = 0;
    for (let next: string | undefined = ''; next !== undefined; pages += 1) {
      const page: Page = (await send('GET', path, pairs[0])).json<Page>();
      found.push(...page.sessions.map(({ id }) => id));
      next = page.next;
      path = `/auth/sessions?limit=2&after=${next}`;
    }
    expect([pages, found.sort()]).toEqual([3, pairs.map(({ sessionId }) => sessionId).sort()]);
  });

  it.each(['limit=0', 'limit=1001', 'limit=a', 'limit=', 'limit=1&limit=2', 'after=', 'after=1_x', 'after=a', 'after=9e9_a'])(
    'GET sessions responds 400 to ?%s',
    async (query) => {
      await start();
      expect((await send('GET', `/auth/sessions?${query}`, await signIn())).status).toBe(400);
    },
  );

  it('DELETE sessions/:id ends another session of the caller, and cookies stay', async () => {
    await start();
    const [one, other] = [await signIn(), await signIn()];
    const response = await send('DELETE', `/auth/sessions/${other.sessionId}`, one);
    expect([response.status, response.text, cookieNamesOf(response).includes('refresh')]).toEqual([204, '', false]);
    expect(await idsOf()).toEqual([one.sessionId]);
  });

  it('DELETE sessions/:id signs out if it is the session of the request', async () => {
    await start();
    const pair = await signIn();
    const response = await send('DELETE', `/auth/sessions/${pair.sessionId}`, pair);
    expect([response.status, cookieNamesOf(response)]).toEqual([204, cleared]);
    expect(await idsOf()).toEqual([]);
  });

  it('DELETE sessions/:id leaves the session of another user alone, and responds in the same way as to an id that nobody has', async () => {
    await start();
    const [alice, bob] = [await signIn(), await signIn('bob')];
    for (const id of [bob.sessionId, '00000000-0000-8000-8000-000000000000', 'nonsense', "'; DROP TABLE token_session"]) {
      const response = await send('DELETE', `/auth/sessions/${encodeURIComponent(id)}`, alice);
      expect([response.status, response.text]).toEqual([204, '']);
    }
    expect([await idsOf(), await idsOf('bob')]).toEqual([[alice.sessionId], [bob.sessionId]]);
    expect((await send('DELETE', `/auth/sessions/${alice.sessionId}`)).status).toBe(401);
  });

  it('responds 503 while the store is away', async () => {
    await start();
    const pair = await signIn();
    const [listed, ended, all] = await duringOutage(running, async () => [
      await send('GET', '/auth/sessions', pair),
      await send('DELETE', `/auth/sessions/${pair.sessionId}`, pair),
      await send('POST', '/auth/logout-all', pair),
    ]);
    for (const response of [listed, ended, all]) {
      expect([response.status, response.headers['retry-after'], cookieNamesOf(response).includes('refresh')]).toEqual([503, '1', false]);
    }
    expect(await idsOf()).toEqual([pair.sessionId]);
  });

  it('CF-01 refuses a page of another site wherever the tokens came in cookies, and changes nothing', async () => {
    await start();
    const headers = { 'sec-fetch-site': 'cross-site' };
    const routes: [string, (pair: TokenPair) => string, Mode[]][] = [
      ['POST', () => '/auth/logout', ['cookie', 'mixed']],
      ['POST', () => '/auth/logout-all', ['cookie']],
      ['DELETE', ({ sessionId }) => `/auth/sessions/${sessionId}`, ['cookie']],
    ];
    for (const [method, path, refused] of routes) {
      const pair = await signIn();
      const response = await send(method, path(pair), pair, { headers });
      if (refused.includes(mode))
        expect([path(pair), response.status, response.json()['errorCode']]).toEqual([path(pair), 403, 'csrf_failed']);
      else expect([path(pair), response.status]).toEqual([path(pair), 204]);
      expect((await idsOf()).includes(pair.sessionId)).toBe(refused.includes(mode));
    }
  });
});

/** The headers in which a client sends a pair. */
function carried(mode: Mode, pair: TokenPair): Record<string, string> {
  if (mode === 'header') return bearing(pair);
  const cookies = { refresh: pair.refreshToken, ...(mode === 'cookie' && { access: pair.accessToken }) };
  const cookie = Object.entries(cookies)
    .map(([name, token]) => `${name}=${token}`)
    .join('; ');
  return { cookie, ...(mode === 'mixed' && { authorization: `Bearer ${pair.accessToken}` }) };
}
