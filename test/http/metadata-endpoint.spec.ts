import { afterEach, describe, expect, it } from '@jest/globals';
import { RequestMethod, VersioningType } from '@nestjs/common';
import type { TokenModuleRootOptions } from 'nestjs-token';
import type { AppSetup } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import type { OAuthApp } from '../support/oauth-app.js';
import { startOAuthApp } from '../support/oauth-app.js';

const PATH = '/.well-known/oauth-authorization-server';
const ROUTES = { token: true, revoke: true, introspect: true } as const;
const SECRETS = ['client_secret_basic', 'client_secret_post'];

describe.each(ADAPTERS)('the metadata of the endpoints on %s', (adapter) => {
  let running: OAuthApp;
  afterEach(() => running.close());

  const start = async (endpoints: TokenModuleRootOptions['endpoints'], setup: AppSetup = {}, issuer = 'https://api.example.com') =>
    (running = await startOAuthApp({ adapter, ...setup }, { issuer, endpoints: { metadata: true, ...endpoints } }));

  it('says where the endpoints are and how a client authenticates there, with caching headers (RFC 8414)', async () => {
    await start(ROUTES);
    const response = await running.call(PATH);
    expect([response.status, response.headers['content-type'], response.headers['cache-control']]).toEqual([
      200,
      'application/json; charset=utf-8',
      'public, max-age=300',
    ]);
    expect(response.json()).toEqual({
      issuer: 'https://api.example.com',
      response_types_supported: [],
      grant_types_supported: ['refresh_token'],
      token_endpoint: 'https://api.example.com/auth/token',
      token_endpoint_auth_methods_supported: ['none', ...SECRETS],
      revocation_endpoint: 'https://api.example.com/auth/revoke',
      revocation_endpoint_auth_methods_supported: ['none', ...SECRETS],
      introspection_endpoint: 'https://api.example.com/auth/introspect',
      introspection_endpoint_auth_methods_supported: SECRETS,
    });
  });

  it('tells of no endpoint that is not there, and of no public client with requireClient', async () => {
    await start({ token: true, requireClient: true });
    expect((await running.call(PATH)).json()).toEqual({
      issuer: 'https://api.example.com',
      response_types_supported: [],
      grant_types_supported: ['refresh_token'],
      token_endpoint: 'https://api.example.com/auth/token',
      token_endpoint_auth_methods_supported: SECRETS,
    });
    await running.close();
    await start({ sessions: true });
    expect((await running.call(PATH)).json()).toMatchObject({ grant_types_supported: [] });
  });

  it('names the paths at which the endpoints really are: with the global prefix, unless they are excluded from it', async () => {
    const exclude = [
      { path: 'auth/revoke', method: RequestMethod.POST },
      { path: 'auth/introspect', method: RequestMethod.GET },
    ];
    const prepare: AppSetup['prepare'] = (app) =>
      void app.setGlobalPrefix('/api', { exclude }).enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
    await start(ROUTES, { prepare });
    const document = (await running.call(PATH)).json<Record<string, string>>();
    const addresses = ['token', 'revocation', 'introspection'].map((name) => document[`${name}_endpoint`]);
    expect(addresses.map((address) => new URL(address!).pathname)).toEqual(['/api/auth/token', '/auth/revoke', '/api/auth/introspect']);
    for (const address of addresses) {
      expect([400, 401]).toContain((await running.form(new URL(address!).pathname, {})).status);
    }
  });

  it('stands where RFC 8414 §3.1 says if the issuer has a path, and at the path that it is given', async () => {
    await start(ROUTES, {}, 'https://example.com/tenant/');
    expect((await running.call(`${PATH}/tenant`)).json()).toMatchObject({ issuer: 'https://example.com/tenant/' });
    expect((await running.call(PATH)).status).toBe(404);
    await running.close();
    await start({ ...ROUTES, metadata: '/oauth.json' }, {}, 'https://example.com/tenant');
    expect((await running.call('/oauth.json')).json()).toMatchObject({ token_endpoint: 'https://example.com/auth/token' });
  });
});
