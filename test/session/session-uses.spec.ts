import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Logger, UseGuards } from '@nestjs/common';
import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import type { SessionSummary } from 'nestjs-token';
import { JwtAuthGuard, OptionalAuth, Public, RefreshService, StoreConflict } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { sessionId } from '../support/access-tokens.js';
import { ADAPTERS, bearing, startApp } from '../support/app.js';
import { PatientStore, SESSION_USES, SessionUses } from '../support/lib.js';

const HOUR = 3_600_000;
const request = (ip: unknown = '192.0.2.1', userAgent: unknown = 'Firefox') => ({ ip, headers: { 'user-agent': userAgent as string } });

/** Uses over a store whose clock moves with the fake time of the test. */
async function world({ everyMs = 300_000, count = 1 } = {}) {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  const ids = Array.from({ length: count }, (_, index) => sessionId(index));
  for (const id of ids) {
    await repository.insert({ id, realm: 'default', subject: 'alice', idleMs: HOUR, absoluteMs: HOUR, claims: {}, device: {} });
  }
  const uses = new SessionUses({ name: 'default', everyMs }, new PatientStore(repository, 2_000));
  const update = jest.spyOn(repository, 'update');
  const pass = async (milliseconds: number) => {
    clock.advance(milliseconds);
    await jest.advanceTimersByTimeAsync(milliseconds);
  };
  const row = async (id = ids[0]!) => (await repository.find({ realm: 'default', id }))!.session;
  return { clock, repository, ids, id: ids[0]!, uses, update, pass, row };
}

