import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createHmac, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import jwt from 'jsonwebtoken';
import type { LegacySession, TokenEvent, TokenModuleOptions, TokenRepository } from 'nestjs-token';
import { HookFailed, StoreUnavailable, UserRejected } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { codeOf } from '../support/access-tokens.js';
import { ISSUER, SECRET } from '../support/app.js';
import { composeInstance } from '../support/instance.js';
import { resolveTokenOptions } from '../support/lib.js';

const OLD = 'opaque-old-token-Zk3vQ8sDy6HgT1bNx5RcU7eM';
const UNTIL = '2030-03-01';
const OLD_SECRET = 'the-old-secret-of-the-application-Jf8w9mXq';

type Hook = (token: string) => Promise<LegacySession | null> | LegacySession | null;

interface Bridge {
  readonly repository?: TokenRepository;
  readonly clock?: FakeClock;
  readonly options?: Partial<TokenModuleOptions>;
  readonly name?: string;
}

/** An instance that exchanges what the hook accepts. The hook counts how often it is asked. */
function bridge(act: Hook = () => ({ subject: 'alice' }), { clock = new FakeClock(), name = 'default', ...given }: Bridge = {}) {
  const repository = given.repository ?? new InMemoryTokenRepository(clock);
  const events: TokenEvent[] = [];
  const exchange = jest.fn(act);
  const options = {
    issuer: ISSUER,
    secret: SECRET,
    legacy: { until: UNTIL, exchange },
    onEvent: (event: TokenEvent) => events.push(event),
  };
  const instance = composeInstance({ name, options: resolveTokenOptions({ ...options, ...given.options }, name), repository, clock });
  return { ...instance, instance, repository, clock, exchange, events };
}

