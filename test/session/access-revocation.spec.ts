import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';
import type { TokenModuleOptions } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, RefreshService, SystemClock } from 'nestjs-token';
import type { Principal } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { codeOf, decoded, SESSION_ID } from '../support/access-tokens.js';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from '../support/app.js';
import { FakeChannel } from '../support/fake-push.js';
import { composeInstance } from '../support/instance.js';
import { resolveTokenOptions } from '../support/lib.js';
import { sessions } from '../support/sessions.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('RefreshService.revokeAccess', () => {
  it('refuses the access tokens of the session at once, also those that are known, and leaves the session open', async () => {
    const { refresh, accessTokens, row } = sessions();
    const [pair, other] = [await refresh.signIn('alice'), await refresh.signIn('alice')];
    await accessTokens.verify(pair.accessToken);
    expect(accessTokens.recall(pair.accessToken)).toBeDefined();
    expect(await refresh.revokeAccess(pair.sessionId)).toBe(true);
    expect(accessTokens.recall(pair.accessToken)).toBeUndefined();
    await expect(accessTokens.verify(pair.accessToken)).rejects.toMatchObject({ errorCode: 'token_expired', terminal: false });
    expect(await codeOf(() => accessTokens.verify(other.accessToken))).toBe('none');
    expect(await row(pair.sessionId)).toMatchObject({ revokedAt: null });
    expect((await refresh.rotate(pair.refreshToken)).outcome).toBe('rotated');
  });

  it('accepts a token that is issued in the same millisecond afterwards, and refuses one that was issued before in it', async () => {
    const { refresh, accessTokens } = sessions();
    const first = await refresh.signIn('alice');
    const { pair: before } = await refresh.rotate(first.refreshToken);
    await refresh.revokeAccess(first.sessionId);
    const { pair: after, outcome } = await refresh.rotate(before.refreshToken);
    expect(outcome).toBe('kept');
    expect(decoded(after.accessToken).payload['iat']).toBe(decoded(before.accessToken).payload['iat']);
    const verdicts = [first, before, after].map(({ accessToken }) => codeOf(() => accessTokens.verify(accessToken)));
    expect(await Promise.all(verdicts)).toEqual(['token_expired', 'token_expired', 'none']);
  });

  it('works again and again, and each time refuses what was issued before', async () => {
    const { refresh, accessTokens } = sessions();
    let { accessToken, refreshToken, sessionId } = await refresh.signIn('alice');
    for (let turn = 0; turn < 5; turn += 1) {
      await refresh.revokeAccess(sessionId);
      const { pair } = await refresh.rotate(refreshToken);
      expect(await codeOf(() => accessTokens.verify(accessToken))).toBe('token_expired');
      expect(await codeOf(() => accessTokens.verify(pair.accessToken))).toBe('none');
      [accessToken, refreshToken, sessionId] = [pair.accessToken, pair.refreshToken ?? refreshToken, pair.sessionId];
    }
  });

  it('does not depend on what the clocks of node and store say', async () => {
    const { refresh, accessTokens, clock } = sessions();
    const pair = await refresh.signIn('alice');
    clock.advance(-30_000);
    await refresh.revokeAccess(pair.sessionId);
    clock.advance(30_000);
    expect(await codeOf(() => accessTokens.verify(pair.accessToken))).toBe('token_expired');
    const { pair: next } = await refresh.rotate(pair.refreshToken);
    expect(await codeOf(() => accessTokens.verify(next.accessToken))).toBe('none');
  });

  it('lets AccessTokenService.sign issue good tokens for the session from then on', async () => {
    const { refresh, accessTokens } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    const before = await accessTokens.sign('alice', { sessionId });
    await refresh.revokeAccess(sessionId);
    const after = await accessTokens.sign('alice', { sessionId });
    expect([await codeOf(() => accessTokens.verify(before)), await codeOf(() => accessTokens.verify(after))]).toEqual([
      'token_expired',
      'none',
    ]);
    await refresh.revoke(sessionId);
    const ended = await accessTokens.sign('alice', { sessionId });
    expect(await codeOf(() => accessTokens.verify(ended))).toBe('token_revoked');
  });

  it('tells onEvent, and the final verdict of a later sign-out wins', async () => {
    const { refresh, accessTokens, events, clock } = sessions();
    const pair = await refresh.signIn('alice');
    await refresh.revokeAccess(pair.sessionId);
    const { sessionId } = pair;
    expect(events.at(-1)).toEqual({ type: 'access-revoked', realm: 'default', at: clock.now(), sessionId, subject: 'alice' });
    await refresh.signOut(pair.refreshToken);
    expect(await codeOf(() => accessTokens.verify(pair.accessToken))).toBe('token_revoked');
    expect(await refresh.revokeAccess(pair.sessionId)).toBe(false);
    expect(await codeOf(() => accessTokens.verify(pair.accessToken))).toBe('token_revoked');
  });

  it('revokes with a subject only the access tokens of that subject, and is false where there is no such session', async () => {
    const { refresh, accessTokens } = sessions();
    const { sessionId, accessToken } = await refresh.signIn('alice');
    expect(await refresh.revokeAccess(sessionId, { subject: 'bob' })).toBe(false);
    expect(await codeOf(() => accessTokens.verify(accessToken))).toBe('none');
    expect([await refresh.revokeAccess(SESSION_ID), await refresh.revokeAccess('x')]).toEqual([false, false]);
    await expect(refresh.revokeAccess(sessionId, { subject: undefined as never })).rejects.toThrow(TypeError);
    expect(await refresh.revokeAccess(sessionId, { subject: 'alice' })).toBe(true);
  });

  it('keeps the claim that dates the tokens to itself', async () => {
    const { refresh } = sessions();
    await expect(refresh.signIn('alice', { claims: { sid_epoch: 9e15 } })).rejects.toThrow("claims: 'sid_epoch' is reserved");
    const pair = await refresh.signIn('alice');
    expect(decoded(pair.accessToken).payload).not.toHaveProperty('sid_epoch');
  });
});

