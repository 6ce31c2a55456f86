import { describe, expect, it } from '@jest/globals';
import { RefreshService } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { randomUUID } from 'node:crypto';
import type { AdapterName } from '../support/app.js';
import { ADAPTERS, ISSUER } from '../support/app.js';
import type { Members } from '../support/forge.js';
import { b64 } from '../support/forge.js';
import type { Probe } from './probe.js';
import { accepts, exchange, probed, refuses, stillWorks, verifyRefuses } from './probe.js';

const LEEWAY = 5;
const LIFETIME = 900;
const AUDIENCE = 'https://resource.example.com';
const INVALID = { code: 'token_invalid' } as const;
const MALFORMED = { code: 'token_malformed' } as const;
const EXPIRED = { code: 'token_expired' } as const;
const TOO_EARLY = { code: 'token_not_yet_valid' } as const;

/** Stands still, and after the instants that the database writes for as long as these tests may take on a loaded machine. */
const frozen = (): FakeClock => new FakeClock((Math.ceil(Date.now() / 1_000) + 120) * 1_000);
const json = (value: unknown): string => JSON.stringify(value);

describe.each(ADAPTERS)('claims of access tokens on %s', (adapter: AdapterName) => {
  const clock = frozen();
  const now = clock.now() / 1_000;
  const probe = probed(adapter, { clock, options: { audience: AUDIENCE } });
  const token = (claims: Members): string => probe().forge.token({ claims });
  const refusesEach = async (list: readonly Members[], expected: Parameters<typeof refuses>[2] = INVALID): Promise<void> => {
    for (const claims of list) await refuses(probe(), token(claims), expected);
  };

  describe('exp', () => {
    const exact = probed(adapter, { clock, options: { audience: AUDIENCE, access: { leeway: 0 } } });

    it('CLM-01 is exclusive (RFC 7519 §4.1.4)', async () => {
      await refuses(exact(), exact().forge.token({ claims: { exp: now } }), EXPIRED);
      await accepts(exact(), exact().forge.token({ claims: { exp: now + 1 } }));
    });

    it('CLM-02 is judged with the leeway, to the second', async () => {
      await refuses(exact(), exact().forge.token({ claims: { exp: now - 1, iat: now - 60 } }), EXPIRED);
      await refusesEach(
        [
          { exp: now - LEEWAY - 1, iat: now - 60 },
          { exp: now - LEEWAY, iat: now - 60 },
        ],
        EXPIRED,
      );
      await accepts(probe(), token({ exp: now - LEEWAY + 1, iat: now - 60 }));
    });

    const moving = frozen();
    const ageing = probed(adapter, { clock: moving, options: { audience: AUDIENCE } });

    it('CLM-02 is judged on a known token as on a new one', async () => {
      const exp = moving.now() / 1_000 + 60;
      const short = ageing().forge.token({ claims: { exp } });
      await accepts(ageing(), short);
      moving.set((exp + LEEWAY) * 1_000 - 1);
      await accepts(ageing(), short);
      moving.advance(1);
      await refuses(ageing(), short, EXPIRED);
    });

    it('CLM-03 is required', () => refusesEach([{ exp: undefined }]));

    it('CLM-04 is a number', () => refusesEach(['9999999999', null, true, [now + 60], {}, ''].map((exp) => ({ exp }))));

    it('CLM-05 may have a fraction', async () => {
      await accepts(probe(), token({ exp: now + 600.5 }));
      await accepts(exact(), exact().forge.token({ claims: { exp: now + 0.5 } }));
    });

    it('CLM-06 is finite', async () => {
      for (const exp of ['1e999', '-1e999']) await refuses(probe(), withNumber(probe(), 'exp', exp), INVALID);
    });

    it('CLM-07 is no number of milliseconds', () =>
      refusesEach([{ exp: now * 1_000 }, { exp: 1.8e12 }, { exp: 253_402_300_800 }, { exp: Number.MAX_VALUE }]));

    it.each(['-1', '0', '-0', '1e-400', '-1e300'])('CLM-08 in the distant past is over: %s', async (exp) => {
      await refuses(probe(), withNumber(probe(), 'exp', exp), INVALID);
    });

    it('CLM-13 follows iat, by the longest lifetime at most', async () => {
      const iat = now - 10;
      await refusesEach([
        { iat, exp: iat },
        { iat: now, exp: now - 1 },
        { iat, exp: iat + LIFETIME + 1 },
        { iat, exp: iat + 86_400 },
      ]);
      await accepts(probe(), token({ iat, exp: iat + LIFETIME }));
    });
  });

  describe('nbf and iat', () => {
    it('CLM-09 nbf is inclusive, with the leeway', async () => {
      await refusesEach([{ nbf: now + 60 }, { nbf: now + LEEWAY + 1 }], TOO_EARLY);
      for (const nbf of [now + LEEWAY, now + LEEWAY - 1, now, 0]) await accepts(probe(), token({ nbf }));
    });

    it('CLM-10 nbf is a number, where there is one', async () => {
      await refusesEach(['0', null, true, 'NaN', [now], {}].map((nbf) => ({ nbf })));
      await refuses(probe(), withNumber(probe(), 'nbf', '1e999'), INVALID);
    });

    it('CLM-11 iat does not lie in the future', async () => {
      await refusesEach(
        [
          { iat: now + LEEWAY + 1, exp: now + 600 },
          { iat: now + 300, exp: now + 600 },
        ],
        TOO_EARLY,
      );
      await accepts(probe(), token({ iat: now + LEEWAY, exp: now + 600 }));
    });

    it('CLM-12 iat is a required number', async () => {
      await refusesEach([String(now), null, undefined, true, [now]].map((iat) => ({ iat })));
      await refuses(probe(), token({ iat: -1 }), INVALID);
      await accepts(probe(), token({ iat: now - 0.5, exp: now + 600 }));
    });
  });

  describe('iss and aud', () => {
    it.each([
      'https://evil.example.com',
      ISSUER.slice(0, -1),
      `${ISSUER}/`,
      ISSUER.toUpperCase(),
      `${ISSUER} `,
      ` ${ISSUER}`,
      `${ISSUER}.evil.com`,
      '',
    ])('CLM-14 iss is compared to the letter: %j', (iss) => refusesEach([{ iss }]));

    it('CLM-15 iss is no list (CVE-2025-30144)', () => refusesEach([{ iss: ['evil', ISSUER] }, { iss: [ISSUER] }]));

    it('CLM-16 iss is required text', () => refusesEach([undefined, null, 7, {}, true].map((iss) => ({ iss }))));

    it.each(
      [
        undefined,
        [],
        'https://other.example.com',
        AUDIENCE.slice(0, -1),
        `${AUDIENCE}/`,
        { a: 1 },
        null,
        [null],
        [[AUDIENCE]],
        [AUDIENCE, null],
        7,
        '',
      ].map((aud) => [json(aud), aud]),
    )('CLM-17 aud has our name: %s', (_text, aud) => refusesEach([{ aud }]));

    it('CLM-18 aud may have other names beside ours (RFC 7519 §4.1.3)', async () => {
      await accepts(probe(), token({ aud: ['other', AUDIENCE] }));
    });
  });

  describe('sub', () => {
    it('CLM-19 is required text', () => refusesEach([undefined, '', { id: 1 }, ['u1'], true, null].map((sub) => ({ sub }))));

    it('CLM-20 is neither a number nor text with blanks', async () => {
      await refusesEach([1, 1.5, ' 1', '1 ', '\t1', '1\u00a0'].map((sub) => ({ sub })));
      for (const sub of ['1', '1e0', '01', '+1']) expect((await accepts(probe(), token({ sub }))).sub).toBe(sub);
    });

    it('CLM-30 tells look-alikes apart', async () => {
      const alikes = ['jos\u00e9', 'jose\u0301', 'alice\u200d', '\uff41lice', 'Alice', '\u0430lice'];
      for (const sub of alikes) expect((await accepts(probe(), token({ sub }))).sub).toBe(sub);
    });
  });

  describe('of a user who is gone', () => {
    const gone = new Set<string>();
    const loading = probed(adapter, { options: { loadUser: async (subject) => (gone.has(subject) ? null : { name: subject }) } });

    it('CLM-21 are refused with loadUser', async () => {
      const { accessToken } = await loading().refresh.signIn('bob');
      const headers = { authorization: `Bearer ${accessToken}` };
      expect((await loading().call('/me', { headers })).status).toBe(200);
      gone.add('bob');
      await refuses(loading(), { headers }, { code: 'user_rejected' });
    });
  });

  describe('jti and sid', () => {
    const strict = probed(adapter, { options: { revocation: 'strict' } });

    it('CLM-22 jti is required text', () => refusesEach([undefined, null, '', 7, ['a']].map((jti) => ({ jti }))));

    it('CLM-22 jti of two users is no tie between them', async () => {
      const [bob, carol] = await twoUsers(probe());
      const jti = randomUUID();
      const tokens = [bob, carol].map(({ sub, sid }) => token({ sub, sid, jti }));
      for (const one of tokens) await accepts(probe(), one);
      await probe().refresh.revoke(bob.sid);
      await refuses(probe(), tokens[0]!, { code: 'token_revoked' });
      expect((await accepts(probe(), tokens[1]!)).sub).toBe('carol');
    });

    it('CLM-23 sid is a required session id', () =>
      refusesEach(
        [undefined, null, '', 7, 'x', ['a'], { a: 1 }, randomUUID().toUpperCase().replace(/\d/g, 'A'), `${randomUUID()} `].map((sid) => ({
          sid,
        })),
      ));

    it('CLM-23 sid of a revoked session is refused', async () => {
      const [{ sub, sid }] = await twoUsers(probe());
      const known = token({ sub, sid });
      await accepts(probe(), known);
      await probe().refresh.revoke(sid);
      await refuses(probe(), known, { code: 'token_revoked' });
      await refuses(probe(), token({ sub, sid, jti: randomUUID() }), { code: 'token_revoked' });
    });

    it('CLM-23 sid of no session is refused where the store is asked', async () => {
      await refuses(strict(), strict().forge.token({ claims: { sid: randomUUID() } }), { code: 'token_revoked', mayAsk: true });
    });

    it("CLM-23 sid of another user's session gives nothing of that user, and dies with that session", async () => {
      const [, carol] = await twoUsers(probe());
      const mixed = token({ sub: 'alice', sid: carol.sid });
      expect(await accepts(probe(), mixed)).toMatchObject({ sub: 'alice', roles: ['reader'] });
      await probe().refresh.revoke(carol.sid);
      await refuses(probe(), mixed, { code: 'token_revoked' });
    });
  });

  describe('JSON of the payload', () => {
    it('CLM-24 takes the last of two members of one name, for checks and for the handler', async () => {
      const { forge } = probe();
      const header = json(forge.header);
      const raw = (parts: Parameters<typeof forge.payloadText>[0]): string => forge.raw(header, forge.payloadText(parts));
      expect((await accepts(probe(), raw({ before: '"sub":"victim",' }))).sub).toBe('alice');
      expect((await accepts(probe(), raw({ behind: ',"sub":"victim"' }))).sub).toBe('victim');
      await accepts(probe(), raw({ before: '"exp":1,' }));
      await accepts(probe(), raw({ before: '"\\u0065xp":1,' }));
      for (const behind of [',"exp":1', ',"\\u0065xp":1']) await refuses(probe(), raw({ behind }), INVALID);
      const past = `,"iat":${now - 100},"exp":${now - 50}`;
      await refuses(probe(), raw({ behind: past }), EXPIRED);
    });

    it('CLM-25 gives nothing to prototypes', async () => {
      const { forge } = probe();
      const before =
        '"__proto__":{"roles":["admin"],"admin":true},"constructor":{"prototype":{"x":1}},"nested":{"__proto__":{"admin":true}},';
      const { roles: _roles, ...claims } = forge.claims;
      const polluted = forge.raw(json(forge.header), `{${before}${json(claims).slice(1)}`);
      const seen = await accepts(probe(), polluted);
      expect([seen.roles, seen.admin]).toEqual([undefined, undefined]);
      const verified = (await probe().accessTokens.verify(polluted)) as unknown as Members;
      const copy = Object.assign({}, verified);
      expect([verified.roles, copy.roles, copy.admin, Object.assign({}, verified.nested as object as Members).admin]).toEqual(
        Array(4).fill(undefined),
      );
      expect([({} as Members).roles, ({} as Members).x, Object.getPrototypeOf(copy)]).toEqual([undefined, undefined, Object.prototype]);
      expect((await probe().call('/admin', { headers: { authorization: `Bearer ${polluted}` } })).status).toBe(403);
    });

    it('CLM-26 null is refused', async () => {
      const { forge } = probe();
      await refuses(probe(), forge.raw(json(forge.header), 'null'), MALFORMED);
      await refuses(probe(), forge.raw(json({ ...forge.header, typ: 'JWT' }), 'null'));
    });

    it.each(['[]', '"text"', '5', 'true', 'raw text', '[{"sub":"alice"}]', '{}x', '{'])(
      'CLM-27 anything but an object is refused: %s',
      async (payload) => {
        await refuses(probe(), probe().forge.raw(json(probe().forge.header), payload), MALFORMED);
      },
    );

    it('CLM-27 an empty object is refused', async () => {
      await refuses(probe(), probe().forge.raw(json(probe().forge.header), '{}'), INVALID);
    });

    it('CLM-28 an empty segment is refused', async () => {
      await refuses(probe(), probe().forge.segments(b64(probe().forge.header), ''), MALFORMED);
    });

    it('CLM-29 only well-formed UTF-8 is read', async () => {
      const { forge } = probe();
      const text = json(forge.claims);
      const broken = (bytes: number[]): Buffer => {
        const [head = '', tail = ''] = text.split('alice');
        return Buffer.concat([Buffer.from(head), Buffer.from([0x61, ...bytes]), Buffer.from(tail)]);
      };
      const payloads = [
        Buffer.from(`\ufeff${text}`),
        Buffer.from(text, 'utf16le'),
        Buffer.from(`\ufeff${text}`, 'utf16le'),
        broken([0xff]),
        broken([0xc3, 0x28]),
        broken([0xc1, 0xa1]),
        broken([0xe0, 0x80, 0xaf]),
        broken([0xed, 0xa0, 0x80]),
        broken([0xf5, 0x80, 0x80, 0x80]),
      ];
      for (const payload of payloads) await refuses(probe(), forge.raw(json(forge.header), payload), MALFORMED);
    });

    it.each(['a\ud800', '\udc00a', 'a\0b', 'a\nb', 'a\u2028b'])(
      'CLM-29 lone surrogates and control characters are no subject: %j',
      async (sub) => {
        const { forge } = probe();
        await refuses(probe(), forge.raw(json(forge.header), json({ ...forge.claims, sub })), INVALID);
      },
    );

    it('CLM-31 a role is what the application checks, and no more', async () => {
      for (const claims of [
        { roles: 'admin' },
        { roles: { admin: true } },
        { admin: true },
        { roles: [['admin']] },
        { roles: ['reader', { admin: 1 }] },
      ]) {
        const handled = probe().witness.handled;
        const answer = await probe().call('/admin', { headers: { authorization: `Bearer ${token(claims)}` } });
        expect([answer.status, probe().witness.handled]).toEqual([403, handled]);
        await stillWorks(probe());
      }
    });

    it('CLM-31 a huge list is refused by its size', async () => {
      const roles = (count: number): string => token({ roles: Array.from({ length: count }, (_, index) => index) });
      await refuses(probe(), roles(2_000), { code: 'token_too_large' });
      await verifyRefuses(probe(), roles(10_000), 'token_too_large');
      const answer = await exchange(probe().port, `GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${roles(10_000)}\r\n\r\n`);
      expect([431, 0]).toContain(answer.status);
      await stillWorks(probe());
    });
  });
});

/** A token whose claim is written as this text. */
function withNumber({ forge }: Probe, claim: string, text: string): string {
  return forge.raw(JSON.stringify(forge.header), JSON.stringify({ ...forge.claims, [claim]: 'X' }).replace('"X"', text));
}

interface Known {
  readonly sub: string;
  readonly sid: string;
}

async function twoUsers({ app }: Probe): Promise<[Known, Known]> {
  const refresh = app.get(RefreshService);
  const [bob, carol] = [await refresh.signIn('bob'), await refresh.signIn('carol')];
  return [
    { sub: 'bob', sid: bob.sessionId },
    { sub: 'carol', sid: carol.sessionId },
  ];
}
