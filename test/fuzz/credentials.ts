import type { ClientTokens } from './client-tokens.js';
import { COOKIES } from './client-tokens.js';
import type { Random } from './random.js';
import { damaged, mutated, ODD_PIECES } from './text-mutations.js';
import { forged } from './token-mutations.js';

/** Where the tokens of a request come from. */
export interface TokenSource {
  /** Tokens that may be used, replayed and ended. */
  readonly genuine: ClientTokens;
  /** Tokens of an honest user, which may only be sent damaged. */
  readonly honest: ClientTokens;
}

/** Credentials in the places of a request. */
export interface Credentials {
  readonly headers: readonly (readonly [string, string])[];
  readonly query: readonly (readonly [string, string])[];
  readonly body: Readonly<Record<string, string>>;
}

type Token = keyof ClientTokens;

/** A genuine token, a changed one, a forged one, or one of another kind. */
function tokenOf(kind: Token, { genuine, honest }: TokenSource, random: Random): string {
  const own = genuine[kind] ?? 'none';
  const others = honest[kind] ?? own;
  return random.weighted<() => string>([
    [8, () => own],
    [6, () => mutated(own, random)],
    [3, () => (others.length > 20 ? damaged(others, random) : own)],
    [kind === 'access' ? 6 : 0, () => (own.split('.').length === 3 ? forged(own, random) : own)],
    [1, () => genuine[random.pick(['access', 'refresh', 'csrf'] as const)] ?? own],
    [1, () => random.pick(ODD_PIECES)],
  ])();
}

/** Puts tokens into headers, cookies, query and body, sometimes into several places at once. */
export function credentials(source: TokenSource, random: Random): Credentials {
  const token = (kind: Token): string => tokenOf(kind, source, random);
  const headers: [string, string][] = [];
  const query: [string, string][] = [];
  const body: Record<string, string> = {};
  if (random.chance(0.5)) headers.push([random.pick(['Authorization', 'authorization', 'AUTHORIZATION']), scheme(token('access'), random)]);
  if (random.chance(0.4)) headers.push(['X-Refresh-Token', token('refresh')]);
  if (random.chance(0.5)) headers.push(['Cookie', cookies(token, random)]);
  if (random.chance(0.3)) headers.push(['X-CSRF-Token', token('csrf')]);
  if (random.chance(0.1)) query.push([random.pick(['access_token', 'token', 'refresh_token']), token('access')]);
  if (random.chance(0.15)) body[random.pick(['access_token', 'token'])] = token('access');
  if (random.chance(0.15)) body['refresh_token'] = token('refresh');
  while (random.chance(0.05) && headers.length > 0) headers.push(random.pick(headers));
  return { headers, query, body };
}

function scheme(token: string, random: Random): string {
  return random.weighted<string>([
    [16, `Bearer ${token}`],
    [1, `bearer ${token}`],
    [1, `Bearer  ${token}`],
    [1, `Bearer ${token} extra`],
    [1, `Basic ${token}`],
    [1, token],
    [1, `Bearer ${token}, Bearer ${token}`],
    [1, `Bearer\u00a0${token}`],
    [1, 'Bearer'],
    [1, `DPoP ${token}`],
  ]);
}

/** A cookie header with ours and others, and with names that are nearly ours. */
function cookies(token: (kind: Token) => string, random: Random): string {
  const pairs: string[] = [];
  for (const kind of ['access', 'refresh', 'csrf'] as const) {
    if (random.chance(0.7)) pairs.push(`${cookieName(kind, random)}=${token(kind)}`);
    if (random.chance(0.06)) pairs.push(`${COOKIES[kind]}=${token(kind)}`);
  }
  if (random.chance(0.2))
    pairs.push(random.pick(['__proto__=x', 'constructor=y', '$Version=1', 'a', '=b', 'a="b; c"', `c=${'x'.repeat(random.int(3_000))}`]));
  if (random.chance(0.02)) pairs.push(...Array.from({ length: random.int(180) }, (_, index) => `n${index}=v`));
  if (random.chance(0.3)) pairs.reverse();
  return pairs.join(random.pick(['; ', '; ', '; ', ';', ',', ' ; ']));
}

function cookieName(kind: Token, random: Random): string {
  const name = COOKIES[kind];
  return random.weighted<string>([
    [14, name],
    [1, name.toLowerCase()],
    [1, ` ${name}`],
    [1, `${name} `],
    [1, name.replace('__Host-', '')],
    [1, name.replace('__Host-', '__Secure-')],
  ]);
}
