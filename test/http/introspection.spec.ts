import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Logger, Module } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { JsonWebKeySet, TokenModuleRootOptions } from 'nestjs-token';
import { AccessTokenService, Clock, TokenModule } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { generateKeyPairSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import type { AccessTokens } from '../support/access-tokens.js';
import { accessTokens, codeOf, SESSION_ID } from '../support/access-tokens.js';
import type { AdapterName, Answer } from '../support/app.js';
import { ADAPTERS, bearing, call, ISSUER, MeController } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';
import { KeyServer } from '../support/key-server.js';
import { findLeaks } from '../support/leaks.js';

const CLIENT_SECRET = 'pass:word+of the/reports-service=7d2a49368f1c';
const key = generateKeyPairSync('ed25519').privateKey;

describe.each(ADAPTERS)('a service that asks about revocations (RFC 7662), on %s', (adapter: AdapterName) => {
  /** The introspection endpoint of the service that issues tokens. */
  let endpoint: KeyServer;
  let asked: { headers: IncomingMessage['headers']; method: string | undefined; body: string }[];
  let revoked: Set<string>;
  let issuing: AccessTokens;
  let clock: FakeClock;
  let log: CapturedLog;
  let app: INestApplication;
  let token: string;

  beforeEach(async () => {
    Logger.overrideLogger((log = new CapturedLog()));
    clock = new FakeClock(Date.now());
    issuing = accessTokens({ options: { keys: [{ algorithm: 'EdDSA', key, use: 'sign' }] }, clock });
    token = await issuing.service.sign('alice', { sessionId: SESSION_ID });
    [asked, revoked] = [[], new Set()];
    endpoint = await new KeyServer().start();
    endpoint.respond = (request, response) => {
      void text(request).then((body) => {
        asked.push({ headers: request.headers, method: request.method, body });
        response.end(JSON.stringify({ active: !revoked.has(new URLSearchParams(body).get('token')!) }));
      });
    };
  });
  afterEach(async () => {
    await app.close();
    await endpoint.stop();
    Logger.overrideLogger(true);
  });

  async function start(change: object = {}): Promise<(path: string, accessToken?: string) => Promise<Answer>> {
    const jwks: JsonWebKeySet = issuing.service.jwks();
    const introspection = { uri: endpoint.uri, clientId: 'reports', clientSecret: CLIENT_SECRET, ...change };
    @Module({ imports: [TokenModule.forRoot({ issuer: ISSUER, jwks: { document: jwks }, introspection })], controllers: [MeController] })
    class ServiceModule {}
    const compiled = await Test.createTestingModule({ imports: [ServiceModule] })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    app = adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return (path, accessToken = token) => call({ port, path, headers: bearing({ accessToken }) });
  }

  it('accepts a token that is active, and asks once per cacheFor, once for all requests', async () => {
    const get = await start({ cacheFor: '10s' });
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => get('/me')))).map(({ status }) => status);
    expect([new Set(statuses), asked.length]).toEqual([new Set([200]), 1]);
    clock.advance(9_999);
    expect([(await get('/me')).status, asked.length]).toEqual([200, 1]);
    clock.advance(1);
    expect([(await get('/me')).status, asked.length]).toEqual([200, 2]);
  });

  it('asks as RFC 7662 §2.1 and RFC 6749 §2.3.1 say, with a POST of the token and Basic authentication', async () => {
    const get = await start();
    await get('/me');
    const [{ headers, method, body } = { headers: {}, method: '', body: '' }] = asked;
    expect([method, headers['content-type'], body]).toEqual([
      'POST',
      'application/x-www-form-urlencoded;charset=UTF-8',
      `token=${token}&token_type_hint=access_token`,
    ]);
    const [id, secret] = Buffer.from(headers.authorization!.replace('Basic ', ''), 'base64').toString().split(':') as [string, string];
    expect([id, new URLSearchParams(`a=${secret}`).get('a')]).toEqual(['reports', CLIENT_SECRET]);
  });

  it('refuses a token that was revoked, at the latest after cacheFor, and for as long as it is revoked', async () => {
    const get = await start();
    expect((await get('/me')).status).toBe(200);
    revoked.add(token);
    clock.advance(5_000);
    for (let request = 0; request < 3; request++) {
      expect([(await get('/me')).status, (await get('/me')).json()['errorCode']]).toEqual([401, 'token_revoked']);
    }
    expect(asked.length).toBe(2);
    expect(await codeOf(() => app.get(AccessTokenService).verify(token))).toBe('token_revoked');
  });

  it('asks on every request with cacheFor: 0', async () => {
    const get = await start({ cacheFor: 0 });
    for (const isRevoked of [false, true, false]) {
      if (isRevoked) revoked.add(token);
      else revoked.delete(token);
      expect((await get('/me')).status).toBe(isRevoked ? 401 : 200);
    }
    expect(asked.length).toBe(3);
  });

  it('never asks about a token that it refuses itself, and never accepts one because the endpoint does', async () => {
    const get = await start();
    const [header, payload] = token.split('.');
    for (const forged of ['a.b.c', `${header}.${payload}.${'A'.repeat(86)}`]) expect((await get('/me', forged)).status).toBe(401);
    expect(asked).toEqual([]);
    await get('/me');
    clock.advance(900_000 + 5_000);
    expect((await get('/me')).json()).toMatchObject({ errorCode: 'token_expired' });
    expect(asked.length).toBe(1);
  });

  it.each<[string, (endpoint: KeyServer) => void | Promise<void>]>([
    ['refuses connections', (server) => server.stop()],
    ['responds 500', (server) => void (server.respond = (_, response) => void response.writeHead(500).end())],
    ['responds 401 because the secret is wrong', (server) => void (server.respond = (_, response) => void response.writeHead(401).end())],
    ['redirects', (server) => void (server.respond = (_, response) => void response.writeHead(307, { location: '/' }).end())],
    ['responds with HTML', (server) => void (server.respond = (_, response) => void response.end('<html>'))],
    ['responds without active', (server) => void (server.respond = (_, response) => void response.end('{"active":"true"}'))],
    ['responds null', (server) => void (server.respond = (_, response) => void response.end('null'))],
    ['does not respond', (server) => void (server.respond = () => undefined)],
    ['responds without an end', (server) => void (server.respond = (_, response) => void response.write('{'))],
    ['responds with too many bytes', (server) => void (server.respond = (_, response) => void response.end('['.padEnd(100_000, ' ')))],
  ])('responds 503 while the endpoint %s, signs nobody out, and recovers', async (_, misbehave) => {
    const get = await start({ timeout: '200ms' });
    const respond = endpoint.respond;
    await misbehave(endpoint);
    const away = await get('/me');
    expect([away.status, away.json()['errorCode'], away.headers['retry-after'], away.json()['signIn']]).toEqual([
      503,
      'store_unavailable',
      '1',
      undefined,
    ]);
    await endpoint.stop();
    endpoint.respond = respond;
    await endpoint.start();
    expect((await get('/me')).status).toBe(200);
  });

  it('KY-08 shows neither the secret nor a token in a log, in an error or to inspect()', async () => {
    const get = await start({ timeout: '200ms' });
    await get('/me');
    endpoint.respond = () => undefined;
    clock.advance(5_000);
    const response = await get('/me');
    const header = asked[0]!.headers.authorization!;
    const shown = [response.text, ...log.lines, inspect(app.get(AccessTokenService), { depth: 9, showHidden: true })].join('\n');
    expect(findLeaks(shown, [CLIENT_SECRET, token, header.replace('Basic ', '')])).toEqual([]);
  });
});

