import { afterEach, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import type { ExecutionContext, INestMicroservice } from '@nestjs/common';
import { Controller, Module, UseGuards } from '@nestjs/common';
import type { ClientOptions, ClientProxy, MicroserviceOptions } from '@nestjs/microservices';
import { ClientProxyFactory, MessagePattern, Payload } from '@nestjs/microservices';
import type { TokenKey, TokenPair } from 'nestjs-token';
import { AccessTokenService, CurrentUser, JwtAuthGuard, RefreshService, TokenModule } from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';
import { generateKeyPairSync } from 'node:crypto';
import { firstValueFrom } from 'rxjs';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';
import { refreshServiceToken } from '../support/lib.js';
import type { MessageApp, MessageSetup } from '../support/message-app.js';
import { startMessages, TCP } from '../support/message-app.js';

const MISSING = { status: 'error', message: 'access token is missing', errorCode: 'token_missing' };
const MALFORMED = { status: 'error', message: 'access token is malformed', errorCode: 'token_malformed' };

class FallingBackGuard extends JwtAuthGuard {
  protected override getRequest(host: ExecutionContext): ReturnType<JwtAuthGuard['getRequest']> {
    return super.getRequest(host);
  }
}

@Controller()
class SubclassController {
  @MessagePattern('subclass')
  @UseGuards(FallingBackGuard)
  guarded(@Payload() payload: unknown, @CurrentUser('sub') sub: string): unknown {
    return { payload, sub };
  }
}

describe.each(ADAPTERS)('the payload of a message in a hybrid application on %s', (adapter) => {
  let app: MessageApp;
  const start = async (setup: MessageSetup = {}): Promise<void> => {
    app = await startMessages(TCP, { adapter, ...setup });
  };
  afterEach(() => app.close());
  const signIn = (subject = 'alice'): Promise<TokenPair> => app.app.get(RefreshService).signIn(subject);

  it('carries no token unless the option names a member of it (F-07)', async () => {
    await start();
    const { accessToken } = await signIn();
    expect(await app.refusal('guarded', { accessToken })).toEqual(MISSING);
    expect(await app.send('optional', { accessToken })).toEqual({ payload: { accessToken }, sub: null });
  });

  it.each([
    ['a request', (pair: TokenPair) => ({ headers: bearing(pair) })],
    ['a request with a body', ({ accessToken }: TokenPair) => ({ body: { accessToken } })],
    ['a caller', () => ({ user: { sub: 'mallory', sid: 'x' } })],
    ['a context', (pair: TokenPair) => ({ getHeaders: null, metadata: { authorization: bearing(pair).authorization } })],
  ])('is nobody if it looks like %s, and stays as it is (F-07)', async (_, payloadOf) => {
    await start({ options: { rpc: { field: 'accessToken' } } });
    const payload = payloadOf(await signIn());
    expect(await app.refusal('guarded', payload)).toEqual(MISSING);
    expect(await app.send('optional', payload)).toEqual({ payload, sub: null });
    expect(await app.send('public', payload)).toEqual({ payload, sub: null });
  });

  it.each([
    ['a number', 7],
    ['a text', 'hello'],
    ['a list', []],
    ['nothing', ''],
    ['an object of names of the prototype', JSON.parse('{ "__proto__": { "accessToken": "x" }, "constructor": { "prototype": {} } }')],
  ])('is refused with a clear error if it is %s (F-08)', async (_, payload) => {
    await start({ options: { rpc: { field: 'accessToken' } } });
    expect(await app.refusal('guarded', payload)).toEqual(MISSING);
    expect(app.log.of('error').join('\n')).not.toContain('TypeError');
  });

  it.each([
    ['a number', 7],
    ['a list', ['token']],
    ['an object', { token: 'x' }],
    ['null', null],
    ['true', true],
  ])('is refused, also where a token is optional, if the member of the token is %s', async (_, accessToken) => {
    await start({ options: { rpc: { field: 'accessToken' } } });
    expect(await app.refusal('guarded', { accessToken })).toEqual(MALFORMED);
    expect(await app.refusal('optional', { accessToken })).toEqual(MALFORMED);
  });

  it('counts as one without a token if the member is empty', async () => {
    await start({ options: { rpc: { field: 'accessToken' } } });
    expect(await app.send('optional', { accessToken: '' })).toEqual({ payload: {}, sub: null });
  });

  it('keeps the member where a handler is public, because the guard does not look for a token there', async () => {
    await start({ options: { rpc: { field: 'accessToken' } } });
    expect(await app.send('public', { accessToken: 'anything' })).toEqual({ payload: { accessToken: 'anything' }, sub: null });
  });

  it('carries the token in the member that a handler names', async () => {
    await start();
    const { accessToken } = await signIn();
    expect(await app.send('own-field', { ticket: accessToken, month: 7 })).toEqual({ payload: { month: 7 }, sub: 'alice' });
    expect(await app.refusal('own-field', { accessToken })).toEqual(MISSING);
  });

  it('carries the token of each instance in a member of its own (F-06)', async () => {
    await start({ options: { rpc: { field: 'accessToken' } } });
    const partner = await app.app.get<RefreshService>(refreshServiceToken('partner')).signIn('partner-1');
    expect(await app.send('partner', { partnerToken: partner.accessToken })).toEqual({ payload: {}, sub: 'partner-1' });
    expect(await app.refusal('partner', { accessToken: partner.accessToken })).toEqual(MISSING);
  });

  it('counts with cookies too: messages have no browser that would send them', async () => {
    await start({ options: { transport: 'cookie', rpc: { field: 'accessToken' } } });
    const { accessToken } = await signIn();
    expect(await app.send('guarded', { accessToken })).toMatchObject({ payload: {}, sub: 'alice' });
  });

  it('gets a clear error where the handler throws one of ours', async () => {
    await start();
    const { refreshToken } = await signIn();
    await app.app.get(RefreshService).signOut(refreshToken);
    expect(await app.refusal('renew', { refreshToken })).toEqual({
      status: 'error',
      message: 'session has been revoked',
      errorCode: 'session_revoked',
    });
  });

  it('reaches handlers without a decorator in spite of globalGuard if the application does not inherit its configuration', async () => {
    await start({ options: { globalGuard: true }, inheritAppConfig: false });
    expect(await app.send('unmarked', {})).toEqual({ payload: {}, sub: null });
    expect(await app.refusal('guarded', {})).toEqual(MISSING);
    expect(await app.refusal('renew', { refreshToken: 'x' })).toEqual({ status: 'error', message: 'Internal server error' });
  });

  it('refuses handlers without a decorator with globalGuard, and lets public ones in (F-08)', async () => {
    await start({ options: { globalGuard: true } });
    expect(await app.refusal('unmarked', {})).toEqual(MISSING);
    expect(await app.send('public', { month: 7 })).toEqual({ payload: { month: 7 }, sub: null });
  });
});

@Controller()
class ReportsController {
  @MessagePattern('reports')
  @UseGuards(JwtAuthGuard)
  reports(@CurrentUser('sub') sub: string): object {
    return { of: sub };
  }
}

describe('an application that is a microservice and nothing else', () => {
  let service: INestMicroservice;
  let client: ClientProxy;
  const log = new CapturedLog();
  afterEach(async () => {
    await client.close();
    await service.close();
  });

  async function start(tokens: ReturnType<typeof TokenModule.forRoot>): Promise<void> {
    @Module({ imports: [tokens], controllers: [ReportsController, SubclassController] })
    class ServiceModule {}
    service = await NestFactory.createMicroservice<MicroserviceOptions>(ServiceModule, TCP.server);
    service.useLogger(log);
    await service.listen();
    client = ClientProxyFactory.create(TCP.client(service) as ClientOptions);
  }
  const reports = (accessToken: string): Promise<unknown> =>
    firstValueFrom(client.send<unknown>('reports', { accessToken })).catch((error: unknown) => error);

  it('shares the secret of the application that signs in, and issues tokens itself', async () => {
    await start(
      TokenModule.forRoot({ issuer: ISSUER, secret: SECRET, repository: InMemoryTokenRepository, rpc: { field: 'accessToken' } }),
    );
    const { accessToken } = await service.get(RefreshService).signIn('alice');
    expect(await reports(accessToken)).toEqual({ of: 'alice' });
    expect(await reports('x.y.z')).toEqual(MALFORMED);
  });

  it('has no token in the payload for a handler whose guard falls back to the request of the message', async () => {
    await start(
      TokenModule.forRoot({ issuer: ISSUER, secret: SECRET, repository: InMemoryTokenRepository, rpc: { field: 'accessToken' } }),
    );
    const { accessToken } = await service.get(RefreshService).signIn('alice');
    const answer = await firstValueFrom(client.send<unknown>('subclass', { accessToken, month: 5 }));
    expect(answer).toEqual({ payload: { month: 5 }, sub: 'alice' });
  });

  it('verifies with the public keys of another service, without a database', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys: TokenKey[] = [{ algorithm: 'ES256', key: privateKey, use: 'sign' }];
    const issuing = TokenModule.forRoot({ issuer: ISSUER, keys, refresh: { secret: SECRET }, repository: InMemoryTokenRepository });
    const gateway = await startApp({ options: null, imports: [issuing] });
    const { accessToken } = await gateway.app.get(RefreshService).signIn('alice');
    const document = gateway.app.get(AccessTokenService).jwks();
    await gateway.close();
    await start(TokenModule.forRoot({ issuer: ISSUER, jwks: { document }, rpc: { field: 'accessToken' } }));
    expect(await reports(accessToken)).toEqual({ of: 'alice' });
    expect(await reports('x.y.z')).toEqual(MALFORMED);
  });
});
