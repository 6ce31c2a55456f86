import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { TokenEvent, SessionInfo, SignInOptions, TokenModuleOptions } from 'nestjs-token';
import type { RefreshService, RevokeReason } from 'nestjs-token';
import { REVOKE_REASONS, StoreConflict, StoreUnavailable } from 'nestjs-token';
import { inspect } from 'node:util';
import type { RevocationList } from '../support/lib.js';
import { LocalSigner } from '../support/lib.js';
import type { InMemoryTokenRepository } from 'nestjs-token/testing';
import { codeOf, decoded, SESSION_ID } from '../support/access-tokens.js';
import { FakeChannel } from '../support/fake-push.js';
import { sessions } from '../support/sessions.js';

const DAY = 86_400_000;

beforeEach(() => {
  Logger.overrideLogger(false);
});
afterEach(() => {
  jest.restoreAllMocks();
  Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
});

describe('RefreshService.signIn', () => {
  it('opens a session and issues a pair that works', async () => {
    const { refresh, accessTokens: tokens, clock, row } = sessions({ access: { jitter: 0 } });
    const pair = await refresh.signIn('alice', { claims: { roles: ['admin'] } });
    expect(pair).toMatchObject({
      tokenType: 'Bearer',
      expiresIn: 900,
      refreshExpiresIn: 14 * 86_400,
      sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(pair.refreshToken).toMatch(/^ntr_[\w-]{52}$/);
    const now = clock.now() / 1_000;
    expect(await tokens.verify(pair.accessToken)).toMatchObject({
      sub: 'alice',
      sid: pair.sessionId,
      roles: ['admin'],
      iat: now,
      auth_time: now,
    });
    expect(await row(pair.sessionId)).toMatchObject({ subject: 'alice', realm: 'default', generation: 0, parentBranch: -1, rotatedAt: 0 });
    expect((await refresh.rotate(pair.refreshToken)).outcome).toBe('rotated');
  });

  it('shows the RFC 6749 §5.1 names in JSON and no token to inspect()', async () => {
    const pair = await sessions().refresh.signIn('alice');
    expect(Object.keys(JSON.parse(JSON.stringify({ tokens: pair })).tokens)).toEqual([
      'access_token',
      'refresh_token',
      'token_type',
      'expires_in',
      'refresh_expires_in',
      'session_id',
    ]);
    expect(inspect(pair)).not.toMatch(/ntr_|eyJ/);
  });

  it.each(['', ' ', ' alice', 'alice ', 'a\nb', 'a\0b', 'a\u0085b', 'a\u2029b', '\udc00', 'x'.repeat(256), null, undefined, {}, ['alice']])(
    'refuses the subject %p and opens no session',
    async (subject) => {
      const { refresh, repository } = sessions();
      const insert = jest.spyOn(repository, 'insert');
      await expect(refresh.signIn(subject as string)).rejects.toThrow(new TypeError('subject: not 1 to 255 characters of plain text'));
      expect(insert).not.toHaveBeenCalled();
    },
  );

  it.each([5, 5n, NaN])('refuses the subject %p, a number, and names the remedy (F-38)', async (subject) => {
    await expect(sessions().refresh.signIn(subject as never)).rejects.toThrow(
      new TypeError('subject: not 1 to 255 characters of plain text; write String(id)'),
    );
  });

  it.each(['x'.repeat(255), 'a b', 'ä', '用户', 'a@b.c', "'; DROP TABLE token_session; --", '{"$gt":""}'])(
    'takes the subject %p as it is',
    async (subject) => {
      const { refresh, accessTokens: tokens } = sessions();
      const pair = await refresh.signIn(subject);
      expect((await tokens.verify(pair.accessToken)).sub).toBe(subject);
      expect(await refresh.sessions(subject)).toHaveLength(1);
    },
  );

  it.each<[string, object]>([
    ['a reserved claim', { sub: 'mallory' }],
    ['a reserved claim that is undefined in JSON', { exp: 1, a: undefined }],
    ['too many bytes', { text: 'x'.repeat(4_096) }],
    ['a list', ['admin']],
    ['a value that is no JSON', { big: 1n }],
  ])('refuses claims with %s and opens no session', async (_, claims) => {
    const { refresh } = sessions();
    await expect(refresh.signIn('alice', { claims })).rejects.toThrow(TypeError);
    expect(await refresh.sessions('alice')).toEqual([]);
  });

  it.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__'])(
    'refuses the claim %s and writes no row (F-19)',
    async (name) => {
      const { refresh, repository } = sessions();
      const insert = jest.spyOn(repository, 'insert');
      await expect(refresh.signIn('alice', { claims: { [name]: 1 } })).rejects.toThrow(new TypeError(`claims: '${name}' is reserved`));
      expect(insert).not.toHaveBeenCalled();
    },
  );

  it('leaves no live session, and tells of no sign-in, when the access token cannot be signed (F-19)', async () => {
    const { refresh, repository, events } = sessions();
    const insert = jest.spyOn(repository, 'insert');
    const cause = new Error('the key is gone');
    jest.spyOn(LocalSigner.prototype, 'sign').mockImplementationOnce(() => {
      throw cause;
    });
    await expect(refresh.signIn('alice')).rejects.toMatchObject({ errorCode: 'signer_unavailable', cause });
    const { id } = insert.mock.calls[0]![0];
    expect((await repository.find({ realm: 'default', id }))?.session).toMatchObject({ revokeReason: 'admin' });
    expect([await refresh.sessions('alice'), events.map(({ type }) => type)]).toEqual([[], ['revoked']]);
  });

  it('keeps the session of a refresh whose access token cannot be signed: the next attempt gets it', async () => {
    const { refresh, clock } = sessions();
    const { refreshToken } = await refresh.signIn('alice');
    clock.advance('15m');
    jest.spyOn(LocalSigner.prototype, 'sign').mockImplementationOnce(() => {
      throw new Error('the key is gone');
    });
    await expect(refresh.rotate(refreshToken)).rejects.toMatchObject({ errorCode: 'signer_unavailable', retryAfter: 1 });
    expect((await refresh.rotate(refreshToken)).outcome).toBe('coalesced');
  });

  it('keeps a copy of the claims', async () => {
    const { refresh } = sessions();
    const claims = { roles: ['user'] };
    const pair = await refresh.signIn('alice', { claims });
    claims.roles.push('admin');
    const { pair: next } = await refresh.rotate(pair.refreshToken);
    expect(decoded(next.accessToken).payload).toMatchObject({ roles: ['user'] });
  });

  describe('cleans what it is told of the device (INJ-04)', () => {
    it.each<[string, string, string]>([
      ['drops line breaks and other control characters', 'a\r\nb\tc\0d\u001be\u007ff\u0085g\u2028h\u2029i', 'abcdefghi'],
      ['cuts at 255 characters', 'x'.repeat(8_192), 'x'.repeat(255)],
      ['leaves no half of a character behind', `${'x'.repeat(254)}😀`, `${'x'.repeat(254)}\ufffd`],
      ['replaces lone surrogates', 'a\ud800b', 'a\ufffdb'],
      ['keeps SQL and markup for what they are', `'; DROP TABLE x; -- <script>`, `'; DROP TABLE x; -- <script>`],
    ])('INJ-04 %s', async (_, text, kept) => {
      const { refresh, row } = sessions();
      const { sessionId } = await refresh.signIn('alice', { device: { label: text, ip: text, userAgent: text } });
      expect(await row(sessionId)).toMatchObject({ label: kept, ip: kept, userAgent: kept });
    });

    it.each([undefined, null, 5, {}, ['x']])('INJ-04 ignores %p for a text', async (value) => {
      const { refresh, row } = sessions();
      const device = { label: value, ip: value, userAgent: value } as unknown as NonNullable<SignInOptions['device']>;
      const { sessionId } = await refresh.signIn('alice', { device });
      expect(await row(sessionId)).toMatchObject({ label: null, ip: null, userAgent: null });
    });

    it('INJ-04 ignores members that it does not know', async () => {
      const { refresh, row } = sessions();
      const { sessionId } = await refresh.signIn('alice', { device: { label: 'phone', realm: 'admin', subject: 'bob' } as object });
      expect(await row(sessionId)).toMatchObject({ label: 'phone', realm: 'default', subject: 'alice' });
    });
  });

  describe('takes an absolute lifetime for one session', () => {
    it('ends the session at it, refreshed or not, and no token outlives it', async () => {
      const { refresh, clock, accessTokens: tokens } = sessions({ access: { jitter: 0 } });
      const pair = await refresh.signIn('alice', { absoluteLifetime: '20m' });
      expect(pair.refreshExpiresIn).toBe(1_200);
      clock.advance('10m');
      const { pair: second } = await refresh.rotate(pair.refreshToken);
      expect([second.expiresIn, second.refreshExpiresIn]).toEqual([600, 600]);
      clock.advance(10 * 60_000 - 1);
      expect((await refresh.rotate(second.refreshToken)).pair.expiresIn).toBe(1);
      clock.advance(1);
      expect(await codeOf(() => refresh.rotate(second.refreshToken))).toBe('refresh_expired');
      clock.advance('6s');
      expect(await codeOf(() => tokens.verify(second.accessToken))).toBe('token_expired');
    });

    it.each([0, -1, 1.5, NaN, '500ms', '91d', '900', '', null])('refuses %p', async (absoluteLifetime) => {
      const { refresh } = sessions();
      await expect(refresh.signIn('alice', { absoluteLifetime: absoluteLifetime as never })).rejects.toThrow(TypeError);
      expect(await refresh.sessions('alice')).toEqual([]);
    });

    it.each([1, '90d'] as const)('takes %p', async (absoluteLifetime) => {
      const { refresh, row, clock } = sessions();
      const { sessionId } = await refresh.signIn('alice', { absoluteLifetime });
      expect((await row(sessionId))?.absoluteExpiresAt).toBe(clock.now() + (absoluteLifetime === 1 ? 1_000 : 90 * DAY));
    });
  });

  describe('takes an idle lifetime for one session', () => {
    it('expires the session when it has not been refreshed for that long, at each refresh anew, whatever the module says', async () => {
      const { refresh, clock } = sessions();
      const short = await refresh.signIn('alice', { idleLifetime: '1h' });
      const long = await refresh.signIn('alice', { idleLifetime: '60d' });
      expect([short.refreshExpiresIn, long.refreshExpiresIn]).toEqual([3_600, 60 * 86_400]);
      clock.advance(3_600_000 - 1);
      const { pair: second } = await refresh.rotate(short.refreshToken);
      expect(second.refreshExpiresIn).toBe(3_600);
      clock.advance(3_600_000);
      expect(await codeOf(() => refresh.rotate(second.refreshToken))).toBe('refresh_expired');
      clock.advance('50d');
      expect((await refresh.rotate(long.refreshToken)).outcome).toBe('rotated');
    });

    it.each([0, -1, NaN, '1799s', '91d', '3600', '', null])('refuses %p', async (idleLifetime) => {
      const { refresh } = sessions();
      await expect(refresh.signIn('alice', { idleLifetime: idleLifetime as never })).rejects.toThrow(TypeError);
      expect(await refresh.sessions('alice')).toEqual([]);
    });

    it('refuses one that expires before the client refreshes next, and says from when on it is long enough', async () => {
      const { refresh } = sessions({ access: { lifetime: '1m', maxLifetime: '2h' }, refresh: { grace: '15s' } });
      await expect(refresh.signIn('alice', { idleLifetime: '2h' })).rejects.toThrow('not from 14400 s to refresh.absoluteLifetime');
      expect(await codeOf(() => refresh.signIn('alice', { idleLifetime: '4h' }))).toBe('none');
    });

    it.each(['30m', '90d'] as const)('takes %p', async (idleLifetime) => {
      const { refresh, row } = sessions();
      const { sessionId } = await refresh.signIn('alice', { idleLifetime });
      expect((await row(sessionId))?.ownIdleMs).toBe(idleLifetime === '30m' ? 1_800_000 : 90 * DAY);
    });
  });

  it('opens a session of its own each time', async () => {
    const { refresh } = sessions();
    const pairs = await Promise.all(Array.from({ length: 20 }, () => refresh.signIn('alice')));
    expect(new Set(pairs.map(({ sessionId }) => sessionId)).size).toBe(20);
    expect(new Set(pairs.map(({ refreshToken }) => refreshToken)).size).toBe(20);
  });

  it('opens no session for a user whom loadUser rejects', async () => {
    const { refresh, events } = sessions({ loadUser: () => null });
    expect(await codeOf(() => refresh.signIn('alice'))).toBe('user_rejected');
    expect([await refresh.sessions('alice'), events]).toEqual([[], []]);
  });

  it('tells onEvent, with ids and without tokens', async () => {
    const { refresh, events, clock } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    expect(events).toEqual([{ type: 'signed-in', realm: 'default', at: clock.now(), sessionId, subject: 'alice' }]);
  });
});

describe('RefreshService and the hooks', () => {
  it('asks claims at each minting, with the claims of the sign-in', async () => {
    const asked: [string, SessionInfo][] = [];
    const { refresh, clock } = sessions({ claims: (subject, session) => ({ turn: asked.push([subject, session]) }) });
    const pair = await refresh.signIn('alice', { claims: { roles: ['user'] } });
    clock.advance('1h');
    const { pair: second } = await refresh.rotate(pair.refreshToken);
    expect([pair, second].map(({ accessToken }) => decoded(accessToken).payload['turn'])).toEqual([1, 2]);
    expect(decoded(second.accessToken).payload['roles']).toBeUndefined();
    const { sessionId } = pair;
    expect(asked.map(([subject, session]) => ({ ...session, subject }))).toEqual([
      { subject: 'alice', sessionId, authTime: expect.any(Number), claims: { roles: ['user'] } },
      { subject: 'alice', sessionId, authTime: clock.now() - 3_600_000, claims: { roles: ['user'] } },
    ]);
  });

  it('gives the user that loadUser has loaded to the principal', async () => {
    const { refresh, clock } = sessions({ loadUser: async (subject) => ({ name: subject.toUpperCase() }) });
    const pair = await refresh.signIn('alice');
    clock.advance('1h');
    expect((await refresh.rotate(pair.refreshToken)).principal).toMatchObject({ sub: 'alice', user: { name: 'ALICE' } });
  });

  it('RR-11 revokes the session of a user who is gone, and answers user_rejected', async () => {
    let user: object | null = {};
    const { refresh, clock, row, events, accessTokens: tokens } = sessions({ loadUser: () => user });
    const pair = await refresh.signIn('alice');
    clock.advance('1h');
    user = null;
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).toBe('user_rejected');
    expect(await row(pair.sessionId)).toMatchObject({ revokedAt: clock.now(), revokeReason: 'user-rejected' });
    expect(events.map(({ type }) => type)).toEqual(['signed-in', 'rotated', 'user-rejected', 'revoked']);
    user = {};
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).toBe('session_revoked');
    clock.advance(-3_600_000);
    expect(await codeOf(() => tokens.verify(pair.accessToken))).toBe('token_revoked');
  });

  it.each(['undefined', 'false', 'text'])('rejects the user when loadUser answers %s', async (answer) => {
    const answers: Record<string, unknown> = { undefined: undefined, false: false, text: 'alice' };
    const { refresh } = sessions({ loadUser: () => answers[answer] as never });
    expect(await codeOf(() => refresh.signIn('alice'))).toBe('user_rejected');
  });

  describe.each<[string, (fail: () => boolean) => Partial<TokenModuleOptions>]>([
    ['loadUser throws', (fail) => ({ loadUser: () => (fail() ? boom() : {}) })],
    ['loadUser rejects', (fail) => ({ loadUser: async () => (fail() ? boom() : {}) })],
    ['claims throws', (fail) => ({ claims: () => (fail() ? boom() : {}) })],
    ['claims rejects', (fail) => ({ claims: async () => (fail() ? boom() : {}) })],
    ['claims gives a reserved claim', (fail) => ({ claims: () => (fail() ? { sub: 'mallory' } : {}) })],
    ['claims gives null', (fail) => ({ claims: () => (fail() ? (null as never) : {}) })],
  ])('when %s', (title, optionsOf) => {
    it(`answers 500 hook_failed, and a retry with the same token gets the successor (${title})`, async () => {
      let failing = false;
      const { refresh, clock, row } = sessions(optionsOf(() => failing));
      const pair = await refresh.signIn('alice');
      clock.advance('1h');
      failing = true;
      const failure = refresh.rotate(pair.refreshToken);
      await expect(failure).rejects.toMatchObject({ errorCode: 'hook_failed', retryAfter: null, terminal: false });
      failing = false;
      expect(await row(pair.sessionId)).toMatchObject({ generation: 1, revokedAt: null });
      const { pair: next, outcome } = await refresh.rotate(pair.refreshToken);
      expect(outcome).toBe('coalesced');
      clock.advance('1h');
      expect((await refresh.rotate(next.refreshToken)).outcome).toBe('rotated');
    });

    it(`recovers days later as well (${title})`, async () => {
      let failing = false;
      const { refresh, clock } = sessions(optionsOf(() => failing));
      const pair = await refresh.signIn('alice');
      clock.advance('1h');
      failing = true;
      await refresh.rotate(pair.refreshToken).catch(() => undefined);
      failing = false;
      clock.advance('3d');
      expect((await refresh.rotate(pair.refreshToken)).outcome).toBe('recovered');
    });

    it(`opens no session at sign-in (${title})`, async () => {
      const { refresh } = sessions(optionsOf(() => true));
      expect(await codeOf(() => refresh.signIn('alice'))).toBe('hook_failed');
      expect(await refresh.sessions('alice')).toEqual([]);
    });
  });
});

