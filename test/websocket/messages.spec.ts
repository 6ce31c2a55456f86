import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { UseGuards } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { RefreshService } from 'nestjs-token';
import { AccessToken, AccessTokenService, AuthInstance, CurrentUser, JwtAuthGuard, TokenRepository } from 'nestjs-token';
import { partnerModule } from '../support/app.js';
import { refreshServiceToken } from '../support/lib.js';
import type { SocketMessage, TestSocket } from '../support/sockets.js';
import { SOCKET_PLATFORMS } from '../support/sockets.js';
import { ClosedGateway, codeOf, OpenGateway, SocketApp } from './gateways.js';

/** It belongs to another instance. */
@WebSocketGateway()
@AuthInstance('partner')
@UseGuards(JwtAuthGuard)
class PartnerGateway {
  @SubscribeMessage('partner')
  partner(@CurrentUser('sub') sub: string): SocketMessage {
    return { event: 'partner', data: sub };
  }
}

class FallingBackGuard extends JwtAuthGuard {
  protected override getRequest(host: ExecutionContext): ReturnType<JwtAuthGuard['getRequest']> {
    return super.getRequest(host);
  }
}

class NoResponseGuard extends JwtAuthGuard {
  protected override getResponse(): undefined {
    return undefined;
  }
}

/** Its guards are subclasses that change nothing for sockets. */
@WebSocketGateway()
class SubclassGateway {
  @SubscribeMessage('falling back')
  @UseGuards(FallingBackGuard)
  fallingBack(@CurrentUser('sub') sub: string, @AccessToken() token: string): SocketMessage {
    return { event: 'me', data: [sub, token] };
  }

  @SubscribeMessage('no response')
  @UseGuards(NoResponseGuard)
  noResponse(@CurrentUser('sub') sub: string, @AccessToken() token: string): SocketMessage {
    return { event: 'me', data: [sub, token] };
  }
}

