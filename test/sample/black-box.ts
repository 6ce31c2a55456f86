import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunningSample } from '../support/process/sample.js';
import { CLIENT_SECRET, PASSWORD } from '../support/process/sample.js';
import type { Mode, SampleClient } from '../support/process/sample-clients.js';
import { leaksOf, newClient } from '../support/process/sample-clients.js';
import { describeOtherSites } from './other-sites.js';

/** What the tests of the sample work with. `client` makes a new one for each test that asks. */
export interface BlackBox {
  readonly mode: Mode;
  readonly client: () => SampleClient;
}

/** Describes what the sample does in one mode, however it is reached and wherever its sessions are stored. */
export function describeBlackBox(title: string, mode: Mode, start: () => Promise<RunningSample>): void {
  describe(`${title}, tokens: ${mode}`, () => {
    let sample: RunningSample;
    let clients: SampleClient[] = [];
    const client = (): SampleClient => {
      const made = newClient(mode, sample);
      clients.push(made);
      return made;
    };

    beforeAll(async () => void (sample = await start()), 60_000);
    beforeEach(() => void (clients = []));
    afterEach(() => {
      const answers = clients.flatMap((one) => one.answers);
      expect(leaksOf(mode, answers)).toEqual([]);
      expect(answers.filter(({ status }) => status > 500)).toEqual([]);
    });

    const box = { mode, client };
    describeSignIn(box);
    describeRefresh(box);
    describeSignOut(box);
    describeSessions(box);
    describeFreshness(box);
    describeOAuth(box);
    if (mode !== 'header') describeOtherSites(box);
  });
}

const BODIES = {
  header: ['access_token', 'refresh_token', 'token_type', 'expires_in', 'refresh_expires_in', 'session_id'],
  cookie: ['token_type', 'expires_in', 'refresh_expires_in', 'session_id'],
  mixed: ['access_token', 'token_type', 'expires_in', 'refresh_expires_in', 'session_id'],
};

function describeSignIn({ mode, client }: BlackBox): void {
  it('signs in: the body has what the client may read, and the response is uncacheable', async () => {
    const alice = client();
    const answer = await alice.post('/auth/login', { username: 'alice', password: PASSWORD });
    expect([answer.status, answer.headers['cache-control'], answer.headers['pragma']]).toEqual([200, 'no-store', 'no-cache']);
    expect(Object.keys(answer.json()).sort()).toEqual([...BODIES[mode]].sort());
    expect(Object.keys(alice.delivered(answer)).sort()).toEqual(['access', 'refresh']);
    expect(answer.headers['set-cookie']?.length).toBe({ header: undefined, cookie: 3, mixed: 2 }[mode]);
  });

  it('refuses a wrong password with 401 and a body that is no sign-in with 400, without tokens', async () => {
    const nobody = client();
    const answers = [
      await nobody.post('/auth/login', { username: 'alice', password: 'wrong' }),
      await nobody.post('/auth/login', { username: 'mallory', password: PASSWORD }),
      await nobody.post('/auth/login', { username: 'alice' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400]);
    expect(answers.map((answer) => nobody.delivered(answer))).toEqual([{}, {}, {}]);
  });

  it('admits to guarded routes, and tells administrators apart', async () => {
    const [alice, bob] = [client(), client()];
    const sessionId = await alice.signIn('alice');
    await bob.signIn('bob');
    expect((await alice.call('/me')).json()).toMatchObject({ sub: 'alice', sid: sessionId, roles: ['admin'] });
    expect([(await alice.call('/admin')).status, (await bob.call('/admin')).status]).toEqual([200, 403]);
    expect((await alice.call('/slow?ms=30')).json()).toEqual({ waited_ms: 30 });
    const written = await alice.post('/notes', {});
    expect([written.status, written.json()]).toEqual([201, { author: 'alice' }]);
    expect((await bob.call('/optional')).json()).toMatchObject({ sub: 'bob' });
  });

  it('refuses guarded routes without a token, and leaves open routes open', async () => {
    const nobody = client();
    for (const path of ['/me', '/admin', '/boom', '/slow', '/stream', '/vault', '/auth/sessions']) {
      const { status, headers } = await nobody.call(path);
      expect([path, status, headers['www-authenticate']]).toEqual([path, 401, 'Bearer']);
    }
    expect((await nobody.post('/notes')).status).toBe(401);
    expect((await nobody.call('/optional')).json()).toEqual({ anonymous: true });
    expect([(await nobody.call('/public')).status, (await nobody.call('/health')).status]).toEqual([200, 200]);
  });
}

function describeRefresh({ mode, client }: BlackBox): void {
  it.each([
    ['alice', '/me', 200],
    ['alice', '/boom', 500],
    ['bob', '/admin', 403],
    ['alice', '/stream', 200],
    ['bob', '/optional', 200],
  ])('refreshes for %s inside GET %s (%d) when the access token has expired', async (user, path, status) => {
    const one = client();
    await one.signInLongAgo(user);
    const old = await one.tokens();
    const answer = await one.call(path);
    expect([answer.status, answer.headers['cache-control']]).toEqual([status, 'no-store']);
    expect(Object.keys(one.delivered(answer)).sort()).toEqual(['access', 'refresh']);
    expect((await one.tokens()).refresh).not.toBe(old.refresh);
    const next = await one.call('/me');
    expect([next.status, next.json()['sub'], one.delivered(next)]).toEqual([200, user, {}]);
  });

  it('answers 200 to 50 parallel requests with one expired pair, with one successor', async () => {
    const alice = client();
    await alice.signInLongAgo('alice');
    const tabs = await Promise.all(Array.from({ length: 50 }, () => copyOf(alice, client)));
    const answers = await Promise.all(tabs.map((tab) => tab.call('/me')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => alice.delivered(answer).refresh)).size).toBe(1);
  });

  it('refreshes on request, with the refresh token in its own place and in the body', async () => {
    const alice = client();
    await alice.signIn('alice');
    const old = await alice.tokens();
    const answer = await alice.post('/auth/refresh');
    expect([answer.status, Object.keys(answer.json()).sort()]).toEqual([200, [...BODIES[mode]].sort()]);
    expect((await alice.tokens()).refresh).not.toBe(old.refresh);
    const elsewhere = client();
    const { refresh } = await alice.tokens();
    expect((await elsewhere.post('/auth/refresh', { refresh_token: refresh })).status).toBe(200);
    expect((await elsewhere.call('/me')).json()).toMatchObject({ sub: 'alice' });
  });

  it.each([
    ['refresh_missing', 'no token', undefined],
    ['refresh_invalid', 'an invented token', { refresh_token: 'ntr_invented' }],
    ['refresh_missing', 'a token that is no text', { refresh_token: [1] }],
  ])('refuses to refresh with 401 %s for %s', async (errorCode, _, body) => {
    const answer = await client().post('/auth/refresh', body);
    expect([answer.status, answer.json()['errorCode']]).toEqual([401, errorCode]);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });
}

