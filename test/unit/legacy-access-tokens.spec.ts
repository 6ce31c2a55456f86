import { describe, expect, it, jest } from '@jest/globals';
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import jwt from 'jsonwebtoken';
import type { LegacyAccess, LegacyVerifyHook, TokenModuleOptions } from 'nestjs-token';
import { StoreUnavailable, TokenError, TokenExpired, UserRejected } from 'nestjs-token';
import { accessTokens, codeOf, SESSION_ID } from '../support/access-tokens.js';
import { ISSUER, SECRET } from '../support/app.js';
import { LegacyAccessTokens } from '../support/lib.js';

const UNTIL = Date.UTC(2030, 1, 1);
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The check of an application whose old tokens have the module's own secret: the hardest case. */
const sameSecret: LegacyVerifyHook = (token) => {
  const { sub, exp } = jwt.verify(token, SECRET, { algorithms: ['HS256'], ignoreExpiration: true }) as jwt.JwtPayload;
  return { subject: String(sub), ...(exp !== undefined && { expiresAt: exp * 1_000 }) };
};

function bridge(act: LegacyVerifyHook | undefined = sameSecret, options: Partial<TokenModuleOptions> = {}) {
  const own = accessTokens({ options });
  const verify = jest.fn(act);
  const { issuer, audience, lifetimeMs, leewayMs } = own.resolved.access;
  const settings = { name: 'default', issuer, audience, lifetimeMs, leewayMs, verify, untilMs: UNTIL, timeoutMs: 1_000 };
  return { ...own, verify, legacy: new LegacyAccessTokens(settings, { accessTokens: own.service, clock: own.clock }) };
}

/** A token as @nestjs/jwt signs it: of the type JWT, without a key id. */
const oldToken = (payload: object = {}, options: jwt.SignOptions = {}): string =>
  jwt.sign({ sub: 'alice', ...payload }, SECRET, { algorithm: 'HS256', ...options });

