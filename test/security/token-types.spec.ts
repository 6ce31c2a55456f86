import { describe, expect, it } from '@jest/globals';
import { Body, Controller, HttpCode, Post, UseInterceptors } from '@nestjs/common';
import type { Rotation, TokenPair } from 'nestjs-token';
import { AuthInstance, InjectRefreshService, RefreshService, TokenInterceptor, TokenModule, TokenRepository } from 'nestjs-token';
import { createHmac, randomBytes } from 'node:crypto';
import { lengthPrefixed, RefreshTokenCodec, resolveTokenOptions } from '../support/lib.js';
import type { AdapterName } from '../support/app.js';
import { ADAPTERS, bearing, expired, ISSUER, SECRET, resolvedOptionsOf } from '../support/app.js';
import { b64, hmac } from '../support/forge.js';
import type { Probe } from './probe.js';
import { accepts, probed, refuses } from './probe.js';

const REFUSED = { code: 'refresh_invalid' } as const;
const OTHER_SECRET = 'Zr7Lk2Wq9Xc4Vb6Nm1Tg8Yh3Uj5Ip0Oa-another-secret';

/** Sign-in at another instance that shares secret and table. */
@Controller('admin')
@AuthInstance('admin')
class AdminController {
  constructor(@InjectRefreshService('admin') private readonly admins: RefreshService) {}

  @Post('refresh')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  async rotate(@Body() body: { refresh_token: string }): Promise<Rotation['pair']> {
    return (await this.admins.rotate(body.refresh_token)).pair;
  }
}

