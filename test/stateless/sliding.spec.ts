import type { ApolloDriverConfig } from '@nestjs/apollo';
import { ApolloDriver } from '@nestjs/apollo';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Logger, UseGuards } from '@nestjs/common';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import type { AccessTokenClaims } from 'nestjs-token';
import { AccessTokenService, CurrentUser, JwtAuthGuard, StoreUnavailable } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import fc from 'fast-check';
import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { decoded } from '../support/access-tokens.js';
import type { Answer, CallOptions, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, ISSUER, startApp } from '../support/app.js';
import { Forge } from '../support/forge.js';
import { slidesUntil } from '../support/lib.js';
import { DROP } from '../support/option-cases.js';
import { runs } from '../support/runs.js';
import type { StatelessOptions } from '../support/stateless-app.js';
import { PassportController, signIn, startStatelessApp } from '../support/stateless-app.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Returns the token that a response carries in its headers, if it carries one. */
function reissued({ headers }: Answer): string | undefined {
  return headers.authorization?.replace('Bearer ', '');
}

function claimsOf(token: string): AccessTokenClaims & { sliding: { until: number } } {
  return decoded(token).payload as never;
}

/** Options with a key management service whose work begins with a promise. */
function signerThat(works: () => Promise<void>): StatelessOptions {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const sign = async (input: Uint8Array) => (await works(), signBytes(null, input, privateKey));
  const keys = [{ kid: 'kms', algorithm: 'EdDSA' as const, key: publicKey, use: 'verify' as const }];
  return { keys, signer: { kid: 'kms', algorithm: 'EdDSA', sign } };
}

describe('slidesUntil', () => {
  const authTime = 1_900_000_000;
  const rules = { absoluteMs: 8 * HOUR };
  const claims = (change: object = {}): AccessTokenClaims => ({
    ...{ iss: ISSUER, aud: ISSUER, sub: 'alice', jti: 'j' },
    ...{ iat: authTime, exp: authTime + 900, auth_time: authTime, sliding: { until: authTime + 28_800 } },
    ...change,
  });
  const at = (seconds: number) => (authTime + seconds) * 1_000;

  it('keeps a token until half of its lifetime has passed, and replaces it one millisecond later', () => {
    expect(slidesUntil(claims(), at(450), rules)).toBeNull();
    expect(slidesUntil(claims(), at(450) + 1, rules)).toBe(at(28_800));
  });

  it('keeps a token without auth_time, and one that does not say that it slides', () => {
    expect(slidesUntil(claims({ auth_time: undefined }), at(800), rules)).toBeNull();
    expect(slidesUntil(claims({ sliding: undefined }), at(800), rules)).toBeNull();
  });

  it('takes the shorter of what the options say now, and what the sign-in said', () => {
    expect(slidesUntil(claims(), at(800), { absoluteMs: HOUR })).toBe(at(3_600));
    expect(slidesUntil(claims({ sliding: { until: authTime + 1_000 } }), at(800), rules)).toBe(at(1_000));
  });

  it('keeps a token that expires when the last one may', () => {
    expect(slidesUntil(claims({ sliding: { until: authTime + 900 } }), at(800), rules)).toBeNull();
    expect(slidesUntil(claims({ sliding: { until: authTime + 901 } }), at(800), rules)).toBe(at(901));
  });

  it('keeps a token if the next one could not live for a second', () => {
    expect(slidesUntil(claims({ sliding: { until: authTime + 903 } }), at(902), rules)).toBe(at(903));
    expect(slidesUntil(claims({ sliding: { until: authTime + 903 } }), at(902) + 1, rules)).toBeNull();
  });
});

