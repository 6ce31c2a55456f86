import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { EventEmitter } from 'node:events';
import { ADAPTERS, bearing } from '../support/app.js';
import { SOCKET_PLATFORMS } from '../support/sockets.js';
import { carrying } from '../support/token-store.js';
import { until } from '../support/until.js';
import {
  broadcast,
  ClosedGateway,
  codeOf,
  GloballyGuardedGateway,
  OpenGateway,
  refusedWith,
  SocketApp,
  TickerGateway,
} from './gateways.js';

@WebSocketGateway()
class UnguardedGateway {
  @WebSocketServer() server!: object;
}

const OWN = (port: number) => ({ origin: `http://127.0.0.1:${port}` });

describe.each(SOCKET_PLATFORMS)('a socket to a guarded gateway on %s', (platform) => {
  let app: SocketApp;
  beforeEach(() => {
    app = new SocketApp(platform);
  });
  afterEach(() => app.close());
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const failure = (errorCode: string, code?: number) => refusedWith(platform, errorCode, code);

  it.each(ADAPTERS)('is let in with the token of a header, and its messages have a caller (%s)', async (adapter) => {
    await app.start({ adapter, providers: [ClosedGateway] });
    const pair = await app.signIn();
    const socket = await app.connect({ headers: { authorization: bearing(pair).authorization! } });
    const me = { event: 'me', data: { sub: 'alice', session: pair.sessionId, user: null } };
    expect([await socket.ask('me'), await socket.ask('me', 'text'), await socket.ask('me', null)]).toEqual([me, me, me]);
  });

  it.each(ADAPTERS)('is refused without a token, and is told why (%s)', async (adapter) => {
    await app.start({ adapter, providers: [ClosedGateway] });
    expect(await app.refusal()).toEqual(failure('token_missing'));
    expect(app.app.get(ClosedGateway).callers).toEqual([]);
  });

  it('gives its caller to handleConnection', async () => {
    await app.start({ providers: [ClosedGateway] });
    await app.connect(bearer((await app.signIn()).accessToken));
    await app.connect(bearer((await app.signIn('bob')).accessToken));
    expect(app.app.get(ClosedGateway).callers).toEqual(['alice', 'bob']);
  });

  it('is refused with an expired token, and with a revoked one', async () => {
    await app.start({ providers: [ClosedGateway] });
    const [expired, revoked] = [await app.signIn(), await app.signIn()];
    await app.refresh.signOut(revoked.refreshToken);
    expect(await app.refusal(bearer(revoked.accessToken))).toEqual(failure('token_revoked'));
    app.clock.advance('16m');
    expect(await app.refusal(bearer(expired.accessToken))).toEqual(failure('token_expired'));
  });

  it('is let in with the token of a query where the options look for it there', async () => {
    await app.start({ providers: [ClosedGateway], options: { locations: ['header', { query: 'access_token' }] } });
    const { accessToken } = await app.signIn();
    expect(await (await app.connect({ query: `access_token=${accessToken}` })).ask('me')).toMatchObject({ data: { sub: 'alice' } });
  });

  it('looks for no token in the query unless the options say so', async () => {
    await app.start({ providers: [ClosedGateway] });
    expect(await app.refusal({ query: `access_token=${(await app.signIn()).accessToken}` })).toEqual(failure('token_missing'));
  });

  it('is refused once loadUser rejects the user', async () => {
    const gone = new Set<string>();
    const loadUser = (subject: string): object | null => (gone.has(subject) ? null : { name: subject.toUpperCase() });
    await app.start({ providers: [ClosedGateway], options: { loadUser } });
    const { accessToken } = await app.signIn();
    expect(await (await app.connect(bearer(accessToken))).ask('me')).toMatchObject({ data: { user: { name: 'ALICE' } } });
    gone.add('alice');
    expect(await app.refusal(bearer(accessToken))).toEqual(failure('user_rejected'));
  });

  it('receives nothing before it is refused', async () => {
    await app.start({ providers: [TickerGateway] });
    const { server } = app.app.get(TickerGateway);
    const ticking = setInterval(() => broadcast(server, 'tick', 1), 1);
    const refusals = await Promise.all(Array.from({ length: 10 }, () => app.refusal()));
    clearInterval(ticking);
    expect(refusals).toEqual(refusals.map(() => failure('token_missing')));
  });

  it('receives what a gateway without handlers sends, with a good token', async () => {
    await app.start({ providers: [TickerGateway] });
    const socket = await app.connect(bearer((await app.signIn()).accessToken));
    broadcast(app.app.get(TickerGateway).server, 'tick', 1);
    await until(() => socket.received.length > 0);
    expect(socket.received).toEqual([{ event: 'tick', data: 1 }]);
  });

  it('is let in without a token where some handlers are open, and only those let it through', async () => {
    await app.start({ providers: [OpenGateway] });
    const socket = await app.connect();
    expect(await socket.ask('anyone')).toEqual({ event: 'anyone', data: null });
    expect(await socket.ask('optional')).toEqual({ event: 'optional', data: null });
    expect(await socket.ask('me')).toMatchObject({ event: 'exception', data: { errorCode: 'token_missing' } });
  });

  it('is let in with a bad token where some handlers are open, and is anonymous nowhere', async () => {
    await app.start({ providers: [OpenGateway] });
    const socket = await app.connect(bearer('nonsense'));
    expect(await socket.ask('anyone')).toEqual({ event: 'anyone', data: null });
    for (const event of ['optional', 'me']) {
      expect(await socket.ask(event)).toMatchObject({ event: 'exception', data: { errorCode: 'token_malformed' } });
    }
  });

  it('is told of once if it is refused, and not at all if it is let in', async () => {
    const told: unknown[] = [];
    const options = { onEvent: (event: object) => void told.push(codeOf(event)) };
    await app.start({ providers: [OpenGateway], options });
    const socket = await app.connect();
    expect([await socket.ask('anyone'), told]).toEqual([{ event: 'anyone', data: null }, []]);
    await socket.ask('me');
    expect(told).toEqual(['token_missing']);
    await app.close();
    await app.start({ providers: [ClosedGateway], options });
    await app.refusal();
    expect(told).toEqual(['token_missing', 'token_missing']);
  });

  it('is protected by globalGuard as by @UseGuards()', async () => {
    await app.start({ providers: [TickerGateway, GloballyGuardedGateway], options: { globalGuard: true } });
    expect(await app.refusal()).toEqual(failure('token_missing'));
    const pair = await app.signIn();
    const socket = await app.connect(bearer(pair.accessToken));
    expect(await socket.ask('who')).toEqual({ event: 'who', data: 'alice' });
    await app.refresh.signOut(pair.refreshToken);
    expect(await socket.ask('who')).toMatchObject({ event: 'exception', data: { errorCode: 'token_revoked' } });
  });

  describe('with cookies', () => {
    const cookies = { transport: 'cookie', cookie: { insecure: true } } as const;
    const withCookie = async (headers: Record<string, string> = {}) => {
      const { accessToken: access, refreshToken: refresh } = await app.signIn();
      return { headers: { cookie: `access=${access}; refresh=${refresh}`, ...headers } };
    };

    it('is let in from a page of the application (CK-08)', async () => {
      await app.start({ providers: [ClosedGateway], options: cookies });
      for (const headers of [OWN(app.port), { 'sec-fetch-site': 'same-origin' }]) {
        expect(await (await app.connect(await withCookie(headers))).ask('me')).toMatchObject({ data: { sub: 'alice' } });
      }
    });

    it.each([
      ['a page of another site', { origin: 'https://evil.example' }],
      ['a page of another site, of which the browser says so', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
      ['a sandboxed page', { origin: 'null' }],
      ['a client that names no origin', {}],
      ['a page whose origin only begins like that of the application', { origin: 'http://127.0.0.1.evil.example' }],
    ])('is refused from %s (CK-08)', async (_, headers) => {
      await app.start({ providers: [ClosedGateway], options: cookies });
      expect(await app.refusal(await withCookie(headers as Record<string, string>))).toEqual(failure('csrf_failed', 4403));
    });

    it('is let in from an origin that the options list', async () => {
      await app.start({ providers: [ClosedGateway], options: { ...cookies, csrf: { origins: ['https://app.example.com'] } } });
      const socket = await app.connect(await withCookie({ origin: 'https://app.example.com' }));
      expect(await socket.ask('me')).toMatchObject({ data: { sub: 'alice' } });
    });

    it('is refused with a refresh token alone, which is never used', async () => {
      await app.start({ providers: [ClosedGateway], options: cookies });
      const { refreshToken } = await app.signIn();
      const headers = { cookie: `refresh=${refreshToken}`, ...OWN(app.port) };
      expect(await app.refusal({ headers })).toEqual(failure('token_missing'));
      expect(await app.refresh.rotate(refreshToken)).toMatchObject({ outcome: 'rotated' });
    });

    it('has no caller for a page of another site where it is let in', async () => {
      await app.start({ providers: [OpenGateway], options: cookies });
      const socket = await app.connect(await withCookie({ origin: 'https://evil.example' }));
      for (const event of ['optional', 'me']) {
        expect(await socket.ask(event)).toMatchObject({ event: 'exception', data: { errorCode: 'csrf_failed' } });
      }
    });
  });

  describe('with bad input', () => {
    it.each([
      ['a huge token', `Bearer ${'a'.repeat(12_000)}`, 'token_too_large'],
      ['no scheme', 'abc', 'token_missing'],
      ['nothing but dots', 'Bearer ...', 'token_malformed'],
      ['the name of a prototype', 'Bearer __proto__', 'token_malformed'],
    ])('is refused with %s in the header', async (_, authorization, errorCode) => {
      await app.start({ providers: [ClosedGateway] });
      expect(await app.refusal({ headers: { authorization } })).toEqual(failure(errorCode));
    });

    it('is refused with a token that is there twice in the query', async () => {
      await app.start({ providers: [ClosedGateway], options: { locations: ['header', { query: 'toString' }] } });
      expect(await app.refusal({ query: 'other=1' })).toEqual(failure('token_missing'));
      if (platform === 'ws') expect(await app.refusal({ query: 'toString=a&toString=b' })).toEqual(failure('token_malformed'));
    });
  });
});

describe('an error of the application while a ws socket is opened', () => {
  const app = new SocketApp('ws');
  afterEach(() => app.close());
  const failingWith = (error: Error) => (): never => {
    throw error;
  };

  it('closes the socket and is logged without tokens, and the application goes on', async () => {
    await app.start({ providers: [TickerGateway] });
    const { server } = app.app.get(TickerGateway);
    const { accessToken } = await app.signIn();
    const { options } = server as unknown as { options: { verifyClient: unknown } };
    options.verifyClient = failingWith(new Error(`no origin in ${accessToken}`));
    await expect(app.connect({ headers: { authorization: `Bearer ${accessToken}` } })).rejects.toThrow('socket hang up');
    options.verifyClient = null;
    const listener = failingWith(new TypeError('a listener failed'));
    (server as unknown as EventEmitter).once('connection', listener);
    const { closed } = await app.connect({ headers: { authorization: `Bearer ${accessToken}` } });
    expect(await closed).toEqual([1006, '']);
    expect((await app.connect({ headers: { authorization: `Bearer ${accessToken}` } })).isOpen).toBe(true);
    expect(app.log.of('error').join()).toMatch(/a socket could not be opened.*no origin in \[redacted\].*a listener failed/s);
  });

  it('gets the response of Nest where no gateway of the server is guarded', async () => {
    await app.start({ providers: [UnguardedGateway] });
    const { options } = app.app.get(UnguardedGateway).server as unknown as { options: { verifyClient: unknown } };
    options.verifyClient = failingWith(new Error('no origin'));
    await expect(app.connect()).rejects.toThrow(/400|Parse Error/);
    options.verifyClient = null;
    expect((await app.connect()).isOpen).toBe(true);
  });
});

describe('the auth payload of socket.io', () => {
  const app = new SocketApp('socket.io');
  afterEach(() => app.close());

  it('carries a token, which goes before the one of a header', async () => {
    await app.start({ providers: [ClosedGateway] });
    const [alice, bob] = [await app.signIn(), await app.signIn('bob')];
    const socket = await app.connect({ auth: { token: bob.accessToken }, headers: { authorization: `Bearer ${alice.accessToken}` } });
    expect(await socket.ask('me')).toMatchObject({ data: { sub: 'bob' } });
  });

  it('is what @AccessToken() gives, whoever the cookie belongs to', async () => {
    await app.start({ providers: [ClosedGateway], options: { transport: 'cookie', cookie: { insecure: true } } });
    const [mallory, victim] = [await app.signIn('mallory'), await app.signIn('victim')];
    const headers = { cookie: `access=${victim.accessToken}`, origin: 'https://evil.example' };
    const socket = await app.connect({ auth: { token: mallory.accessToken }, headers });
    expect(await socket.ask('me')).toMatchObject({ data: { sub: 'mallory' } });
    expect(await socket.ask('token')).toEqual({ event: 'token', data: mallory.accessToken });
  });

  it('carries a token in cookie mode too, and needs no origin for it', async () => {
    await app.start({ providers: [ClosedGateway], options: { transport: 'cookie' } });
    const { accessToken } = await app.signIn();
    expect(await (await app.connect({ auth: { token: accessToken } })).ask('me')).toMatchObject({ data: { sub: 'alice' } });
  });

  it.each([
    ['an object', { token: { accessToken: 'x' } }, 'token_malformed'],
    ['a list', { token: ['x'] }, 'token_malformed'],
    ['a number', { token: 7 }, 'token_malformed'],
    ['a huge text', { token: 'a.b.c'.repeat(5_000) }, 'token_too_large'],
    ['the text undefined', { token: 'undefined' }, 'token_missing'],
    ['another member', { accessToken: 'x' }, 'token_missing'],
    ['an inherited member', JSON.parse('{"__proto__":{"token":"x"}}') as object, 'token_missing'],
  ])('refuses the socket when the token is %s', async (_, auth, errorCode) => {
    await app.start({ providers: [ClosedGateway] });
    expect(await app.refusal({ auth })).toEqual(refusedWith('socket.io', errorCode));
  });

  it('never falls through to a cookie when its token is bad', async () => {
    await app.start({ providers: [ClosedGateway], options: { transport: 'cookie' } });
    const { accessToken: access, refreshToken: refresh } = await app.signIn();
    expect(await app.refusal({ auth: { token: [] }, headers: carrying('cookie', { access, refresh }) })).toEqual(
      refusedWith('socket.io', 'token_malformed'),
    );
  });
});