describe('SessionUses', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('writes last use, address and browser ten seconds after the first request, dated by the last one', async () => {
    const { uses, id, update, pass, row, clock } = await world();
    const before = await row();
    await pass(60_000);
    uses.note(id, request());
    await pass(4_000);
    uses.note(id, request());
    const usedAt = clock.now();
    await pass(5_999);
    expect(update).not.toHaveBeenCalled();
    await pass(1);
    expect(await row()).toEqual({ ...before, lastUsedAt: usedAt, ip: '192.0.2.1', userAgent: 'Firefox' });
    expect(update).toHaveBeenCalledTimes(1);
  });

  it('writes the use of one session once in each span, however many requests there are', async () => {
    const { uses, id, update, pass } = await world({ everyMs: 60_000 });
    for (let second = 0; second < 600; second += 1) {
      uses.note(id, request());
      await pass(1_000);
    }
    expect(update.mock.calls.length).toBeGreaterThanOrEqual(8);
    expect(update.mock.calls.length).toBeLessThanOrEqual(10);
  });

  it('leaves the idle lifetime as it is', async () => {
    const { uses, id, pass, row } = await world();
    const { idleExpiresAt } = await row();
    await pass(1_000);
    uses.note(id, request());
    await pass(10_000);
    expect((await row()).idleExpiresAt).toBe(idleExpiresAt);
  });

  it('cleans what the client says, and leaves alone what it does not say', async () => {
    const { uses, ids, pass, row } = await world({ count: 3 });
    uses.note(ids[0], request('::1\r\nx', `a\nb${'x'.repeat(300)}`));
    uses.note(ids[1], request(undefined, 7));
    uses.note(ids[2], {
      headers: {},
      get ip(): string {
        throw new Error('the function of the application that trusts proxies');
      },
    });
    await pass(10_000);
    expect(await row(ids[0])).toMatchObject({ ip: '::1x', userAgent: `ab${'x'.repeat(253)}` });
    expect(await row(ids[1])).toMatchObject({ ip: '192.0.2.1', userAgent: null });
    expect(await row(ids[2])).toMatchObject({ ip: null, userAgent: null });
  });

  it('ignores a token that belongs to no session, and sets no timer for it', async () => {
    const { uses } = await world();
    uses.note(undefined, request());
    expect(jest.getTimerCount()).toBe(0);
  });

  it('never has more than three statements under way', async () => {
    const { uses, ids, update, pass } = await world({ count: 20 });
    let underWay = 0;
    let most = 0;
    update.mockImplementation(async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 10));
      underWay -= 1;
      return true;
    });
    for (const id of ids) uses.note(id, request());
    await pass(10_000);
    await pass(1_000);
    expect([most, update.mock.calls.length]).toEqual([3, 20]);
  });

  it('DS-05 gathers a bounded number of sessions, and takes others again after they have been written', async () => {
    const { uses, update, pass } = await world();
    for (let count = 0; count < 10_500; count += 1) uses.note(`session ${count}`, request());
    await pass(10_000);
    expect(update).toHaveBeenCalledTimes(10_000);
    uses.note('session 10400', request());
    await pass(10_000);
    expect(update).toHaveBeenCalledTimes(10_001);
  });

  it('repeats a statement that has met another one', async () => {
    const { uses, id, update, pass, row } = await world();
    update.mockRejectedValueOnce(new StoreConflict());
    uses.note(id, request());
    await pass(10_000);
    expect((await row()).ip).toBe('192.0.2.1');
  });

  it('drops a batch when the store fails, says so once, and goes on with the next request', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const log = jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
    const { uses, ids, update, pass, row } = await world({ count: 20 });
    update.mockRejectedValue(new Error('connect ECONNREFUSED 10.0.0.5'));
    for (let batch = 0; batch < 3; batch += 1) {
      for (const id of ids) uses.note(id, request());
      await pass(10_000);
    }
    expect(warn.mock.calls).toEqual([['the last use of sessions cannot be written']]);
    expect(update.mock.calls.length).toBeLessThanOrEqual(9);
    update.mockRestore();
    for (const id of ids) uses.note(id, request());
    await pass(10_000);
    expect((await Promise.all(ids.map(row))).filter(({ ip }) => ip !== null)).toHaveLength(20);
    expect(log.mock.calls).toEqual([['the last use of sessions is being written again']]);
  });

  it('writes what is left when it stops, also what came during the last batch, and leaves no timer behind', async () => {
    const { uses, ids, row } = await world({ count: 2 });
    uses.note(ids[0], request());
    const flushed = uses.flush();
    uses.note(ids[1], request());
    await uses.stop();
    await flushed;
    expect((await Promise.all(ids.map(row))).map(({ ip }) => ip)).toEqual(['192.0.2.1', '192.0.2.1']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('stops within five seconds when the store never answers', async () => {
    const { uses, id, update } = await world();
    update.mockReturnValue(new Promise(() => undefined));
    uses.note(id, request());
    const stopped = uses.stop().then(() => 'stopped');
    await jest.advanceTimersByTimeAsync(4_999);
    expect(await Promise.race([stopped, Promise.resolve('waits')])).toBe('waits');
    await jest.advanceTimersByTimeAsync(1);
    expect(await stopped).toBe('stopped');
  });
});

@Controller()
@UseGuards(JwtAuthGuard)
class RoutesController {
  @Get('me')
  me(): string {
    return 'me';
  }

  @Get('optional')
  @OptionalAuth()
  optional(): string {
    return 'optional';
  }

  @Get('public')
  @Public()
  open(): string {
    return 'public';
  }
}

/** Trusts the proxy that the test plays. */
function trustProxy(app: INestApplication<NestApplicationOptions>): void {
  const instance = app.getHttpAdapter().getInstance() as { set?: (name: string, value: unknown) => void };
  instance.set?.('trust proxy', 1);
}

describe.each(ADAPTERS)('sessions.trackUse over HTTP on %s', (adapter) => {
  const setup = (trackUse: false | { every: '1h' }) => ({
    adapter,
    options: { sessions: { trackUse }, repository: InMemoryTokenRepository },
    controllers: [RoutesController],
    clock: new FakeClock(),
    prepare: trustProxy,
  });

  it('notes requests that the guard admits, with their address and browser, and no others', async () => {
    const given = setup({ every: '1h' });
    const app = await startApp(given);
    try {
      const refresh = app.app.get(RefreshService);
      const uses = app.app.get<SessionUses>(SESSION_USES);
      const [pair, idle] = [await refresh.signIn('alice'), await refresh.signIn('bob')];
      const [signedInAt, ip] = [given.clock.now(), adapter === 'express' ? '203.0.113.7' : '127.0.0.1'];
      given.clock.advance('1m');
      await app.call('/public', { headers: bearing(idle) });
      await app.call('/optional');
      await app.call('/me', { headers: { authorization: `Bearer ${idle.accessToken}x` } });
      const headers = { ...bearing(pair), 'user-agent': 'Firefox', 'x-forwarded-for': '203.0.113.7' };
      expect((await app.call('/me', { headers })).status).toBe(200);
      await uses.flush();
      const [mine, other] = [(await refresh.sessions('alice'))[0], (await refresh.sessions('bob'))[0]] as [SessionSummary, SessionSummary];
      expect(mine).toMatchObject({ ip, userAgent: 'Firefox' });
      expect([mine.lastUsedAt > signedInAt, other.lastUsedAt, other.ip]).toEqual([true, signedInAt, null]);
    } finally {
      await app.close();
    }
  });

  it('writes what is left when the application closes', async () => {
    const app = await startApp(setup({ every: '1h' }));
    const uses = app.app.get<SessionUses>(SESSION_USES);
    const { repository } = uses['store'];
    const update = jest.spyOn(repository, 'update');
    const pair = await app.app.get(RefreshService).signIn('alice');
    await app.call('/me', { headers: bearing(pair) });
    expect(update).not.toHaveBeenCalled();
    await app.close();
    expect(update).toHaveBeenCalledTimes(1);
  });

  it('is disabled by default', async () => {
    const app = await startApp({ adapter });
    expect(app.app.get(SESSION_USES)).toBeNull();
    await app.close();
  });
});
