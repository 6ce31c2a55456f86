import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, StoreUnavailable } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { bearing } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';
import type { GraphqlApp, GraphqlSetup } from '../support/graphql-app.js';
import { GRAPHQL_SERVERS, startGraphql } from '../support/graphql-app.js';
import { refreshServiceToken } from '../support/lib.js';
import { tokensOn } from '../support/token-store.js';

const ALICE = { sub: 'alice' };
const ALICE_TWICE = { one: ALICE, two: ALICE };
const TWICE = 'query Both { one: me { sub } two: me { sub } }';

/** What a response says of its errors. */
interface GraphqlBody {
  data: Record<string, unknown> | null;
  errors?: { message: string; extensions: Record<string, unknown> }[];
}

describe.each(GRAPHQL_SERVERS)('operations on %s', (server) => {
  let app: GraphqlApp;
  let outcomes: string[];
  let clock: FakeClock;
  let log: CapturedLog;
  const start = async (setup: GraphqlSetup = {}): Promise<void> => {
    clock = new FakeClock(Date.now());
    log = new CapturedLog();
    outcomes = [];
    app = await startGraphql(server, {
      clock,
      ...setup,
      options: { onEvent: ({ type }) => void outcomes.push(type), ...setup.options },
      prepare: (application) => application.useLogger(log),
    });
  };
  afterEach(() => app.close());

  const signIn = (subject = 'alice'): Promise<TokenPair> => app.app.get(RefreshService).signIn(subject);
  const partner = (subject: string): Promise<TokenPair> => app.app.get<RefreshService>(refreshServiceToken('partner')).signIn(subject);
  const extensionsOf = (body: GraphqlBody): unknown[] => (body.errors ?? []).map(({ extensions }) => extensions);
  /** The errors of a response, without the stack that Apollo adds in development. */
  const refusals = async (query: string, headers: Record<string, string> = {}): Promise<unknown[]> => {
    const body = (await app.ask(query, headers)).json<GraphqlBody>();
    return extensionsOf(body).map((extensions) => ({ ...(extensions as object), stacktrace: undefined }));
  };

  describe('the caller', () => {
    it('is known in queries, with its session', async () => {
      await start();
      const pair = await signIn();
      const data = { me: { sub: 'alice', session: pair.sessionId } };
      expect((await app.ask('{ me { sub session } }', bearing(pair))).json()).toEqual({ data });
    });

    it('is nobody where a field is optional and the request carries no token, or where a field is public', async () => {
      await start();
      expect((await app.ask('{ visitor { sub } }')).json()).toEqual({ data: { visitor: { sub: null } } });
      expect((await app.ask('{ visitor { sub } }', bearing(await signIn()))).json()).toEqual({ data: { visitor: ALICE } });
      expect((await app.ask('{ anyone { sub } }', bearing(await signIn()))).json()).toEqual({ data: { anyone: { sub: null } } });
    });

    it('is that of its own request, however many are served at a time', async () => {
      await start();
      const subjects = Array.from({ length: 20 }, (_, index) => `user-${index}`);
      const pairs = await Promise.all(subjects.map((subject) => signIn(subject)));
      clock.advance('16m');
      const bodies = await Promise.all(pairs.map(async (pair) => (await app.ask(TWICE, bearing(pair))).json<GraphqlBody>()));
      expect(bodies.map(({ data }) => data)).toEqual(subjects.map((sub) => ({ one: { sub }, two: { sub } })));
    });

    it('is that of the instance of each field (F-06)', async () => {
      await start();
      const headers = { 'x-partner': (await partner('partner-1')).accessToken, ...bearing(await signIn()) };
      const body = (await app.ask('mutation { partner { sub } renamed: partner { sub } }', headers)).json<GraphqlBody>();
      expect(body.data).toEqual({ partner: { sub: 'partner-1' }, renamed: { sub: 'partner-1' } });
      expect(await refusals('mutation { partner { sub } }', bearing(await signIn()))).toMatchObject([{ code: 'token_missing' }]);
    });

    it('is that of its own request, also if the application gives one context for all requests', async () => {
      await start({ driver: { context: { tenant: 1 } } });
      expect((await app.ask('{ me { sub } }', bearing(await signIn()))).json()).toEqual({ data: { me: ALICE } });
      const bob = bearing(await signIn('bob'));
      const bodies = [
        ...(await app.ask(['{ me { sub } }', '{ me { sub } }'], bob)).json<GraphqlBody[]>(),
        (await app.ask('{ visitor { sub } }')).json<GraphqlBody>(),
        (await app.ask('{ anyone { sub } }')).json<GraphqlBody>(),
      ];
      expect(JSON.stringify(bodies)).not.toContain('alice');
      // Nest hands one object to all requests of Mercurius, so there is no telling whose the context is.
      const refused = /one context for all requests/;
      if (server === 'Mercurius on Fastify') for (const { errors } of bodies) expect(errors?.[0]?.message).toMatch(refused);
      else expect(bodies[0]).toEqual({ data: { me: { sub: 'bob' } } });
    });

    it('has signed in recently where a field asks for it', async () => {
      await start();
      const pair = await signIn();
      expect((await app.ask('mutation { transfer { sub } }', bearing(pair))).json()).toEqual({ data: { transfer: ALICE } });
      clock.advance('2m');
      expect(await refusals('mutation { transfer { sub } }', bearing(pair))).toMatchObject([{ code: 'fresh_token_required', status: 401 }]);
    });

    it('is required by globalGuard on every field that is not public', async () => {
      await start({ options: { globalGuard: true } });
      expect(await refusals('{ unmarked { sub } }')).toMatchObject([{ code: 'token_missing' }]);
      expect((await app.ask('{ unmarked { sub } }', bearing(await signIn()))).json()).toEqual({ data: { unmarked: ALICE } });
      expect((await app.ask('mutation { login(name: "bob") { token_type } }')).json()).toEqual({
        data: { login: { token_type: 'Bearer' } },
      });
    });
  });

  describe('a refresh', () => {
    it('happens inside the operation, once for all of its fields, and the response carries the new pair', async () => {
      await start();
      const pair = await signIn();
      clock.advance('16m');
      const answer = await app.ask(TWICE, bearing(pair));
      expect(answer.json()).toEqual({ data: ALICE_TWICE });
      const { access, refresh } = tokensOn('header', answer);
      expect(refresh).toHaveLength(56);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-access-token-expires-in': expect.any(String) });
      expect(outcomes).toEqual(['signed-in', 'rotated']);
      expect((await app.ask('{ me { sub } }', { authorization: `Bearer ${access!}` })).json()).toEqual({ data: { me: ALICE } });
    });

    it('gives resolvers the new access token, to call another service', async () => {
      await start();
      const pair = await signIn();
      clock.advance('16m');
      const answer = await app.ask('{ me { sub } token }', bearing(pair));
      expect(answer.json()).toEqual({ data: { me: ALICE, token: tokensOn('header', answer).access } });
    });

    it('happens once for a mutation of several fields, which run one after the other', async () => {
      await start();
      const pair = await signIn();
      clock.advance('16m');
      const answer = await app.ask('mutation { one: transfer { sub } two: transfer { sub } }', bearing(pair));
      const codes = extensionsOf(answer.json<GraphqlBody>()).map((extensions) => (extensions as { code: string }).code);
      expect(new Set(codes)).toEqual(new Set(['fresh_token_required']));
      expect(tokensOn('header', answer).refresh).toHaveLength(56);
      expect(outcomes).toEqual(['signed-in', 'rotated', 'access-rejected']);
    });

    it('happens once for all operations of a batch', async () => {
      await start();
      const pair = await signIn();
      clock.advance('16m');
      const answer = await app.ask([TWICE, '{ me { sub } }', '{ visitor { sub } }'], bearing(pair));
      expect(answer.json()).toEqual([{ data: ALICE_TWICE }, { data: { me: ALICE } }, { data: { visitor: ALICE } }]);
      expect(tokensOn('header', answer).refresh).toHaveLength(56);
      expect(outcomes).toEqual(['signed-in', 'rotated']);
    });

    it('renews cookies, and shows no token anywhere else (CK-06)', async () => {
      await start({ options: { transport: 'cookie' } });
      const { refreshToken } = await signIn();
      const headers = { cookie: `__Host-refresh=${refreshToken!}`, 'sec-fetch-site': 'same-origin' };
      const answer = await app.ask(TWICE, headers);
      expect(answer.json()).toEqual({ data: ALICE_TWICE });
      const { access, refresh, deleted, isExposed } = tokensOn('cookie', answer);
      expect([access?.length, refresh?.length, deleted, isExposed]).toEqual([expect.any(Number), 56, [], false]);
      expect(outcomes).toEqual(['signed-in', 'rotated']);
    });

    it.each([
      ['a function', () => ({ tenant: 1 })],
      ['a function that says what request and response are', contextWithResponse],
    ])('happens with a context of the application: %s', async (_, context) => {
      await start({ driver: { context } });
      const pair = await signIn();
      clock.advance('16m');
      const answer = await app.ask(TWICE, bearing(pair));
      expect(answer.json()).toEqual({ data: ALICE_TWICE });
      expect(tokensOn('header', answer).refresh).toHaveLength(56);
    });
  });

  describe('an error', () => {
    it('has the stable code and the status in its extensions, and nothing else', async () => {
      await start();
      const { accessToken } = await signIn();
      clock.advance('16m');
      const answer = await app.ask('{ me { sub } }', { authorization: `Bearer ${accessToken}` });
      const [error] = answer.json<GraphqlBody>().errors!;
      expect(error).toMatchObject({ message: 'access token has expired', path: ['me'] });
      expect({ ...error!.extensions, stacktrace: undefined }).toEqual({ code: 'token_expired', status: 401 });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([
        200,
        'Bearer error="invalid_token", error_description="access token has expired"',
      ]);
    });

    it.each([
      ['token_missing', {}, { status: 401 }],
      ['token_malformed', { authorization: 'Bearer constructor' }, { status: 401 }],
      ['token_too_large', { authorization: `Bearer ${'a'.repeat(9_000)}` }, { status: 401 }],
    ] as const)('is %s for a bad token, also where a field is optional', async (code, headers, expected) => {
      await start();
      expect(await refusals('{ me { sub } }', headers)).toEqual([{ code, ...expected }]);
      const isAbsent = code === 'token_missing';
      expect(await refusals('{ visitor { sub } }', headers)).toEqual(isAbsent ? [] : [{ code, ...expected }]);
    });

    it('tells a client that only a new sign-in helps', async () => {
      await start();
      const pair = await signIn();
      await app.app.get(RefreshService).signOut(pair.refreshToken);
      expect(await refusals('{ me { sub } }', bearing(pair))).toEqual([{ code: 'token_revoked', status: 401, signIn: true }]);
    });

    it('tells a client when to come back while a store is unavailable, and leaves its tokens alone', async () => {
      let isAway = false;
      const loadUser = (): Promise<object> => (isAway ? Promise.reject(new StoreUnavailable()) : Promise.resolve({}));
      await start({ options: { loadUser } });
      const pair = await signIn();
      clock.advance('16m');
      isAway = true;
      const answer = await app.ask('{ me { sub } }', bearing(pair));
      expect(extensionsOf(answer.json<GraphqlBody>())).toMatchObject([{ code: 'store_unavailable', status: 503, retryAfter: 1 }]);
      expect([answer.status, answer.headers['retry-after'], tokensOn('header', answer).access]).toEqual([200, '1', undefined]);
      isAway = false;
      expect((await app.ask('{ me { sub } }', bearing(pair))).json()).toEqual({ data: { me: ALICE } });
    });

    it('has the same form where the handler has thrown it', async () => {
      await start();
      const { refreshToken } = await signIn();
      await app.app.get(RefreshService).signOut(refreshToken);
      const headers = { 'x-refresh-token': refreshToken! };
      const answer = await app.ask('mutation { renew { access_token } }', headers);
      expect(extensionsOf(answer.json<GraphqlBody>())).toMatchObject([{ code: 'session_revoked', status: 401, signIn: true }]);
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    });

    it('of one operation leaves the others of a batch alone', async () => {
      await start();
      const { accessToken } = await signIn();
      const bodies = (await app.ask(['mutation { partner { sub } }', '{ me { sub } }'], { authorization: `Bearer ${accessToken}` })).json<
        GraphqlBody[]
      >();
      expect(bodies[0]!.errors).toMatchObject([{ extensions: { code: 'token_missing' } }]);
      expect(bodies[1]).toEqual({ data: { me: ALICE } });
    });

    it('is not logged as a failure of the application', async () => {
      await start();
      await refusals('{ me { sub } }', { authorization: 'Bearer x.y.z' });
      expect(log.of('error')).toEqual([]);
    });
  });

  describe('a mutation', () => {
    it('signs in: the pair is in its fields and in the headers', async () => {
      await start();
      const fields = 'access_token refresh_token token_type expires_in refresh_expires_in session_id';
      const answer = await app.ask(`mutation { login(name: "alice") { ${fields} } }`);
      const { login } = answer.json<{ data: { login: Record<string, unknown> } }>().data;
      const { access, refresh } = tokensOn('header', answer);
      expect(login).toMatchObject({ access_token: access, refresh_token: refresh, token_type: 'Bearer', expires_in: expect.any(Number) });
      expect((await app.ask('{ me { sub } }', { authorization: `Bearer ${access!}` })).json()).toEqual({ data: { me: ALICE } });
    });

    it('signs in with cookies, and its fields have no token', async () => {
      await start({ options: { transport: 'cookie' } });
      const answer = await app.ask('mutation { login(name: "alice") { access_token refresh_token token_type } }');
      expect(answer.json()).toEqual({ data: { login: { access_token: null, refresh_token: null, token_type: 'Bearer' } } });
      const { access, refresh } = tokensOn('cookie', answer);
      expect([access?.length, refresh?.length]).toEqual([expect.any(Number), 56]);
    });

    it('refreshes with the refresh token of the request', async () => {
      await start();
      const { refreshToken } = await signIn();
      const answer = await app.ask('mutation { renew { refresh_token } }', { 'x-refresh-token': refreshToken! });
      expect(answer.json()).toEqual({ data: { renew: { refresh_token: tokensOn('header', answer).refresh } } });
      expect(outcomes).toEqual(['signed-in', 'rotated']);
    });

    it('signs out, and the browser deletes its cookies', async () => {
      await start({ options: { transport: 'cookie' } });
      const { refreshToken } = await signIn();
      const headers = { cookie: `__Host-refresh=${refreshToken!}`, 'sec-fetch-site': 'same-origin' };
      const answer = await app.ask('mutation { logout }', headers);
      expect(answer.json()).toEqual({ data: { logout: true } });
      expect(tokensOn('cookie', answer).deleted).toEqual(expect.arrayContaining(['__Host-access', '__Host-refresh']));
      expect(outcomes).toEqual(['signed-in', 'revoked']);
    });
  });
});

/** As applications write it: Express passes one object, and Fastify passes request and reply. */
function contextWithResponse(first: { req?: object; res?: object }, reply?: object): object {
  return first.res ? { req: first.req, res: first.res } : { req: first, res: reply };
}
