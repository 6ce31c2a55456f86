import { afterEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import { RefreshService, TokenModule } from 'nestjs-token';
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { ADAPTERS, bearing, call, expired, ISSUER, MeController, SECRET, startApp } from '../support/app.js';
import type { TestApp } from '../support/app.js';
import { forgedTokens } from '../support/forged-access-tokens.js';
import { findLeaks } from '../support/leaks.js';
import type { OAuthApp } from '../support/oauth-app.js';
import { BASIC, CLIENT, duringOutage, refusal, startOAuthApp } from '../support/oauth-app.js';

describe.each(ADAPTERS)('POST introspect on %s', (adapter) => {
  let running: OAuthApp;
  afterEach(() => running.close());

  const start = async (options: Partial<TokenModuleRootOptions> = {}): Promise<TokenPair> => {
    running = await startOAuthApp({ adapter }, options);
    return running.refresh.signIn('alice', { claims: { roles: ['reader'], active: false, token_type: 'other' } });
  };
  const introspect = (token: string, more: object = {}) =>
    running.form('/auth/introspect', { token, ...more }, { headers: { authorization: BASIC } });

  it('tells the claims of a good access token, and no cache keeps the response', async () => {
    const { accessToken, sessionId } = await start();
    const response = await introspect(accessToken, { token_type_hint: 'access_token' });
    expect([response.status, response.headers['cache-control'], response.headers['content-type']]).toEqual([
      200,
      'no-store',
      'application/json; charset=utf-8',
    ]);
    expect(response.json()).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: ISSUER,
      sub: 'alice',
      aud: ISSUER,
      sid: sessionId,
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      auth_time: expect.any(Number),
      roles: ['reader'],
    });
  });

  it('says active: false, and nothing else, of every token that is not good, and of refresh tokens', async () => {
    const pair = await start();
    const revoked = await running.refresh.signIn('alice');
    await running.refresh.revoke(revoked.sessionId);
    const outdated = await running.refresh.signIn('alice');
    await running.refresh.revokeAccess(outdated.sessionId);
    const bad = [
      'unknown',
      pair.refreshToken!,
      expired(running.app, pair).accessToken,
      ...forgedTokens(pair.accessToken),
      revoked.accessToken,
      outdated.accessToken,
      'a'.repeat(20_000),
    ];
    for (const token of bad) {
      const response = await introspect(token);
      expect([response.status, response.text]).toEqual([200, '{"active":false}']);
    }
    expect((await running.refresh.sessions('alice')).length).toBe(2);
  });

  it('says active: false once loadUser rejects the user, as the guard does', async () => {
    let user: object | null = {};
    const { accessToken } = await start({ loadUser: () => user });
    expect((await introspect(accessToken)).json()).toMatchObject({ active: true });
    expect(JSON.stringify((await introspect(accessToken)).json())).not.toContain('user"');
    user = null;
    expect((await introspect(accessToken)).text).toBe('{"active":false}');
  });

  it('shows nothing of what loadUser returns', async () => {
    const { accessToken } = await start({ loadUser: () => ({ passwordHash: 'argon2' }) });
    expect((await introspect(accessToken)).text).not.toMatch(/argon2|passwordHash|"user"/);
  });

  it('takes the client with Basic authentication, encoded or not, and in the body', async () => {
    const { accessToken } = await start();
    const encoded = [CLIENT.id, CLIENT.secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1)).join(':');
    for (const authorization of [BASIC, `basic ${Buffer.from(encoded).toString('base64')}`]) {
      const response = await running.form('/auth/introspect', { token: accessToken }, { headers: { authorization } });
      expect(response.json()).toMatchObject({ active: true });
    }
    const inBody = { token: accessToken, client_id: CLIENT.id, client_secret: CLIENT.secret };
    expect((await running.form('/auth/introspect', inBody)).json()).toMatchObject({ active: true });
    expect((await running.call('/auth/introspect', { method: 'POST', body: inBody })).json()).toMatchObject({ active: true });
  });

  it('takes both secrets of a client whose secret is being replaced', async () => {
    const next = { id: CLIENT.id, secret: '9dF4gH6jL0pSa-q8Zt3vK1xW7mB5nR2c' };
    const { accessToken } = await start({ clients: [CLIENT, next] });
    for (const { secret } of [CLIENT, next]) {
      const parameters = { token: accessToken, client_id: CLIENT.id, client_secret: secret };
      expect((await running.form('/auth/introspect', parameters)).json()).toMatchObject({ active: true });
    }
  });

  it('refuses everyone else with 401 and a challenge, whatever the token is', async () => {
    const { accessToken } = await start();
    const presented = [
      {},
      { client_id: CLIENT.id },
      { client_id: CLIENT.id, client_secret: CLIENT.secret.slice(1) },
      { client_id: 'nobody', client_secret: CLIENT.secret },
    ];
    const bodies = new Set<string>();
    for (const client of presented) {
      for (const token of [accessToken, 'unknown', '']) {
        const response = await running.form('/auth/introspect', { token, ...client });
        expect([...refusal(response), response.headers['www-authenticate']]).toEqual([
          401,
          'invalid_client',
          'Basic realm="nestjs-token", charset="UTF-8"',
        ]);
        bodies.add(response.text);
      }
    }
    expect(bodies.size).toBe(1);
    const headers = { authorization: `Bearer ${accessToken}` };
    expect(refusal(await running.form('/auth/introspect', { token: accessToken }, { headers }))).toEqual([401, 'invalid_client']);
  });

  it('refuses a request without a token', async () => {
    await start();
    const headers = { authorization: BASIC };
    expect(refusal(await running.form('/auth/introspect', {}, { headers }))).toEqual([400, 'invalid_request']);
    expect(refusal(await running.form('/auth/introspect', { token: ['a', 'b'] }, { headers }))).toEqual([400, 'invalid_request']);
  });

  it('R-01 responds 503 with Retry-After, and not active: false, while the store must be asked and is away', async () => {
    const { accessToken } = await start({ revocation: 'strict' });
    const response = await duringOutage(running, () => introspect(accessToken));
    expect([...refusal(response), response.headers['retry-after']]).toEqual([503, 'store_unavailable', '1']);
    expect((await introspect(accessToken)).json()).toMatchObject({ active: true });
  });

  it('KY-08 shows no secret of a client to inspect()', async () => {
    await start();
    expect(
      findLeaks(inspect(running.app.get('nestjs-token:OAuthEndpoint:introspect'), { depth: 8, showHidden: true }), [CLIENT.secret]),
    ).toEqual([]);
  });
});

