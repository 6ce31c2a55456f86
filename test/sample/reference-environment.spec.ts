import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import type { JsonWebKey } from 'node:crypto';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { explain, readEnvironment } from '../../sample/90-reference/src/environment.js';
import { ADAPTERS } from '../support/app.js';
import { CompiledSample, PASSWORD, SECRET } from '../support/process/sample.js';

const README = readFileSync(join(import.meta.dirname, '..', '..', 'sample', '90-reference', 'README.md'), 'utf8');
const hasCurl = spawnSync('curl', ['--version']).status === 0;

let compiled: CompiledSample;

beforeAll(() => {
  compiled = new CompiledSample();
});

afterAll(() => compiled.dispose());

describe('the environment of the sample', () => {
  it('without TOKEN_SECRET keeps a random one beside the database that outlives the process', async () => {
    const file = compiled.newDatabase();
    const environment = { DATABASE_URL: `sqlite:${file}` };
    const first = await compiled.start({ ...environment, TOKEN_SECRET: undefined as never });
    const pair = await first.signIn('alice');
    const secret = readFileSync(`${file}.secret`, 'utf8');
    expect(statSync(`${file}.secret`).mode & 0o777).toBe(0o600);
    expect(first.log).toContain('a random secret is kept in');
    expect(first.log).not.toContain(secret);
    await first.stop();
    const second = await compiled.start({ ...environment, TOKEN_SECRET: undefined as never });
    expect((await second.as(pair, '/me')).status).toBe(200);
  }, 30_000);

  it.each<[string, Record<string, string>]>([
    ['DATABASE_URL', { TOKEN_SECRET: SECRET }],
    ['TOKEN_SECRET|DATABASE_URL', {}],
  ])(
    'ends with a line about %s where no folder can be made for the SQLite file (F-42)',
    async (variable, environment) => {
      const { code, output } = await compiled.run({ DATABASE_URL: 'sqlite:/proc/nope/deeper/x.db', ...environment });
      expect(code).toBe(1);
      expect(output).toMatch(new RegExp(`^reference: (${variable}) .*\\(.*(ENOENT|EACCES|EPERM|EROFS).*/proc.*\\)\\n$`));
    },
    30_000,
  );

  it('takes an SQLite database in memory, lifetimes and limits', async () => {
    const sample = await compiled.start({
      DATABASE_URL: 'sqlite::memory:',
      ACCESS_LIFETIME: '20s',
      REFRESH_GRACE: '1s',
      REFRESH_LIMIT: '1/1h',
    });
    const pair = await sample.signIn('alice');
    expect(pair.expires_in).toBeLessThanOrEqual(20);
    const next = await sample.as({ refresh_token: pair.refresh_token }, '/auth/refresh', 'POST');
    expect(next.status).toBe(200);
    // Two grace periods later the token may be rotated again, were it not for the limit.
    await delay(2_100);
    const limited = await sample.as({ refresh_token: String(next.json()['refresh_token']) }, '/auth/refresh', 'POST');
    expect(limited.status).toBe(429);
    expect(limited.headers['retry-after']).toMatch(/^\d+$/);
  }, 30_000);

  it.each([
    ['PORT', '65536'],
    ['HTTP_ADAPTER', 'koa'],
    ['DATABASE_URL', 'oracle://user:hidden-password@localhost/app'],
    ['DATABASE_URL', 'postgres://user:hidden-password@localhost'],
    ['DATABASE_URL', 'mysql://user:%hidden-password@localhost/app'],
    ['DATABASE_URL', 'mariadb:///app'],
    ['DATABASE_URL', 'app.db'],
    ['TOKEN_SECRET', ''],
    ['TOKEN_TRANSPORT', 'cookies'],
    ['COOKIE_INSECURE', 'yes'],
    ['CSRF', 'none'],
    ['BINDING', 'required'],
    ['MAX_SESSIONS', '0'],
    ['MAX_SESSIONS', '1.5'],
    ['ACCESS_LIFETIME', '900'],
    ['REFRESH_ABSOLUTE_LIFETIME', '1 year'],
    ['REFRESH_LIMIT', '60'],
  ])('refuses %s=%s and names it', (name, value) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(new RegExp(`^${name} (?!.*hidden-password)`));
  });

  it.each([
    ['PORT', 'eighty'],
    ['DATABASE_URL', 'postgres://user:hidden-password@localhost/'],
    ['TOKEN_SECRET', 'hidden-password'],
    ['REFRESH_GRACE', '10m'],
    ['MAX_SESSIONS', '10001'],
    ['CLIENT_SECRET', 'hidden-password'],
    ['CLIENT_ID', 'a:b'],
    ['ACCESS_KEY', '/nope/hidden.pem'],
  ])(
    'ends with code 1 and one line that names %s=%s',
    async (name, value) => {
      const { code, output } = await compiled.run({
        DATABASE_URL: `sqlite:${compiled.newDatabase()}`,
        TOKEN_SECRET: SECRET,
        [name]: value,
      });
      expect(code).toBe(1);
      expect(output).toMatch(new RegExp(`^reference: ${name} .+\\n$`));
      expect(output).not.toContain('hidden-password');
    },
    30_000,
  );
});