beforeEach(() => Logger.overrideLogger(false));
afterEach(() => Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']));

describe('an old refresh token', () => {
  it('is exchanged for a session with what the hook says, and rotates like a first refresh token', async () => {
    const authTime = Date.UTC(2029, 5, 1);
    const said = { subject: 'alice', claims: { roles: ['admin'] }, device: { label: 'Phone' }, data: { row: 7 }, authTime };
    const { refresh, exchange, clock } = bridge(() => said);
    const { pair, principal, outcome } = await refresh.rotate(OLD);
    expect([outcome, principal.sub, principal['roles' as never], principal.auth_time]).toEqual([
      'rotated',
      'alice',
      ['admin'],
      authTime / 1_000,
    ]);
    expect(exchange.mock.calls).toEqual([[OLD]]);
    const [session] = await refresh.sessions('alice');
    expect(session).toMatchObject({ sessionId: pair.sessionId, label: 'Phone', data: { row: 7 }, claims: { roles: ['admin'] } });
    clock.advance('1h');
    expect((await refresh.rotate(pair.refreshToken)).outcome).toBe('rotated');
  });

  it('tells the listener once that it was exchanged, and never the token', async () => {
    const { refresh, events } = bridge();
    await refresh.rotate(OLD);
    await refresh.rotate(OLD);
    expect(events.map(({ type }) => type)).toEqual(['exchanged', 'rotated', 'coalesced']);
    expect(inspect(events)).not.toContain(OLD);
  });

  it('begins a session without a known sign-in, so that it does not pass for a fresh one', async () => {
    const { refresh } = bridge();
    expect((await refresh.rotate(OLD)).principal.auth_time).toBe(0);
  });

  it('gets the same session on every node, after a restart and under another refresh key', async () => {
    const { refresh, repository, clock, pair } = await exchanged();
    const other = bridge(() => ({ subject: 'mallory' }), { repository, clock, options: { refresh: { secret: randomBytes(32) } } });
    const again = await other.refresh.rotate(OLD);
    expect([again.outcome, again.pair.sessionId, other.exchange.mock.calls]).toEqual(['coalesced', pair.sessionId, []]);
    expect(await refresh.sessions('mallory')).toEqual([]);
  });

  it('gets another session at an instance with another name or issuer', async () => {
    const { repository, clock, pair } = await exchanged();
    const named = bridge(undefined, { repository, clock, name: 'admin' });
    const moved = bridge(undefined, { repository, clock, options: { issuer: 'https://other.example' } });
    const ids = [pair, (await named.refresh.rotate(OLD)).pair, (await moved.refresh.rotate(OLD)).pair].map(({ sessionId }) => sessionId);
    expect(new Set(ids).size).toBe(3);
  });

  it('leaves nothing of itself in the store', async () => {
    const { repository, pair } = await exchanged();
    const row = inspect(await repository.find({ realm: 'default', id: pair.sessionId }), { depth: 9 });
    expect(row).toContain('alice');
    expect(row).not.toContain(OLD);
  });

  it('is not shown by inspect() or JSON while it is presented', () => {
    const token = bridge().rotator.decode(OLD);
    expect([token.generation, token.branch]).toEqual([0, 0]);
    expect(inspect(token, { depth: 9, showHidden: true }) + JSON.stringify(token)).not.toContain(OLD);
  });

  it("works once with reuse: 'strict', like every token then", async () => {
    const { refresh } = bridge(undefined, { options: { refresh: { reuse: 'strict' } } });
    expect((await refresh.rotate(OLD)).outcome).toBe('rotated');
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('refresh_reused');
  });

  it('is counted as one sign-in that an administrator can end', async () => {
    const { refresh, pair } = await exchanged();
    await refresh.revokeAll('alice');
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('session_revoked');
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).toBe('session_revoked');
  });

  it('is refused with user_rejected if loadUser refuses the user, and its session ends', async () => {
    const { refresh, exchange } = bridge(undefined, { options: { loadUser: () => null } });
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('user_rejected');
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('session_revoked');
    expect(exchange).toHaveBeenCalledTimes(1);
  });

  it('is forgiven a lost response after any delay, without asking the hook again', async () => {
    const { refresh, exchange, clock } = await exchanged();
    exchange.mockImplementation(() => null);
    for (const [delay, outcome] of [
      ['1s', 'coalesced'],
      ['1h', 'recovered'],
      ['3d', 'recovered'],
    ] as const) {
      clock.advance(delay);
      expect((await refresh.rotate(OLD)).outcome).toBe(outcome);
    }
    expect(exchange).toHaveBeenCalledTimes(1);
  });

  it('is forgiven a lost response after the bridge has ended, while another one is refused', async () => {
    const { refresh, clock } = await exchanged(undefined, { options: { refresh: { idleLifetime: '90d' } } });
    clock.set(Date.parse(UNTIL));
    expect((await refresh.rotate(OLD)).outcome).toBe('recovered');
    expect(await codeOf(() => refresh.rotate(`${OLD}2`))).toBe('refresh_invalid');
  });

  it('ends its session when it is presented after its successor has been used', async () => {
    const { refresh, clock, pair, events } = await exchanged();
    clock.advance('1h');
    const { pair: next } = await refresh.rotate(pair.refreshToken);
    clock.advance('1h');
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('refresh_reused');
    expect(await codeOf(() => refresh.rotate(next.refreshToken))).toBe('session_revoked');
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('session_revoked');
    expect(events.map(({ type }) => type)).toContain('reuse');
  });

  it('is asked about once for 20 parallel presentations, which all get one successor', async () => {
    const { refresh, exchange } = bridge();
    const rotations = await Promise.all(Array.from({ length: 20 }, () => refresh.rotate(OLD)));
    expect(exchange).toHaveBeenCalledTimes(1);
    expect(new Set(rotations.map(({ pair }) => pair.refreshToken)).size).toBe(1);
    expect(await refresh.sessions('alice')).toHaveLength(1);
  });

  it('gets one session on two nodes that exchange it at the same moment', async () => {
    const [first, second] = twoNodes();
    const [one, two] = await Promise.all([first.refresh.rotate(OLD), second.refresh.rotate(OLD)]);
    expect([first, second].map(({ exchange }) => exchange.mock.calls.length)).toEqual([1, 1]);
    expect(one.pair.refreshToken).toBe(two.pair.refreshToken);
    expect(await first.refresh.sessions('alice')).toHaveLength(1);
    expect([...first.events, ...second.events].map(({ type }) => type).sort()).toEqual(['coalesced', 'exchanged', 'rotated']);
  });
});

