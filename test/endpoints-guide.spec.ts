import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { RefreshService } from 'nestjs-token';
import { allowInsecureRequests } from 'openid-client';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppModule } from './endpoints-guide/app.module.js';
import { configure, renew, signOut } from './endpoints-guide/client.js';
import { setUpDocument } from './endpoints-guide/document.js';
import { GuardsModule } from './endpoints-guide/guards.module.js';
import { ADAPTERS, bearing, call, SECRET } from './support/app.js';
import { freePorts } from './support/free-ports.js';
import { CLIENT } from './support/oauth-app.js';
import { ENDPOINT_ROUTES } from './support/lib.js';

const HERE = import.meta.dirname;
const GUIDE = readFileSync(join(HERE, '../docs/endpoints.md'), 'utf8');
const FILES = readdirSync(join(HERE, 'endpoints-guide')).map((name) =>
  unindented(readFileSync(join(HERE, 'endpoints-guide', name), 'utf8')),
);

/** Parts of files stand in the guide without their indentation. */
function unindented(text: string): string {
  return text.replace(/^ +/gm, '');
}

describe('docs/endpoints.md', () => {
  it('shows nothing but code that the tests below run', () => {
    const blocks = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => unindented(code));
    expect(blocks.length).toBeGreaterThanOrEqual(6);
    expect(blocks.filter((block) => !FILES.some((file) => file.includes(block)))).toEqual([]);
  });

  it('has a row for each route, and for each error of RFC 6749 that the endpoints respond', () => {
    for (const [option, path] of Object.entries(ENDPOINT_ROUTES)) {
      expect(GUIDE).toMatch(new RegExp(`^\\| \`${option}\` +\\| \`(POST|GET) /auth/${path}\``, 'm'));
    }
    const source = readFileSync(join(HERE, '../lib/endpoints/oauth-error.ts'), 'utf8');
    const errors = [...source.matchAll(/^ {2}(\w+): (\d{3}),$/gm)];
    expect(errors.length).toBe(5);
    for (const [, error, status] of errors) expect(GUIDE).toMatch(new RegExp(`^\\| ${status} +\\| \`${error}\``, 'm'));
  });
});

describe.each(ADAPTERS)('the applications of the guide on %s', (adapter) => {
  let app: INestApplication | undefined;
  let port = 0;
  beforeEach(async () => {
    [port = 0] = await freePorts(1);
    Object.assign(process.env, { ISSUER: `http://127.0.0.1:${port}`, TOKEN_SECRET: SECRET, REPORTS_SECRET: CLIENT.secret });
  });
  afterEach(async () => {
    await app?.close();
    for (const name of ['ISSUER', 'TOKEN_SECRET', 'REPORTS_SECRET']) Reflect.deleteProperty(process.env, name);
  });

  async function start(module: Type): Promise<RefreshService> {
    const compiled = await Test.createTestingModule({ imports: [module] }).compile();
    app = adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
    setUpDocument(app);
    await app.listen(port, '127.0.0.1');
    return app.get(RefreshService);
  }

  it('serve an OAuth client that finds the endpoints, refreshes and signs out', async () => {
    const refresh = await start(AppModule);
    const { refreshToken = '' } = await refresh.signIn('alice');
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- only to make it stand out: the test has no https
    const config = await configure(`http://127.0.0.1:${port}`, { execute: [allowInsecureRequests] });
    const { access, refresh: next } = await renew(config, refreshToken);
    const sessions = () => call({ port, path: '/auth/sessions', headers: bearing({ accessToken: access }) });
    expect((await sessions()).json()).toEqual({ sessions: [expect.objectContaining({ current: true })] });
    await signOut(config, next);
    expect((await sessions()).json()).toMatchObject({ errorCode: 'token_revoked' });
  });

  it('have the endpoints in their document', async () => {
    await start(AppModule);
    const { paths } = (await call({ port, path: '/api-json' })).json<{ paths: object }>();
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/auth/token', '/auth/revoke', '/auth/introspect', '/auth/sessions/{id}']));
  });

  it('let the guard of the application know the endpoints', async () => {
    const refresh = await start(GuardsModule);
    const { refreshToken = '' } = await refresh.signIn('alice');
    const body = { grant_type: 'refresh_token', refresh_token: refreshToken };
    expect((await call({ port, path: '/auth/token', method: 'POST', body })).status).toBe(200);
    expect((await call({ port, path: '/auth/sessions' })).status).toBe(401);
  });
});