describe('callers that share one presentation', () => {
  it.each<[string, Partial<TokenModuleOptions>, object]>([
    ['of the sign-in', {}, { roles: ['user'], org: { teams: ['a'] } }],
    ['of the claims hook', { claims: () => ({ roles: ['user'], org: { teams: ['a'] } }) }, {}],
  ])('cannot change the claims %s for each other (F-11)', async (_, options, claims) => {
    const { refresh, clock, accessTokens: tokens } = sessions(options);
    const pair = await refresh.signIn('alice', { claims });
    clock.advance('1h');
    const [one, two] = await Promise.all([refresh.rotate(pair.refreshToken), refresh.rotate(pair.refreshToken)]);
    const [principal, other] = [one, two].map((rotation) => rotation.principal as unknown as Claims) as [Claims, Claims];
    expect(() => principal.roles.push('admin')).toThrow(TypeError);
    expect(() => principal.org.teams.push('b')).toThrow(TypeError);
    principal.roles = ['admin'];
    expect(other).toMatchObject({ roles: ['user'], org: { teams: ['a'] } });
    expect(await tokens.verify(one.pair.accessToken)).toMatchObject({ roles: ['user'], org: { teams: ['a'] } });
  });
});

interface Claims {
  roles: string[];
  org: { teams: string[] };
}

