import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, HttpCode, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import type { Principal, TokenPair } from 'nestjs-token';
import { CurrentUser, Fresh, JwtAuthGuard, RefreshService, TokenInterceptor } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { codeOf, decoded, SESSION_ID } from '../support/access-tokens.js';
import { ADAPTERS, bearing, startApp } from '../support/app.js';
import { sessions } from '../support/sessions.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('RefreshService.reauthenticate', () => {
  it("issues an access token with the store's present instant as auth_time, and no refresh token", async () => {
    const { refresh, accessTokens, clock } = sessions({ access: { jitter: 0 } });
    const pair = await refresh.signIn('alice', { claims: { roles: ['user'] } });
    clock.advance('10m');
    const again = await refresh.reauthenticate(pair.sessionId, { subject: 'alice' });
    expect([again.refreshToken, again.sessionId, again.expiresIn]).toEqual([undefined, pair.sessionId, 900]);
    expect(Object.keys(again.toJSON())).not.toContain('refresh_token');
    expect(await accessTokens.verify(again.accessToken)).toMatchObject({
      sub: 'alice',
      sid: pair.sessionId,
      roles: ['user'],
      auth_time: Math.floor(clock.now() / 1_000),
    });
  });

  it('leaves the refresh token, the lifetimes and the row count as they are, and the next refresh keeps auth_time', async () => {
    const { refresh, clock, row } = sessions();
    const pair = await refresh.signIn('alice');
    const before = await row(pair.sessionId);
    clock.advance('10m');
    await refresh.reauthenticate(pair.sessionId);
    expect(await row(pair.sessionId)).toEqual({ ...before, authTime: clock.now() });
    expect(await refresh.sessions('alice')).toHaveLength(1);
    const at = clock.now();
    clock.advance('1h');
    const { pair: next, outcome } = await refresh.rotate(pair.refreshToken);
    expect([outcome, decoded(next.accessToken).payload['auth_time']]).toEqual(['rotated', Math.floor(at / 1_000)]);
  });

  it('tells the claims hook the new instant, and onEvent what has happened', async () => {
    const seen: number[] = [];
    const { refresh, clock, events } = sessions({ claims: (_, { authTime }) => ({ turn: seen.push(authTime) }) });
    const { sessionId } = await refresh.signIn('alice');
    clock.advance('10m');
    const { accessToken } = await refresh.reauthenticate(sessionId);
    expect([seen.at(-1), decoded(accessToken).payload['turn']]).toEqual([clock.now(), 2]);
    expect(events.at(-1)).toEqual({ type: 'reauthenticated', realm: 'default', at: clock.now(), sessionId, subject: 'alice' });
  });

  it('issues no token that outlives a change of the claims while a hook was asked', async () => {
    let meanwhile = (): Promise<unknown> => Promise.resolve();
    const { refresh, accessTokens } = sessions({ loadUser: () => meanwhile().then(() => ({ name: 'alice' })) });
    const { sessionId } = await refresh.signIn('alice', { claims: { roles: ['admin'] } });
    meanwhile = () => refresh.update(sessionId, { claims: { roles: [] }, now: true });
    const { accessToken } = await refresh.reauthenticate(sessionId);
    expect(decoded(accessToken).payload['roles']).toEqual(['admin']);
    expect(await codeOf(() => accessTokens.verify(accessToken))).toBe('token_expired');
  });

  it.each([undefined, null, '', 'x', 5, {}, SESSION_ID.toUpperCase()])('answers session_not_found to %p, without a query', async (id) => {
    const { refresh, repository } = sessions();
    const find = jest.spyOn(repository, 'find');
    expect(await codeOf(() => refresh.reauthenticate(id as string))).toBe('session_not_found');
    expect(find).not.toHaveBeenCalled();
  });

  it('answers session_not_found to an unknown session and to that of another subject, which stays as it is', async () => {
    const { refresh, row, clock } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    const before = await row(sessionId);
    clock.advance('1m');
    expect(await codeOf(() => refresh.reauthenticate(SESSION_ID))).toBe('session_not_found');
    expect(await codeOf(() => refresh.reauthenticate(sessionId, { subject: 'bob' }))).toBe('session_not_found');
    expect(await row(sessionId)).toEqual(before);
  });

  it.each([undefined, null, '', 5])('refuses the subject %p', async (subject) => {
    const { refresh } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    await expect(refresh.reauthenticate(sessionId, { subject: subject as string })).rejects.toThrow(TypeError);
  });

  it('answers session_revoked to a session that has been revoked, and refresh_expired to one that has expired', async () => {
    const { refresh, repository, clock, rotator } = sessions();
    const [revoked, idle] = [await refresh.signIn('alice'), await refresh.signIn('alice')];
    await repository.revoke({ realm: 'default', id: revoked.sessionId }, 'admin');
    expect(await codeOf(() => refresh.reauthenticate(revoked.sessionId))).toBe('session_revoked');
    expect(rotator['ports'].denylist.has(revoked.sessionId)).toBe(true);
    clock.advance(14 * 86_400_000 - 1);
    expect(await codeOf(() => refresh.reauthenticate(idle.sessionId))).toBe('none');
    clock.advance(1);
    expect(await codeOf(() => refresh.reauthenticate(idle.sessionId))).toBe('refresh_expired');
  });

  it('answers session_revoked when the session is revoked meanwhile', async () => {
    const { refresh, repository } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    const update = repository.update.bind(repository);
    jest.spyOn(repository, 'update').mockImplementationOnce(async (key, patch) => {
      await repository.revoke(key, 'admin');
      return update(key, patch);
    });
    expect(await codeOf(() => refresh.reauthenticate(sessionId))).toBe('session_revoked');
  });

  it('changes nothing for a user whom loadUser rejects, or when the store is away', async () => {
    let user: object | null = {};
    const { refresh, repository, row } = sessions({ loadUser: () => user });
    const { sessionId } = await refresh.signIn('alice');
    const before = await row(sessionId);
    user = null;
    expect(await codeOf(() => refresh.reauthenticate(sessionId))).toBe('user_rejected');
    user = {};
    jest.spyOn(repository, 'update').mockRejectedValueOnce(new Error('gone'));
    expect(await codeOf(() => refresh.reauthenticate(sessionId))).toBe('store_unavailable');
    expect(await row(sessionId)).toEqual(before);
  });
});

