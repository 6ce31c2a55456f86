import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TokenPair } from 'nestjs-token';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import type { SocketMessage, TestSocket } from '../support/sockets.js';
import { SOCKET_PLATFORMS } from '../support/sockets.js';
import { broadcast, ClosedGateway, OpenGateway, SocketApp, TickerGateway } from './gateways.js';
import { until } from '../support/until.js';

const OPTIONS = { websocket: { closeOnExpiry: true } };
/** A socket is closed within this time, in milliseconds. */
const WITHIN = 1_000;

describe.each(SOCKET_PLATFORMS)('an open socket on %s', (platform) => {
  let app: SocketApp;
  beforeEach(() => {
    app = new SocketApp(platform);
  });
  afterEach(() => app.close());

  const openWith = ({ accessToken }: TokenPair, on = app): Promise<TestSocket> =>
    on.connect({ headers: { authorization: `Bearer ${accessToken}` } });
  const watched = (): number => (app.sockets as unknown as { watchedSockets: number }).watchedSockets;
  const reasonOf = (errorCode: string): unknown[] => (platform === 'ws' ? [4401, errorCode] : ['io server disconnect']);
  /** Expects that the socket is closed soon after what has happened, and that it was told why. */
  const expectClosed = async (socket: TestSocket, errorCode: string, since: number, within = WITHIN): Promise<void> => {
    expect(await socket.closed).toEqual(reasonOf(errorCode));
    expect(performance.now() - since).toBeLessThan(within);
    const message: SocketMessage = { event: 'exception', data: { status: 'error', errorCode, message: expect.any(String) } };
    expect(socket.received.at(-1)).toEqual(message);
  };

  describe('with closeOnExpiry', () => {
    it('is closed within a second after its token has expired, also if it only receives', async () => {
      await app.start({ providers: [TickerGateway], options: OPTIONS });
      const socket = await openWith(await app.signIn());
      app.clock.advance('14m');
      broadcast(app.app.get(TickerGateway).server, 'tick', 1);
      await until(() => socket.received.length === 1);
      const since = performance.now();
      app.clock.advance('2m');
      await expectClosed(socket, 'token_expired', since);
    });

    it.each(['signOut', 'revoke', 'revokeAll'] as const)('is closed at once by %s on its node', async (way) => {
      await app.start({ providers: [TickerGateway], options: OPTIONS });
      const [pair, other] = [await app.signIn(), await app.signIn('bob')];
      const [socket, bystander] = [await openWith(pair), await openWith(other)];
      const since = performance.now();
      if (way === 'signOut') await app.refresh.signOut(pair.refreshToken);
      else if (way === 'revoke') await app.refresh.revoke(pair.sessionId);
      else await app.refresh.revokeAll('alice');
      await expectClosed(socket, 'token_revoked', since, 250);
      expect(bystander.isOpen).toBe(true);
    });

    it.each([
      { where: 'which polls', revocation: 'poll' },
      { where: 'where nothing else polls', revocation: 'strict' },
    ] as const)('is closed within a second after its session was revoked on another node, $where', async ({ revocation }) => {
      const database = join(tmpdir(), `${randomUUID()}.db`);
      const other = new SocketApp(platform);
      const options = { ...OPTIONS, revocation };
      try {
        await app.start({ providers: [TickerGateway], options, database });
        await other.start({ providers: [TickerGateway], options, database });
        const socket = await openWith(await app.signIn());
        const since = performance.now();
        await other.refresh.revokeAll('alice');
        await expectClosed(socket, 'token_revoked', since);
      } finally {
        await other.close();
        rmSync(database, { force: true });
      }
    });

    it('is closed when the access tokens of its session are revoked', async () => {
      await app.start({ providers: [TickerGateway], options: OPTIONS });
      const pair = await app.signIn();
      const socket = await openWith(pair);
      const since = performance.now();
      await app.refresh.update(pair.sessionId, { claims: { roles: [] }, now: true });
      await expectClosed(socket, 'token_expired', since);
    });

    it('lives as long as the tokens that the client sends on it', async () => {
      await app.start({ providers: [ClosedGateway], options: OPTIONS });
      const pair = await app.signIn();
      const socket = await openWith(pair);
      for (let turn = 0; turn < 3; turn += 1) {
        app.clock.advance('10m');
        const token = await app.renewed(pair);
        expect(await socket.ask('authenticate', { token })).toMatchObject({ event: 'authenticated' });
      }
      expect(socket.isOpen).toBe(true);
      const since = performance.now();
      app.clock.advance('16m');
      await expectClosed(socket, 'token_expired', since);
    });

    it('is closed after it has identified itself with a message', async () => {
      await app.start({ providers: [OpenGateway], options: OPTIONS });
      const [socket, anonymous] = [await app.connect(), await app.connect()];
      const { accessToken } = await app.signIn();
      expect(await socket.ask('authenticate', { token: accessToken })).toMatchObject({ event: 'authenticated' });
      const since = performance.now();
      await app.refresh.revokeAll('alice');
      await expectClosed(socket, 'token_revoked', since);
      expect(await anonymous.ask('anyone')).toEqual({ event: 'anyone', data: null });
    });

    it('is never watched if the client leaves while its handshake is judged', async () => {
      const judging: (() => void)[] = [];
      const loadUser = async (): Promise<object> => {
        await new Promise<void>((resolve) => judging.push(resolve));
        return {};
      };
      await app.start({ providers: [ClosedGateway], options: { ...OPTIONS, loadUser } });
      const signIn = app.signIn();
      await until(() => judging.length === 1);
      judging.pop()!();
      const { accessToken } = await signIn;
      for (let turn = 0; turn < 5; turn += 1) {
        const leave = startHandshake(app.port, accessToken);
        await until(() => judging.length === 1);
        leave();
        await setTimeout(20);
        judging.pop()!();
      }
      await setTimeout(20);
      expect([watched(), app.app.get(ClosedGateway).callers, app.log.of('error')]).toEqual([0, [], []]);
    });

    /** Begins to open a socket. @returns how to give up. */
    const startHandshake = (port: number, token: string): (() => void) => {
      if (platform === 'ws') {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { authorization: `Bearer ${token}` } });
        socket.on('error', () => undefined);
        return () => socket.terminate();
      }
      const socket = io(`http://127.0.0.1:${port}`, { auth: { token }, transports: ['websocket'], reconnection: false, forceNew: true });
      return () => socket.close();
    };

    it('is forgotten when the client closes it, and the timer rests', async () => {
      await app.start({ providers: [ClosedGateway], options: OPTIONS });
      const pair = await app.signIn();
      const sockets = await Promise.all(Array.from({ length: 20 }, () => openWith(pair)));
      expect(watched()).toBe(20);
      for (const socket of sockets) socket.close();
      await until(() => watched() === 0);
      expect(timersOf(app)).toEqual({ timer: undefined, pending: undefined });
    });
  });

  describe('without closeOnExpiry', () => {
    it('stays open, is not watched, and its next message is refused', async () => {
      await app.start({ providers: [ClosedGateway] });
      const socket = await openWith(await app.signIn());
      await app.refresh.revokeAll('alice');
      expect(await socket.ask('me')).toMatchObject({ event: 'exception', data: { errorCode: 'token_revoked' } });
      expect([socket.isOpen, watched()]).toEqual([true, 0]);
    });
  });

  it('has no caller for the gateway any more once its token is no longer good', async () => {
    await app.start({ providers: [ClosedGateway] });
    const { clients } = app.app.get(ClosedGateway);
    await openWith(await app.signIn());
    const callers = (): unknown[] => clients.map((client) => app.sockets.callerOf(client)?.sub);
    expect([callers(), app.sockets.callerOf({})]).toEqual([['alice'], undefined]);
    app.clock.advance('16m');
    expect(callers()).toEqual([undefined]);
  });
});

function timersOf({ sockets }: SocketApp): object {
  const { timer, pending } = (sockets as unknown as { watch: { timer: unknown; pending: unknown } }).watch;
  return { timer, pending };
}
