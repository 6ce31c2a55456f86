import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { TestingModuleBuilder } from '@nestjs/testing';
import type { Duration } from 'nestjs-token';
import { AccessTokenService, Clock, RefreshService } from 'nestjs-token';
import { expiredPair, FakeClock, issueTestPair, signInAs, tokenHeaders, useTestTokens } from 'nestjs-token/testing';
import { ADAPTERS } from '../support/app.js';
import type { RunningApplication } from './application.js';
import { application, started } from './application.js';

describe.each(ADAPTERS)('the pairs of nestjs-token/testing (%s)', (adapter) => {
  let running: RunningApplication | undefined;
  const start = async (builder: TestingModuleBuilder) => (running = await started(builder, adapter));
  const startWithTestTokens = async () => {
    const builder = application();
    const clock = useTestTokens(builder);
    return { clock, ...(await start(builder)) };
  };
  afterEach(async () => {
    await running?.app.close();
    running = undefined;
  });

  describe('issueTestPair with an age', () => {
    it('issues a pair whose tokens and session are that old', async () => {
      const { app, clock, get } = await startWithTestTokens();
      const { headers } = await signInAs(app, 'alice', { age: '10m' });
      const response = await get('/me', headers);
      expect(response.json()).toMatchObject({ iat: clock.now() / 1_000 - 600, auth_time: clock.now() / 1_000 - 600 });
      expect(response.headers['x-refresh-token']).toBeUndefined();
      await expect(app.get(RefreshService).sessions('alice')).resolves.toMatchObject([{ createdAt: clock.now() - 600_000 }]);
    });

    it.each([
      ['4m', 200],
      ['6m', 401],
    ] as const)("of %s gets the status %i from a route with @Fresh('5m')", async (age, status) => {
      const { app, get } = await startWithTestTokens();
      const { headers } = await signInAs(app, 'alice', { age });
      expect((await get('/fresh', headers)).status).toBe(status);
    });

    it('above access.lifetime gives an access token that has expired and a refresh token that is good', async () => {
      const { app, get } = await startWithTestTokens();
      const { pair, headers } = await signInAs(app, 'alice', { age: '16m' });
      await expect(app.get(AccessTokenService).verify(pair.accessToken)).rejects.toMatchObject({ errorCode: 'token_expired' });
      expect((await get('/me', headers)).headers['x-refresh-token']).not.toBe(pair.refreshToken);
    });

    it('above refresh.idleLifetime gives a pair of which nothing is good', async () => {
      const { app, get } = await startWithTestTokens();
      const { headers } = await signInAs(app, 'alice', { age: '15d' });
      const response = await get('/me', headers);
      expect([response.status, response.json()]).toMatchObject([401, { errorCode: 'refresh_expired' }]);
    });

    it('moves the clock of no other sign-in under way', async () => {
      const { app, clock } = await startWithTestTokens();
      const subjects = ['alice', 'bob', 'carol'];
      await Promise.all(subjects.map((subject, days) => issueTestPair(app, subject, days === 0 ? {} : { age: `${days}d` as Duration })));
      const sessions = await Promise.all(subjects.map((subject) => app.get(RefreshService).sessions(subject)));
      const day = 86_400_000;
      expect(sessions.flat().map(({ createdAt }) => clock.now() - createdAt)).toEqual([0, day, 2 * day]);
    });

    it('works at a named instance', async () => {
      const { app, get } = await startWithTestTokens();
      const { headers } = await signInAs(app, 'root', { name: 'admin', age: '16m' });
      const response = await get('/admin', headers);
      expect([response.status, typeof response.headers['x-refresh-token']]).toEqual([200, 'string']);
    });

    it('rejects when the application has a real clock', async () => {
      const { app } = await start(application());
      await expect(issueTestPair(app, 'alice', { age: '10m' })).rejects.toThrow(/^age: .*useTestTokens/);
    });

    it('rejects when the sessions live by the clock of a database', async () => {
      const builder = application();
      builder.overrideProvider(Clock).useValue(new FakeClock(Date.now()));
      const { app } = await start(builder);
      await expect(issueTestPair(app, 'alice', { age: '10m' })).rejects.toThrow(/^age: the store/);
    });

    it('rejects what is no duration', async () => {
      const { app } = await startWithTestTokens();
      await expect(issueTestPair(app, 'alice', { age: '-1m' as Duration })).rejects.toThrow(TypeError);
    });
  });

  describe('expiredPair', () => {
    it.each([
      ['a database and a real clock', false],
      ['useTestTokens', true],
    ])('has an expired access token and a good refresh token, with %s', async (_, isFake) => {
      const builder = application();
      if (isFake) useTestTokens(builder);
      const { app, get } = await start(builder);
      const pair = await expiredPair(app, 'alice', { claims: { roles: ['editor'] } });
      await expect(app.get(AccessTokenService).verify(pair.accessToken)).rejects.toMatchObject({ errorCode: 'token_expired' });
      expect(pair.expiresIn).toBe(0);
      const response = await get('/me', tokenHeaders(app, pair));
      expect(response.json()).toMatchObject({ sub: 'alice', sid: pair.sessionId, roles: ['editor'] });
      expect(response.headers['x-refresh-token']).not.toBe(pair.refreshToken);
    });

    it('has expired whatever the leeway is', async () => {
      const { app } = await start(application({ access: { leeway: '5m' } }));
      const { accessToken } = await expiredPair(app, 'alice');
      await expect(app.get(AccessTokenService).verify(accessToken)).rejects.toMatchObject({ errorCode: 'token_expired' });
    });

    it('carries the claims of the access token that it replaces', async () => {
      const { app } = await start(application({ claims: () => ({ tenant: 'acme' }) }));
      const { accessToken, sessionId } = await expiredPair(app, 'alice');
      const payload: unknown = JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString());
      expect(payload).toMatchObject({ sub: 'alice', sid: sessionId, tenant: 'acme' });
    });

    it('works at a named instance', async () => {
      const { app, get } = await start(application());
      const pair = await expiredPair(app, 'root', { name: 'admin' });
      const response = await get('/admin', tokenHeaders(app, pair, { name: 'admin' }));
      expect([response.status, typeof response.headers['x-refresh-token']]).toEqual([200, 'string']);
    });
  });

  describe('signInAs and tokenHeaders', () => {
    it('give the headers that a client sends', async () => {
      const { app } = await start(application());
      const { pair, headers } = await signInAs(app, 'alice', { device: { label: 'test' } });
      expect(headers).toEqual({ Authorization: `Bearer ${pair.accessToken}`, 'X-Refresh-Token': pair.refreshToken });
      expect(tokenHeaders(app, pair)).toEqual(headers);
      await expect(app.get(RefreshService).sessions('alice')).resolves.toMatchObject([{ sessionId: pair.sessionId, label: 'test' }]);
    });

    it('use the names and the scheme of the options', async () => {
      const { app, get } = await start(application({ header: { access: 'X-Token', refresh: 'X-Renew', scheme: '' } }));
      const { pair, headers } = await signInAs(app, 'alice');
      expect(headers).toEqual({ 'X-Token': pair.accessToken, 'X-Renew': pair.refreshToken });
      expect((await get('/me', headers)).status).toBe(200);
    });

    it('send the access token alone when the pair has no other', async () => {
      const { app } = await start(application());
      const { pair } = await signInAs(app, 'alice');
      const refresh = app.get(RefreshService);
      const { pair: next } = await refresh.rotate(pair.refreshToken);
      const { pair: kept } = await refresh.rotate(next.refreshToken);
      expect(tokenHeaders(app, kept)).toEqual({ Authorization: `Bearer ${kept.accessToken}` });
    });

    it('work at a named instance', async () => {
      const { app, get } = await start(application());
      const { headers } = await signInAs(app, 'root', { name: 'admin' });
      expect((await get('/admin', headers)).status).toBe(200);
    });

    it('reject when there is no instance of that name', async () => {
      const { app } = await start(application());
      await expect(signInAs(app, 'alice', { name: 'nobody' })).rejects.toThrow(/nobody/);
    });
  });
});