function boom(): never {
  throw new Error('boom');
}

describe('RefreshService and a store that fails', () => {
  const CALLS: [string, keyof InMemoryTokenRepository, (refresh: RefreshService, token: string) => Promise<unknown>][] = [
    ['signIn', 'insert', (refresh) => refresh.signIn('alice')],
    ['rotate', 'rotate', (refresh, token) => refresh.rotate(token)],
    ['signOut', 'revoke', (refresh, token) => refresh.signOut(token)],
    ['revoke', 'revoke', (refresh) => refresh.revoke(SESSION_ID)],
    ['revokeAll', 'revokeAll', (refresh) => refresh.revokeAll('alice')],
    ['sessions', 'list', (refresh) => refresh.sessions('alice')],
    ['purge', 'purge', (refresh) => refresh.purge()],
  ];

  it.each(CALLS)('answers store_unavailable from %s when %s rejects, and keeps the cause', async (_, verb, call) => {
    const { refresh, repository, events } = sessions();
    const { refreshToken, sessionId } = await refresh.signIn('alice');
    const cause = new Error('connection lost');
    jest.spyOn(repository, verb as 'insert').mockRejectedValue(cause);
    const failure: unknown = await call(refresh, refreshToken!).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(failure).toMatchObject({ cause, retryAfter: 1 });
    jest.restoreAllMocks();
    expect((await repository.find({ realm: 'default', id: sessionId }))?.session).toMatchObject({ generation: 0, revokedAt: null });
    expect(events.map(({ type }) => type)).toEqual(['signed-in', 'store-unavailable']);
  });

  it.each(CALLS)('repeats %s when %s meets another statement, four times in all', async (_, verb, call) => {
    const { refresh, repository } = sessions();
    const { refreshToken } = await refresh.signIn('alice');
    const spy = jest.spyOn(repository, verb as 'insert');
    spy.mockRejectedValueOnce(new StoreConflict()).mockRejectedValueOnce(new StoreConflict()).mockRejectedValueOnce(new StoreConflict());
    await call(refresh, refreshToken!);
    expect(spy).toHaveBeenCalledTimes(4);
  });

  it.each(CALLS)('gives up %s when %s conflicts four times', async (_, verb, call) => {
    const { refresh, repository } = sessions();
    const { refreshToken } = await refresh.signIn('alice');
    const spy = jest.spyOn(repository, verb as 'insert').mockRejectedValue(new StoreConflict());
    await expect(call(refresh, refreshToken!)).rejects.toMatchObject({ errorCode: 'store_unavailable', cause: expect.any(StoreConflict) });
    expect(spy).toHaveBeenCalledTimes(4);
  });

  it('has one budget of four rounds for conflicts, lost races and conditional writes together', async () => {
    const { refresh, repository, clock } = sessions();
    const pair = await refresh.signIn('alice');
    clock.advance('1h');
    await refresh.rotate(pair.refreshToken);
    clock.advance('1h');
    const rotate = jest.spyOn(repository, 'rotate').mockRejectedValueOnce(new StoreConflict());
    const advance = jest.spyOn(repository, 'advance').mockResolvedValue(null);
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).toBe('store_unavailable');
    expect([rotate.mock.calls.length, advance.mock.calls.length]).toEqual([4, 3]);
    jest.restoreAllMocks();
    expect((await refresh.rotate(pair.refreshToken)).outcome).toBe('recovered');
  });

  it('does not repeat what is no conflict', async () => {
    const { refresh, repository } = sessions();
    const insert = jest.spyOn(repository, 'insert').mockRejectedValue(new Error('disk full'));
    await refresh.signIn('alice').catch(() => undefined);
    expect(insert).toHaveBeenCalledTimes(1);
  });
});