function describeSignOut({ client }: BlackBox): void {
  it('signs out: the tokens are refused, and a browser has no cookie left', async () => {
    const alice = client();
    await alice.signIn('alice');
    const tokens = await alice.tokens();
    const answer = await alice.post('/auth/logout');
    expect([answer.status, alice.delivered(answer)]).toEqual([204, {}]);
    for (const line of answer.headers['set-cookie'] ?? []) expect(line).toMatch(/^__Host-(access|refresh|csrf)=; Max-Age=0; Path=\/;/);
    await alice.take(tokens);
    expect((await alice.call('/me')).json()['errorCode']).toBe('token_revoked');
    await alice.take({ refresh: tokens.refresh ?? '' });
    expect((await alice.post('/auth/refresh')).json()['errorCode']).toBe('session_revoked');
  });

  it('signs out with the refresh token in the body', async () => {
    const [alice, elsewhere] = [client(), client()];
    await alice.signIn('alice');
    expect((await elsewhere.post('/auth/logout', { refresh_token: (await alice.tokens()).refresh })).status).toBe(204);
    expect((await alice.call('/me')).status).toBe(401);
  });

  it('signs out again, and with junk or nothing, with 204 (RFC 7009 §2.2)', async () => {
    const alice = client();
    await alice.signIn('alice');
    for (const tokens of [await alice.tokens(), await alice.tokens(), {}, { access: 'junk' }, { refresh: 'junk' }]) {
      await alice.take(tokens);
      expect((await alice.post('/auth/logout')).status).toBe(204);
    }
  });

  it('signs out everywhere: all sessions of the caller and no others, again and again', async () => {
    const [here, there, bob] = [client(), client(), client()];
    await Promise.all([here.signIn('alice'), there.signIn('alice'), bob.signIn('bob')]);
    const tokens = await here.tokens();
    expect((await here.post('/auth/logout-all')).status).toBe(204);
    await here.take(tokens);
    expect((await here.post('/auth/logout-all')).status).toBe(204);
    await here.take(tokens);
    expect([(await here.call('/me')).status, (await there.call('/me')).status, (await bob.call('/me')).status]).toEqual([401, 401, 200]);
    expect((await client().post('/auth/logout-all')).status).toBe(401);
  });
}

interface Listed {
  id: string;
  subject: string;
  label: string;
  ip: string;
  userAgent: string;
  lastUsedAt: number;
  current: boolean;
}
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0';