describe('an access token of another system', () => {
  it('gives the claims of a principal without a session', async () => {
    const { legacy, clock } = bridge((token) => {
      const { sub } = jwt.decode(token) as { sub: string };
      return { subject: sub, claims: { roles: ['admin'] } };
    });
    const claims = await legacy.verify(oldToken());
    expect(claims).toEqual({
      iss: ISSUER,
      sub: 'alice',
      aud: ISSUER,
      iat: 0,
      exp: clock.now() / 1_000 + 900,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      roles: ['admin'],
    });
    expect([Object.isFrozen(claims), Object.isFrozen(claims['roles' as never])]).toEqual([true, true]);
  });

  it('has the instants that the hook gives, at most until the end of the bridge', async () => {
    const { legacy, clock, verify } = bridge();
    const [issuedAt, authTime] = [new Date(clock.now() - 5_000), clock.now() - 60_000];
    verify.mockReturnValue({ subject: 'alice', expiresAt: new Date(clock.now() + 7_000), issuedAt, authTime });
    const now = clock.now() / 1_000;
    expect(await legacy.verify('old')).toMatchObject({ iat: now - 5, auth_time: now - 60, exp: now + 7 });
    verify.mockReturnValue({ subject: 'alice', expiresAt: UNTIL + 1_000 });
    expect((await legacy.verify('old')).exp).toBe(UNTIL / 1_000);
  });

  it('has the same jti each time, another one for another token, and names all audiences', async () => {
    const { legacy } = bridge(() => ({ subject: 'alice' }), { audience: ['web', 'app'] });
    const [first, again, other] = [await legacy.verify('old-1'), await legacy.verify('old-1'), await legacy.verify('old-2')];
    expect([again.jti === first.jti, other.jti === first.jti, first.aud]).toEqual([true, false, ['web', 'app']]);
  });

  it('may be an opaque text, a JWT without a type or with one of its own, and longer than ours may be', async () => {
    const { legacy } = bridge(() => ({ subject: 'alice' }));
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const tokens = [
      randomBytes(32).toString('base64'),
      oldToken(),
      oldToken({}, { header: { alg: 'HS256', typ: undefined } }),
      oldToken({}, { keyid: 'old-key' }),
      jwt.sign({ sub: 'alice' }, privateKey, { algorithm: 'RS256', keyid: 'old-key' }),
      oldToken({ text: 'x'.repeat(8_000) }),
    ];
    for (const token of tokens) expect((await legacy.verify(token)).sub).toBe('alice');
  });

  it('is asked about each time, because nothing is remembered', async () => {
    const { legacy, verify, service } = bridge(() => ({ subject: 'alice' }));
    await legacy.verify('old');
    verify.mockReturnValue(null);
    expect(await codeOf(() => legacy.verify('old'))).toBe('token_invalid');
    expect(service.cache?.size).toBe(0);
  });

  it('is token_expired from its expiry and the leeway on', async () => {
    const { legacy, clock, resolved } = bridge();
    const token = oldToken({ exp: clock.now() / 1_000 + 60 });
    clock.advance(60_000 + resolved.access.leewayMs - 1);
    expect(await codeOf(() => legacy.verify(token))).toBe('none');
    clock.advance(1);
    expect(await codeOf(() => legacy.verify(token))).toBe('token_expired');
  });

  it.each([
    ['null', () => null],
    ['an error of jsonwebtoken', () => sameSecret(oldToken().slice(0, -3))],
  ])('can be helped by a refresh token if the hook answers with %s', async (_, act) => {
    const error: unknown = await bridge(act)
      .legacy.verify('old')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ errorCode: 'token_invalid', unknownKey: true, terminal: false });
  });

  it('can be helped by a refresh token if there is no hook', async () => {
    const { service, clock, resolved } = bridge();
    const { issuer, audience, lifetimeMs, leewayMs } = resolved.access;
    const settings = { name: 'default', issuer, audience, lifetimeMs, leewayMs, verify: undefined, untilMs: UNTIL, timeoutMs: 1_000 };
    const legacy = new LegacyAccessTokens(settings, { accessTokens: service, clock });
    const error: unknown = await legacy.verify(oldToken()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ errorCode: 'token_invalid', unknownKey: true });
  });

  it('is judged by our verifier alone from the end of the bridge on', async () => {
    const { legacy, clock, verify } = bridge(() => ({ subject: 'alice' }));
    clock.set(UNTIL - 1);
    expect(await codeOf(() => legacy.verify('old'))).toBe('none');
    clock.set(UNTIL);
    expect([await codeOf(() => legacy.verify('old')), await codeOf(() => legacy.verify(oldToken()))]).toEqual([
      'token_malformed',
      'token_invalid',
    ]);
    expect(verify).toHaveBeenCalledTimes(1);
  });
});

describe('what the verify hook says', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['true', true],
    ['an object without a subject', {}],
    ['a subject that is a number', { subject: 7 }],
    ['a reserved claim', { subject: 'alice', claims: { sid: SESSION_ID } }],
    ['an expiry in seconds', { subject: 'alice', expiresAt: 1_900_000_000 }],
    ['an issuing instant that is a text', { subject: 'alice', issuedAt: '2030-01-01' }],
    ['a sign-in that is NaN', { subject: 'alice', authTime: NaN }],
  ])('is hook_failed if it is %s', async (_, said) => {
    const error: unknown = await bridge(() => said as LegacyAccess)
      .legacy.verify('old')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ errorCode: 'hook_failed', hook: 'legacy.verify' });
  });

  it.each<[string, Error]>([
    ['hook_failed', new Error('no row for the-old-token')],
    ['token_expired', new TokenExpired(undefined)],
    ['user_rejected', new UserRejected()],
    ['store_unavailable', new StoreUnavailable()],
  ])('is %s if it throws %s, without the token', async (code, thrown) => {
    const { legacy } = bridge(() => Promise.reject(thrown));
    const error: unknown = await legacy.verify('the-old-token').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenError);
    expect((error as TokenError).errorCode).toBe(code);
    expect(inspect(error, { depth: 9 })).not.toContain('the-old-token');
  });

  it('is hook_timeout if it hangs', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'Date', 'performance'] });
    const verdict = codeOf(() => bridge(() => new Promise(() => undefined)).legacy.verify('old'));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await verdict).toBe('hook_timeout');
    jest.useRealTimers();
  });
});