@Controller()
class VaultController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('reauthenticate')
  @HttpCode(200)
  @UseGuards(JwtAuthGuard)
  @UseInterceptors(TokenInterceptor)
  again(@CurrentUser() user: Principal): Promise<TokenPair> {
    return this.refresh.reauthenticate(user.sid, { subject: user.sub });
  }

  @Get('vault')
  @UseGuards(JwtAuthGuard)
  @Fresh('1m')
  vault(): string {
    return 'gold';
  }
}

describe.each(ADAPTERS)('a re-authentication over HTTP on %s', (adapter) => {
  it('opens a route with @Fresh() at once, with the access token of the response, and the client keeps its refresh token', async () => {
    const clock = new FakeClock();
    const options = { repository: InMemoryTokenRepository };
    const app = await startApp({ adapter, options, controllers: [VaultController], clock });
    try {
      const pair = await app.app.get(RefreshService).signIn('alice');
      clock.advance('10m');
      expect((await app.call('/vault', { headers: bearing(pair) })).json()).toMatchObject({ errorCode: 'fresh_token_required' });
      const response = await app.call('/reauthenticate', { method: 'POST', headers: bearing(pair) });
      expect([response.status, response.headers['x-refresh-token']]).toEqual([200, undefined]);
      const body = response.json<{ access_token: string; refresh_token?: string }>();
      expect([response.headers.authorization, body.refresh_token]).toEqual([`Bearer ${body.access_token}`, undefined]);
      expect((await app.call('/vault', { headers: bearing({ accessToken: body.access_token }) })).text).toBe('gold');
      clock.advance('1h');
      const refreshed = await app.call('/reauthenticate', { method: 'POST', headers: bearing(pair) });
      expect([refreshed.status, refreshed.headers['x-refresh-token']]).toEqual([200, expect.stringMatching(/^ntr_/)]);
    } finally {
      await app.close();
    }
  });
});