describe.each(ADAPTERS)('kinds of tokens and their bindings on %s', (adapter: AdapterName) => {
  const probe = probed(adapter, () => ({
    controllers: [AdminController],
    imports: [TokenModule.forRoot({ name: 'admin', issuer: ISSUER, secret: SECRET })],
  }));
  const signIn = (subject = 'bob'): Promise<TokenPair> => probe().refresh.signIn(subject);

  /** Presents a refresh token in the header and in the body, where text can travel. */
  const refusesRefresh = async (token: unknown, expected: Parameters<typeof refuses>[2] = REFUSED): Promise<void> => {
    await refuses(probe(), { path: '/refresh', method: 'POST', body: { refresh_token: token } }, expected);
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) {
      await refuses(probe(), { path: '/refresh', method: 'POST', headers: { 'x-refresh-token': token } }, expected);
      const { accessToken } = expired(probe().app, probe().good);
      await refuses(probe(), { headers: bearing({ accessToken, refreshToken: token }) }, expected);
    }
  };

  const isAlive = async ({ refreshToken }: TokenPair): Promise<void> => {
    expect(await probe().refresh.rotate(refreshToken)).toMatchObject({ outcome: expect.stringMatching(/^(rotated|kept)$/) });
  };

  describe('a token of another kind', () => {
    it('TYPE-01 is no access token: a refresh token', async () => {
      const pair = await signIn();
      await refuses(probe(), pair.refreshToken!, { code: 'token_malformed' });
      for (const typ of ['rt+jwt', 'refresh+jwt', 'JWT']) {
        await refuses(probe(), probe().forge.token({ header: { typ }, claims: { token_use: 'refresh' } }), { code: 'token_type_mismatch' });
      }
      await isAlive(pair);
    });

    it('TYPE-02 is no refresh token: an access token', async () => {
      await refusesRefresh(probe().good.accessToken);
      await refusesRefresh(probe().forge.token({ header: { typ: 'rt+jwt' } }));
    });

    it.each([
      'email-verification+jwt',
      'password-reset+jwt',
      'invite+jwt',
      'ws-ticket+jwt',
      'csrf+jwt',
      'JWT',
      'id_token',
      'logout+jwt',
      'dpop+jwt',
    ])('TYPE-03 is no access token, although the same key has signed it: %s', async (typ) => {
      await refuses(probe(), probe().forge.token({ header: { typ } }), { code: 'token_type_mismatch' });
      await refuses(probe(), probe().forge.token({ header: { typ }, claims: { aud: typ, nonce: 'n', purpose: typ } }), {
        code: 'token_type_mismatch',
      });
    });

    it('TYPE-03 is no access token without a typ', async () => {
      await refuses(probe(), probe().forge.token({ header: { typ: undefined }, claims: { email: 'a@example.com' } }), {
        code: 'token_type_mismatch',
      });
    });
  });

  describe('a token of another session or instance', () => {
    it('TYPE-04 is refused by an instance that shares the secret and the table, and stays good', async () => {
      const pair = await signIn();
      await refuses(probe(), { path: '/admin/refresh', method: 'POST', body: { refresh_token: pair.refreshToken } }, REFUSED);
      await isAlive(pair);
    });

    it('TYPE-04 is refused under another issuer, and stays good', async () => {
      const pair = await signIn();
      const { refresh } = resolveTokenOptions({ issuer: 'https://other.example.com', secret: SECRET }, 'default');
      const other = new RefreshTokenCodec('default', refresh.ring);
      const { secret } = codecOf(probe()).decode(pair.refreshToken!)!;
      await refusesRefresh(other.encode(secret, { generation: 0, branch: 0 }));
      await isAlive(pair);
    });

    it('TYPE-05 does not refresh the access token of another session', async () => {
      const [alice, bob] = [await signIn('alice'), await signIn('bob')];
      const mixed = { accessToken: expired(probe().app, bob).accessToken, refreshToken: alice.refreshToken! };
      await refuses(probe(), { headers: bearing(mixed) }, { code: 'session_mismatch' });
      for (const pair of [alice, bob]) await isAlive(pair);
    });

    it('TYPE-05 is redeemed at the explicit endpoint for its own session, whatever access token comes along', async () => {
      const [alice, bob] = [await signIn('alice'), await signIn('bob')];
      const answer = await probe().call('/refresh', {
        method: 'POST',
        headers: bearing({ accessToken: bob.accessToken, refreshToken: alice.refreshToken! }),
      });
      expect(answer.json()).toMatchObject({ sub: 'alice', sid: alice.sessionId });
      await isAlive(bob);
    });
  });

  describe('an access token that is not believed', () => {
    it('TYPE-06 of another key ring gives nothing: the refresh token alone decides', async () => {
      const pair = await signIn();
      const claims = { sub: 'victim', sid: probe().good.sessionId, roles: ['admin'], exp: 1_000, iat: 100 };
      const foreign = probe().forge.token({ header: { kid: 'foreign' }, claims, sign: hmac(OTHER_SECRET) });
      await refuses(probe(), foreign, { code: 'token_invalid' });
      const answer = await probe().call('/me', { headers: bearing({ accessToken: foreign, refreshToken: pair.refreshToken! }) });
      expect([answer.status, answer.json()]).toEqual([200, expect.objectContaining({ sub: 'bob', sid: pair.sessionId })]);
      expect(answer.json().roles).toBeUndefined();
      const sameKid = probe().forge.token({ claims, sign: hmac(OTHER_SECRET) });
      await refuses(probe(), { headers: bearing({ accessToken: sameKid, refreshToken: pair.refreshToken! }) }, { code: 'token_invalid' });
    });

    it('TYPE-07 with an edited payload gives nothing', async () => {
      const pair = await signIn();
      const [header = '', , signature = ''] = pair.accessToken.split('.');
      const edited = `${header}.${b64({ ...probe().forge.claims, sub: 'victim', exp: 1_000, iat: 100 })}.${signature}`;
      await refuses(probe(), { headers: bearing({ accessToken: edited, refreshToken: pair.refreshToken! }) }, { code: 'token_invalid' });
      const answer = await probe().call('/refresh', {
        method: 'POST',
        headers: bearing({ accessToken: edited, refreshToken: pair.refreshToken! }),
      });
      const { sub, tokens } = answer.json<{ sub: string; tokens: { access_token: string } }>();
      expect([answer.status, sub, (await accepts(probe(), tokens.access_token)).sub]).toEqual([200, 'bob', 'bob']);
    });
  });

  describe('a refresh token that is not authentic', () => {
    it('TYPE-08 is junk, not reuse: truncated, extended, of other case, of one other character', async () => {
      const pair = await signIn();
      const token = pair.refreshToken!;
      for (const mutant of mutantsOf(token)) await refusesRefresh(mutant);
      expect(mutantsOf(token).length).toBeGreaterThanOrEqual(20);
      await isUntouched(probe(), pair);
      await isAlive(pair);
    });

    it('TYPE-09 is junk, not reuse: the session is right, the authentication code or the secret is not', async () => {
      const pair = await signIn();
      const bytes = Buffer.from(pair.refreshToken!.slice(4), 'base64url');
      for (const [from, to] of [
        [23, 39],
        [2, 18],
      ] as const) {
        for (let attempt = 0; attempt < 5; attempt++) {
          const wrong = Buffer.concat([bytes.subarray(0, from), randomBytes(to - from), bytes.subarray(to)]);
          await refusesRefresh(`ntr_${wrong.toString('base64url')}`);
        }
      }
      await refusesRefresh(`ntr_${Buffer.concat([bytes.subarray(0, 23), Buffer.alloc(16)]).toString('base64url')}`);
      await isUntouched(probe(), pair);
      await isAlive(pair);
    });

    it.each([2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])(
      'TYPE-11 is refused beyond the last generation, although authentic: %d',
      async (generation) => {
        const pair = await signIn();
        const { secret } = codecOf(probe()).decode(pair.refreshToken!)!;
        await refusesRefresh(codecOf(probe()).encode(secret, { generation, branch: 0 }));
        await isUntouched(probe(), pair);
      },
    );

    it('TYPE-11 is refused with a generation in text, of more bytes or of fewer, although authenticated', async () => {
      const pair = await signIn();
      const bytes = Buffer.from(pair.refreshToken!.slice(4), 'base64url');
      const generations = [
        Buffer.from('0020000000000001', 'hex'),
        Buffer.from('1e3'),
        Buffer.from('"1"'),
        Buffer.from('0000'),
        Buffer.from('-1'),
        Buffer.from('ffffffffff7f', 'hex'),
      ];
      const { key } = resolvedOptionsOf(probe().app).refresh.ring.signing;
      for (const generation of generations) {
        const head = Buffer.concat([bytes.subarray(0, 18), generation, bytes.subarray(22, 23)]);
        const mac = createHmac('sha256', key)
          .update(lengthPrefixed('nestjs-token/refresh/1'))
          .update(lengthPrefixed('default'))
          .update(head);
        const token = `ntr_${Buffer.concat([head, mac.digest().subarray(0, 16)]).toString('base64url')}`;
        if (generation.length !== 4) await refusesRefresh(token);
      }
      for (const text of ['ntr_1e3', 'ntr_-1', 'ntr_9007199254740993', '1e3', '-1', '"1"', '0001']) await refusesRefresh(text);
      await isUntouched(probe(), pair);
      await isAlive(pair);
    });

    it('TYPE-11 decodes the generations of a good token only', () => {
      const codec = codecOf(probe());
      const secret = randomBytes(16);
      expect(codec.decode(codec.encode(secret, { generation: 2 ** 31 - 2, branch: 255 }))).toMatchObject({
        generation: 2 ** 31 - 2,
        branch: 255,
      });
      expect(codec.decode(codec.encode(secret, { generation: 2 ** 31 - 1, branch: 0 }))).toBeNull();
    });
  });

  describe('a refresh token that is ahead of the database', () => {
    it('TYPE-10 heals the session, and says so in the log', async () => {
      const pair = await signIn();
      const codec = codecOf(probe());
      const { secret } = codec.decode(pair.refreshToken!)!;
      probe().witness.lines.length = 0;
      const ahead = codec.encode(secret, { generation: 5, branch: 0 });
      const answer = await probe().call('/refresh', { method: 'POST', body: { refresh_token: ahead } });
      const { tokens, ...rest } = answer.json<{ tokens: { refresh_token: string } }>();
      expect([answer.status, rest]).toEqual([200, { outcome: 'healed', sub: 'bob', sid: pair.sessionId }]);
      expect(codec.decode(tokens.refresh_token)).toMatchObject({ generation: 6, branch: 0 });
      const warnings = probe().witness.lines.filter((line) => line.includes('healed'));
      expect(warnings).toHaveLength(1);
      expect(warnings.join()).not.toContain(ahead);
      const found = await probe().app.get(TokenRepository, { strict: false }).find({ realm: 'default', id: pair.sessionId });
      expect(found?.session).toMatchObject({ generation: 6, revokedAt: null });
      expect(probe().witness.statements.length).toBeGreaterThan(0);
    });
  });
});

