import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, TokenModule } from 'nestjs-token';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { generateKeyPairSync } from 'node:crypto';
import type { AdapterName, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, SECRET, startApp } from '../support/app.js';
import { freePorts } from '../support/free-ports.js';
import { CLIENT } from '../support/oauth-app.js';

/* eslint-disable @typescript-eslint/no-deprecated -- only to make it stand out: the libraries refuse http unless they are told to accept it */
const OVER_HTTP = { [oauth.allowInsecureRequests]: true };
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

describe.each(ADAPTERS)('an OAuth client library, unchanged, on %s', (adapter: AdapterName) => {
  let running: TestApp;
  let issuer: string;
  let pair: TokenPair;

  beforeEach(async () => {
    const [port = 0] = await freePorts(1);
    issuer = `http://127.0.0.1:${port}`;
    const tokens = TokenModule.forRoot({
      issuer,
      keys: [{ algorithm: 'ES256', key, use: 'sign' }],
      refresh: { secret: SECRET },
      clients: [CLIENT],
      endpoints: { token: true, revoke: true, introspect: true, metadata: true, jwks: true },
    });
    running = await startApp({ adapter, options: null, imports: [tokens], port, prepare: (app) => void app.setGlobalPrefix('api') });
    pair = await running.app.get(RefreshService).signIn('alice', { claims: { scope: 'notes' } });
  });
  afterEach(() => running.close());

  const statusOf = async (accessToken: string): Promise<number> =>
    (await running.call('/api/me', { headers: bearing({ accessToken }) })).status;

  describe('oauth4webapi', () => {
    const publicClient: oauth.Client = { client_id: 'spa' };
    const service: oauth.Client = { client_id: CLIENT.id };
    const discovered = async (): Promise<oauth.AuthorizationServer> => {
      const address = new URL(issuer);
      const response = await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...OVER_HTTP });
      return oauth.processDiscoveryResponse(address, response);
    };

    it('finds the endpoints', async () => {
      expect(await discovered()).toMatchObject({
        token_endpoint: `${issuer}/api/auth/token`,
        revocation_endpoint: `${issuer}/api/auth/revoke`,
        introspection_endpoint: `${issuer}/api/auth/introspect`,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        grant_types_supported: ['refresh_token'],
      });
    });

    it('refreshes as a public client, and as one with a secret in the header and in the body', async () => {
      const server = await discovered();
      let refreshToken = pair.refreshToken!;
      const authentications: [oauth.Client, oauth.ClientAuth][] = [
        [publicClient, oauth.None()],
        [service, oauth.ClientSecretBasic(CLIENT.secret)],
        [service, oauth.ClientSecretPost(CLIENT.secret)],
      ];
      for (const [client, authentication] of authentications) {
        const response = await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, OVER_HTTP);
        const result = await oauth.processRefreshTokenResponse(server, client, response);
        expect([result.token_type, result.scope, await statusOf(result.access_token)]).toEqual(['bearer', 'notes', 200]);
        refreshToken = result.refresh_token ?? refreshToken;
      }
    });

    it('understands why it is refused', async () => {
      const server = await discovered();
      const response = await oauth.refreshTokenGrantRequest(server, publicClient, oauth.None(), 'invented', OVER_HTTP);
      await expect(oauth.processRefreshTokenResponse(server, publicClient, response)).rejects.toMatchObject({
        error: 'invalid_grant',
        error_description: 'refresh token is invalid',
        status: 400,
      });
      const wrong = oauth.ClientSecretBasic('wrong');
      const refused = await oauth.introspectionRequest(server, service, wrong, pair.accessToken, OVER_HTTP);
      await expect(oauth.processIntrospectionResponse(server, service, refused)).rejects.toMatchObject({ status: 401 });
    });

    it('introspects, revokes, and introspects again', async () => {
      const server = await discovered();
      const authentication = oauth.ClientSecretBasic(CLIENT.secret);
      const introspected = async (): Promise<oauth.IntrospectionResponse> => {
        const response = await oauth.introspectionRequest(server, service, authentication, pair.accessToken, OVER_HTTP);
        return oauth.processIntrospectionResponse(server, service, response);
      };
      expect(await introspected()).toMatchObject({ active: true, sub: 'alice', scope: 'notes', iss: issuer });
      const response = await oauth.revocationRequest(server, publicClient, oauth.None(), pair.refreshToken!, OVER_HTTP);
      await oauth.processRevocationResponse(response);
      expect(await introspected()).toEqual({ active: false });
      expect(await statusOf(pair.accessToken)).toBe(401);
    });
  });

  describe('openid-client', () => {
    const configured = (clientId: string, authentication: openid.ClientAuth): Promise<openid.Configuration> =>
      openid.discovery(new URL(issuer), clientId, undefined, authentication, {
        algorithm: 'oauth2',
        execute: [openid.allowInsecureRequests],
      });

    it('refreshes as a public client', async () => {
      const config = await configured('spa', openid.None());
      const result = await openid.refreshTokenGrant(config, pair.refreshToken!);
      expect([result.expiresIn()! > 0, await statusOf(result.access_token)]).toEqual([true, 200]);
    });

    it('refreshes, introspects and revokes with a secret', async () => {
      for (const authentication of [openid.ClientSecretBasic(CLIENT.secret), openid.ClientSecretPost(CLIENT.secret)]) {
        const own = await running.app.get(RefreshService).signIn('alice');
        const config = await configured(CLIENT.id, authentication);
        const { access_token: accessToken } = await openid.refreshTokenGrant(config, own.refreshToken!);
        expect(await openid.tokenIntrospection(config, accessToken)).toMatchObject({ active: true, sub: 'alice' });
        await openid.tokenRevocation(config, accessToken);
        expect(await openid.tokenIntrospection(config, accessToken)).toEqual({ active: false });
      }
    });

    it('understands why it is refused', async () => {
      const config = await configured('spa', openid.None());
      await expect(openid.refreshTokenGrant(config, 'invented')).rejects.toMatchObject({ error: 'invalid_grant' });
      await expect(openid.refreshTokenGrant(config, pair.refreshToken!, { scope: 'a"b' })).rejects.toMatchObject({
        error: 'invalid_scope',
      });
    });
  });
});
