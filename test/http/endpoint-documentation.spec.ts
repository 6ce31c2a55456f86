import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { VersioningType } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { TokenModule } from 'nestjs-token';
import { ADAPTERS, ISSUER, SECRET } from '../support/app.js';
import type { OAuthApp } from '../support/oauth-app.js';
import { ALL_ROUTES, startOAuthApp } from '../support/oauth-app.js';

interface Operation {
  operationId: string;
  tags: string[];
  security?: object[];
  requestBody?: { required: boolean; content: Record<string, { schema: { required?: string[]; properties: object } }> };
  parameters?: { name: string; in: string; required: boolean }[];
  responses: Record<string, { description: string; headers?: object; content?: Record<string, { schema: { properties: object } }> }>;
}

describe.each(ADAPTERS)('the OpenAPI document of the endpoints on %s', (adapter) => {
  let running: OAuthApp;
  afterEach(() => running.close());

  const documented = async (): Promise<OpenAPIObject> => {
    running = await startOAuthApp({
      adapter,
      prepare: (app) => void app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    });
    return SwaggerModule.createDocument(running.app, new DocumentBuilder().addBearerAuth().addBasicAuth().build());
  };
  const operationsOf = async (): Promise<Record<string, Operation>> => {
    const { paths } = await documented();
    const all = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation as unknown as Operation] as const),
    );
    return Object.fromEntries(all.filter(([name]) => name.includes('/auth/')));
  };

  it('has each of them at its path, with the prefix and without a version, under a name of its own', async () => {
    const operations = await operationsOf();
    expect(Object.fromEntries(Object.entries(operations).map(([name, { operationId }]) => [name, operationId]))).toEqual({
      'POST /api/auth/token': 'refreshToken',
      'POST /api/auth/revoke': 'revokeToken',
      'POST /api/auth/introspect': 'introspectToken',
      'POST /api/auth/logout': 'logout',
      'POST /api/auth/logout-all': 'logoutAll',
      'GET /api/auth/sessions': 'listSessions',
      'DELETE /api/auth/sessions/{id}': 'endSession',
    });
    expect(new Set(Object.values(operations).flatMap(({ tags }) => tags))).toEqual(new Set(['auth']));
  });

  it('has unique names for the routes of a second instance, and the cookie where access tokens travel in one', async () => {
    const admin = { issuer: ISSUER, audience: 'admin', secret: SECRET, name: 'admin', endpoints: { path: 'admin', sessions: true } };
    running = await startOAuthApp({ adapter, imports: [TokenModule.forRoot(admin)] }, { transport: 'cookie', cookie: { insecure: true } });
    const { paths } = SwaggerModule.createDocument(running.app, new DocumentBuilder().build());
    const [own, other] = ['/auth/sessions', '/admin/sessions'].map((path) => paths[path]?.get as unknown as Operation);
    expect([own?.operationId, own?.security]).toEqual(['listSessions', [{ cookie: [] }]]);
    expect([other?.operationId, other?.security]).toEqual(['listSessions_admin', [{ bearer: [] }]]);
  });

  it('has the bodies of requests, as a form and as JSON', async () => {
    const operations = await operationsOf();
    const bodies = Object.entries(operations).flatMap(([name, { requestBody }]) =>
      requestBody ? [[name, requestBody.required, Object.keys(requestBody.content), requiredOf(requestBody)]] : [],
    );
    const both = ['application/x-www-form-urlencoded', 'application/json'];
    expect(bodies).toEqual([
      ['POST /api/auth/token', true, both, ['grant_type', 'refresh_token']],
      ['POST /api/auth/revoke', true, both, ['token']],
      ['POST /api/auth/introspect', true, both, ['token']],
      ['POST /api/auth/logout', false, ['application/json'], undefined],
    ]);
    expect(operations['GET /api/auth/sessions']!.parameters).toEqual([
      expect.objectContaining({ name: 'limit', in: 'query', required: false }),
      expect.objectContaining({ name: 'after', in: 'query', required: false }),
    ]);
    expect(operations['DELETE /api/auth/sessions/{id}']!.parameters).toEqual([
      expect.objectContaining({ name: 'id', in: 'path', required: true }),
    ]);
  });

  it('has the responses, and of each error the body', async () => {
    const operations = await operationsOf();
    const statuses = Object.fromEntries(Object.entries(operations).map(([name, { responses }]) => [name, Object.keys(responses)]));
    expect(statuses).toEqual({
      'POST /api/auth/token': ['200', '400', '401', '429', '503'],
      'POST /api/auth/revoke': ['200', '400', '401', '503'],
      'POST /api/auth/introspect': ['200', '400', '401', '503'],
      'POST /api/auth/logout': ['204', '403', '503'],
      'POST /api/auth/logout-all': ['204', '401', '403', '503'],
      'GET /api/auth/sessions': ['200', '400', '401', '403', '503'],
      'DELETE /api/auth/sessions/{id}': ['204', '401', '403', '503'],
    });
    for (const { responses } of Object.values(operations)) expect(responses['503']!.headers).toHaveProperty('Retry-After');
    expect(membersOf(operations['POST /api/auth/token'], 400)).toEqual(['error', 'error_description']);
    expect(membersOf(operations['GET /api/auth/sessions'], 401)).toContain('errorCode');
    expect(membersOf(operations['GET /api/auth/sessions'], 200)).toEqual(['sessions', 'next']);
  });

  it('describes what the endpoints really respond', async () => {
    const operations = await operationsOf();
    const { refreshToken = '' } = await running.refresh.signIn('alice', { claims: { scope: 'a' } });
    const pair = await running.form('/api/auth/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
    expect(membersOf(operations['POST /api/auth/token'], 200).sort()).toEqual(Object.keys(pair.json()).sort());
    const refused = await running.form('/api/auth/token', {});
    expect(membersOf(operations['POST /api/auth/token'], 400)).toEqual(Object.keys(refused.json()));
    const headers = { authorization: `Bearer ${pair.json<{ access_token: string }>().access_token}` };
    expect(membersOf(operations['GET /api/auth/sessions'], 200)).toEqual(
      expect.arrayContaining(Object.keys((await running.call('/api/auth/sessions', { headers })).json())),
    );
  });

  it('refers to the security schemes of the builder, and to none that is missing', async () => {
    const operations = await operationsOf();
    const { components } = SwaggerModule.createDocument(running.app, new DocumentBuilder().addBearerAuth().addBasicAuth().build());
    const used = Object.fromEntries(
      Object.entries(operations).map(([name, { security = [] }]) => [name.split(' ')[1], security.flatMap((one) => Object.keys(one))]),
    );
    expect(used).toEqual({
      '/api/auth/token': [],
      '/api/auth/revoke': [],
      '/api/auth/introspect': ['basic'],
      '/api/auth/logout': ['bearer'],
      '/api/auth/logout-all': ['bearer'],
      '/api/auth/sessions': ['bearer'],
      '/api/auth/sessions/{id}': ['bearer'],
    });
    expect(Object.keys(components?.securitySchemes ?? {}).sort()).toEqual(['basic', 'bearer']);
  });
});

describe('an application without @nestjs/swagger', () => {
  afterEach(() => void jest.resetModules());

  it('has all endpoints', async () => {
    jest.resetModules();
    jest.unstable_mockModule('@nestjs/swagger', () => {
      throw Object.assign(new Error("Cannot find package '@nestjs/swagger'"), { code: 'ERR_MODULE_NOT_FOUND' });
    });
    await expect(import('@nestjs/swagger')).rejects.toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' });
    const { startOAuthApp: start } = await import('../support/oauth-app.js');
    const running = await start({}, { endpoints: ALL_ROUTES });
    const { refreshToken = '' } = await running.refresh.signIn('alice');
    const response = await running.form('/auth/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
    expect(response.status).toBe(200);
    await running.close();
  });
});

function requiredOf({ content }: NonNullable<Operation['requestBody']>): string[] | undefined {
  return Object.values(content)[0]!.schema.required;
}

function membersOf(operation: Operation | undefined, status: number): string[] {
  return Object.keys(Object.values(operation!.responses[status]!.content!)[0]!.schema.properties);
}
