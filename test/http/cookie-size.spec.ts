import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenModuleRootOptions } from 'nestjs-token';
import { RefreshService } from 'nestjs-token';
import { expiredPair, tokenHeaders } from 'nestjs-token/testing';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';
import { startCookieApp } from '../support/cookie-app.js';

/** What browsers store of one cookie: its name, `=` and its value (RFC 6265bis §5.7). */
const LIMIT = 4_096;
const claimsOf = (size: number): object => ({ text: 'x'.repeat(size) });

describe.each(ADAPTERS)('CK-04 the size of cookies on %s', (adapter) => {
  let running: TestApp;
  afterEach(() => running.close());
  const start = async (options: Partial<TokenModuleRootOptions> = {}): Promise<RefreshService> => {
    running = await startCookieApp(options, { adapter });
    return running.app.get(RefreshService);
  };
  const sizeOf = (line: string): number => line.slice(0, line.indexOf(';')).length;

  it('is known at the sign-in, which rejects claims that make it too large, and ends the session again', async () => {
    const refresh = await start();
    const error: unknown = await refresh.signIn('alice', { claims: claimsOf(4_000) }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(/^claims: the access token has \d+ characters, and its cookie holds 4082$/);
    expect(await refresh.sessions('alice')).toEqual([]);
  });

  it.each([
    {},
    { cookie: { access: '__Host-the-access-token-of-an-application' } },
    { transport: 'header', locations: ['header', 'cookie'] },
  ])('may be the whole of what browsers store, to the byte: %j', async (options) => {
    const refresh = await start(options as Partial<TokenModuleRootOptions>);
    const name = options.cookie?.access ?? '__Host-access';
    const sizes: number[] = [];
    for (let size = 2_700; size < 3_000; size++) {
      const pair = await refresh.signIn('alice', { claims: claimsOf(size) }).catch(() => undefined);
      if (!pair) break;
      sizes.push(`${name}=${pair.accessToken}`.length);
    }
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(LIMIT);
    // One more character of the claims makes one or two more of the token.
    expect(Math.max(...sizes)).toBeGreaterThan(LIMIT - 2);
  });

  it('is not limited where the access token travels in a header', async () => {
    for (const transport of ['header', 'mixed'] as const) {
      const refresh = await start({ transport });
      const { accessToken } = await refresh.signIn('alice', { claims: claimsOf(4_000) });
      expect(accessToken.length).toBeGreaterThan(LIMIT);
      if (transport === 'header') await running.close();
    }
  });

  it('of all cookies together is below 8 KB', async () => {
    const refresh = await start();
    const pair = await refresh.signIn('alice', { claims: claimsOf(2_700), persistent: false });
    const { Cookie = '' } = tokenHeaders(running.app, pair);
    expect(Cookie.length).toBeLessThan(8_192);
    const lines = ((await running.call('/auth/login', { method: 'POST' })).headers['set-cookie'] ?? []).map(sizeOf);
    expect(lines.filter((size) => size > LIMIT)).toEqual([]);
  });

  describe('that a claims hook makes too large at a refresh', () => {
    let size = 10;
    const told = ({ status, headers, json }: Answer): unknown[] => [status, json().errorCode, headers['set-cookie']?.length];

    it('is hook_failed: the cookies stay, the session lives, and the next refresh goes on', async () => {
      size = 10;
      const refresh = await start({ claims: () => claimsOf(size) });
      const log = new CapturedLog();
      running.app.useLogger(log);
      const pair = await expiredPair(running.app, 'alice');
      const headers = tokenHeaders(running.app, pair);
      size = 4_000;
      for (let round = 0; round < 3; round++) expect(told(await running.call('/me', { headers }))).toEqual([500, 'hook_failed', undefined]);
      await expect(refresh.rotate(pair.refreshToken)).rejects.toMatchObject({ errorCode: 'hook_failed', hook: 'claims' });
      expect(log.of('error')).toEqual([expect.stringMatching(/^error hook_failed: claims TypeError: claims: the access token has \d+/)]);
      expect(log.lines.join()).not.toContain(pair.refreshToken);
      expect(await refresh.sessions('alice')).toHaveLength(1);
      size = 10;
      expect(told(await running.call('/me', { headers }))).toEqual([200, undefined, 2]);
    });

    it('is hook_failed at a re-authentication, too', async () => {
      size = 10;
      const refresh = await start({ claims: () => claimsOf(size) });
      const { sessionId } = await refresh.signIn('alice');
      size = 4_000;
      await expect(refresh.reauthenticate(sessionId)).rejects.toMatchObject({ errorCode: 'hook_failed', hook: 'claims' });
      expect(await refresh.sessions('alice')).toHaveLength(1);
    });
  });
});