describe.each(ADAPTERS)('access.sliding, on %s', (adapter) => {
  const opened: TestApp[] = [];
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const app of opened.splice(0)) await app.close();
  });

  async function start(options: StatelessOptions = {}, prepare: (app: INestApplication) => void = () => undefined) {
    const clock = new FakeClock();
    const access = { lifetime: '15m', jitter: 0, sliding: { absoluteLifetime: '1h' }, ...options.access } as const;
    const controllers = [PassportController];
    const app = await startStatelessApp({ passportStrategy: 'jwt', ...options, access }, { adapter, clock, controllers, prepare });
    opened.push(app);
    const { accessToken } = await signIn(app, { claims: { roles: ['reader'] } });
    const get = (token: string, path = '/me', call: CallOptions = {}) =>
      app.call(path, { ...call, headers: { ...bearing({ accessToken: token }), ...call.headers } });
    return { app, clock, accessToken, get };
  }

  it('replaces a token in the response once more than half of its lifetime has passed', async () => {
    const { clock, accessToken, get } = await start();
    clock.advance(7.5 * MINUTE);
    expect(reissued(await get(accessToken))).toBeUndefined();
    clock.advance(1);
    const response = await get(accessToken);
    expect(response.headers).toMatchObject({ 'x-access-token-expires-in': '900', 'cache-control': 'no-store' });
    const [before, after] = [accessToken, reissued(response) ?? ''].map(claimsOf);
    expect(after).toEqual({ ...before, iat: before!.iat + 450, exp: before!.exp + 450, jti: expect.any(String) });
    expect(after!.jti).not.toBe(before!.jti);
    expect(response.json()).toMatchObject({ jti: after!.jti, roles: ['reader'] });
  });

  it('does so for a token that this node has not verified before', async () => {
    const { clock, accessToken, get } = await start();
    clock.advance('10m');
    expect(reissued(await get(accessToken))).toBeDefined();
  });

  it('keeps an active caller signed in up to the absolute lifetime after the sign-in, and no longer', async () => {
    const { clock, accessToken, get } = await start({ access: { leeway: 0 } });
    let token = accessToken;
    for (let minute = 5; minute < 60; minute += 5) {
      clock.advance('5m');
      const response = await get(token);
      expect(response.status).toBe(200);
      token = reissued(response) ?? token;
    }
    const { exp, auth_time: authTime } = claimsOf(token);
    expect(exp).toBe(authTime! + 3_600);
    clock.advance(5 * MINUTE - 1);
    expect((await get(token)).status).toBe(200);
    clock.advance(1);
    expect((await get(token)).json()).toMatchObject({ errorCode: 'token_expired' });
  });

  it('lets an idle caller expire', async () => {
    const { clock, accessToken, get } = await start({ access: { leeway: 0 } });
    clock.advance('15m');
    const response = await get(accessToken);
    expect([response.json()['errorCode'], reissued(response)]).toEqual(['token_expired', undefined]);
  });

  it('keeps auth_time, so that a route with @Fresh still asks for a new sign-in', async () => {
    const { clock, accessToken, get } = await start();
    clock.advance('10m');
    const token = reissued(await get(accessToken))!;
    expect((await get(token, '/vault')).json()).toMatchObject({ errorCode: 'fresh_token_required' });
  });

  it('takes a shorter absolute lifetime from the sign-in', async () => {
    const { app, clock, get } = await start();
    const { accessToken } = await signIn(app, { absoluteLifetime: '20m' });
    clock.advance('10m');
    const { exp, iat, sliding } = claimsOf(reissued(await get(accessToken))!);
    expect([exp - iat, sliding.until]).toEqual([600, exp]);
  });

  it('asks the claims hook again, and gives the handler the new claims', async () => {
    let roles = ['reader'];
    const { clock, accessToken, get } = await start({ claims: () => ({ roles }) });
    clock.advance('10m');
    roles = ['writer'];
    const response = await get(accessToken);
    expect([response.json()['roles'], claimsOf(reissued(response)!)]).toEqual([roles, expect.objectContaining({ roles })]);
  });

  it('asks loadUser although the user is known, and refuses a user who is gone', async () => {
    let isActive = true;
    const load = () => (isActive ? { name: 'Alice' } : null);
    const { clock, accessToken, get } = await start({ loadUser: { load, cacheFor: '1h' } });
    expect((await get(accessToken)).json()).toMatchObject({ user: { name: 'Alice' } });
    isActive = false;
    expect((await get(accessToken)).status).toBe(200);
    clock.advance('10m');
    const response = await get(accessToken);
    expect([response.status, response.json()['errorCode'], reissued(response)]).toEqual([401, 'user_rejected', undefined]);
  });

  it('leaves the token as it is while a hook or the store behind it fails, because the token is good', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    let claims = (): object => ({});
    const { clock, accessToken, get } = await start({ claims: () => claims() });
    clock.advance('10m');
    for (const fault of [new StoreUnavailable(), new Error('a mistake')]) {
      clock.advance('1s');
      claims = () => {
        throw fault;
      };
      const response = await get(accessToken);
      expect([response.status, reissued(response)]).toEqual([200, undefined]);
    }
    expect(error.mock.calls.map(([text]) => String(text).split(':')[0])).toEqual(['store_unavailable', 'hook_failed']);
    clock.advance('1s');
    claims = () => ({});
    expect(reissued(await get(accessToken))).toBeDefined();
  });

  it.each<[string, (hangs: () => Promise<void>) => StatelessOptions]>([
    ['the claims hook', (hangs) => ({ claims: async () => (await hangs(), {}) })],
    ['a signer', (hangs) => ({ secret: DROP, ...signerThat(hangs) })],
  ])('keeps no request waiting for more than a second while %s never settles, because the token is good', async (_, optionsOf) => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    let asked = 0;
    let hangs = () => Promise.resolve();
    const { clock, accessToken, get } = await start({ hookTimeout: '30s', ...optionsOf(() => hangs()) });
    clock.advance('8m');
    hangs = () => {
      asked++;
      return new Promise(() => undefined);
    };
    const [first, ...others] = await Promise.all([get(accessToken), get(accessToken)]);
    others.push(await get(accessToken), await get(accessToken));
    for (const response of [first, ...others]) expect([response.status, reissued(response)]).toEqual([200, undefined]);
    expect([asked, error.mock.calls]).toEqual([1, [[expect.stringMatching(/^access\.sliding: .* longer than 1 s/)]]]);
    hangs = () => Promise.resolve();
    clock.advance('10s');
    expect(reissued(await get(accessToken))).toBeDefined();
  });

  it('shares one replacement among parallel requests with one token, and asks the hooks once', async () => {
    let asked = 0;
    const claims = async () => ({ asked: ++asked });
    const { clock, accessToken, get } = await start({ claims });
    asked = 0;
    clock.advance('10m');
    const tokens = await Promise.all(Array.from({ length: 20 }, async () => reissued(await get(accessToken))));
    expect([new Set(tokens).size, asked]).toEqual([1, 1]);
    clock.advance('1s');
    expect(tokens).not.toContain(reissued(await get(accessToken)));
    expect(asked).toBe(2);
  });

  it('replaces a token once where two guards see the request', async () => {
    const { clock, accessToken, get } = await start();
    clock.advance('10m');
    const response = await get(accessToken, '/twice');
    expect(response.json()).toEqual({ jti: claimsOf(reissued(response)!).jti });
  });

  it('replaces the token on a response with an error of the handler too', async () => {
    const { clock, accessToken, get } = await start();
    clock.advance('10m');
    const response = await get(accessToken, '/vault');
    expect([response.status, reissued(response)]).toEqual([401, expect.any(String)]);
  });

  it.each<[string, string, CallOptions]>([
    ['an OPTIONS request', '/any', { method: 'OPTIONS' }],
    ['a request of a context without a response', '/silent', {}],
    ['a route of passport', '/legacy', {}],
  ])('replaces nothing on %s, and asks no hook', async (_, path, options) => {
    const claims = jest.fn(() => ({}));
    const { clock, accessToken, get } = await start({ claims });
    clock.advance('10m');
    const response = await get(accessToken, path, options);
    expect([response.status, reissued(response), claims.mock.calls.length]).toEqual([200, undefined, 1]);
    expect(reissued(await get(accessToken, '/any', { method: 'PUT' }))).toBeDefined();
  });

  it('replaces nothing once the response has begun, and asks no hook', async () => {
    const claims = jest.fn(() => ({}));
    const { clock, accessToken, get } = await start({ claims }, (app) => {
      // What the platform says about a handler that writes a head again does not matter here.
      app.useLogger(false);
      app.use((_request: unknown, response: ServerResponse, next: () => void) => {
        response.flushHeaders();
        next();
      });
    });
    clock.advance('10m');
    const response = await get(accessToken, '/any');
    expect([response.status, reissued(response), claims.mock.calls.length]).toEqual([200, undefined, 1]);
  });

  it('replaces no token that came in an address or in a body', async () => {
    const { app, clock, accessToken } = await start();
    clock.advance('10m');
    const inQuery = await app.call(`/download?token=${accessToken}`);
    const inBody = await app.call('/upload', { method: 'POST', body: { token: accessToken } });
    expect([inQuery, inBody].map((response) => [response.status, reissued(response)])).toEqual([
      [200, undefined],
      [200, undefined],
    ]);
    expect(reissued(await app.call('/download', { headers: bearing({ accessToken }) }))).toBeDefined();
  });

  it('replaces no token of AccessTokenService.sign, which is for one purpose, also if it has auth_time', async () => {
    const { app, clock, get } = await start();
    const token = await app.app.get(AccessTokenService).sign('alice', { claims: { scope: 'download' }, authTime: clock.now() });
    clock.advance('10m');
    const response = await get(token);
    expect([response.status, reissued(response)]).toEqual([200, undefined]);
  });

  it('refuses a token whose sliding claim is malformed', async () => {
    const { accessToken, get } = await start();
    const forge = new Forge(accessToken);
    for (const sliding of [true, 'always', { until: 'never' }, { until: null }, { until: 1, persistent: 'yes' }, null, []]) {
      expect((await get(forge.token({ claims: { sliding } }))).json()).toMatchObject({ errorCode: 'token_invalid' });
    }
    expect((await get(forge.token())).status).toBe(200);
  });

  it('stops at once when the option is taken away', async () => {
    const { accessToken } = await start();
    const clock = new FakeClock();
    const app = await startApp({ adapter, clock, options: { sessions: false } });
    opened.push(app);
    clock.advance('10m');
    const response = await app.call('/me', { headers: bearing({ accessToken }) });
    expect([response.status, reissued(response)]).toEqual([200, undefined]);
  });
});