describe('the option introspection', () => {
  const jwks = { uri: 'https://auth.example.com/jwks.json' };
  const introspection = { uri: 'https://auth.example.com/introspect', clientId: 'reports', clientSecret: CLIENT_SECRET };
  const started = (options: Partial<TokenModuleRootOptions>) =>
    Test.createTestingModule({ imports: [TokenModule.forRoot({ issuer: ISSUER, ...options })] }).compile();

  it.each<[string, object, string]>([
    ['without jwks', { secret: 'q8Zt3vK1xW7mB5nR2cY9dF4gH6jL0pSa-test-secret', introspection, repository: class {} }, 'introspection'],
    ['over http', { jwks, introspection: { ...introspection, uri: 'http://auth.example.com/' } }, 'introspection.uri'],
    ['without an address', { jwks, introspection: { clientId: 'a', clientSecret: 'b' } }, 'introspection.uri'],
    ['without a name', { jwks, introspection: { ...introspection, clientId: '' } }, 'introspection.clientId'],
    [
      'with a secret from a missing variable',
      { jwks, introspection: { ...introspection, clientSecret: undefined } },
      'introspection.clientSecret',
    ],
    ['without a secret', { jwks, introspection: { uri: introspection.uri, clientId: 'a' } }, 'introspection.clientSecret'],
    ['with a cacheFor above 5 min', { jwks, introspection: { ...introspection, cacheFor: '301s' } }, 'introspection.cacheFor'],
  ])('is refused %s', async (_, options, option) => {
    const error: unknown = await started(options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'TokenOptionsError', option });
    expect(findLeaks(inspect(error), [CLIENT_SECRET])).toEqual([]);
  });
});