describe('RefreshService and onEvent', () => {
  it("dates every event by the store's clock or the node's, and hands loadUser the node's instant of a sign-in", async () => {
    const seen: number[] = [];
    const loadUser = (_: string, { authTime }: SessionInfo) => {
      seen.push(authTime);
      return {};
    };
    const { refresh, clock, events } = sessions({ loadUser });
    const [first] = [await refresh.signIn('alice'), await refresh.signIn('alice')];
    await refresh.signOut(first.refreshToken);
    await refresh.revokeAll('alice');
    expect(events.map(({ type, at }) => [type, at])).toEqual(
      ['signed-in', 'signed-in', 'revoked', 'all-revoked'].map((type) => [type, clock.now()]),
    );
    expect(seen).toEqual([clock.now(), clock.now()]);
  });

  it.each<[string, NonNullable<TokenModuleOptions['onEvent']>]>([
    ['throws', () => boom()],
    ['rejects', async () => boom()],
    ['never ends', () => new Promise(() => undefined)],
  ])('is not disturbed by a listener that %s', async (_, onEvent) => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const { refresh, clock } = sessions({ onEvent });
    const pair = await refresh.signIn('alice');
    clock.advance('1h');
    const { outcome } = await refresh.rotate(pair.refreshToken);
    await refresh.signOut(pair.refreshToken);
    expect([outcome, await codeOf(() => refresh.rotate(pair.refreshToken))]).toEqual(['rotated', 'session_revoked']);
    for (const [message] of error.mock.calls) expect(message).toBe('the onEvent listener failed');
  });

  it('is told of reuse, which also goes to the log in one line', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const { refresh, clock, events } = sessions();
    const pair = await refresh.signIn('al"ice');
    let { refreshToken } = pair;
    for (let turn = 0; turn < 2; turn++) {
      clock.advance('1h');
      refreshToken = (await refresh.rotate(refreshToken)).pair.refreshToken;
    }
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).toBe('refresh_reused');
    expect(events.at(-1)).toMatchObject({ type: 'reuse', sessionId: pair.sessionId, subject: 'al"ice' });
    expect(warn.mock.calls).toEqual([[`session reuse: realm=default session=${pair.sessionId} subject="al\\"ice"`]]);
  });
});

