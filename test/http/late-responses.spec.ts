import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Body, Controller, Get, HttpCode, Post, Res, UseGuards, UseInterceptors } from '@nestjs/common';
import type { RefreshOptions, TokenModuleRootOptions } from 'nestjs-token';
import { JwtAuthGuard, RefreshService, TokenInterceptor, TokenPair, TokenRepository } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS, expired, startApp } from '../support/app.js';
import type { ReceivedTokens } from '../support/token-store.js';
import { carrying, tokensOn, TRANSPORTS } from '../support/token-store.js';

/** The grace period, milliseconds. */
const GRACE = 30_000;
/** The last millisecond at which a refresh token stays on the response, and the first at which it does not. */
const [IN_TIME, TOO_LATE] = [GRACE / 2, GRACE / 2 + 1];

/** What handlers and hooks do while a test waits for them. */
let meanwhile: () => unknown = () => undefined;

@Controller()
class Late {
  constructor(private readonly refresh: RefreshService) {}

  @Get('late')
  @UseGuards(JwtAuthGuard)
  async late(): Promise<object> {
    await meanwhile();
    return { done: true };
  }

  /** The head is on its way before anything else happens. */
  @Get('stream')
  @UseGuards(JwtAuthGuard)
  async stream(@Res() response: ServerResponse & { raw?: ServerResponse; hijack?: () => void }): Promise<void> {
    response.hijack?.();
    const raw = response.raw ?? response;
    raw.writeHead(200);
    raw.write('first');
    await meanwhile();
    raw.end('last');
  }

  @Post('refresh')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  async again(@Body() body: { refresh_token: string }): Promise<TokenPair> {
    const { pair } = await this.refresh.rotate(body.refresh_token);
    await meanwhile();
    return pair;
  }

  @Post('bare-refresh')
  @HttpCode(200)
  async bare(@Body() body: { refresh_token: string }): Promise<TokenPair> {
    const { pair } = await this.refresh.rotate(body.refresh_token);
    await meanwhile();
    return pair;
  }

  @Post('login')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  async login(): Promise<TokenPair> {
    const pair = await this.refresh.signIn('alice');
    await meanwhile();
    return pair;
  }
}

/** How a response ends up at the client. */
type Received = Answer & ReceivedTokens;

const CASES = ADAPTERS.flatMap((adapter) => TRANSPORTS.map((transport) => ({ adapter, transport })));