describe('RefreshService.update with now', () => {
  it('makes the client get the new claims with its next request', async () => {
    const { refresh, accessTokens } = sessions();
    const pair = await refresh.signIn('alice', { claims: { roles: ['user'] } });
    expect(await refresh.update(pair.sessionId, { claims: { roles: ['admin'] }, now: true })).toBe(true);
    expect(await codeOf(() => accessTokens.verify(pair.accessToken))).toBe('token_expired');
    const { pair: next } = await refresh.rotate(pair.refreshToken);
    expect(await accessTokens.verify(next.accessToken)).toMatchObject({ roles: ['admin'] });
  });

  it.each(['true', 1, null])('refuses now: %p and changes nothing', async (now) => {
    const { refresh, row } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    await expect(refresh.update(sessionId, { label: 'x', now: now as never })).rejects.toThrow(TypeError);
    expect(await row(sessionId)).toMatchObject({ label: null, accessRevokedAt: null });
  });
});

describe('revoked access tokens on other nodes', () => {
  /** Two nodes over one store. */
  function nodes(given: Partial<TokenModuleOptions> = {}, pushes = true) {
    const repository = new InMemoryTokenRepository();
    const channel = new FakeChannel();
    const node = () => {
      const options = resolveTokenOptions({ issuer: ISSUER, secret: SECRET, ...(pushes && { push: channel.end() }), ...given }, 'default');
      return composeInstance({ options, repository, clock: new SystemClock() });
    };
    return { one: node(), two: node(), channel };
  }

  it.each([
    ['a push channel', true],
    ['the poll alone', false],
  ])('are refused within a second by %s, and the successors are accepted', async (_, pushes) => {
    const { one, two, channel } = nodes({}, pushes);
    await Promise.all([one.onModuleInit(), two.onModuleInit()]);
    const pair = await one.refresh.signIn('alice');
    await two.accessTokens.verify(pair.accessToken);
    const since = performance.now();
    await one.refresh.revokeAccess(pair.sessionId);
    expect(channel.announced).toBe(Number(pushes));
    while (two.accessTokens.recall(pair.accessToken)) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(performance.now() - since).toBeLessThan(1_000);
    expect(await codeOf(() => two.accessTokens.verify(pair.accessToken))).toBe('token_expired');
    const { pair: next } = await two.refresh.rotate(pair.refreshToken);
    for (const { accessTokens } of [one, two]) expect(await codeOf(() => accessTokens.verify(next.accessToken))).toBe('none');
    await Promise.all([one.onModuleDestroy(), two.onModuleDestroy()]);
  });

  it('are refused by a node that starts afterwards', async () => {
    const { one, two } = nodes();
    const pair = await one.refresh.signIn('alice');
    await one.refresh.revokeAccess(pair.sessionId);
    await two.onModuleInit();
    expect(await codeOf(() => two.accessTokens.verify(pair.accessToken))).toBe('token_expired');
    await two.onModuleDestroy();
  });

  it("are refused at once with revocation: 'strict', and a token that is signed there afterwards is accepted", async () => {
    const { one, two } = nodes({ revocation: 'strict' });
    const pair = await one.refresh.signIn('alice');
    expect(await codeOf(() => two.accessTokens.verify(pair.accessToken))).toBe('none');
    await one.refresh.revokeAccess(pair.sessionId);
    expect(await codeOf(() => two.accessTokens.verify(pair.accessToken))).toBe('token_expired');
    const { pair: next } = await two.refresh.rotate(pair.refreshToken);
    expect(await codeOf(() => two.accessTokens.verify(next.accessToken))).toBe('none');
    const signed = await two.accessTokens.sign('alice', { sessionId: pair.sessionId });
    expect(await codeOf(() => one.accessTokens.verify(signed))).toBe('none');
  });
});