describe('an access token of this module', () => {
  /** A pair of functions: one makes a token that is refused for one reason only, and one says how. */
  const REFUSED: [code: string, title: string, make: (setup: ReturnType<typeof bridge>) => Promise<string>][] = [
    ['token_expired', 'has expired', async (setup) => outlived(setup, await good(setup))],
    ['token_revoked', 'belongs to a revoked session', async (setup) => revoked(setup, await good(setup))],
    ['token_not_yet_valid', 'is not valid yet', async (setup) => early(setup, await good(setup))],
    ['token_invalid', 'has lost its signature to another one', async (setup) => `${(await good(setup)).slice(0, -4)}AAAA`],
    ['token_invalid', 'was signed with a key that is gone', async (setup) => signedAs(setup, { kid: 'gone' })],
    ['token_invalid', 'has a header member too many', async (setup) => signedAs(setup, { cty: 'JWT' })],
    ['token_invalid', 'has no key id', async (setup) => signedAs(setup, { kid: undefined })],
    ['token_invalid', 'has the type in capitals', async (setup) => signedAs(setup, { typ: 'application/AT+JWT', kid: undefined })],
    ['token_malformed', 'is written with unused bits', async (setup) => respelled(revoked(setup, await good(setup)))],
    ['token_malformed', 'is written with padding', async (setup) => `${revoked(setup, await good(setup))}=`],
    ['token_malformed', 'has a segment too many', async (setup) => `${revoked(setup, await good(setup))}.`],
    ['token_malformed', 'has a space at its end', async (setup) => `${revoked(setup, await good(setup))} `],
  ];

  it.each(REFUSED)('is %s if it %s, and no hook can change that', async (code, _, make) => {
    const setup = bridge(() => ({ subject: 'mallory' }));
    const token = await make(setup);
    expect(await codeOf(() => setup.legacy.verify(token))).toBe(code);
    expect(setup.verify).not.toHaveBeenCalled();
  });

  it('is verified without the hook if it is good', async () => {
    const setup = bridge();
    expect(await setup.legacy.verify(await good(setup))).toMatchObject({ sub: 'alice', sid: SESSION_ID });
    expect(setup.verify).not.toHaveBeenCalled();
  });

  const good = ({ service }: ReturnType<typeof bridge>) => service.sign('alice', { sessionId: SESSION_ID });

  function outlived({ clock }: ReturnType<typeof bridge>, token: string): string {
    clock.advance('1h');
    return token;
  }

  function early({ clock }: ReturnType<typeof bridge>, token: string): string {
    clock.advance(-60_000);
    return token;
  }

  function revoked({ revocations }: ReturnType<typeof bridge>, token: string): string {
    revocations.addOwn([SESSION_ID]);
    return token;
  }

  async function signedAs(setup: ReturnType<typeof bridge>, change: Record<string, unknown>): Promise<string> {
    const [header = '', payload = ''] = (await good(setup)).split('.');
    const members = { ...(JSON.parse(Buffer.from(header, 'base64url').toString()) as object), ...change };
    const input = `${Buffer.from(JSON.stringify(members)).toString('base64url')}.${payload}`;
    return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
  }

  /** The same bytes in another spelling. */
  function respelled(token: string): string {
    return token.slice(0, -1) + ALPHABET.charAt(ALPHABET.indexOf(token.slice(-1)) + 1);
  }
});
