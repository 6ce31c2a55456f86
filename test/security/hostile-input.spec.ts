import { describe, expect, it } from '@jest/globals';
import { Body, Controller, Headers, HttpCode, Ip, Post, UseInterceptors } from '@nestjs/common';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, TokenInterceptor } from 'nestjs-token';
import type { AdapterName } from '../support/app.js';
import { ADAPTERS, bearing, expired, ISSUER } from '../support/app.js';
import { decoded } from '../support/forge.js';
import { accepts, probed, refuses, stillWorks } from './probe.js';

/** Sign-in of an application that stores what the client says of itself. */
@Controller()
class SignInController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('sign-in')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  async signIn(
    @Body() body: { subject: string; claims?: object },
    @Headers() headers: Record<string, string>,
    @Ip() ip: string,
  ): Promise<TokenPair> {
    const device = { userAgent: headers['user-agent'] ?? '', ip: headers['x-forwarded-for'] ?? ip, label: headers['x-label'] ?? '' };
    return this.refresh.signIn(body.subject, { claims: body.claims ?? {}, device });
  }
}

const NASTY = ['a\r\nX-Evil: 1', 'a\0b', 'a\u2028b', '\ud83d\ude00', '\u00e9', '"; Path=/', 'a\ud800'];
const OPERATORS: readonly unknown[] = [
  { $gt: '' },
  { toString: null },
  [[]],
  { _type: 'not', _value: '' },
  [],
  {},
  0,
  7,
  true,
  false,
  { '@instanceof': 'FindOperator' },
  ['ntr_x'],
];