describe('the switches of the sample for other services', () => {
  const introspect = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'token=junk' };

  it('let nobody introspect without CLIENT_SECRET', async () => {
    const sample = await compiled.start({ CLIENT_SECRET: undefined as never });
    expect((await sample.call('/auth/introspect', introspect)).status).toBe(401);
    expect((await sample.call('/.well-known/jwks.json')).status).toBe(404);
  }, 30_000);

  it('sign with the key of ACCESS_KEY, and publish its public half', async () => {
    const ACCESS_KEY = join(compiled.directory, 'access.pem');
    writeFileSync(ACCESS_KEY, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const sample = await compiled.start({ ACCESS_KEY });
    const [published] = (await sample.call('/.well-known/jwks.json')).json<{ keys: JsonWebKey[] }>().keys;
    const { access_token: token } = await sample.signIn('alice');
    const [input, signature] = token.split(/\.(?=[^.]*$)/) as [string, string];
    const key = createPublicKey({ key: published!, format: 'jwk' });
    expect(verify(null, Buffer.from(input), key, Buffer.from(signature, 'base64url'))).toBe(true);
  }, 30_000);

  it('refuse an ACCESS_KEY that is no Ed25519 key, and show nothing of it', () => {
    const path = join(compiled.directory, 'other.pem');
    const pems = [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }), 'hidden'];
    for (const pem of pems) {
      writeFileSync(path, pem);
      expect(() => readEnvironment({ ACCESS_KEY: path })).toThrow('ACCESS_KEY is not the path of an Ed25519 private key in PEM');
    }
  });
});

describe('the switches of the sample for cookies', () => {
  const login = { method: 'POST', body: { username: 'alice', password: PASSWORD } };

  it('refuse to send cookies over plain http in production', async () => {
    const environment = { TOKEN_SECRET: SECRET, TOKEN_TRANSPORT: 'cookie', COOKIE_INSECURE: 'true', NODE_ENV: 'production' };
    const { code, output } = await compiled.run({ DATABASE_URL: 'sqlite::memory:', ...environment });
    expect([code, output]).toEqual([1, expect.stringMatching(/^reference: COOKIE_INSECURE \(.+\)\n$/)]);
  }, 30_000);

  it('say at the start that browsers want https, and nothing of it with COOKIE_INSECURE', async () => {
    const behindProxy = await compiled.start({ TOKEN_TRANSPORT: 'mixed' });
    expect(behindProxy.log).toContain('cookies are Secure, and this server speaks plain http');
    const insecure = await compiled.start({ TOKEN_TRANSPORT: 'cookie', COOKIE_INSECURE: 'true' });
    expect(insecure.log).not.toContain('cookies are Secure');
    const { headers } = await insecure.call('/auth/login', login);
    expect(headers['set-cookie']?.map((line) => line.split('=')[0])).toEqual(['access', 'refresh', 'csrf']);
    expect(headers['set-cookie']?.join()).not.toContain('Secure');
  }, 30_000);

  it('require the CSRF token in any case with CSRF=token, and nothing with CSRF=off', async () => {
    const fromOwnPage = { 'sec-fetch-site': 'same-origin' };
    for (const [CSRF, headers, status] of [
      ['token', fromOwnPage, 403],
      ['off', {}, 201],
    ] as const) {
      const sample = await compiled.start({ TOKEN_TRANSPORT: 'cookie', CSRF });
      const cookies = (await sample.call('/auth/login', login)).headers['set-cookie'] ?? [];
      const cookie = cookies.map((line) => line.split(';')[0]).join('; ');
      expect((await sample.call('/notes', { method: 'POST', headers: { ...headers, cookie } })).status).toBe(status);
    }
  }, 30_000);

  it('keep at most MAX_SESSIONS sessions of a user', async () => {
    const sample = await compiled.start({ MAX_SESSIONS: '2' });
    const pairs = [];
    for (let n = 0; n < 3; n++) {
      pairs.push(await sample.signIn('alice'));
      await delay(5);
    }
    const statuses = await Promise.all(pairs.map(async (pair) => (await sample.as(pair, '/me')).status));
    expect(statuses).toEqual([401, 200, 200]);
  }, 30_000);
});

