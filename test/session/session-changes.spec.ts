import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { codeOf, decoded, SESSION_ID } from '../support/access-tokens.js';
import { sessions } from '../support/sessions.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('RefreshService.update', () => {
  it('replaces the claims, which the next refresh puts into the access token', async () => {
    const { refresh, accessTokens, clock } = sessions();
    const pair = await refresh.signIn('alice', { claims: { roles: ['user'], plan: 'free' } });
    expect(await refresh.update(pair.sessionId, { claims: { roles: ['admin'] } })).toBe(true);
    expect(await accessTokens.verify(pair.accessToken)).toMatchObject({ roles: ['user'] });
    clock.advance('15m');
    const { payload } = decoded((await refresh.rotate(pair.refreshToken)).pair.accessToken);
    expect([payload['roles'], payload['plan']]).toEqual([['admin'], undefined]);
  });

  it('changes the label, cleans it, and removes it with null', async () => {
    const { refresh, row } = sessions();
    const { sessionId } = await refresh.signIn('alice', { device: { label: 'phone', ip: '::1' }, claims: { a: 1 } });
    const before = await row(sessionId);
    await refresh.update(sessionId, { label: `my\r\nphone${'x'.repeat(300)}` });
    expect(await row(sessionId)).toEqual({ ...before, label: `myphone${'x'.repeat(248)}` });
    await refresh.update(sessionId, { label: null });
    expect(await row(sessionId)).toEqual({ ...before, label: null });
    expect(await refresh.update(sessionId, { label: undefined, claims: undefined })).toBe(true);
    expect(await row(sessionId)).toEqual({ ...before, label: null });
  });

  it('changes with a subject only a session of that subject', async () => {
    const { refresh, row } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    expect(await refresh.update(sessionId, { label: 'x', subject: 'bob' })).toBe(false);
    expect((await row(sessionId))?.label).toBeNull();
    expect(await refresh.update(sessionId, { label: 'x', subject: 'alice' })).toBe(true);
    expect(await refresh.update(SESSION_ID, { label: 'x', subject: 'alice' })).toBe(false);
  });

  it.each([undefined, null, '', 5])('refuses the subject %p instead of changing the session of anybody', async (subject) => {
    const { refresh, row } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    await expect(refresh.update(sessionId, { label: 'x', subject: subject as string })).rejects.toThrow(TypeError);
    expect((await row(sessionId))?.label).toBeNull();
  });

  it.each<[string, object]>([
    ['a reserved claim', { claims: { sub: 'mallory' } }],
    ['claims that are a list', { claims: ['admin'] }],
    ['null claims', { claims: null }],
    ['too many bytes of claims', { claims: { text: 'x'.repeat(4_096) } }],
    ['a label that is a number', { label: 5 }],
    ['a label that is an object', { label: {} }],
  ])('refuses %s and changes nothing', async (_, changes) => {
    const { refresh, row } = sessions();
    const { sessionId } = await refresh.signIn('alice', { claims: { a: 1 }, device: { label: 'phone' } });
    const before = await row(sessionId);
    await expect(refresh.update(sessionId, changes)).rejects.toThrow(TypeError);
    expect(await row(sessionId)).toEqual(before);
  });

  it('is false for a session that has been revoked or has expired', async () => {
    const { refresh, clock } = sessions();
    const [revoked, idle] = [await refresh.signIn('alice'), await refresh.signIn('alice')];
    await refresh.revoke(revoked.sessionId);
    expect(await refresh.update(revoked.sessionId, { label: 'x' })).toBe(false);
    clock.advance('14d');
    expect(await refresh.update(idle.sessionId, { label: 'x' })).toBe(false);
  });

  it.each([undefined, null, '', 'x', 5, {}])('is false for %p, without a query', async (id) => {
    const { refresh, repository } = sessions();
    const update = jest.spyOn(repository, 'update');
    expect(await refresh.update(id as string, { label: 'x' })).toBe(false);
    expect(update).not.toHaveBeenCalled();
  });

  it('rejects with store_unavailable when the store is away', async () => {
    const { refresh, repository } = sessions();
    const { sessionId } = await refresh.signIn('alice');
    jest.spyOn(repository, 'update').mockRejectedValueOnce(new Error('gone'));
    expect(await codeOf(() => refresh.update(sessionId, { label: 'x' }))).toBe('store_unavailable');
  });
});