describe.each(SOCKET_PLATFORMS)('messages to a guarded gateway on %s', (platform) => {
  let app: SocketApp;
  beforeEach(() => {
    app = new SocketApp(platform);
  });
  afterEach(() => app.close());
  const open = async (subject = 'alice'): Promise<TestSocket> => {
    const { accessToken } = await app.signIn(subject);
    return app.connect({ headers: { authorization: `Bearer ${accessToken}` } });
  };
  const refused = (errorCode: string) => ({
    event: 'exception',
    data: { status: 'error', errorCode, message: expect.any(String) as unknown },
  });

  it('are refused once the token has expired, on both sides of the instant', async () => {
    await app.start({ providers: [ClosedGateway], options: { access: { leeway: 0 } } });
    const { accessToken } = await app.signIn();
    app.clock.set(Date.now());
    const { exp } = await app.app.get(AccessTokenService).verify(accessToken);
    const socket = await app.connect({ headers: { authorization: `Bearer ${accessToken}` } });
    app.clock.set(exp * 1_000 - 1);
    expect(await socket.ask('me')).toMatchObject({ event: 'me' });
    app.clock.advance(1);
    expect(await socket.ask('me')).toEqual(refused('token_expired'));
    expect(socket.isOpen).toBe(true);
  });

  it('are refused once the session has been revoked', async () => {
    await app.start({ providers: [ClosedGateway] });
    const socket = await open();
    await app.refresh.revokeAll('alice');
    expect(await socket.ask('me')).toEqual(refused('token_revoked'));
  });

  it.each(['falling back', 'no response'])('are guarded by a subclass that takes the request of the socket (%s)', async (event) => {
    await app.start({ providers: [SubclassGateway] });
    const { accessToken } = await app.signIn();
    const socket = await app.connect({ headers: { authorization: `Bearer ${accessToken}` } });
    expect(await socket.ask(event)).toEqual({ event: 'me', data: ['alice', accessToken] });
    expect(await socket.ask(event)).toEqual({ event: 'me', data: ['alice', accessToken] });
    await app.refresh.revokeAll('alice');
    expect(await socket.ask(event)).toEqual(refused('token_revoked'));
    expect(await (await app.connect()).ask('falling back')).toEqual(refused('token_missing'));
  });

  it('cost no statement each', async () => {
    await app.start({ providers: [ClosedGateway] });
    const socket = await open();
    const repository = app.app.get(TokenRepository, { strict: false });
    const spies = (['find', 'rotate', 'update', 'insert', 'revoke'] as const).map((verb) => jest.spyOn(repository, verb));
    for (let message = 0; message < 50; message += 1) expect(await socket.ask('me', message)).toMatchObject({ event: 'me' });
    expect(spies.map(({ mock }) => mock.calls.length)).toEqual([0, 0, 0, 0, 0]);
  });

  it.each([
    ['without a payload', undefined],
    ['with a text', 'text'],
    ['with a number', 7],
    ['with an object', {}],
  ])('do not mix callers when two come at once: %s', async (_, payload) => {
    await app.start({ providers: [ClosedGateway] });
    const [alice, bob] = [await open(), await open('bob')];
    const answers = Array.from({ length: 20 }, (__, index) => (index % 2 ? bob : alice).ask('slow', payload).then(({ data }) => data));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, (__, index) => Array(2).fill(index % 2 ? 'bob' : 'alice')));
  });

  it('are refused by @Fresh() when the sign-in is too old', async () => {
    await app.start({ providers: [ClosedGateway] });
    const socket = await open();
    expect(await socket.ask('fresh')).toMatchObject({ event: 'fresh' });
    app.clock.advance('6m');
    expect(await socket.ask('fresh')).toEqual(refused('fresh_token_required'));
  });

  it('ask loadUser each time, or once in a while if it is cached', async () => {
    let loads = 0;
    await app.start({ providers: [ClosedGateway], options: { loadUser: { load: () => ({ loads: ++loads }), cacheFor: '1h' } } });
    const socket = await open();
    for (let message = 0; message < 5; message += 1) expect(await socket.ask('me')).toMatchObject({ data: { user: { loads: 1 } } });
  });

  it('belong to the instance of their handler', async () => {
    await app.start({ providers: [OpenGateway, PartnerGateway], imports: [partnerModule()] });
    const alice = await app.signIn();
    const other = await app.app.get<RefreshService>(refreshServiceToken('partner')).signIn('partner-1');
    const both = await app.connect({ headers: { authorization: `Bearer ${alice.accessToken}`, 'x-partner': other.accessToken } });
    expect([await both.ask('me'), await both.ask('partner')]).toMatchObject([{ data: 'alice' }, { data: 'partner-1' }]);
    const one = await app.connect({ headers: { authorization: `Bearer ${other.accessToken}` } });
    expect(await one.ask('partner')).toEqual(refused('token_missing'));
  });

  describe('with a new token on the open socket', () => {
    it('pass after the old one has expired', async () => {
      await app.start({ providers: [ClosedGateway] });
      const pair = await app.signIn();
      const socket = await app.connect({ headers: { authorization: `Bearer ${pair.accessToken}` } });
      app.clock.advance('10m');
      const token = await app.renewed(pair);
      expect(await socket.ask('authenticate', { token })).toEqual({ event: 'authenticated', data: 'alice' });
      app.clock.advance('10m');
      expect(await socket.ask('me')).toMatchObject({ data: { sub: 'alice' } });
    });

    it('give it to @AccessToken() in place of the one of the handshake', async () => {
      await app.start({ providers: [ClosedGateway] });
      const pair = await app.signIn();
      const socket = await app.connect({ headers: { authorization: `Bearer ${pair.accessToken}` } });
      expect(await socket.ask('token')).toEqual({ event: 'token', data: pair.accessToken });
      app.clock.advance('1m');
      const token = await app.renewed(pair);
      await socket.ask('authenticate', { token });
      expect(await socket.ask('token')).toEqual({ event: 'token', data: token });
    });

    it.each([
      ['of another user', 'bob', 'session_mismatch'],
      ['of another session of the same user', 'alice', 'session_mismatch'],
    ])('are those of the old one if the new one is %s', async (_, subject, errorCode) => {
      await app.start({ providers: [ClosedGateway] });
      const socket = await open();
      const before = await socket.ask('me');
      const { accessToken } = await app.signIn(subject);
      expect(await socket.ask('authenticate', { token: accessToken })).toEqual(refused(errorCode));
      expect(await socket.ask('me')).toEqual(before);
    });

    it.each([
      ['nothing', undefined, 'token_missing'],
      ['null', null, 'token_missing'],
      ['an object', { a: 1 }, 'token_malformed'],
      ['a list', ['x'], 'token_malformed'],
      ['a huge text', 'a.b.c'.repeat(5_000), 'token_too_large'],
      ['nonsense', 'nonsense', 'token_malformed'],
    ])('are those of the old one if the new one is %s', async (_, token, errorCode) => {
      await app.start({ providers: [ClosedGateway] });
      const socket = await open();
      expect(await socket.ask('authenticate', { token })).toEqual(refused(errorCode));
      expect(await socket.ask('me')).toMatchObject({ data: { sub: 'alice' } });
    });

    it('tell who listens if the new one is refused', async () => {
      const told: string[] = [];
      await app.start({
        providers: [ClosedGateway],
        options: { onEvent: (event) => void told.push(`${event.type} ${String(codeOf(event))}`) },
      });
      const socket = await open();
      const { accessToken } = await app.signIn('bob');
      told.length = 0;
      await socket.ask('authenticate', { token: 'nonsense' });
      await socket.ask('authenticate', { token: accessToken });
      expect(told).toEqual(['access-rejected token_malformed', 'access-rejected session_mismatch']);
    });

    it('are those of the old one if the new one has expired or has been revoked', async () => {
      await app.start({ providers: [ClosedGateway] });
      const pair = await app.signIn();
      app.clock.advance('10m');
      const next = await app.renewed(pair);
      const socket = await app.connect({ headers: { authorization: `Bearer ${next}` } });
      app.clock.advance('6m');
      expect(await socket.ask('authenticate', { token: pair.accessToken })).toEqual(refused('token_expired'));
      expect(await socket.ask('me')).toMatchObject({ data: { sub: 'alice' } });
      await app.refresh.signOut(pair.refreshToken);
      expect(await socket.ask('authenticate', { token: next })).toEqual(refused('token_revoked'));
    });

    it('have a caller on a socket that had none, and nobody else can take it over', async () => {
      await app.start({ providers: [OpenGateway] });
      const socket = await app.connect();
      const [alice, bob] = [await app.signIn(), await app.signIn('bob')];
      expect(await socket.ask('authenticate', { token: alice.accessToken })).toEqual({ event: 'authenticated', data: 'alice' });
      expect(await socket.ask('authenticate', { token: bob.accessToken })).toEqual(refused('session_mismatch'));
      expect(await socket.ask('me')).toEqual({ event: 'me', data: 'alice' });
    });

    it('have one caller when two users identify themselves at once', async () => {
      await app.start({ providers: [OpenGateway] });
      const socket = await app.connect();
      const [alice, bob] = [await app.signIn(), await app.signIn('bob')];
      const answers = await Promise.all([alice, bob].map(({ accessToken }) => socket.ask('authenticate', { token: accessToken })));
      expect(answers.map(({ event }) => event).sort()).toEqual(['authenticated', 'exception']);
      const { data } = answers.find(({ event }) => event === 'authenticated')!;
      expect(await socket.ask('me')).toEqual({ event: 'me', data });
    });
  });
});