describe.each(CASES)('a late response on $adapter, tokens in the $transport', ({ adapter, transport }) => {
  let running: TestApp;
  let clock: FakeClock;
  /** How far `performance.now()` is ahead. */
  let skipped = 0;
  beforeEach(() => {
    skipped = 0;
    clock = new FakeClock();
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + skipped);
  });
  afterEach(async () => {
    meanwhile = () => undefined;
    await running.close();
    jest.restoreAllMocks();
  });

  /** Time goes by, for this node and for the store. The few real milliseconds of a test are taken back. */
  const pass = (ms: number): void => {
    skipped += ms - 50;
    clock.advance(ms);
  };
  const refresh = () => running.app.get(RefreshService);
  const start = async (rules: RefreshOptions = {}, options: Partial<TokenModuleRootOptions> = {}) => {
    const repository = InMemoryTokenRepository as Type<TokenRepository>;
    const given = {
      transport,
      repository,
      refresh: { grace: '30s', ...rules } as RefreshOptions,
      access: { lifetime: '2h' as const },
      ...options,
    };
    running = await startApp({ adapter, controllers: [Late], clock, options: given });
    return refresh().signIn('alice');
  };
  /** A request that refreshes, and whose response is written so much later. */
  const late = async (pair: TokenPair, path = '/late'): Promise<Received> => received(await running.call(path, { headers: overdue(pair) }));
  const explicit = async (pair: TokenPair, path = '/refresh'): Promise<Received> =>
    received(await running.call(path, { method: 'POST', body: { refresh_token: pair.refreshToken } }));
  /** A request that presents a refresh token, and whose response is written so much later. */
  const presenting = async (refreshToken: string | undefined): Promise<Received> =>
    received(await running.call('/late', { headers: carrying(transport, { refresh: refreshToken ?? '' }) }));
  const received = (answer: Answer): Received => ({ ...answer, ...tokensOn(transport, answer) });
  const overdue = (pair: TokenPair): Record<string, string> => {
    const { accessToken: access, refreshToken } = expired(running.app, pair);
    return carrying(transport, { access, refresh: refreshToken });
  };

  it('carries its refresh token while at most half of the grace period has passed', async () => {
    const pair = await start();
    meanwhile = () => pass(IN_TIME);
    const { access, refresh: renewed } = await late(pair);
    expect([access?.length, renewed?.length]).toEqual([expect.any(Number), 56]);
  });

  it('carries the access token only once more than half of the grace period has passed (F-02)', async () => {
    const pair = await start();
    meanwhile = () => pass(TOO_LATE + 100);
    const { status, access, refresh: renewed, deleted } = await late(pair);
    expect([status, access?.length, renewed, deleted]).toEqual([200, expect.any(Number), undefined, []]);
  });

  it('leaves the client with a refresh token that is recovered, however late it comes back (F-02)', async () => {
    const pair = await start();
    meanwhile = () => pass(10 * GRACE);
    await late(pair);
    expect(await refresh().rotate(pair.refreshToken)).toMatchObject({ outcome: 'recovered' });
  });

  it.each(['the thief', 'the victim'])(
    'does not hide a second holder: %s begins, and is found after three changes (F-02)',
    async (first) => {
      const stolen = await start();
      const held: Record<string, string> = { 'the thief': stolen.refreshToken ?? '', 'the victim': stolen.refreshToken ?? '' };
      const statuses: number[] = [];
      for (let change = 0; change <= 4; change++) {
        const holder = (change % 2 === 0) === (first === 'the thief') ? 'the thief' : 'the victim';
        meanwhile = () => holder === 'the thief' && pass(3 * GRACE);
        const { status, refresh: renewed } = await presenting(held[holder]);
        held[holder] = renewed ?? held[holder] ?? '';
        statuses.push(status);
        pass(2 * GRACE + 100);
      }
      // The presentation after the third change, or an earlier one, is refused.
      expect(statuses).toContain(401);
    },
  );

  it('counts the time that a hook has taken (F-03)', async () => {
    let isSlow = false;
    const loadUser = () => {
      if (isSlow) pass(TOO_LATE + 100);
      return { id: 1 };
    };
    const pair = await start({}, { loadUser });
    isSlow = true;
    const { status, refresh: renewed } = await late(pair);
    expect([status, renewed]).toEqual([200, undefined]);
  });

  it('asks the store for nothing and leaves no timer, also when the client has gone (F-01)', async () => {
    const pair = await start();
    const repository = running.app.get(TokenRepository, { strict: false });
    const rotate = jest.spyOn(repository, 'rotate');
    const others = (['advance', 'find', 'revoke'] as const).map((verb) => jest.spyOn(repository, verb));
    const [made, cleared] = [jest.spyOn(globalThis, 'setTimeout'), jest.spyOn(globalThis, 'clearTimeout')];
    const headers = overdue(pair);
    const aborted = new Promise<void>((resolve) => {
      meanwhile = async () => {
        socket.destroy();
        pass(10 * GRACE);
        // The server has seen the end of the connection when the loop comes round.
        for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
        resolve();
      };
    });
    const socket = connect(running.port, '127.0.0.1');
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET /late HTTP/1.1\r\nhost: x\r\n${lines.join('')}\r\n`);
    await aborted;
    expect(rotate).toHaveBeenCalledTimes(1);
    expect(others.map(({ mock }) => mock.calls.length)).toEqual([0, 0, 0]);
    // Deadlines of statements and hooks are cleared when these are done. What is shorter belongs to the server and its sockets.
    const long = made.mock.results.filter((_, index) => (made.mock.calls[index]?.[1] ?? 0) >= 1_000).map(({ value }): unknown => value);
    const gone = new Set(cleared.mock.calls.map(([timer]): unknown => timer));
    expect(long.filter((timer) => !gone.has(timer)).length).toBe(0);
  });

  it('lets an honest client go on after it has aborted many refreshes (F-01)', async () => {
    let { refreshToken } = await start();
    for (let abort = 0; abort < 20; abort++) {
      meanwhile = () => pass(3 * GRACE);
      await presenting(refreshToken);
    }
    meanwhile = () => undefined;
    refreshToken = (await presenting(refreshToken)).refresh;
    pass(3 * GRACE);
    expect(await refresh().rotate(refreshToken)).toMatchObject({ outcome: 'rotated' });
  });

  it('neither sets nor deletes a cookie if the session has been revoked meanwhile, because the browser may have those of another sign-in by now (CK-06)', async () => {
    const pair = await start();
    meanwhile = () => refresh().revoke(pair.sessionId);
    const { status, deleted, headers } = await late(pair);
    expect([status, deleted, headers['set-cookie']]).toEqual([200, [], undefined]);
  });

  it('carries no token of a session that has been revoked meanwhile', async () => {
    const pair = await start();
    meanwhile = () => refresh().revoke(pair.sessionId);
    const { access, refresh: renewed, headers } = await late(pair);
    expect([access, renewed, headers['x-access-token-expires-in']]).toEqual([undefined, undefined, undefined]);
  });

  it('carries no token of a session that its own handler has ended behind the guard (F-27)', async () => {
    const pair = await start();
    meanwhile = () => refresh().signOut(pair.refreshToken);
    const { status, access, refresh: renewed } = await late(pair);
    expect([status, access, renewed]).toEqual([200, undefined, undefined]);
  });

  it('is judged when its head is written, so that a stream carries its tokens', async () => {
    const pair = await start();
    meanwhile = () => pass(10 * GRACE);
    const { refresh: renewed, text } = await late(pair, '/stream');
    expect([renewed?.length, text]).toEqual([56, 'firstlast']);
  });

  const told = ['token_type', 'expires_in', 'refresh_expires_in', 'session_id'];

  it.each(['/refresh', '/bare-refresh'])('of %s leaves the refresh token out of its body too (F-02)', async (path) => {
    const pair = await start();
    meanwhile = () => pass(TOO_LATE + 100);
    const answer = await explicit(pair, path);
    expect(Object.keys(answer.json())).toEqual(transport === 'header' ? ['access_token', ...told] : told);
    expect(answer.refresh).toBeUndefined();
    meanwhile = () => undefined;
    pass(GRACE);
    const { refresh: renewed, ...retry } = await explicit(pair, path);
    // Without the interceptor, tokens travel in the body or not at all.
    if (transport === 'header') expect(retry.json().refresh_token).toHaveLength(56);
    else expect([Object.keys(retry.json()), renewed?.length]).toEqual([told, path === '/refresh' ? 56 : undefined]);
  });

  it('of an explicit refresh is 401 when the session has been revoked meanwhile (F-27)', async () => {
    const pair = await start();
    meanwhile = () => refresh().revoke(pair.sessionId);
    const { status, access, ...answer } = await explicit(pair);
    expect([status, answer.json().errorCode, access]).toEqual([401, 'session_revoked', undefined]);
  });

  it('has neither token in its body when the session has been revoked meanwhile and no interceptor is bound (F-27)', async () => {
    const pair = await start();
    meanwhile = () => refresh().revoke(pair.sessionId);
    const body = (await explicit(pair, '/bare-refresh')).json();
    expect([body.access_token, body.refresh_token]).toEqual([undefined, undefined]);
  });

  it('of a sign-in keeps its refresh token however late it is: the client has no other one', async () => {
    await start();
    meanwhile = () => pass(10 * GRACE);
    const answer = received(await running.call('/login', { method: 'POST' }));
    const inBody = answer.json<{ refresh_token?: string }>().refresh_token;
    expect([inBody?.length, answer.refresh?.length]).toEqual([transport === 'header' ? 56 : undefined, 56]);
  });

  it.each([{ reuse: 'strict' }, { recoverLost: 'grace' }] as const)(
    'keeps its refresh token with %o, which would not forgive that it is missing',
    async (rules) => {
      const pair = await start(rules);
      meanwhile = () => pass(10 * GRACE);
      expect((await late(pair)).refresh).toHaveLength(56);
    },
  );
});