describe('RefreshService.sessions', () => {
  it('lists the live sessions of the subject, last used first, without tokens', async () => {
    const { refresh, clock } = sessions();
    const first = await refresh.signIn('alice', { claims: { roles: ['a'] }, device: { label: 'phone', ip: '::1', userAgent: 'curl' } });
    const start = clock.now();
    clock.advance('1h');
    const second = await refresh.signIn('alice', { absoluteLifetime: '1d' });
    await refresh.signIn('bob');
    expect((await refresh.sessions('alice')).map(({ sessionId }) => sessionId)).toEqual([second.sessionId, first.sessionId]);
    clock.advance('1h');
    await refresh.rotate(first.refreshToken);
    const device = { label: 'phone', ip: '::1', userAgent: 'curl' };
    const info = { sessionId: first.sessionId, subject: 'alice', authTime: start, claims: { roles: ['a'] } };
    const times = { createdAt: start, lastUsedAt: clock.now(), expiresAt: clock.now() + 14 * DAY };
    const listed = await refresh.sessions('alice');
    expect(listed[0]).toEqual({ ...info, ...times, ...device, data: null });
    expect(listed[1]?.expiresAt).toBe(start + 3_600_000 + DAY);
  });

  it('hands back the data of the sign-in, which are in no token (F-39)', async () => {
    const { refresh, clock } = sessions();
    const data = { tenant: 7, sub: 'mallory', tags: ['a'] };
    const pair = await refresh.signIn('alice', { data });
    data.tags.push('later');
    clock.advance('1h');
    const { pair: next } = await refresh.rotate(pair.refreshToken);
    expect((await refresh.sessions('alice'))[0]?.data).toEqual({ tenant: 7, sub: 'mallory', tags: ['a'] });
    expect(JSON.stringify([pair, next].map(({ accessToken }) => decoded(accessToken).payload))).not.toMatch(/tenant|mallory/);
  });

  it.each<[string, unknown]>([
    ['a list', ['x']],
    ['null', null],
    ['text', 'x'],
    ['what is no JSON', { big: 1n }],
    ['more than 4096 bytes', { text: 'x'.repeat(4_086) }],
  ])('refuses %s for data and opens no session (F-39)', async (_, data) => {
    const { refresh } = sessions();
    await expect(refresh.signIn('alice', { data: data as object })).rejects.toThrow(TypeError);
    expect(await refresh.sessions('alice')).toEqual([]);
  });

  it('takes 4096 bytes of data (F-39)', async () => {
    const { refresh } = sessions();
    await refresh.signIn('alice', { data: { text: 'x'.repeat(4_085) } });
    expect(await refresh.sessions('alice')).toHaveLength(1);
  });

  it('leaves out what is revoked or has expired', async () => {
    const { refresh, clock } = sessions();
    await refresh.signIn('alice', { absoluteLifetime: '1h' });
    const revoked = await refresh.signIn('alice');
    const live = await refresh.signIn('alice');
    await refresh.revoke(revoked.sessionId);
    clock.advance('1h');
    expect((await refresh.sessions('alice')).map(({ sessionId }) => sessionId)).toEqual([live.sessionId]);
  });

  it('lists a hundred sessions, and the others behind the last one (F-13)', async () => {
    const { refresh } = sessions();
    for (let count = 0; count < 130; count += 1) await refresh.signIn('alice');
    const first = await refresh.sessions('alice');
    const second = await refresh.sessions('alice', { after: first.at(-1) });
    expect([first.length, second.length]).toEqual([100, 30]);
    expect(new Set([...first, ...second].map(({ sessionId }) => sessionId)).size).toBe(130);
    expect(await refresh.sessions('alice', { limit: 1_000 })).toEqual([...first, ...second]);
    expect(await refresh.sessions('alice', { limit: 1 })).toEqual(first.slice(0, 1));
    expect(await refresh.sessions('alice', { after: second.at(-1) })).toEqual([]);
  });

  it.each([0, 1_001, 1.5, -1, Number.NaN, '10', null])('refuses the limit %p (F-13)', async (limit) => {
    await expect(sessions().refresh.sessions('alice', { limit: limit as number })).rejects.toThrow(TypeError);
  });

  it.each([
    null,
    7,
    'x',
    {},
    { sessionId: SESSION_ID },
    { sessionId: SESSION_ID, lastUsedAt: '1' },
    { sessionId: "' OR 1", lastUsedAt: 1 },
  ])('refuses to go on behind %p (F-13)', async (after) => {
    await expect(sessions().refresh.sessions('alice', { after: after as never })).rejects.toThrow('after: not a session of a page');
  });

  it('is empty for a subject without sessions', async () => {
    expect(await sessions().refresh.sessions('nobody')).toEqual([]);
  });
});

