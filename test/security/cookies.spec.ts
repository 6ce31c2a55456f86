import { describe, expect, it } from '@jest/globals';
import cookieParser from 'cookie-parser';
import { TokenTransport } from 'nestjs-token';
import { expiredPair } from 'nestjs-token/testing';
import type { AdapterName, Answer } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import type { Probe, Refusal } from './probe.js';
import { NO_CREDENTIAL, probed, rawGet, rawRefuses, refuses, stillWorks } from './probe.js';

/** A refresh token that is none: the browser is told to delete it, because it would never be good. */
const WORTHLESS: Refusal = { code: 'refresh_invalid', clears: ['access', 'refresh', 'csrf'] };
/** The access token of another session has expired, so its cookie goes, and the next request is one of the other session. */
const MISMATCH: Refusal = { code: 'session_mismatch', clears: ['access'] };
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };

describe.each(ADAPTERS)('cookies on %s', (adapter: AdapterName) => {
  const probe = probed(adapter, {
    options: { transport: 'cookie' },
    // A parser of the application, which makes objects of some values, changes nothing for us.
    prepare: (app) => void app.use(cookieParser('a secret of the application')),
  });
  const access = (value: string): string => `__Host-access=${value}`;
  const refresh = (value: string): string => `__Host-refresh=${value}`;
  const sent = (cookie: string) => ({ headers: { ...SAME_ORIGIN, cookie } });
  const get = (cookie: string, at: Probe = probe()): Promise<Answer> => at.call('/me', sent(cookie));
  const good = (): string => probe().good.accessToken;
  const goodRefresh = (): string => probe().good.refreshToken ?? '';

  /** A refresh token, inside a guarded request and at the endpoint for refreshing. */
  async function refusesRefresh(cookie: string, expected: Refusal = WORTHLESS): Promise<void> {
    await refuses(probe(), sent(cookie), expected);
    const code = expected.code === 'token_missing' ? 'refresh_missing' : expected.code;
    await refuses(probe(), { ...sent(cookie), path: '/refresh', method: 'POST' }, { ...expected, ...(code && { code }) });
  }

  describe('COOK-01 two of one name', () => {
    it('are decided by the first, which the browser has for the longer path', async () => {
      expect((await get(`${access(good())}; ${access('evil')}`)).status).toBe(200);
      await refuses(probe(), sent(`${access('evil')}; ${access(good())}`));
      await refusesRefresh(`${refresh('evil')}; ${refresh(goodRefresh())}`);
    });

    it('of two users never mix: neither two refresh tokens, nor the access token of one and the refresh token of the other', async () => {
      const { app } = probe();
      const [alice, bob] = [await expiredPair(app, 'alice'), await expiredPair(app, 'bob')];
      await refuses(probe(), sent(`${access(alice.accessToken)}; ${refresh(bob.refreshToken ?? '')}`), MISMATCH);
      expect((await get(refresh(bob.refreshToken ?? ''))).json()).toMatchObject({ sub: 'bob', sid: bob.sessionId });
      const answer = await get([refresh(alice.refreshToken ?? ''), refresh(bob.refreshToken ?? '')].join('; '));
      expect([answer.status, answer.json().sub, answer.json().sid]).toEqual([200, 'alice', alice.sessionId]);
    });
  });

  describe('COOK-02 in two headers', () => {
    const lines = (...cookies: string[]): string[] => cookies.map((cookie) => `Cookie: ${cookie}`);
    it('are joined, so that the first value of a name counts', async () => {
      for (const cookies of [
        ['a=1', access(good())],
        [access(good()), 'a=1'],
        [access(good()), access('evil')],
      ]) {
        expect([cookies.length, (await rawGet(probe(), lines(...cookies))).status]).toEqual([2, 200]);
      }
      await rawRefuses(probe(), lines(access('evil'), access(good())), [401]);
    });
  });

  it.each(['j:{"$ne":1}', 'j:["x"]', 'j:null', 'j:{"toString":null}', 'j:%7B%22%24gt%22%3A%22%22%7D'])(
    'COOK-03 that a parser makes an object of are text, and no token: %s',
    async (value) => {
      await refusesRefresh(refresh(value));
      await refuses(probe(), sent(access(value)));
    },
  );

  it.each(['%00abc', '%E0%A4%A', '"quoted"', 'x', 'é', '\tx', 'a'.repeat(4_096), 'a'.repeat(15_000), `ntr_${'A'.repeat(52)}`])(
    'COOK-04 of a strange form are refused before any statement: %#',
    async (value) => {
      await refusesRefresh(refresh(value));
      await refuses(probe(), sent(access(value)));
    },
  );

  it.each(['', '\t', 'null', 'undefined'])('COOK-04 without a value are absent: %j', async (value) => {
    await refuses(probe(), sent(access(value)), NO_CREDENTIAL);
    await refuses(probe(), sent(refresh(value)), NO_CREDENTIAL);
  });

  describe.each(['__Host-access', '__Host-refresh'])('COOK-05 with a name that is only similar to %s', (name) => {
    const base = name.slice('__Host-'.length);
    it.each([
      ['in lower case', `__host-${base}`],
      ['in upper case', name.toUpperCase()],
      ['after a space', ` ${name}`],
      ['after a tab', `\t${name}`],
      ['after a no-break space', `\u00a0${name}`],
      ['before a space', `${name} `],
      ['before a no-break space', `${name}\u00a0`],
      ['with the weaker prefix', `__Secure-${base}`],
      ['without a prefix', base],
      ['in quotes', `"${name}"`],
      ['percent-encoded', `__Host%2D${base}`],
      ['as a part of a longer name', `x${name}`],
      ['as the beginning of a longer name', `${name}x`],
    ])('are not ours: %s', async (_how, similar) => {
      const token = name === '__Host-access' ? good() : goodRefresh();
      await refuses(probe(), sent(`a=1; ${similar}=${token}`), NO_CREDENTIAL);
      await refuses(probe(), sent(`a=1; ${similar}=${token}; b=2`), NO_CREDENTIAL);
    });
  });

  it('COOK-05 do not count inside the value of another cookie', async () => {
    for (const token of [access(good()), refresh(goodRefresh())]) {
      await refuses(probe(), sent(`a=${token}`), NO_CREDENTIAL);
      await refuses(probe(), sent(`a="x ${token}"`), NO_CREDENTIAL);
      await refuses(probe(), sent(`a=1, ${token}`), NO_CREDENTIAL);
    }
  });

  it('COOK-06 in the old form with quotes and $Version are taken as they are', async () => {
    await refusesRefresh('$Version=1; __Host-refresh="a; b=c"; $Path="/"');
    await refusesRefresh(`$Version=1; __Host-refresh="${goodRefresh()}"`);
    await refuses(probe(), sent(`$Version="1"; __Host-access="${good()}"; $Path="/"`));
    await refuses(probe(), sent(`$Version=1; __Host-access="${good()}; b=c"`));
  });

  it('COOK-07 with the names of a prototype have no effect', async () => {
    const evil = '__proto__=x; constructor=y; hasOwnProperty=z; prototype=1; toString=2';
    await refuses(probe(), sent(evil), NO_CREDENTIAL);
    expect((await get(`${evil}; ${access(good())}`)).status).toBe(200);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  describe('COOK-08 in large numbers', () => {
    const many = (count: number, value: string): string => Array.from({ length: count }, (_, index) => `c${index}=${value}`).join('; ');

    it('do not hide ours, and are refused by Node if they are too many', async () => {
      expect((await get(`${many(180, 'v')}; ${access(good())}`)).status).toBe(200);
      expect((await get(`${many(150, 'v'.repeat(80))}; ${access(good())}`)).status).toBe(200);
      // Node closes the connection, perhaps before the client has read why.
      expect([431, 0]).toContain((await rawGet(probe(), [`Cookie: ${many(180, 'v'.repeat(90))}; ${access(good())}`])).status);
      await stillWorks(probe());
    });

    it('are read in far less than 5 ms, also if all of them have our names', () => {
      const transport = probe().app.get(TokenTransport);
      for (const cookie of [
        many(180, 'v'.repeat(70)),
        `${access('a')}; `.repeat(900),
        '__Host-'.repeat(2_000),
        '__Host-access'.repeat(1_100),
      ]) {
        const begun = performance.now();
        for (let round = 0; round < 20; round++) transport.read({ headers: { cookie } });
        expect((performance.now() - begun) / 20).toBeLessThan(5);
      }
    });
  });

  it("COOK-09 in each other's place are refused, and nothing is rotated", async () => {
    await refusesRefresh(refresh(good()));
    await refuses(probe(), sent(access(goodRefresh())));
    await refuses(probe(), sent(`${access(goodRefresh())}; ${refresh(good())}`));
    await refuses(probe(), sent(`${access(goodRefresh())}; ${refresh(goodRefresh())}`));
    await refuses(probe(), sent(`__Host-csrf=${good()}`), NO_CREDENTIAL);
    expect(await probe().refresh.sessions('alice')).toContainEqual(expect.objectContaining({ sessionId: probe().good.sessionId }));
  });

  it('COOK-10 that look like signed cookies of a parser are refused, whoever has signed them', async () => {
    for (const value of [`s:${goodRefresh()}.c2lnbmF0dXJl`, `s%3A${goodRefresh()}.c2lnbmF0dXJl`]) await refusesRefresh(refresh(value));
    for (const value of [`s:${good()}.c2lnbmF0dXJl`, `s%3A${good()}.c2lnbmF0dXJl`]) await refuses(probe(), sent(access(value)));
  });

  it('do not count in headers where tokens travel in cookies, and neither do tokens in headers (CK-13)', async () => {
    await refuses(probe(), { headers: { authorization: `Bearer ${good()}` } }, NO_CREDENTIAL);
    await refuses(probe(), { headers: { 'x-refresh-token': goodRefresh() } }, NO_CREDENTIAL);
    await refuses(probe(), { headers: { 'set-cookie': access(good()), cookie2: access(good()) } }, NO_CREDENTIAL);
  });
});

describe.each(ADAPTERS)('cookies without a prefix on %s', (adapter: AdapterName) => {
  const probe = probed(adapter, { options: { transport: 'cookie', cookie: { insecure: true } } });
  const get = (cookie: string): Promise<Answer> => probe().call('/me', { headers: { ...SAME_ORIGIN, cookie } });

  it('COOK-01 of two users are refused, whichever is first, and no session is touched', async () => {
    const [alice, bob] = [await expiredPair(probe().app, 'alice'), await expiredPair(probe().app, 'bob')];
    const [one, two] = [`refresh=${alice.refreshToken}`, `refresh=${bob.refreshToken}`];
    const before = probe().witness.statements.length;
    for (const cookie of [`${one}; ${two}`, `${two}; ${one}`, `access=${alice.accessToken}; ${one}; ${two}`]) {
      const answer = await get(cookie);
      expect([answer.status, answer.json().errorCode]).toEqual([401, 'session_mismatch']);
      expect((answer.headers['set-cookie'] ?? []).filter((line) => !/^refresh=; Max-Age=0;/.test(line))).toEqual([]);
    }
    expect(probe().witness.statements.length).toBe(before);
    for (const { refreshToken } of [alice, bob]) expect(await probe().refresh.rotate(refreshToken)).toMatchObject({ outcome: 'rotated' });
  });

  it('COOK-05 are not taken with a prefix that the options do not have', async () => {
    await refuses(probe(), { headers: { cookie: `__Host-access=${probe().good.accessToken}` } }, NO_CREDENTIAL);
    await refuses(probe(), { headers: { cookie: `__Secure-refresh=${probe().good.refreshToken}` } }, NO_CREDENTIAL);
  });
});
