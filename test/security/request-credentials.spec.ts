import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, TokenModule } from 'nestjs-token';
import type { AddressInfo } from 'node:net';
import type { AdapterName, CallOptions } from '../support/app.js';
import { ADAPTERS, bearing, expired, ISSUER, MeController, SECRET } from '../support/app.js';
import { b64 } from '../support/forge.js';
import { http2Get } from './http2-frames.js';
import type { Probe } from './probe.js';
import { accepts, exchange, NO_CREDENTIAL, OUTSIDE, probed, rawGet, rawRefuses, refuses, stillWorks, verifyRefuses } from './probe.js';

const MALFORMED = { code: 'token_malformed' } as const;
const TOO_LARGE = { code: 'token_too_large' } as const;

describe.each(ADAPTERS)('credentials in requests on %s', (adapter: AdapterName) => {
  const probe = probed(adapter, { prepare: (app) => app.enableCors() });
  let bob: TokenPair;
  beforeAll(async () => {
    bob = await probe().refresh.signIn('bob');
  });
  const good = (): string => probe().good.accessToken;
  const sent = (authorization: string): { headers: Record<string, string> } => ({ headers: { authorization } });
  const subjectOf = async (options: CallOptions, path = '/me'): Promise<unknown> => {
    const answer = await probe().call(path, options);
    expect([answer.status, answer.headers['x-refresh-token']]).toEqual([200, undefined]);
    return answer.json().sub;
  };

  it('HTTP-01 answers a bare challenge where no credential came', async () => {
    await refuses(probe(), {}, NO_CREDENTIAL);
    expect((await probe().call('/optional')).json()).toEqual({ sub: null });
  });

  it.each(['Basic dTpw', 'Digest a="b"', 'Negotiate abc', 'DPoP abc'])('HTTP-02 takes no other scheme: %s', async (value) => {
    await refuses(probe(), sent(value), NO_CREDENTIAL);
  });

  it('HTTP-03 takes no scheme without a token, nor a token without its scheme', async () => {
    for (const value of ['', 'Bearer', 'Bearer ', `Bearer${good()}`, `Token ${good()}`, good(), `Bearer\t${good()}`, `Bearer:${good()}`]) {
      await refuses(probe(), sent(value), NO_CREDENTIAL);
    }
  });

  it('HTTP-04 takes the scheme in any case (RFC 9110 §11.1)', async () => {
    for (const scheme of ['bearer', 'BEARER', 'bEARER']) expect(await subjectOf(sent(`${scheme} ${good()}`))).toBe('alice');
  });

  it('HTTP-05 takes nothing but one token behind the scheme (RFC 6750 §2.1)', async () => {
    for (const rest of [
      `${good()} extra`,
      ` ${good()}`,
      `${good()},Basic x`,
      `Bearer ${good()}`,
      `${good()}, ${good()}`,
      `realm="x" ${good()}`,
    ]) {
      await refuses(probe(), sent(`Bearer ${rest}`), MALFORMED);
    }
  });

  it('HTTP-06 looks for no scheme further on', async () => {
    await refuses(probe(), sent(`Basic x, Bearer ${good()}`), NO_CREDENTIAL);
    await refuses(probe(), sent(`Basic x,Bearer ${good()}`), NO_CREDENTIAL);
  });

  it('HTTP-07 takes the first of two Authorization headers, and the first only', async () => {
    const [alices, bobs, garbage] = [good(), bob.accessToken, 'garbage'].map((token) => `Authorization: Bearer ${token}`) as [
      string,
      string,
      string,
    ];
    for (const second of [garbage, bobs])
      expect(JSON.parse((await rawGet(probe(), [alices, second])).body)).toMatchObject({ sub: 'alice' });
    expect(JSON.parse((await rawGet(probe(), [bobs, alices])).body)).toMatchObject({ sub: 'bob' });
    const refused = await rawRefuses(probe(), [garbage, alices], [401]);
    expect(refused.head).toMatch(/^www-authenticate: Bearer error="invalid_token"/im);
    expect((await rawRefuses(probe(), ['Authorization: Basic dTpw', alices], [401])).head).toMatch(/^www-authenticate: Bearer\r?$/im);
  });

  it('HTTP-09 takes the header where a query names another user', async () => {
    for (const name of ['access_token', 'token']) {
      expect(await subjectOf(sent(`Bearer ${good()}`), `/me?${name}=${bob.accessToken}`)).toBe('alice');
      await refuses(probe(), { path: `/me?${name}=${good()}`, ...sent('Bearer garbage') }, MALFORMED);
    }
  });

  it('HTTP-10 takes no token from the query', async () => {
    for (const name of ['access_token', 'token', 'authorization', 'Authorization', 'auth_token', 'jwt']) {
      await refuses(probe(), { path: `/me?${name}=${good()}` }, NO_CREDENTIAL);
      await refuses(probe(), { path: `/me?${name}=Bearer%20${good()}` }, NO_CREDENTIAL);
    }
  });

  it('HTTP-11 takes no token from a body', async () => {
    const bodies: [type: string, body: string][] = [
      ['application/x-www-form-urlencoded', `access_token=${good()}`],
      ...[good(), { a: good() }, [good()], 7, null].map((token): [string, string] => [
        'application/json',
        JSON.stringify({ access_token: token, token, authorization: `Bearer ${good()}` }),
      ]),
    ];
    for (const [type, body] of bodies) {
      const headers = { 'content-type': type, 'content-length': String(body.length) };
      for (const method of ['GET', 'POST']) await refuses(probe(), { path: '/any', method, headers, body }, NO_CREDENTIAL);
    }
    const answer = await refuses(probe(), { path: '/any', method: 'POST', body: { access_token: 'x'.repeat(2 ** 20) } }, OUTSIDE);
    expect(answer.status).toBe(413);
  });

  it('HTTP-12 falls through to no cookie from a bad header', async () => {
    const cookie = ['__Host-access', '__Secure-access', 'access', 'access_token', 'token', 'jwt']
      .map((name) => `${name}=${good()}`)
      .join('; ');
    await refuses(probe(), { headers: { authorization: 'Bearer garbage', cookie } }, MALFORMED);
    await refuses(probe(), { headers: { cookie } }, NO_CREDENTIAL);
  });

  it("HTTP-13 is the header's user where a cookie names another", async () => {
    const cookie = `__Host-access=${bob.accessToken}; __Host-refresh=${bob.refreshToken!}; refresh_token=${bob.refreshToken!}`;
    const asked = probe().witness.statements.length;
    expect(await subjectOf({ headers: { authorization: `Bearer ${good()}`, cookie } })).toBe('alice');
    await refuses(
      probe(),
      { headers: { authorization: `Bearer ${expired(probe().app, probe().good).accessToken}`, cookie } },
      { code: 'token_expired' },
    );
    expect(probe().witness.statements).toHaveLength(asked);
  });

  it('HTTP-14 takes U+00A0 and other bytes for no blank and no token', async () => {
    const bare = await rawRefuses(probe(), [`Authorization: Bearer\xa0${good()}`], [401]);
    expect(bare.head).toMatch(/^www-authenticate: Bearer\r?$/im);
    for (const extra of ['\xa0', '\xe9', '\xc3\xa9', '\xff', '\xe2\x80\x8d']) {
      for (const token of [extra + good(), good() + extra, good().replace('.', `${extra}.`)]) {
        const { head } = await rawRefuses(probe(), [`Authorization: Bearer ${token}`], [401]);
        expect(head).toMatch(/^www-authenticate: Bearer error="invalid_token"/im);
      }
    }
  });

  it('HTTP-15 leaves broken header lines to Node, which refuses them', async () => {
    const lines = [
      ['Authorization: Bearer', ` ${good()}`],
      [`Authorization: Bearer ${good()}\0`],
      [`Authorization: Bearer ${good()}\r X: y`],
      [`Authorization : Bearer ${good()}`],
      [`X: y\0`, `Authorization: Bearer ${good()}`],
    ];
    for (const list of lines) await rawRefuses(probe(), list, [400]);
  });

  it('HTTP-16 leaves 64 KB of Authorization to Node, which refuses them', async () => {
    await rawRefuses(probe(), [`Authorization: Bearer ${'a'.repeat(65_536)}`], [431, 0]);
  });

  it('HTTP-17 parses nothing of a token beyond 8192 characters', async () => {
    const token = `${b64(probe().forge.header)}.${b64({ ...probe().forge.claims, pad: 'x'.repeat(9_000) })}.${'A'.repeat(43)}`;
    expect(token.length).toBeGreaterThan(12_000);
    await refuses(probe(), token, TOO_LARGE);
    const parse = jest.spyOn(JSON, 'parse');
    const split = jest.spyOn(String.prototype, 'split');
    const verdict = await probe()
      .accessTokens.verify(token)
      .catch((error: unknown) => error);
    expect([parse.mock.calls, split.mock.contexts.filter((text) => String(text) === token)]).toEqual([[], []]);
    await probe()
      .accessTokens.verify(probe().forge.token({ header: { alg: 'none' } }))
      .catch(() => undefined);
    expect(parse.mock.calls.length).toBeGreaterThan(0);
    jest.restoreAllMocks();
    expect(verdict).toMatchObject({ errorCode: TOO_LARGE.code });
    await refuses(probe(), 'a'.repeat(15_000), TOO_LARGE);
  });

  it('HTTP-17 still looks at a token of 8192 characters', async () => {
    const { forge } = probe();
    const padded = (pad: number): string => forge.token({ claims: { pad: 'x'.repeat(pad) } });
    const longest = Array.from({ length: 8 }, (_, index) => padded(Math.floor(((8_192 - padded(0).length) * 3) / 4) - index)).find(
      ({ length }) => length <= 8_192,
    )!;
    expect(longest.length).toBeGreaterThan(8_185);
    await accepts(probe(), longest);
    await refuses(probe(), padded(6_000), TOO_LARGE);
  });

  it.each<[string, () => string]>([
    ['1 MB', () => JSON.stringify({ refresh_token: 'x'.repeat(2 ** 20) })],
    ['10 MB', () => JSON.stringify({ refresh_token: 'x'.repeat(10 * 2 ** 20) })],
    ['10,000 levels', () => `{"refresh_token":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['10,000 levels of objects', () => `{"refresh_token":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`],
    ['100,000 keys', () => `{${Array.from({ length: 100_000 }, (_, index) => `"key-${index}":1`).join(',')},"refresh_token":"x"}`],
  ])('HTTP-18 refuses a body of %s without asking the store', async (_size, body) => {
    const text = body();
    const { status } = await refuses(probe(), { path: '/refresh', method: 'POST', body: text }, OUTSIDE);
    const limit = adapter === 'express' ? 102_400 : 2 ** 20;
    expect(status).toBe(text.length > limit ? 413 : 401);
  });

  it('HTTP-19 refuses a token of 10,000 dots unread', async () => {
    await refuses(probe(), '.'.repeat(10_000), TOO_LARGE);
    await refuses(probe(), '.'.repeat(8_000), MALFORMED);
    const split = jest.spyOn(String.prototype, 'split');
    await verifyUnsplit(probe(), '.'.repeat(10_000));
    await verifyUnsplit(probe(), '.'.repeat(8_000));
    expect(split.mock.contexts.filter((text) => String(text).startsWith('....'))).toEqual([]);
    jest.restoreAllMocks();
    await verifyRefuses(probe(), `a${'.a'.repeat(10_000)}`, 'token_too_large');
  });

  it('HTTP-20 sees no Authorization behind 2,000 other headers, which Node drops or refuses', async () => {
    const others = Array.from({ length: 2_100 }, () => 'a: b');
    const { status, head } = await rawRefuses(probe(), [...others, `Authorization: Bearer ${good()}`], [401, 431]);
    // Node 24 refuses such a request by itself, with 431. Older versions drop the headers, and the guard sees no credential.
    if (status === 401) expect(head).toMatch(/^www-authenticate: Bearer\r?$/im);
  });

  it('HTTP-21 leaves a preflight to CORS, without the guard', async () => {
    const headers = {
      origin: 'https://app.example.com',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    };
    const { handled, statements } = probe().witness;
    const answer = await probe().call('/me', { method: 'OPTIONS', headers });
    expect([answer.status, answer.headers['www-authenticate'], answer.headers['access-control-allow-origin']]).toEqual([
      204,
      undefined,
      '*',
    ]);
    expect([probe().witness.handled, probe().witness.statements]).toEqual([handled, statements]);
    await stillWorks(probe());
  });

  it('HTTP-22 gives HEAD, TRACE and overridden methods the verdict of GET', async () => {
    await refuses(probe(), { method: 'HEAD' }, NO_CREDENTIAL);
    await refuses(probe(), { method: 'HEAD', ...sent('Bearer garbage') }, MALFORMED);
    expect((await probe().call('/me', { method: 'HEAD', ...sent(`Bearer ${good()}`) })).status).toBe(200);
    const trace = await refuses(probe(), { path: '/any', method: 'TRACE', ...sent('Bearer garbage') }, OUTSIDE);
    expect([401, 404]).toContain(trace.status);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      await refuses(probe(), { path: '/any', method }, NO_CREDENTIAL);
      for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', '_method']) {
        for (const override of ['OPTIONS', 'HEAD'])
          await refuses(probe(), { path: '/any', method, headers: { [name]: override } }, NO_CREDENTIAL);
      }
    }
    const options = await refuses(probe(), { path: '/any?_method=OPTIONS' }, NO_CREDENTIAL);
    expect(options.status).toBe(401);
  });

  it('HTTP-22 refreshes nothing on OPTIONS', async () => {
    const stale = expired(probe().app, bob);
    const asked = probe().witness.statements.length;
    const answer = await probe().call('/any', { method: 'OPTIONS', headers: bearing(stale) });
    expect([answer.headers['x-refresh-token'], probe().witness.statements.length]).toEqual([undefined, asked]);
  });

  it('HTTP-08 takes the first of two Authorization headers in lower and upper case', async () => {
    const answer = await exchange(
      probe().port,
      `GET /me HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${good()}\r\nAUTHORIZATION: Bearer ${bob.accessToken}\r\n\r\n`,
    );
    expect(JSON.parse(answer.body)).toMatchObject({ sub: 'alice' });
  });
});

describe('credentials in HTTP/2 requests on fastify', () => {
  let app: INestApplication;
  let port: number;
  beforeAll(async () => {
    @Module({
      imports: [
        TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true }),
        TokenModule.forRoot({ issuer: ISSUER, secret: SECRET }),
      ],
      controllers: [MeController],
    })
    class Http2Module {}
    const compiled = await Test.createTestingModule({ imports: [Http2Module] }).compile();
    app = compiled.createNestApplication(new FastifyAdapter({ http2: true }));
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    port = (app.getHttpServer().address() as AddressInfo).port;
  });
  afterAll(() => app.close());

  it('HTTP-08 takes the first of two authorization fields, and the first only', async () => {
    const refresh = app.get(RefreshService);
    const [alice, bob] = [await refresh.signIn('alice'), await refresh.signIn('bob')];
    const get = async (...values: string[]): Promise<unknown> => {
      const pseudo = Object.entries({ ':method': 'GET', ':path': '/me', ':scheme': 'http', ':authority': 'localhost' });
      return JSON.parse(await http2Get(port, [...pseudo, ...values.map((value) => ['authorization', value] as const)]));
    };
    const [alices, bobs] = [alice, bob].map(({ accessToken }) => `Bearer ${accessToken}`) as [string, string];
    expect(await get(alices)).toMatchObject({ sub: 'alice' });
    expect(await get(alices, 'Bearer garbage')).toMatchObject({ sub: 'alice' });
    expect(await get(alices, bobs)).toMatchObject({ sub: 'alice' });
    expect(await get(bobs, alices)).toMatchObject({ sub: 'bob' });
    expect(await get('Bearer garbage', alices)).toMatchObject({ errorCode: 'token_malformed' });
    expect(await get('Basic dTpw', alices)).toMatchObject({ errorCode: 'token_missing' });
    expect(await get()).toMatchObject({ errorCode: 'token_missing' });
  });
});

async function verifyUnsplit({ accessTokens }: Probe, token: string): Promise<void> {
  await expect(accessTokens.verify(token)).rejects.toMatchObject({ terminal: false });
}