describe('what the exchange hook says', () => {
  it.each<[string, unknown]>([
    ['nothing, because it has forgotten its return', undefined],
    ['false', false],
    ['a text', 'alice'],
    ['an object without a subject', {}],
    ['a subject that is a number', { subject: 7 }],
    ['claims with a reserved name', { subject: 'alice', claims: { iat: 1 } }],
    ['claims that are a text', { subject: 'alice', claims: 'roles' }],
    ['data that are too long', { subject: 'alice', data: { text: 'x'.repeat(4_096) } }],
    ['an expiry in seconds', { subject: 'alice', expiresAt: 1_900_000_000 }],
    ['an expiry that is no date', { subject: 'alice', expiresAt: new Date('soon') }],
    ['a sign-in that is a text', { subject: 'alice', authTime: 'yesterday' }],
  ])('is hook_failed if it is %s, and opens nothing', async (_, said) => {
    const { refresh, exchange } = bridge(() => said as LegacySession);
    const error: unknown = await refresh.rotate(OLD).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ errorCode: 'hook_failed', hook: 'legacy.exchange', terminal: false });
    exchange.mockImplementation(() => ({ subject: 'alice' }));
    expect((await refresh.rotate(OLD)).outcome).toBe('rotated');
  });

  it('is refresh_invalid if it is null, each time anew', async () => {
    const { refresh, exchange } = bridge(() => null);
    expect([await codeOf(() => refresh.rotate(OLD)), await codeOf(() => refresh.rotate(OLD))]).toEqual([
      'refresh_invalid',
      'refresh_invalid',
    ]);
    expect(exchange).toHaveBeenCalledTimes(2);
  });

  it('ends the session when the old token would have ended, if that is earlier', async () => {
    const end = Date.UTC(2030, 0, 3);
    const { refresh, clock } = bridge(() => ({ subject: 'alice', expiresAt: new Date(end) }));
    const { pair } = await refresh.rotate(OLD);
    clock.set(end - 1);
    expect((await refresh.rotate(pair.refreshToken)).outcome).toBe('rotated');
    clock.set(end);
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).toBe('refresh_expired');
  });

  it('is refresh_expired if the old token has less than a second left', async () => {
    const clock = new FakeClock();
    const { refresh } = bridge(() => ({ subject: 'alice', expiresAt: clock.now() + 999 }), { clock });
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('refresh_expired');
    expect(await refresh.sessions('alice')).toEqual([]);
  });
});

describe('an exchange hook that throws', () => {
  const subjectOf = (payload: unknown) => (payload as { sub: string }).sub;
  const oldJwt = (options: jwt.SignOptions, secret = OLD_SECRET) => jwt.sign({ sub: 'alice' }, secret, { algorithm: 'HS256', ...options });
  const verifying: Hook = (token) => ({ subject: subjectOf(jwt.verify(token, OLD_SECRET, { algorithms: ['HS256'] })) });

  it.each([
    ['refresh_expired', 'an expired token', oldJwt({ expiresIn: -1 })],
    ['refresh_invalid', 'a signature of another secret', oldJwt({}, 'another secret')],
    ['refresh_invalid', 'another algorithm', oldJwt({ algorithm: 'HS512' })],
    ['refresh_invalid', 'a token that is not valid yet', oldJwt({ notBefore: '1h' })],
    ['refresh_invalid', 'no JWT', OLD],
    ['refresh_invalid', 'a payload that is no JSON', `${oldJwt({}).split('.')[0]}.eHh4.c2ln`],
    ['refresh_invalid', 'no signature', oldJwt({}).replace(/[^.]*$/, '')],
    ['none', 'a good token', oldJwt({})],
  ])('means %s for %s, as jsonwebtoken judges it', async (code, _, token) => {
    expect(await codeOf(() => bridge(verifying).refresh.rotate(token))).toBe(code);
  });

  it('is hook_failed if its secret is missing, and signs nobody out', async () => {
    const { refresh } = bridge((token) => ({ subject: subjectOf(jwt.verify(token, undefined as never)) }));
    expect(await codeOf(() => refresh.rotate(oldJwt({})))).toBe('hook_failed');
  });

  it.each([
    ['hook_failed', new Error('boom')],
    ['hook_failed', new TypeError('x is not a function')],
    ['store_unavailable', new StoreUnavailable()],
    ['user_rejected', new UserRejected()],
  ])('means %s for %s, and opens nothing', async (code, error) => {
    const { refresh, exchange } = bridge(() => Promise.reject(error));
    expect(await codeOf(() => refresh.rotate(OLD))).toBe(code);
    exchange.mockImplementation(() => ({ subject: 'alice' }));
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('none');
  });

  it.each<[string, unknown]>([
    ['in the message', new Error(`no row for ${OLD}`)],
    ['in a property', Object.assign(new Error('failed'), { parameters: [OLD] })],
    ['in the cause', new Error('failed', { cause: { token: OLD } })],
    ['as what is thrown', OLD],
  ])('leaves no token in the error: %s', async (_, thrown) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a hook may throw anything
    const error: unknown = await bridge(() => Promise.reject(thrown))
      .refresh.rotate(OLD)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HookFailed);
    expect(inspect(error, { depth: 9 })).not.toContain(OLD);
  });

  it('is hook_timeout if it hangs, and the next presentation asks again', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'Date', 'performance'] });
    const { refresh, exchange } = bridge(() => new Promise(() => undefined), { options: { hookTimeout: '200ms' } });
    const rotation = codeOf(() => refresh.rotate(OLD));
    await jest.advanceTimersByTimeAsync(199);
    expect(await Promise.race([rotation, Promise.resolve('waits')])).toBe('waits');
    await jest.advanceTimersByTimeAsync(1);
    expect(await rotation).toBe('hook_timeout');
    exchange.mockImplementation(() => ({ subject: 'alice' }));
    expect((await refresh.rotate(OLD)).outcome).toBe('rotated');
    jest.useRealTimers();
  });
});