describe.each(ADAPTERS)('what attackers put into outputs on %s', (adapter: AdapterName) => {
  const probe = probed(adapter, { controllers: [SignInController] });

  it('INJ-01 claims with line breaks, NUL, U+2028 and emoji travel inside the token and inject no header', async () => {
    for (const name of NASTY) {
      const answer = await probe().call('/sign-in', { method: 'POST', body: { subject: 'bob', claims: { name, roles: [name] } } });
      const authorization = String(answer.headers.authorization);
      expect([answer.status, answer.headers['x-evil']]).toEqual([200, undefined]);
      expect(authorization).toMatch(/^Bearer [\w.-]+$/);
      expect((await accepts(probe(), authorization.slice(7))).name).toBe(name);
      const pair = await probe().refresh.signIn('bob', { claims: { name } });
      const refreshed = await probe().call('/me', { headers: bearing(expired(probe().app, pair)) });
      expect([refreshed.status, refreshed.headers['x-evil'], refreshed.json().name]).toEqual([200, undefined, name]);
      await stillWorks(probe());
    }
  });

  it('INJ-01 subjects with control characters are refused at sign-in', async () => {
    for (const subject of ['a\r\nX-Evil: 1', 'a\0b', 'a\u2028b', 'a\ud800', '', ' a', 'a'.repeat(256)]) {
      await expect(probe().refresh.signIn(subject)).rejects.toThrow(TypeError);
    }
    expect((await probe().refresh.signIn('\ud83d\ude00')).accessToken).toMatch(/^[\w.-]+$/);
  });

  it('INJ-03 the challenge is constant text, whatever the token says', async () => {
    const texts = ['"', '\\', '\r\nX-Evil: 1', 'a", error="insufficient_scope', '\u00e9', '\0'];
    for (const text of texts) {
      const tokens = [
        probe().forge.token({ header: { kid: text } }),
        probe().forge.token({ header: { alg: text } }),
        probe().forge.token({ header: { typ: text } }),
        probe().forge.token({ claims: { aud: text } }),
        probe().forge.token({ claims: { iss: text } }),
        probe().forge.token({ claims: { sub: `${text} ` } }),
      ];
      for (const token of tokens) {
        const { headers, text: body } = await refuses(probe(), token);
        expect(headers['x-evil']).toBeUndefined();
        expect(headers['www-authenticate']).toMatch(
          /^Bearer error="invalid_token", error_description="(access token is invalid|token is not an access token)"$/,
        );
        expect(body).not.toContain('insufficient_scope');
      }
    }
    const challenge = await refuses(probe(), 'a", error="insufficient_scope', { code: 'token_malformed' });
    expect(challenge.headers['www-authenticate']).not.toContain('insufficient_scope');
  });

  it('INJ-04 what a client says of itself is stored as one short line and logged nowhere', async () => {
    const agents = ['x'.repeat(8_000), "'; DROP TABLE token_session; --", 'a\\r\\nb %0d%0a', '\u00e9\u0085\u009b'];
    for (const agent of agents) {
      probe().witness.lines.length = 0;
      const headers = { 'user-agent': agent, 'x-forwarded-for': agent.slice(0, 5_000), 'x-label': 'l' };
      const subject = `device-${agents.indexOf(agent)}`;
      expect((await probe().call('/sign-in', { method: 'POST', headers, body: { subject } })).status).toBe(200);
      const [session] = await probe().refresh.sessions(subject);
      expect(session?.userAgent?.length).toBeLessThanOrEqual(255);
      // eslint-disable-next-line no-control-regex -- control characters are what it is about
      expect([session?.userAgent, session?.ip].join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(probe().witness.lines.join('\n')).not.toContain(agent.slice(0, 20));
      await stillWorks(probe());
    }
    const device = { userAgent: 'a\r\nb\0c\u2028d\ud800', ip: '\n1.2.3.4', label: '\u001b[31mred' };
    await probe().refresh.signIn('raw-device', { device });
    expect((await probe().refresh.sessions('raw-device'))[0]).toMatchObject({ userAgent: 'abcd\ufffd', ip: '1.2.3.4', label: '[31mred' });
  });

  it('INJ-05 forwarded headers change neither issuer nor audience, and set no cookie', async () => {
    const headers = {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example.com',
      'x-forwarded-port': '1',
      forwarded: 'host=evil.example.com;proto=https',
      'x-original-url': '/public',
      'x-rewrite-url': '/public',
    };
    const answer = await probe().call('/sign-in', { method: 'POST', headers, body: { subject: 'bob' } });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(decoded(String(answer.headers.authorization).slice(7), 1)).toMatchObject({ iss: ISSUER, aud: ISSUER });
    await refuses(probe(), { headers }, { challenge: 'bare', code: 'token_missing' });
    const authorization = `Bearer ${probe().forge.token({ claims: { iss: 'https://evil.example.com' } })}`;
    await refuses(probe(), { headers: { ...headers, authorization } }, { code: 'token_invalid' });
  });

  it.each(OPERATORS.map((value): [string, unknown] => [JSON.stringify(value), value]))(
    'INJ-06 a refresh token that is no text asks no database: %s',
    async (_text, value) => {
      await refuses(probe(), { path: '/refresh', method: 'POST', body: { refresh_token: value } }, { code: 'refresh_invalid' });
      const asked = probe().witness.statements.length;
      await probe().refresh.signOut(value as never);
      await probe().refresh.revoke(value as never);
      await expect(probe().refresh.revokeAll(value as never)).rejects.toThrow(TypeError);
      await expect(probe().refresh.sessions(value as never)).rejects.toThrow(TypeError);
      expect(probe().witness.statements.length).toBe(asked);
    },
  );

  it('INJ-06 no refresh token is a missing one', async () => {
    for (const body of [{}, { refresh_token: null }, { refresh_token: '' }]) {
      await refuses(probe(), { path: '/refresh', method: 'POST', body }, { challenge: 'bare', code: 'refresh_missing' });
    }
  });

  it('CSRF-12 a POST with a bearer token needs no CSRF token', async () => {
    const headers = {
      authorization: `Bearer ${probe().good.accessToken}`,
      origin: 'https://elsewhere.example.com',
      'sec-fetch-site': 'cross-site',
    };
    const answer = await probe().call('/any', { method: 'POST', headers });
    expect([answer.status, answer.json()]).toEqual([200, { sub: 'alice' }]);
  });
});