describe('RefreshService.signOut', () => {
  it('ends the session and its access tokens at once, whatever the generation of the token', async () => {
    const { refresh, clock, row, accessTokens: tokens } = sessions();
    const pair = await refresh.signIn('alice');
    clock.advance('1h');
    const { pair: second } = await refresh.rotate(pair.refreshToken);
    await refresh.signOut(pair.refreshToken);
    expect(await row(pair.sessionId)).toMatchObject({ revokeReason: 'logout' });
    expect(await codeOf(() => refresh.rotate(second.refreshToken))).toBe('session_revoked');
    expect(await codeOf(() => tokens.verify(second.accessToken))).toBe('token_revoked');
  });

  it('RV-04 is idempotent: the first instant and reason stay, and one event is told', async () => {
    const { refresh, clock, row, events } = sessions();
    const pair = await refresh.signIn('alice');
    await refresh.signOut(pair.refreshToken);
    const at = clock.now();
    clock.advance('1h');
    await refresh.signOut(pair.refreshToken);
    await refresh.revoke(pair.sessionId, { reason: 'password' });
    expect(await row(pair.sessionId)).toMatchObject({ revokedAt: at, revokeReason: 'logout' });
    expect(events.filter(({ type }) => type === 'revoked')).toHaveLength(1);
  });

  it.each([undefined, null, '', 'junk', `ntr_${'A'.repeat(52)}`, 5, {}])('is silent on %p and asks no store', async (token) => {
    const { refresh, repository } = sessions();
    const revoke = jest.spyOn(repository, 'revoke');
    await refresh.signOut(token as string);
    expect(revoke).not.toHaveBeenCalled();
  });

  it('is silent on a session that is no more', async () => {
    const { refresh, clock } = sessions();
    const pair = await refresh.signIn('alice');
    clock.advance('91d');
    await refresh.purge();
    expect(await codeOf(() => refresh.signOut(pair.refreshToken))).toBe('none');
  });

  it("leaves the subject's other sessions alone", async () => {
    const { refresh } = sessions();
    const [one, other] = [await refresh.signIn('alice'), await refresh.signIn('alice')];
    await refresh.signOut(one.refreshToken);
    expect((await refresh.sessions('alice')).map(({ sessionId }) => sessionId)).toEqual([other.sessionId]);
  });
});