function describeSessions({ client }: BlackBox): void {
  it('lists the sessions of the caller, with what is known of them, and marks the current one', async () => {
    const [here, there] = [client(), client()];
    const [current, other] = [await here.signIn('bob', { 'user-agent': FIREFOX }), await there.signIn('bob')];
    const sessions = (await here.call('/auth/sessions')).json<Listed[]>();
    expect(sessions.filter((one) => one.current)).toEqual([
      expect.objectContaining({
        id: current,
        label: 'Firefox on Windows',
        ip: '127.0.0.1',
        userAgent: FIREFOX,
        lastUsedAt: expect.any(Number),
      }),
    ]);
    expect(sessions.map(({ id }) => id)).toContain(other);
    expect(new Set(sessions.map(({ subject }) => subject))).toEqual(new Set(['bob']));
  });

  it('ends one of them, and none of somebody else (404)', async () => {
    const [here, there, bob] = [client(), client(), client()];
    await here.signIn('alice');
    const [other, foreign] = [await there.signIn('alice'), await bob.signIn('bob')];
    expect((await here.call(`/auth/sessions/${other}`, { method: 'DELETE' })).status).toBe(204);
    expect((await here.call(`/auth/sessions/${foreign}`, { method: 'DELETE' })).status).toBe(404);
    expect([(await here.call('/me')).status, (await there.call('/me')).status, (await bob.call('/me')).status]).toEqual([200, 401, 200]);
  });

  it('ends all other sessions of the caller when the password is changed', async () => {
    const [here, there, bob] = [client(), client(), client()];
    await Promise.all([here.signIn('alice'), there.signIn('alice'), bob.signIn('bob')]);
    expect((await here.post('/auth/password', { password: PASSWORD })).status).toBe(204);
    expect([(await here.call('/me')).status, (await there.call('/me')).status, (await bob.call('/me')).status]).toEqual([200, 401, 200]);
  });
}

function describeFreshness({ client }: BlackBox): void {
  it('opens GET /vault for a minute after the sign-in, and again after the password has been entered', async () => {
    const alice = client();
    await alice.signIn('alice');
    expect((await alice.call('/vault')).json()).toEqual({ owner: 'alice' });
    await alice.antedateSignIn();
    const { refresh } = await alice.tokens();
    expect((await alice.call('/vault')).json()['errorCode']).toBe('fresh_token_required');
    expect((await alice.post('/auth/reauthenticate', { password: 'wrong' })).status).toBe(403);
    expect((await alice.post('/auth/reauthenticate', {})).status).toBe(400);
    expect((await alice.call('/vault')).status).toBe(401);
    const answer = await alice.post('/auth/reauthenticate', { password: PASSWORD });
    expect([answer.status, Object.keys(alice.delivered(answer))]).toEqual([200, ['access']]);
    expect((await alice.call('/vault')).json()).toEqual({ owner: 'alice' });
    expect((await alice.tokens()).refresh).toBe(refresh);
  });
}

function describeOAuth({ client }: BlackBox): void {
  /** An OAuth client holds its tokens itself: it sends none but those in the form, and keeps none. */
  const send = (one: SampleClient, path: string, parameters: Record<string, string>, headers: Record<string, string> = {}) =>
    one.sample.call(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(parameters).toString(),
    });
  const basic = { authorization: `Basic ${Buffer.from(`reports:${CLIENT_SECRET}`).toString('base64')}` };

  it('refreshes at POST /auth/token as RFC 6749 says, with both tokens in the body', async () => {
    const alice = client();
    await alice.signIn('alice');
    const { refresh = '' } = await alice.tokens();
    const answer = await send(alice, '/auth/token', { grant_type: 'refresh_token', refresh_token: refresh });
    expect([answer.status, answer.headers['cache-control'], answer.headers['set-cookie']]).toEqual([200, 'no-store', undefined]);
    expect(Object.keys(answer.json()).sort()).toEqual([...BODIES.header].sort());
    const refused = await send(alice, '/auth/token', { grant_type: 'refresh_token', refresh_token: 'junk' });
    expect([refused.status, refused.json()]).toEqual([400, { error: 'invalid_grant', error_description: 'refresh token is invalid' }]);
    expect((await alice.call('/me')).status).toBe(200);
  });

  it('tells the client of CLIENT_SECRET, and nobody else, whether an access token is good, until it is revoked', async () => {
    const alice = client();
    const sessionId = await alice.signIn('alice');
    const { access: token = '', refresh = '' } = await alice.tokens();
    const introspected = await send(alice, '/auth/introspect', { token }, basic);
    expect(introspected.json()).toMatchObject({ active: true, sub: 'alice', sid: sessionId, roles: ['admin'] });
    expect((await send(alice, '/auth/introspect', { token })).status).toBe(401);
    expect((await send(alice, '/auth/revoke', { token: refresh })).status).toBe(200);
    expect((await send(alice, '/auth/introspect', { token }, basic)).json()).toEqual({ active: false });
    expect((await send(alice, '/auth/revoke', { token: 'junk' })).status).toBe(200);
    expect((await alice.call('/me')).json()['errorCode']).toBe('token_revoked');
  });
}

/** Another tab, or another client with the same tokens. */
async function copyOf(original: SampleClient, client: () => SampleClient): Promise<SampleClient> {
  const copy = client();
  await copy.take(await original.tokens());
  return copy;
}
