import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';
import type { TokenEvent, TokenModuleRootOptions } from 'nestjs-token';
import { JwtAuthGuard } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { request } from 'node:http';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import { startCookieApp } from '../support/cookie-app.js';
import { partsOf } from '../support/refresh-token.js';
import { TokenStore } from '../support/token-store.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** The grace period. */
const G = 30 * SECOND;

/** What a page waits for before its response begins. */
let render: () => Promise<void> = () => Promise.resolve();

@Controller()
class Pages {
  @Get('page')
  @UseGuards(JwtAuthGuard)
  async page(): Promise<object> {
    await render();
    return { page: true };
  }
}

/* The jar of a browser is shared by all of its tabs, and takes what comes last. `headers('refresh')` is a request after the access cookie is over. */
describe.each(ADAPTERS)('the cookies of a browser, on %s', (adapter) => {
  let app: TestApp;
  let clock: FakeClock;
  let outcomes: string[];
  beforeEach(() => {
    clock = new FakeClock();
    outcomes = [];
  });
  afterEach(async () => {
    render = () => Promise.resolve();
    await app.close();
  });

  const start = async (options: Partial<TokenModuleRootOptions> = {}): Promise<TokenStore> => {
    const onEvent = ({ type }: TokenEvent): unknown => outcomes.push(type);
    app = await startCookieApp({ onEvent, ...options }, { adapter, clock, controllers: [Pages] });
    return signIn(new TokenStore('cookie'));
  };
  const signIn = async (jar: TokenStore): Promise<TokenStore> => {
    jar.receive(await app.call('/auth/login', { method: 'POST' }));
    return jar;
  };
  /** A request of one of the tabs. Its response waits until the test delivers it to the jar. */
  const send = (jar: TokenStore, path = '/me', method = 'GET'): Promise<Answer> =>
    app.call(path, { method, headers: jar.headers('refresh', method) });
  /** A request whose response the jar gets at once. @returns status, code of the error, and what has been deleted. */
  const visit = async (jar: TokenStore): Promise<[number, unknown, readonly string[]]> => {
    const answer = await send(jar);
    const { deleted } = jar.receive(answer);
    return [answer.status, answer.json()['errorCode'], deleted];
  };
  const positionIn = (jar: TokenStore): string => {
    const { generation, branch } = partsOf(jar.refresh ?? '');
    return `${generation}.${branch}`;
  };
  const ADMITTED = [200, undefined, []];

  /** A page that the user leaves while it is being rendered: the session has moved on, and the browser gets nothing. */
  const abort = async (jar: TokenStore, parts: number): Promise<void> => {
    let rendering = 0;
    let arrived: () => void = () => undefined;
    let finish: () => void = () => undefined;
    const [allArrived, finished] = [
      new Promise<void>((resolve) => (arrived = resolve)),
      new Promise<void>((resolve) => (finish = resolve)),
    ];
    render = () => {
      rendering += 1;
      if (rendering === parts) arrived();
      return finished;
    };
    const headers = jar.headers('refresh');
    const requests = Array.from({ length: parts }, () => {
      const outgoing = request({ host: '127.0.0.1', port: app.port, path: '/page', headers, agent: false });
      const closed = new Promise((resolve) => outgoing.on('close', resolve));
      outgoing.on('error', () => undefined).end();
      return { outgoing, closed };
    });
    await allArrived;
    for (const { outgoing } of requests) outgoing.destroy();
    await Promise.all(requests.map(({ closed }) => closed));
    finish();
  };

  it('survive quick reloads of a page whose responses are all aborted (CK-06)', async () => {
    const jar = await start();
    const first = jar.refresh;
    for (let reload = 0; reload < 20; reload += 1) {
      await abort(jar, 3);
      clock.advance(reload % 5 === 4 ? 2 * G : SECOND);
    }
    render = () => Promise.resolve();
    expect(jar.refresh).toBe(first);
    expect(await visit(jar)).toEqual(ADMITTED);
    expect([partsOf(jar.refresh ?? '').generation, outcomes.includes('reuse')]).toEqual([1, false]);
    clock.advance(2 * G);
    expect(await visit(jar)).toEqual(ADMITTED);
    expect(positionIn(jar)).toBe('2.0');
  });

  it('survive parallel requests of two tabs whose responses arrive in any order or not at all (CK-06)', async () => {
    const jar = await start({ refresh: { limit: false } });
    const random = generator(20_261_124);
    for (let round = 0; round < 40; round += 1) {
      const answers = await Promise.all(Array.from({ length: 1 + random(4) }, () => send(jar)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      answers.sort(() => random(3) - 1);
      const slow = answers.splice(random(answers.length + 1));
      for (const answer of answers) if (random(3) > 0) expect(jar.receive(answer).deleted).toEqual([]);
      const span = [0, SECOND, G - SECOND, G, 2 * G, HOUR][random(6)]!;
      clock.advance(span);
      // What a response takes is at most the grace period, or it never arrives (docs/rotation.md §4, the assumption).
      if (span < G) for (const answer of slow) jar.receive(answer);
    }
    expect(outcomes).toEqual(expect.arrayContaining(['rotated', 'coalesced', 'recovered', 'kept']));
    expect(outcomes).not.toContain('reuse');
  });

  it('go back to an older branch when an older response comes last, which is current all the same (CK-06)', async () => {
    const jar = await start();
    const slow = await send(jar);
    clock.advance(G);
    jar.receive(await send(jar));
    expect(positionIn(jar)).toBe('1.1');
    jar.receive(slow);
    expect(positionIn(jar)).toBe('1.0');
    expect(await visit(jar)).toEqual(ADMITTED);
    clock.advance(2 * G);
    expect(await visit(jar)).toEqual(ADMITTED);
    expect([positionIn(jar), outcomes]).toEqual(['2.0', ['signed-in', 'rotated', 'recovered', 'kept', 'rotated']]);
  });

  it.each([
    ['at once', 0, 'coalesced', '2.0'],
    ['a day later', 24 * HOUR, 'recovered', '2.1'],
  ] as const)(
    'go back a whole generation when a response was on its way for too long, and are led forward %s (CK-06)',
    async (...given) => {
      const [, later, outcome, position] = given;
      const jar = await start();
      const slow = await send(jar);
      jar.receive(await send(jar));
      clock.advance(2 * G);
      expect(await visit(jar)).toEqual(ADMITTED);
      expect(positionIn(jar)).toBe('2.0');
      jar.receive(slow);
      expect(positionIn(jar)).toBe('1.0');
      clock.advance(later);
      expect(await visit(jar)).toEqual(ADMITTED);
      expect([positionIn(jar), outcomes.at(-1)]).toEqual([position, outcome]);
    },
  );

  it('are coalesced and recovered, request by request, behind a proxy that drops Set-Cookie, and never limited (CK-06)', async () => {
    const jar = await start({ refresh: { limit: { max: 1, per: '7d' } } });
    const first = jar.refresh;
    for (let turn = 0; turn < 90; turn += 1) {
      const { status } = await send(jar);
      expect([turn, status]).toEqual([turn, 200]);
      clock.advance([SECOND, G, HOUR][turn % 3]!);
    }
    expect(jar.refresh).toBe(first);
    expect(new Set(outcomes)).toEqual(new Set(['signed-in', 'rotated', 'recovered', 'coalesced']));
    // The proxy has been mended.
    expect(await visit(jar)).toEqual(ADMITTED);
    expect(partsOf(jar.refresh ?? '').generation).toBe(1);
  });

  it('stay when the session has been refreshed too often: 429 until the limit is over, and no sign-out (CK-06)', async () => {
    const jar = await start({ refresh: { limit: { max: 2, per: '1h' } } });
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await visit(jar)).toEqual(ADMITTED);
      clock.advance(2 * G);
    }
    const limited = await send(jar);
    expect([limited.status, limited.json()['errorCode']]).toEqual([429, 'refresh_limited']);
    expect(Number(limited.headers['retry-after'])).toBeLessThanOrEqual(3_600);
    expect([jar.receive(limited).deleted, limited.headers['set-cookie']]).toEqual([[], undefined]);
    clock.advance(Number(limited.headers['retry-after']) * SECOND);
    expect(await visit(jar)).toEqual(ADMITTED);
    expect(positionIn(jar)).toBe('3.0');
  });

  it.each([
    ['before', 'token_missing', []],
    ['after', 'session_revoked', ['__Host-access', '__Host-refresh', '__Host-csrf']],
  ] as const)('end with a sign-out in one tab, if its response arrives %s the refresh of another (CK-06)', async (order, code, deleted) => {
    const jar = await start();
    const refreshed = await send(jar);
    const signedOut = await send(jar, '/auth/logout', 'POST');
    expect([refreshed.status, signedOut.status]).toEqual([200, 204]);
    for (const answer of order === 'before' ? [refreshed, signedOut] : [signedOut, refreshed]) jar.receive(answer);
    expect(await visit(jar)).toEqual([401, code, deleted]);
    expect(jar.refresh).toBeUndefined();
    await signIn(jar);
    expect(await visit(jar)).toEqual(ADMITTED);
  });

  it('can only be deleted for good: the late refusal of a session that has ended costs a sign-in and no session (CK-06)', async () => {
    const jar = await start();
    const signedOut = await send(jar, '/auth/logout', 'POST');
    const late = await send(jar);
    jar.receive(signedOut);
    await signIn(jar);
    jar.receive(late);
    expect(await visit(jar)).toEqual([401, 'token_missing', []]);
    await signIn(jar);
    expect(await visit(jar)).toEqual(ADMITTED);
    expect(outcomes).not.toContain('reuse');
  });
});

/** Numbers from 0 to one below a bound, the same in every run. */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % bound;
  };
}