describe.each(ADAPTERS)('a service that only verifies, with POST introspect on %s', (adapter) => {
  let issuing: TestApp;
  let service: INestApplication;
  afterEach(async () => {
    await service.close();
    await issuing.close();
  });

  it('RV-01 learns of a revocation with the next request', async () => {
    const key = generateKeyPairSync('ed25519').privateKey;
    const keys = { keys: [{ algorithm: 'EdDSA' as const, key, use: 'sign' as const }], refresh: { secret: SECRET } };
    const tokens = TokenModule.forRoot({ issuer: ISSUER, ...keys, clients: [CLIENT], endpoints: { introspect: true, jwks: true } });
    issuing = await startApp({ adapter, options: null, imports: [tokens] });
    const refresh = issuing.app.get(RefreshService);
    const pair = await refresh.signIn('alice');
    const origin = `http://127.0.0.1:${issuing.port}`;
    const jwks = { uri: `${origin}/.well-known/jwks.json` };
    const introspection = { uri: `${origin}/auth/introspect`, clientId: CLIENT.id, clientSecret: CLIENT.secret, cacheFor: 0 };
    @Module({ imports: [TokenModule.forRoot({ issuer: ISSUER, jwks, introspection })], controllers: [MeController] })
    class ServiceModule {}
    service = (await Test.createTestingModule({ imports: [ServiceModule] }).compile()).createNestApplication();
    await service.listen(0, '127.0.0.1');
    const { port } = service.getHttpServer().address() as AddressInfo;
    const get = () => call({ port, path: '/me', headers: bearing(pair) });
    expect((await get()).status).toBe(200);
    await refresh.signOut(pair.refreshToken);
    expect([(await get()).status, (await get()).json()['errorCode']]).toEqual([401, 'token_revoked']);
  });
});
