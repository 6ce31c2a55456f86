import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, HttpCode, Post, UseInterceptors } from '@nestjs/common';
import { RefreshService, TokenInterceptor } from 'nestjs-token';
import type { TokenPair } from 'nestjs-token';
import { codeOf } from '../support/access-tokens.js';
import { ADAPTERS, startApp } from '../support/app.js';
import { sessions } from '../support/sessions.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('sessions.max', () => {
  it('RR-18 ends the sessions that were used longest ago, and their access tokens at once', async () => {
    const { refresh, accessTokens, clock, row } = sessions({ sessions: { max: 2 } });
    const first = await refresh.signIn('alice');
    clock.advance('1m');
    const second = await refresh.signIn('alice');
    clock.advance('1m');
    await refresh.rotate(first.refreshToken);
    clock.advance('1m');
    const third = await refresh.signIn('alice');
    expect((await refresh.sessions('alice')).map(({ sessionId }) => sessionId)).toEqual([third.sessionId, first.sessionId]);
    expect(await row(second.sessionId)).toMatchObject({ revokeReason: 'limit' });
    expect(await codeOf(() => accessTokens.verify(second.accessToken))).toBe('token_revoked');
    expect(await codeOf(() => refresh.rotate(second.refreshToken))).toBe('session_revoked');
  });

  it('tells onEvent of each session that has ended, before the sign-in that ended it', async () => {
    const { refresh, events, clock } = sessions({ sessions: { max: 1 } });
    const first = await refresh.signIn('alice');
    clock.advance('1s');
    const second = await refresh.signIn('alice');
    const common = { realm: 'default', at: clock.now() };
    expect(events.slice(1)).toEqual([
      { ...common, type: 'revoked', sessionId: first.sessionId, reason: 'limit' },
      { ...common, type: 'signed-in', sessionId: second.sessionId, subject: 'alice' },
    ]);
  });

  it('counts each subject by itself, and by default no session at all', async () => {
    const limited = sessions({ sessions: { max: 1 } });
    await limited.refresh.signIn('alice');
    await limited.refresh.signIn('bob');
    expect(await limited.refresh.sessions('alice')).toHaveLength(1);
    const { refresh, repository } = sessions();
    const find = jest.spyOn(repository, 'find');
    for (let count = 0; count < 20; count += 1) await refresh.signIn('alice');
    expect([(await refresh.sessions('alice')).length, find.mock.calls]).toEqual([20, []]);
  });
});

describe("sessions.onLimit: 'refuse'", () => {
  const REFUSE = { sessions: { max: 2, onLimit: 'refuse' } } as const;

  it('opens no session beyond the maximum, and one again when another has ended', async () => {
    const { refresh, events, clock } = sessions(REFUSE);
    const first = await refresh.signIn('alice');
    clock.advance('1s');
    const second = await refresh.signIn('alice');
    clock.advance('1s');
    await expect(refresh.signIn('alice')).rejects.toMatchObject({ errorCode: 'session_limit', max: 2, terminal: false });
    expect((await refresh.sessions('alice')).map(({ sessionId }) => sessionId)).toEqual([second.sessionId, first.sessionId]);
    expect(events.map(({ type }) => type)).toEqual(['signed-in', 'signed-in']);
    await refresh.signOut(first.refreshToken);
    clock.advance('1s');
    expect((await refresh.signIn('alice')).sessionId).toMatch(/-/);
  });

  it('refuses a sign-in whose session a simultaneous one has ended', async () => {
    const { refresh, repository } = sessions(REFUSE);
    const insert = repository.insert.bind(repository);
    jest.spyOn(repository, 'insert').mockImplementationOnce(async (session) => {
      const inserted = await insert(session);
      await repository.revoke(session, 'limit');
      return inserted;
    });
    expect(await codeOf(() => refresh.signIn('alice'))).toBe('session_limit');
  });

  it('leaves no live session when the store fails before it is known whether there is room', async () => {
    const { refresh, repository } = sessions(REFUSE);
    jest.spyOn(repository, 'find').mockRejectedValueOnce(new Error('gone'));
    expect(await codeOf(() => refresh.signIn('alice'))).toBe('store_unavailable');
    expect(await refresh.sessions('alice')).toEqual([]);
  });
});

describe('maxSessions of one sign-in', () => {
  it('replaces sessions.max', async () => {
    const { refresh } = sessions({ sessions: { max: 1 } });
    await refresh.signIn('alice', { maxSessions: 2 });
    await refresh.signIn('alice', { maxSessions: 2 });
    expect(await refresh.sessions('alice')).toHaveLength(2);
    await refresh.signIn('alice');
    expect(await refresh.sessions('alice')).toHaveLength(1);
  });

  it('works without sessions.max, with the onLimit of the module', async () => {
    const { refresh, clock } = sessions({ sessions: { onLimit: 'refuse' } });
    await refresh.signIn('alice', { maxSessions: 1 });
    clock.advance('1s');
    expect(await codeOf(() => refresh.signIn('alice', { maxSessions: 1 }))).toBe('session_limit');
    expect(await codeOf(() => refresh.signIn('alice'))).toBe('none');
  });

  it.each([0, -1, 1.5, 10_001, NaN, '5', null])('refuses %p and opens no session', async (maxSessions) => {
    const { refresh } = sessions();
    await expect(refresh.signIn('alice', { maxSessions: maxSessions as number })).rejects.toThrow(TypeError);
    expect(await refresh.sessions('alice')).toEqual([]);
  });

  it.each([1, 10_000])('takes %p', async (maxSessions) => {
    expect(await codeOf(() => sessions().refresh.signIn('alice', { maxSessions }))).toBe('none');
  });
});

@Controller()
class LoginController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('login')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  login(): Promise<TokenPair> {
    return this.refresh.signIn('alice');
  }
}

describe.each(ADAPTERS)('a sign-in beyond the limit over HTTP on %s', (adapter) => {
  it('gets 409 session_limit, without a challenge and without tokens', async () => {
    const options = { sessions: { max: 1, onLimit: 'refuse' } } as const;
    const app = await startApp({ adapter, options, controllers: [LoginController] });
    try {
      expect((await app.call('/login', { method: 'POST' })).status).toBe(200);
      const refused = await app.call('/login', { method: 'POST' });
      expect(refused.json()).toEqual({ statusCode: 409, message: expect.any(String), error: 'Conflict', errorCode: 'session_limit' });
      expect([refused.status, refused.headers['www-authenticate'], refused.headers.authorization]).toEqual([409, undefined, undefined]);
    } finally {
      await app.close();
    }
  });
});