describe('RefreshService.revokeAll (RV-02)', () => {
  it('ends every session of the subject but one', async () => {
    const { refresh, events, accessTokens: tokens, clock } = sessions();
    const [one, two, kept, bob] = [
      await refresh.signIn('alice'),
      await refresh.signIn('alice'),
      await refresh.signIn('alice'),
      await refresh.signIn('bob'),
    ];
    await refresh.revokeAll('alice', { except: kept.sessionId, reason: 'password' });
    expect((await refresh.sessions('alice')).map(({ sessionId }) => sessionId)).toEqual([kept.sessionId]);
    const verdicts = await Promise.all([one, two, kept, bob].map(({ accessToken }) => codeOf(() => tokens.verify(accessToken))));
    expect(verdicts).toEqual(['token_revoked', 'token_revoked', 'none', 'none']);
    const { sessionIds, ...event } = events.at(-1) as Extract<TokenEvent, { type: 'all-revoked' }>;
    expect(event).toEqual({ type: 'all-revoked', realm: 'default', at: expect.any(Number), subject: 'alice', reason: 'password' });
    expect([...sessionIds].sort()).toEqual([one.sessionId, two.sessionId].sort());
    expect((await refresh.rotate(kept.refreshToken)).outcome).toBe('rotated');
    expect(clock.now()).toBeGreaterThan(0);
  });

  it('ends sessions that are open now, not those that follow', async () => {
    const { refresh } = sessions();
    await refresh.signIn('alice');
    await refresh.revokeAll('alice');
    const later = await refresh.signIn('alice');
    expect((await refresh.rotate(later.refreshToken)).outcome).toBe('rotated');
  });

  it('is silent on a subject without sessions', async () => {
    expect(await codeOf(() => sessions().refresh.revokeAll('nobody'))).toBe('none');
  });
});

describe('RefreshService and what it is told of sessions to end', () => {
  it.each([null, 5, 0, '', 'all', {}, ['x'], true])('refuses to end all sessions except %p, and ends none (F-12)', async (except) => {
    const { refresh, repository } = sessions();
    const revokeAll = jest.spyOn(repository, 'revokeAll');
    await expect(refresh.revokeAll('alice', { except: except as string })).rejects.toThrow(
      new TypeError('except: not the id of a session'),
    );
    expect(revokeAll).not.toHaveBeenCalled();
  });

  it('ends all sessions when except is undefined (F-12)', async () => {
    const { refresh } = sessions();
    await refresh.signIn('alice');
    const nobody: { except?: string } = {};
    await refresh.revokeAll('alice', { except: nobody.except as never });
    expect(await refresh.sessions('alice')).toEqual([]);
  });

  it.each(['', 'banned', 'x'.repeat(17), 'toString', null, 5, {}])('refuses the reason %p, and ends nothing (F-12)', async (reason) => {
    const { refresh } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    const refusal = new TypeError(`reason: not one of ${REVOKE_REASONS.join(', ')}`);
    await expect(refresh.revoke(sessionId, { reason: reason as RevokeReason })).rejects.toThrow(refusal);
    await expect(refresh.revokeAll('alice', { reason: reason as RevokeReason })).rejects.toThrow(refusal);
    expect(await refresh.sessions('alice')).toHaveLength(1);
  });

  it('ends with a subject only a session of that subject, whose access tokens this node refuses at once', async () => {
    const { refresh, row, rotator, events } = sessions();
    const pair = await refresh.signIn('alice');
    await refresh.revoke(pair.sessionId, { subject: 'bob', reason: 'user' });
    expect([await row(pair.sessionId), rotator['ports'].denylist.has(pair.sessionId)]).toMatchObject([{ revokedAt: null }, false]);
    expect(events.filter(({ type }) => type === 'revoked')).toEqual([]);
    await refresh.revoke(pair.sessionId, { subject: 'alice', reason: 'user' });
    expect([await row(pair.sessionId), rotator['ports'].denylist.has(pair.sessionId)]).toMatchObject([{ revokeReason: 'user' }, true]);
  });

  it.each([undefined, null, '', 5])('refuses the subject %p instead of ending the session of anybody', async (subject) => {
    const { refresh, row } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    await expect(refresh.revoke(sessionId, { subject: subject as string })).rejects.toThrow(TypeError);
    expect(await row(sessionId)).toMatchObject({ revokedAt: null });
  });

  it.each(REVOKE_REASONS)('takes the reason %s (F-12)', async (reason) => {
    const { refresh, row } = sessions();
    const [one, two] = [await refresh.signIn('alice'), await refresh.signIn('alice')];
    await refresh.revoke(one.sessionId, { reason });
    await refresh.revokeAll('alice', { reason });
    expect([(await row(one.sessionId))?.revokeReason, (await row(two.sessionId))?.revokeReason]).toEqual([reason, reason]);
  });
});

