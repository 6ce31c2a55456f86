import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import { AccessTokenService } from 'nestjs-token';
import { ADAPTERS, bearing, expired } from '../support/app.js';
import { forgedTokens } from '../support/forged-access-tokens.js';
import type { OAuthApp } from '../support/oauth-app.js';
import { BASIC, duringOutage, refusal, startOAuthApp } from '../support/oauth-app.js';

describe.each(ADAPTERS)('POST revoke on %s', (adapter) => {
  let running: OAuthApp;
  afterEach(() => running.close());

  const start = async (options: Partial<TokenModuleRootOptions> = {}): Promise<TokenPair> => {
    running = await startOAuthApp({ adapter }, options);
    return running.refresh.signIn('alice');
  };
  const isOpen = async (pair: TokenPair): Promise<boolean> =>
    (await running.refresh.sessions('alice')).some(({ sessionId }) => sessionId === pair.sessionId);
  const revoke = (token: string, more: Record<string, string | string[]> = {}) => running.form('/auth/revoke', { token, ...more });

  it.each<['refreshToken' | 'accessToken', string | undefined]>([
    ['refreshToken', undefined],
    ['refreshToken', 'refresh_token'],
    ['refreshToken', 'access_token'],
    ['accessToken', undefined],
    ['accessToken', 'access_token'],
    ['accessToken', 'refresh_token'],
    ['accessToken', 'unheard_of'],
  ])('RV-01 ends the session of a %s with the hint %s, and no other', async (kind, hint) => {
    const pair = await start();
    const other = await running.refresh.signIn('alice');
    const response = await revoke(pair[kind]!, hint === undefined ? {} : { token_type_hint: hint });
    expect([response.status, response.text, response.headers['cache-control']]).toEqual([200, '', 'no-store']);
    expect([await isOpen(pair), await isOpen(other)]).toEqual([false, true]);
    expect((await running.call('/me', { headers: bearing(pair) })).json()).toMatchObject({ errorCode: 'token_revoked' });
  });

  it('takes JSON as well', async () => {
    const pair = await start();
    expect((await running.call('/auth/revoke', { method: 'POST', body: { token: pair.refreshToken } })).status).toBe(200);
    expect(await isOpen(pair)).toBe(false);
  });

  it('RV-04 responds 200 to tokens that are unknown, forged, expired or revoked before, and leaves the session alone', async () => {
    const pair = await start();
    const bad = [
      'unknown',
      `${pair.refreshToken!.slice(0, -1)}${pair.refreshToken!.endsWith('A') ? 'B' : 'A'}`,
      expired(running.app, pair).accessToken,
      ...forgedTokens(pair.accessToken),
      'a'.repeat(20_000),
    ];
    for (const token of bad) {
      const response = await revoke(token);
      expect([response.status, response.text]).toEqual([200, '']);
    }
    expect(await isOpen(pair)).toBe(true);
    for (let time = 0; time < 2; time += 1) expect((await revoke(pair.refreshToken!)).status).toBe(200);
  });

  it('ends the session of an access token that the application has signed itself', async () => {
    const pair = await start();
    await revoke(await running.app.get(AccessTokenService).sign('alice', { sessionId: pair.sessionId }));
    expect(await isOpen(pair)).toBe(false);
  });

  it('RV-03 responds 503 with Retry-After while the store is away, and the session is open', async () => {
    const pair = await start();
    for (const token of [pair.refreshToken!, pair.accessToken]) {
      const response = await duringOutage(running, () => revoke(token));
      expect([...refusal(response), response.headers['retry-after']]).toEqual([503, 'store_unavailable', '1']);
    }
    expect(await isOpen(pair)).toBe(true);
  });

  it('refuses a request without a token, with two of them, and with a wrong client', async () => {
    const pair = await start();
    expect(refusal(await running.form('/auth/revoke', {}))).toEqual([400, 'invalid_request']);
    expect(refusal(await running.form('/auth/revoke', { token: [pair.refreshToken!, 'b'] }))).toEqual([400, 'invalid_request']);
    expect(refusal(await revoke(pair.refreshToken!, { token_type_hint: ['a', 'b'] }))).toEqual([400, 'invalid_request']);
    expect(refusal(await revoke(pair.refreshToken!, { client_id: 'reports', client_secret: 'wrong' }))).toEqual([401, 'invalid_client']);
    expect(await isOpen(pair)).toBe(true);
    const headers = { authorization: BASIC };
    expect((await running.form('/auth/revoke', { token: pair.refreshToken! }, { headers })).status).toBe(200);
    expect(await isOpen(pair)).toBe(false);
  });
});