describe('what is no old refresh token', () => {
  it('is every token of this module, whatever has become of it', async () => {
    const { refresh, exchange, clock, accessTokens } = bridge();
    const pair = await refresh.signIn('alice');
    await accessTokens.verify(pair.accessToken);
    const tampered = `${pair.refreshToken?.slice(0, -1)}${pair.refreshToken?.endsWith('A') ? 'Q' : 'A'}`;
    const reencoded = recased(pair.accessToken);
    for (const token of [tampered, 'ntr_', `${pair.refreshToken}x`, pair.accessToken, `${pair.accessToken}=`, reencoded]) {
      expect([token, await codeOf(() => refresh.rotate(token))]).toEqual([token, 'refresh_invalid']);
    }
    await refresh.signOut(pair.refreshToken);
    clock.advance('91d');
    await refresh.purge();
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).not.toBe('none');
    expect(exchange).not.toHaveBeenCalled();
  });

  it.each([
    ['a space', `${OLD} `],
    ['a line feed', `${OLD}\n`],
    ['a NUL', `${OLD}\0`],
    ['a letter outside ASCII', `${OLD}é`],
    ['16,385 characters', 'x'.repeat(16_385)],
    ['a JWT with bits that no encoder sets', nonCanonical()],
    ['a JWE with bits that no encoder sets', encrypted('x')],
  ])('is text with %s', async (_, token) => {
    const { refresh, exchange } = bridge();
    expect(await codeOf(() => refresh.rotate(token))).toBe('refresh_invalid');
    expect(exchange).not.toHaveBeenCalled();
  });

  it.each([
    ['16,384 characters', 'x'.repeat(16_384)],
    ['padding and slashes', Buffer.from(randomBytes(65)).toString('base64')],
    ['dots', '7.8.9'],
    ['the five segments of a JWE', encrypted('w')],
    ['a UUID', '0f6c7a1e-8e5a-4d0b-9c55-0d6a7a6a4c11'],
  ])('is not text with %s', async (_, token) => {
    expect(await codeOf(() => bridge().refresh.rotate(token))).toBe('none');
  });

  it('is anything, once the bridge has ended', async () => {
    const { refresh, exchange, clock } = bridge();
    clock.set(Date.parse(UNTIL) - 1);
    expect(await codeOf(() => refresh.rotate(`${OLD}1`))).toBe('none');
    clock.advance(1);
    expect(await codeOf(() => refresh.rotate(`${OLD}2`))).toBe('refresh_invalid');
    expect(exchange).toHaveBeenCalledTimes(1);
  });

  it('is anything, if there is no exchange hook', async () => {
    const legacy = { until: UNTIL, verify: () => null };
    expect(await codeOf(() => bridge(undefined, { options: { legacy } }).refresh.rotate(OLD))).toBe('refresh_invalid');
  });
});