@Resolver()
class Callers {
  @Query(() => String)
  @UseGuards(JwtAuthGuard)
  first(@CurrentUser('jti') jti: string): string {
    return jti;
  }

  @Query(() => String)
  @UseGuards(JwtAuthGuard)
  second(@CurrentUser('jti') jti: string): string {
    return jti;
  }
}

describe('access.sliding in GraphQL', () => {
  it('replaces the token once for all fields of an operation', async () => {
    const clock = new FakeClock();
    const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true });
    const app = await startStatelessApp({ access: { sliding: true } }, { clock, imports: [graphql], providers: [Callers] });
    try {
      const { accessToken } = await signIn(app);
      clock.advance('10m');
      const answer = await app.call('/graphql', { method: 'POST', headers: bearing({ accessToken }), body: { query: '{ first second }' } });
      const { jti } = claimsOf(reissued(answer)!);
      expect(answer.json()).toEqual({ data: { first: jti, second: jti } });
    } finally {
      await app.close();
    }
  });
});

describe('the bound of access.sliding', () => {
  it('holds for all steps of time: no token is accepted after auth_time + absoluteLifetime, and each lives at most access.lifetime', async () => {
    const clock = new FakeClock();
    const options = { access: { lifetime: '15m', jitter: 0.5, leeway: 0, sliding: { absoluteLifetime: '1h' } } } as const;
    const app = await startStatelessApp(options, { clock });
    const service = app.app.get(AccessTokenService);
    const steps = fc.array(fc.integer({ min: 1_000, max: 12 * MINUTE }), { minLength: 1, maxLength: 20 });
    const lifetimes = fc.integer({ min: 1, max: 3_600 });
    try {
      await fc.assert(
        fc.asyncProperty(steps, lifetimes, fc.integer({ min: 0, max: 999 }), async (spans, seconds, odd) => {
          clock.advance(odd);
          const signedInAt = clock.now();
          let { accessToken: token } = await signIn(app, { absoluteLifetime: seconds });
          const { sliding, auth_time: authTime } = claimsOf(token);
          expect(sliding.until).toBe(Math.floor(signedInAt / 1_000) + seconds);
          for (const span of spans) {
            clock.advance(span);
            const response = await app.call('/me', { headers: bearing({ accessToken: token }) });
            const wasGood = clock.now() < claimsOf(token).exp * 1_000;
            expect(response.status).toBe(wasGood ? 200 : 401);
            if (clock.now() >= signedInAt + seconds * 1_000) expect(response.status).toBe(401);
            const next = reissued(response);
            if (next === undefined) continue;
            const claims = claimsOf(next);
            expect(claims).toMatchObject({ sliding, auth_time: authTime, sub: 'alice' });
            expect(claims.exp).toBeLessThanOrEqual(sliding.until);
            expect(claims.exp - claims.iat).toBeLessThanOrEqual(900);
            expect(await service.verify(next)).toEqual(claims);
            token = next;
          }
        }),
        { numRuns: runs(200) },
      );
    } finally {
      await app.close();
    }
  });
});