describe('a revocation of access tokens, one lifetime of an access token later', () => {
  it("is forgotten also with revocation: 'strict', so that tokens of other nodes are accepted", async () => {
    const { refresh, accessTokens, clock } = sessions({ revocation: 'strict' });
    const pair = await refresh.signIn('alice');
    await refresh.revokeAccess(pair.sessionId);
    const denylist = accessTokens['ports'].denylist;
    jest.spyOn(denylist, 'accessEpoch').mockReturnValue(0);
    clock.advance(905_000 - 1);
    const early = await accessTokens.sign('alice', { sessionId: pair.sessionId });
    expect(await codeOf(() => accessTokens.verify(early))).toBe('token_expired');
    clock.advance(1);
    const late = await accessTokens.sign('alice', { sessionId: pair.sessionId });
    expect(await codeOf(() => accessTokens.verify(late))).toBe('none');
  });
});

@Controller()
@UseGuards(JwtAuthGuard, JwtAuthGuard)
class RolesController {
  @Get('roles')
  roles(@CurrentUser('roles') roles: Principal): unknown {
    return { roles };
  }
}

describe.each(ADAPTERS)('revoked access tokens over HTTP on %s', (adapter) => {
  it('are refreshed in the next request, behind two guards as well, and 401 token_expired without a refresh token', async () => {
    const clock = new FakeClock();
    const app = await startApp({ adapter, controllers: [RolesController], clock, options: { repository: InMemoryTokenRepository } });
    try {
      const refresh = app.app.get(RefreshService);
      const pair = await refresh.signIn('alice', { claims: { roles: ['user'] } });
      expect((await app.call('/roles', { headers: bearing(pair) })).json()).toEqual({ roles: ['user'] });
      await refresh.update(pair.sessionId, { claims: { roles: ['admin'] }, now: true });
      const refused = await app.call('/roles', { headers: bearing({ accessToken: pair.accessToken }) });
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
      expect(refused.json()).toMatchObject({ errorCode: 'token_expired' });
      expect(refused.json()).not.toHaveProperty('signIn');
      const refreshed = await app.call('/roles', { headers: bearing(pair) });
      expect([refreshed.status, refreshed.json()]).toEqual([200, { roles: ['admin'] }]);
      const accessToken = String(refreshed.headers.authorization).replace('Bearer ', '');
      const next = { accessToken, refreshToken: String(refreshed.headers['x-refresh-token']) };
      const again = await app.call('/roles', { headers: bearing({ accessToken }) });
      expect([again.json(), again.headers.authorization]).toEqual([{ roles: ['admin'] }, undefined]);
      await refresh.revokeAccess(pair.sessionId);
      expect((await app.call('/roles', { headers: bearing(next) })).status).toBe(200);
    } finally {
      await app.close();
    }
  });
});