describe('signing out with an old refresh token', () => {
  it('ends the session that it was exchanged for, also after that was refreshed', async () => {
    const { refresh, clock, pair, exchange } = await exchanged();
    clock.advance('1h');
    const { pair: next } = await refresh.rotate(pair.refreshToken);
    await refresh.signOut(OLD);
    expect(await codeOf(() => refresh.rotate(next.refreshToken))).toBe('session_revoked');
    expect(exchange).toHaveBeenCalledTimes(1);
  });

  it('ends a token that was never exchanged, on every node', async () => {
    const [first, second] = twoNodes();
    await first.refresh.signOut(OLD);
    expect(await codeOf(() => second.refresh.rotate(OLD))).toBe('session_revoked');
    expect(await first.refresh.sessions('alice')).toEqual([]);
    expect(second.exchange).not.toHaveBeenCalled();
  });

  it('ignores a token that is not good, and stores nothing', async () => {
    const { refresh, repository } = bridge(() => null);
    await refresh.signOut(OLD);
    await refresh.signOut('\0');
    expect((await repository.revokedSince('default', { withinMs: 1_000 }, 10)).sessions).toEqual([]);
  });

  it('says so if it cannot find out, and works when it is repeated', async () => {
    const { refresh, exchange } = bridge(() => Promise.reject(new StoreUnavailable()));
    expect(await codeOf(() => refresh.signOut(OLD))).toBe('store_unavailable');
    exchange.mockImplementation(() => Promise.reject(new Error('boom')));
    expect(await codeOf(() => refresh.signOut(OLD))).toBe('hook_failed');
    exchange.mockImplementation(() => ({ subject: 'alice' }));
    await refresh.signOut(OLD);
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('session_revoked');
  });
});

describe('a store that fails during an exchange', () => {
  it('is 503, and the exchange succeeds later', async () => {
    const clock = new FakeClock();
    const store = new InMemoryTokenRepository(clock);
    const { refresh } = bridge(undefined, { clock, repository: failing(store, ['insert']) });
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('store_unavailable');
    expect((await bridge(undefined, { clock, repository: store }).refresh.rotate(OLD)).outcome).toBe('rotated');
  });

  it('may have stored the session although it failed', async () => {
    const clock = new FakeClock();
    const store = new InMemoryTokenRepository(clock);
    const { refresh } = bridge(undefined, { clock, repository: failing(store, ['insert'], { afterwards: true }) });
    expect((await refresh.rotate(OLD)).outcome).toBe('rotated');
    expect(await refresh.sessions('alice')).toHaveLength(1);
  });

  it('does not make the hook be asked if the session cannot be looked for', async () => {
    const { refresh, exchange } = bridge(undefined, { repository: failing(new InMemoryTokenRepository(new FakeClock()), ['find']) });
    expect(await codeOf(() => refresh.rotate(OLD))).toBe('store_unavailable');
    expect(exchange).not.toHaveBeenCalled();
  });
});

async function exchanged(act?: Hook, setup?: Bridge) {
  const node = bridge(act, setup);
  return { ...node, pair: (await node.refresh.rotate(OLD)).pair };
}

function twoNodes() {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  return [bridge(undefined, { clock, repository }), bridge(undefined, { clock, repository })] as const;
}

/** A store whose methods with these names reject, before or after they have done their work. */
function failing(repository: TokenRepository, verbs: readonly string[], { afterwards = false } = {}): TokenRepository {
  return new Proxy(repository, {
    get:
      (target, verb: keyof TokenRepository) =>
      async (...args: never[]) => {
        const work = async (): Promise<unknown> => (target[verb] as (...given: never[]) => unknown).apply(target, args);
        if (!verbs.includes(verb)) return work();
        if (afterwards) await work();
        throw new Error('connection lost');
      },
  });
}

/** The same access token with a type that is written otherwise, signed with the module's secret as the old system may have used it. */
function recased(token: string): string {
  const [header = '', payload = ''] = token.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
  const input = `${Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'application/AT+JWT', kid })).toString('base64url')}.${payload}`;
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
}

/** A JWE whose tag of 16 bytes ends with a character of which only two bits count. */
function encrypted(last: string): string {
  const header = Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url');
  return `${header}..AAAAAAAAAAAAAAAA.AAAA.${'A'.repeat(21)}${last}`;
}

/** A good JWT whose last character differs in a bit that is not part of the signature. */
function nonCanonical(): string {
  const token = jwt.sign({ sub: 'alice' }, OLD_SECRET);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1);
}