describe('RefreshService and sessions that are known to be revoked', () => {
  it('signs them out again without a statement, an event, a hint or a new entry in the list (F-20)', async () => {
    const channel = new FakeChannel();
    const { refresh, repository, events, rotator } = sessions({ push: channel.end() });
    const pair = await refresh.signIn('alice');
    const list = rotator['ports'].denylist as RevocationList;
    await list.start();
    await refresh.signOut(pair.refreshToken);
    const [told, announced, add, revoke] = [events.length, channel.announced, jest.spyOn(list, 'add'), jest.spyOn(repository, 'revoke')];
    await refresh.signOut(pair.refreshToken);
    list.stop();
    expect([revoke.mock.calls, add.mock.calls, events.length, channel.announced]).toEqual([[], [], told, announced]);
  });

  it('ends them by revoke() once more, because a restored backup may have revived them', async () => {
    const { refresh, repository } = sessions();
    const pair = await refresh.signIn('alice');
    await refresh.revoke(pair.sessionId);
    const revoke = jest.spyOn(repository, 'revoke');
    await refresh.revoke(pair.sessionId);
    expect(revoke).toHaveBeenCalledTimes(1);
  });

  it('refuses their refresh tokens without a statement (F-20)', async () => {
    const { refresh, repository, clock } = sessions();
    const pair = await refresh.signIn('alice');
    clock.advance('1h');
    await refresh.revoke(pair.sessionId);
    const [rotate, find] = [jest.spyOn(repository, 'rotate'), jest.spyOn(repository, 'find')];
    await expect(refresh.rotate(pair.refreshToken)).rejects.toMatchObject({ errorCode: 'session_revoked', sessionId: pair.sessionId });
    expect([rotate.mock.calls, find.mock.calls]).toEqual([[], []]);
  });

  it('asks the store when the list has forgotten them (F-20)', async () => {
    const { refresh, repository, rotator } = sessions();
    const pair = await refresh.signIn('alice');
    await refresh.signOut(pair.refreshToken);
    jest.spyOn(rotator['ports'].denylist, 'has').mockReturnValue(false);
    const [revoke, find] = [jest.spyOn(repository, 'revoke'), jest.spyOn(repository, 'find')];
    await refresh.signOut(pair.refreshToken);
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).toBe('session_revoked');
    expect([revoke.mock.calls.length, find.mock.calls.length]).toEqual([1, 1]);
  });

  it('gives no hint for a sign-out that ended nothing (F-20)', async () => {
    const channel = new FakeChannel();
    const { refresh, rotator } = sessions({ push: channel.end() });
    const list = rotator['ports'].denylist as RevocationList;
    await list.start();
    await refresh.revoke(SESSION_ID);
    list.stop();
    expect(channel.announced).toBe(0);
  });
});

describe('RefreshService.purge', () => {
  it('deletes the sessions whose absolute lifetime is over, and tells how many', async () => {
    const { refresh, clock, row } = sessions();
    const [short, long] = [await refresh.signIn('alice', { absoluteLifetime: '1h' }), await refresh.signIn('alice')];
    clock.advance(3_600_000 - 1);
    expect(await refresh.purge()).toBe(0);
    clock.advance(1);
    expect(await refresh.purge()).toBe(1);
    expect([await row(short.sessionId), (await row(long.sessionId))?.subject]).toEqual([undefined, 'alice']);
    expect(await codeOf(() => refresh.rotate(short.refreshToken))).toBe('session_not_found');
  });

  it('ST-07 keeps revoked and idle sessions as evidence until then', async () => {
    const { refresh, clock } = sessions();
    const pair = await refresh.signIn('alice');
    await refresh.revoke(pair.sessionId);
    clock.advance('89d');
    expect(await refresh.purge()).toBe(0);
    expect(await codeOf(() => refresh.rotate(pair.refreshToken))).toBe('session_revoked');
  });
});

describe('RefreshService.rotate', () => {
  it.each([undefined, null, ''])('answers refresh_missing to %p', async (token) => {
    expect(await codeOf(() => sessions().refresh.rotate(token))).toBe('refresh_missing');
  });

  it.each<unknown>(['junk', `ntr_${'A'.repeat(52)}`, 5, {}, [['ntr_']], { toString: null }])(
    'INJ-06 answers refresh_invalid to %p and asks no store',
    async (token) => {
      const { refresh, repository } = sessions();
      const rotate = jest.spyOn(repository, 'rotate');
      expect(await codeOf(() => refresh.rotate(token as string))).toBe('refresh_invalid');
      expect(rotate).not.toHaveBeenCalled();
    },
  );
});