function codecOf({ app }: Probe): RefreshTokenCodec {
  return new RefreshTokenCodec('default', resolvedOptionsOf(app).refresh.ring);
}

/** Neither revoked nor moved. */
async function isUntouched({ app }: Probe, { sessionId }: TokenPair): Promise<void> {
  const found = await app.get(TokenRepository, { strict: false }).find({ realm: 'default', id: sessionId });
  expect(found?.session).toMatchObject({ generation: 0, branch: 0, revokedAt: null });
}

/** Look-alikes of a refresh token. */
function mutantsOf(token: string): string[] {
  const flipped = Array.from({ length: 13 }, (_, index) => {
    const at = 4 + index * 4;
    return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
  });
  const cases = [token.toUpperCase(), token.toLowerCase(), `NTR_${token.slice(4)}`, `ntr-${token.slice(4)}`, token.slice(4)];
  const lengths = [
    token.slice(0, -1),
    token.slice(0, -4),
    token.slice(0, 8),
    'ntr_',
    `${token}A`,
    `${token}AAAA`,
    `${token}=`,
    `${token}${token}`,
    token.slice(1),
  ];
  return [...flipped, ...cases, ...lengths, ` ${token}`, `${token}\n`, `${token} `, `ntr_+/${token.slice(6)}`];
}