(hasCurl ? describe : describe.skip)("the curl lines of the sample's README", () => {
  it.each([
    ['header', {}, ['200', '200', '500', '204', '401']],
    ['cookie', { COOKIE_INSECURE: 'true' }, ['200', '403', '201', '403', '200', '204', '401']],
  ])(
    'give the status that their comments name, tokens: %s',
    async (TOKEN_TRANSPORT, environment, expected) => {
      const scripts = [...README.matchAll(/^U=http[^]*?(?=^```$)/gm)].map(([script]) => script);
      const script = scripts[TOKEN_TRANSPORT === 'header' ? 0 : 1] ?? '';
      expect([...script.matchAll(/# (\d{3})\b/g)].map(([, status]) => status)).toEqual(expected);
      const { port } = await compiled.start({ TOKEN_TRANSPORT, ...environment });
      const output = execFileSync('bash', ['-c', script.replace(':3000', `:${port}`)], { encoding: 'utf8', stdio: 'pipe' });
      expect([...output.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual(expected);
    },
    30_000,
  );
});

describe('the sample over https', () => {
  let paths: { TLS_CERT: string; TLS_KEY: string };

  beforeAll(() => {
    paths = { TLS_CERT: join(compiled.directory, 'cert.pem'), TLS_KEY: join(compiled.directory, 'key.pem') };
    const files = ['-keyout', paths.TLS_KEY, '-out', paths.TLS_CERT];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', '/CN=localhost', '-days', '2', ...files], { stdio: 'pipe' });
  });

  it.each(ADAPTERS)(
    'sets cookies with the certificate and the key of TLS_CERT and TLS_KEY, on %s',
    async (HTTP_ADAPTER) => {
      const sample = await compiled.start({ HTTP_ADAPTER, TOKEN_TRANSPORT: 'cookie', ...paths });
      expect(sample.log).toMatch(/listening on https:/);
      const cookies = await signInOverTls(sample.port, readFileSync(paths.TLS_CERT));
      expect(cookies.map((line) => line.split('=')[0])).toEqual(['__Host-access', '__Host-refresh', '__Host-csrf']);
    },
    30_000,
  );

  it('is refused with one line about the variable that is missing or wrong', () => {
    const broken = join(compiled.directory, 'broken.pem');
    writeFileSync(broken, 'hidden');
    const { TLS_CERT, TLS_KEY } = paths;
    const lineOf = (environment: Record<string, string>): string => {
      try {
        readEnvironment(environment);
        return 'none';
      } catch (error) {
        return explain(error);
      }
    };
    expect(lineOf({ TLS_CERT, TLS_KEY })).toBe('none');
    expect(lineOf({ TLS_CERT })).toMatch(/^TLS_KEY is missing/);
    expect(lineOf({ TLS_KEY })).toMatch(/^TLS_CERT is missing/);
    expect(lineOf({ TLS_CERT: '/no/such/file', TLS_KEY })).toMatch(/^TLS_CERT is not the path of a file .*ENOENT/);
    expect(lineOf({ TLS_CERT: broken, TLS_KEY })).toMatch(/^TLS_CERT is not usable/);
    expect(lineOf({ TLS_CERT, TLS_KEY: broken })).toMatch(/^TLS_KEY is not usable/);
  });

  function signInOverTls(port: number, ca: Buffer): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', servername: 'localhost', port, ca, method: 'POST', path: '/auth/login' };
      const outgoing = request({ ...options, headers: { 'content-type': 'application/json' } }, (incoming) => {
        incoming.resume().on('end', () => resolve(incoming.headers['set-cookie'] ?? []));
      });
      outgoing.on('error', reject);
      outgoing.end(JSON.stringify({ username: 'alice', password: PASSWORD }));
    });
  }
});
