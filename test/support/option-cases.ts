import type { TokenModuleOptions } from 'nestjs-token';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { ISSUER, SECRET } from './app.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const publicPem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString();
const signing = { kid: 'now', algorithm: 'RS256', key: rsa.privateKey, use: 'sign' };
const refreshKey = { secret: SECRET, use: 'sign' };

/** A configuration that is refused: the change in a good one, the option that the error names, and the remedy in its message. */
export type RefusedOption = [title: string, change: Record<string, unknown>, option: string, remedy: RegExp];

/** Makes a change in good options. `secret: DROP` removes the key. */
export const DROP: unknown = Symbol('no such key');

export function optionsWith(change: Record<string, unknown>): TokenModuleOptions {
  const members = Object.entries({ issuer: ISSUER, secret: SECRET, ...change }).filter(([, value]) => value !== DROP);
  return Object.fromEntries(members) as unknown as TokenModuleOptions;
}

const ENV = /environment variable/;
const MAKE_ONE = /randomBytes/;
const UNIT = /a bare number is seconds|text with a unit/;
/** The value of an environment variable that is missing. */
const ABSENT = process.env['NO_SUCH_VARIABLE'];

const identity: RefusedOption[] = [
  ['no issuer', { issuer: DROP }, 'issuer', ENV],
  ['an issuer from a missing variable', { issuer: ABSENT }, 'issuer', ENV],
  ['an empty issuer', { issuer: '' }, 'issuer', ENV],
  ['a null issuer', { issuer: null }, 'issuer', ENV],
  ['an interpolated issuer', { issuer: String(ABSENT) }, 'issuer', ENV],
  ['an issuer that is an object', { issuer: {} }, 'issuer', ENV],
  ['an issuer [object Object]', { issuer: '[object Object]' }, 'issuer', ENV],
  ['an issuer with a space at the end', { issuer: 'https://api.example.com ' }, 'issuer', /without a space/],
  ['an audience from a missing variable', { audience: ABSENT }, 'audience', ENV],
  ['an empty audience', { audience: '' }, 'audience', ENV],
  ['no audience in the list', { audience: [] }, 'audience', /leave it out to use the issuer/],
  ['a missing variable among the audiences', { audience: ['web', ABSENT] }, 'audience', ENV],
  ['an audience that is an object', { audience: { web: true } }, 'audience', ENV],
];

const keys: RefusedOption[] = [
  ['no secret and no keys', { secret: DROP }, 'secret', MAKE_ONE],
  ['a secret from a missing variable', { secret: ABSENT }, 'secret', ENV],
  ['a null secret', { secret: null }, 'secret', ENV],
  ['an empty secret', { secret: '' }, 'secret', ENV],
  ['a short secret', { secret: SECRET.slice(0, 31) }, 'secret', MAKE_ONE],
  ['a placeholder secret', { secret: 'your-256-bit-secret-your-256-bit-secret' }, 'secret', MAKE_ONE],
  ['a PEM secret', { secret: publicPem }, 'secret', /give it in `keys`/],
  ['a literal-\\n PEM secret', { secret: publicPem.replaceAll('\n', '\\n') }, 'secret', /give it in `keys`/],
  ['a DER secret', { secret: rsa.publicKey.export({ format: 'der', type: 'spki' }) }, 'secret', /give it in `keys`/],
  ['a JWK secret', { secret: JSON.stringify(rsa.publicKey.export({ format: 'jwk' })) }, 'secret', /give it in `keys`/],
  ['a public KeyObject as secret', { secret: rsa.publicKey }, 'secret', /give it in `keys`/],
  ['secret and keys', { keys: [signing], refresh: { secret: SECRET } }, 'secret', /give one of them/],
  ['no keys in the list', { secret: DROP, keys: [] }, 'keys', /at least one key/],
  ['keys that are no list', { secret: DROP, keys: signing }, 'keys', /a list/],
  ['a null key', { secret: DROP, keys: [null] }, 'keys[0]', /an object/],
  ['keys without a refresh secret', { secret: DROP, keys: [signing] }, 'refresh.secret', /at least 32 bytes/],
  ['the algorithm none', { secret: DROP, keys: [{ ...signing, algorithm: 'none' }] }, 'keys[0].algorithm', /HS256/],
  ['no algorithm', { secret: DROP, keys: [{ key: rsa.privateKey, use: 'sign' }] }, 'keys[0].algorithm', /HS256/],
  ['a list of algorithms', { secret: DROP, keys: [{ ...signing, algorithm: ['RS256'] }] }, 'keys[0].algorithm', /HS256/],
  ['EdDSA with an RSA key', { secret: DROP, keys: [{ ...signing, algorithm: 'EdDSA' }] }, 'keys[0].key', /takes an Ed25519 key/],
  ['the algorithm Ed25519', { secret: DROP, keys: [{ ...signing, algorithm: 'Ed25519' }] }, 'keys[0].algorithm', /HS256/],
  ['no use', { secret: DROP, keys: [{ algorithm: 'RS256', key: rsa.privateKey }] }, 'keys[0].use', /'sign' or 'verify'/],
  ['no key in a key', { secret: DROP, keys: [{ algorithm: 'RS256', use: 'sign' }] }, 'keys[0].key', /PEM text/],
  ['a key from a missing variable', { secret: DROP, keys: [{ ...signing, key: ABSENT }] }, 'keys[0].key', ENV],
  ['a null key material', { secret: DROP, keys: [{ ...signing, key: null }] }, 'keys[0].key', ENV],
  ['a key of the wrong family', { secret: DROP, keys: [{ ...signing, algorithm: 'ES256' }] }, 'keys[0].key', /takes an EC key/],
  ['1024-bit RSA', { secret: DROP, keys: [{ ...signing, key: weakRsa.privateKey }] }, 'keys[0].key', /at least 2048 bits/],
  [
    'a duplicate kid',
    { secret: DROP, keys: [signing, { ...signing, key: rsa.publicKey, use: 'verify' }] },
    'keys',
    /two keys have the kid now/,
  ],
  ['a malformed kid', { secret: DROP, keys: [{ ...signing, kid: '../x' }] }, 'keys[0].kid', /1 to 64 characters/],
  ['two refresh sources', { refresh: { secret: SECRET, keys: [refreshKey] } }, 'refresh.secret', /give one of them/],
  ['a short refresh secret', { refresh: { secret: 'short' } }, 'refresh.secret', MAKE_ONE],
  ['a refresh secret from a missing variable', { refresh: { secret: ABSENT } }, 'refresh.secret', ENV],
  ['no refresh keys in the list', { refresh: { keys: [] } }, 'refresh.keys', /at least one key/],
  [
    'two signing refresh keys',
    { refresh: { keys: [refreshKey, { ...refreshKey, secret: `2${SECRET}` }] } },
    'refresh.keys',
    /exactly one key/,
  ],
  ['no signing refresh key', { refresh: { keys: [{ ...refreshKey, use: 'verify' }] } }, 'refresh.keys', /exactly one key/],
  ['the same refresh key twice', { refresh: { keys: [refreshKey, { ...refreshKey, use: 'verify' }] } }, 'refresh.keys', /a kid of its own/],
  ['a refresh kid of 256', { refresh: { keys: [{ ...refreshKey, kid: 256 }] } }, 'refresh.keys[0].kid', /0 to 255/],
  ['a refresh kid of text', { refresh: { keys: [{ ...refreshKey, kid: '1' }] } }, 'refresh.keys[0].kid', /whole number/],
  ['a refresh key without a use', { refresh: { keys: [{ secret: SECRET }] } }, 'refresh.keys[0].use', /sign, verify/],
  ['a refresh key without a secret', { refresh: { keys: [{ use: 'sign' }] } }, 'refresh.keys[0].secret', MAKE_ONE],
  ['a PEM as refresh secret', { refresh: { secret: createSecretKey(Buffer.from(publicPem)) } }, 'refresh.secret', /give it in `keys`/],
];

const WRONG_SPANS: [title: string, value: unknown][] = [
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['negative', -1],
  ['a fraction', 1.5],
  ['text without a unit', '900'],
  ['text with an unknown unit', '2w'],
  ['a negative text', '-5m'],
  ['text with a space', '5 m'],
  ['a list', [900]],
];
const SPANS = [
  'access.lifetime',
  'access.maxLifetime',
  'access.leeway',
  'refresh.grace',
  'refresh.idleLifetime',
  'refresh.absoluteLifetime',
  'janitor.interval',
];

const messages: RefusedOption[] = [
  ['an absent issuer, which has no default (F-38)', { issuer: ABSENT }, 'issuer', /environment variable set\?$/],
  ['an absent key, which has no default (F-38)', { secret: DROP, keys: [{ ...signing, key: ABSENT }] }, 'keys[0].key', /variable set\?$/],
  [
    'an absent lifetime, which has a default (F-38)',
    { access: { lifetime: ABSENT } },
    'access.lifetime',
    /Leave the key out to use the default$/,
  ],
  [
    'a lifetime that lacks its unit only (F-38)',
    { access: { lifetime: '900' } },
    'access.lifetime',
    /only its unit is missing: write '900s'/,
  ],
];

const units: RefusedOption[] = SPANS.flatMap((option) => {
  const [group = '', name = ''] = option.split('.');
  return WRONG_SPANS.map(([title, value]): RefusedOption => [`${option}: ${title}`, { [group]: { [name]: value } }, option, UNIT]);
});

const ranges: RefusedOption[] = [
  ['an access lifetime of 0', { access: { lifetime: 0 } }, 'access.lifetime', UNIT],
  ['an access lifetime of half a second', { access: { lifetime: '500ms' } }, 'access.lifetime', UNIT],
  ['an access lifetime of 1.5 s', { access: { lifetime: '1500ms' } }, 'access.lifetime', /whole number of seconds/],
  ['an access lifetime in milliseconds', { access: { lifetime: 900_000 } }, 'access.lifetime', UNIT],
  ['an access lifetime above 24 h', { access: { lifetime: 86_401 } }, 'access.lifetime', UNIT],
  ['an access lifetime from a missing variable', { access: { lifetime: ABSENT } }, 'access.lifetime', ENV],
  ['an access lifetime of null', { access: { lifetime: null } }, 'access.lifetime', ENV],
  ['maxLifetime below lifetime', { access: { lifetime: '15m', maxLifetime: '14m' } }, 'access.maxLifetime', /raise it or leave it out/],
  ['a leeway above 5 min', { access: { leeway: '301s' } }, 'access.leeway', UNIT],
  ['a leeway of text', { access: { leeway: '5' } }, 'access.leeway', UNIT],
  ['jitter NaN', { access: { jitter: NaN } }, 'access.jitter', /from 0 to 0.5/],
  ['jitter above a half', { access: { jitter: 0.51 } }, 'access.jitter', /from 0 to 0.5/],
  ['negative jitter', { access: { jitter: -0.1 } }, 'access.jitter', /from 0 to 0.5/],
  ['jitter of text', { access: { jitter: '0.1' } }, 'access.jitter', /from 0 to 0.5/],
  ['a cache of 15', { access: { cache: { max: 15 } } }, 'access.cache.max', /from 16 to 1000000/],
  ['a cache that is true', { access: { cache: true } }, 'access.cache', /an object/],
  ['a grace above a quarter of the access lifetime', { refresh: { grace: 226 } }, 'refresh.grace', /lower it/],
  ['a grace above 5 min', { access: { lifetime: '24h' }, refresh: { grace: '301s' } }, 'refresh.grace', UNIT],
  ['a grace of 0', { refresh: { grace: 0 } }, 'refresh.grace', UNIT],
  ['idle below twice the access lifetime', { refresh: { idleLifetime: '29m' } }, 'refresh.idleLifetime', /raise it/],
  [
    'idle below twice access.maxLifetime',
    { access: { maxLifetime: '1h' }, refresh: { idleLifetime: '119m' } },
    'refresh.idleLifetime',
    /raise it/,
  ],
  ['idle above absolute', { refresh: { idleLifetime: '91d' } }, 'refresh.idleLifetime', /lower it or raise the other/],
  ['absolute below the default idle', { refresh: { absoluteLifetime: '13d' } }, 'refresh.idleLifetime', /lower it or raise the other/],
  ['an absolute lifetime above 10 years', { refresh: { absoluteLifetime: '3651d' } }, 'refresh.absoluteLifetime', UNIT],
  ['a limit of 0', { refresh: { limit: { max: 0, per: '1h' } } }, 'refresh.limit.max', /from 1 to/],
  ['a limit without max', { refresh: { limit: { per: '1h' } } }, 'refresh.limit.max', /whole number/],
  ['a limit without per', { refresh: { limit: { max: 60 } } }, 'refresh.limit.per', UNIT],
  ['a limit of text', { refresh: { limit: '60/1h' } }, 'refresh.limit', /an object/],
  ['a maximum of no sessions', { sessions: { max: 0 } }, 'sessions.max', /from 1 to 10000/],
  ['a maximum of sessions in text', { sessions: { max: '5' } }, 'sessions.max', /whole number/],
  ['an unknown onLimit', { sessions: { max: 5, onLimit: 'end-newest' } }, 'sessions.onLimit', /end-oldest, refuse/],
  ['a use that is tracked in text', { sessions: { trackUse: '5m' } }, 'sessions.trackUse', /an object/],
  ['a use that is tracked too often', { sessions: { trackUse: { every: '500ms' } } }, 'sessions.trackUse.every', UNIT],
  ['an unknown reuse', { refresh: { reuse: 'lenient' } }, 'refresh.reuse', /tolerant, strict/],
  ['an unknown recoverLost', { refresh: { recoverLost: 'never' } }, 'refresh.recoverLost', /always, grace/],
  ['a hookTimeout below 100 ms', { hookTimeout: '99ms' }, 'hookTimeout', UNIT],
  ['a hookTimeout above 30 s', { hookTimeout: '31s' }, 'hookTimeout', UNIT],
  ['a hookTimeout without a unit', { hookTimeout: '5' }, 'hookTimeout', UNIT],
  ['a hookTimeout from a missing variable', { hookTimeout: ABSENT }, 'hookTimeout', ENV],
  ['an unknown revocation', { revocation: 'push' }, 'revocation', /poll, strict, off/],
  ['revocation: null', { revocation: null }, 'revocation', ENV],
  ['an unknown transport', { transport: 'query' }, 'transport', /header, cookie, mixed/],
  ['a janitor interval below 1 s', { janitor: { interval: '999ms' } }, 'janitor.interval', UNIT],
  ['a janitor that is true', { janitor: true }, 'janitor', /an object/],
];

const shapes: RefusedOption[] = [
  ['a header name with a space', { header: { access: 'X Token' } }, 'header.access', /a header name/],
  ['a header name with a line break', { header: { refresh: 'X-Token\r\nX-Evil: 1' } }, 'header.refresh', /a header name/],
  [
    'a header name with an underscore (F-56)',
    { header: { access: 'X_Access_Token' } },
    'header.access',
    /letters, digits and hyphens: nginx/,
  ],
  [
    'a refresh header with an underscore (F-56)',
    { header: { refresh: 'refresh_token' } },
    'header.refresh',
    /letters, digits and hyphens: nginx/,
  ],
  ['a header name with a dot (F-56)', { header: { expiresIn: 'X.Expires' } }, 'header.expiresIn', /letters, digits and hyphens: nginx/],
  ['an empty header name', { header: { expiresIn: '' } }, 'header.expiresIn', /a header name/],
  ['a header name from a missing variable', { header: { refresh: ABSENT } }, 'header.refresh', ENV],
  ['one name for two headers', { header: { refresh: 'authorization' } }, 'header.refresh', /another token header/],
  ['a scheme with a space', { header: { scheme: 'Bearer ' } }, 'header.scheme', /scheme/],
  ['a null scheme', { header: { scheme: null } }, 'header.scheme', ENV],
  ['the CSRF header with the name of a token header', { csrf: { header: 'x-refresh-token' } }, 'header.refresh', /another token header/],
  ['a cookie name with a space', { cookie: { access: 'access token' } }, 'cookie.access', /the name of a cookie/],
  ['a cookie name with a separator (INJ-02)', { cookie: { refresh: 'refresh;' } }, 'cookie.refresh', /the name of a cookie/],
  ['one name for two cookies', { cookie: { access: 'token', refresh: 'token' } }, 'cookie.refresh', /another token cookie/],
  [
    'CK-02 a __Host- name with a domain',
    { cookie: { refresh: '__Host-refresh', domain: 'example.com' } },
    'cookie.refresh',
    /does not go with `cookie.domain`/,
  ],
  ['CK-02 a __Host- name with a path', { cookie: { access: '__HOST-access', path: '/api' } }, 'cookie.access', /does not go with/],
  ['CK-02 a __Host- name without Secure', { cookie: { csrf: '__Host-csrf', insecure: true } }, 'cookie.csrf', /does not go with/],
  ['CK-02 a __Secure- name without Secure', { cookie: { csrf: '__Secure-csrf', insecure: true } }, 'cookie.csrf', /does not go with/],
  [
    "CK-02 SameSite 'none' without Secure",
    { cookie: { sameSite: { refresh: 'none' }, insecure: true } },
    'cookie.sameSite.refresh',
    /Secure cookies only/,
  ],
  [
    "CK-02 SameSite 'none' without CSRF protection",
    { transport: 'cookie', cookie: { sameSite: { access: 'none' } }, csrf: false },
    'csrf',
    /every site could send requests/,
  ],
  ['partitioned cookies without Secure', { cookie: { partitioned: true, insecure: true } }, 'cookie.partitioned', /needs Secure/],
  ['a SameSite that browsers do not know', { cookie: { sameSite: { access: 'Lax' } } }, 'cookie.sameSite.access', /strict, lax, none/],
  ['a domain that begins with a dot', { cookie: { domain: '.example.com' } }, 'cookie.domain', /a domain/],
  ['a domain that is an address', { cookie: { domain: 'https://example.com' } }, 'cookie.domain', /a domain/],
  ['a path without a slash', { cookie: { path: 'api' } }, 'cookie.path', /begins with \//],
  ['a path with a separator', { cookie: { path: '/;Domain=evil.example' } }, 'cookie.path', /begins with \//],
  ['a CSRF origin with a path', { csrf: { origins: 'https://app.example.com/' } }, 'csrf.origins', /an origin/],
  ['a CSRF origin that is a wildcard', { csrf: { origins: ['*'] } }, 'csrf.origins', /an origin/],
  ['an unknown text for csrf', { csrf: 'strict' }, 'csrf', /an object/],
  ['locations that are no list', { locations: 'header' }, 'locations', /a list of/],
  ['no location', { locations: [] }, 'locations', /a list of/],
  ['an unknown location', { locations: ['header', { param: 'token' }] }, 'locations', /a list of/],
  ['a location without a name', { locations: ['header', { query: '' }] }, 'locations', /a list of/],
  ['locations without the place of new tokens', { transport: 'cookie', locations: ['header'] }, 'locations', /does not contain 'cookie'/],
  ...['loadUser', 'claims', 'onEvent', 'errorBody'].flatMap((hook): RefusedOption[] => [
    [`${hook} that is text`, { [hook]: 'text' }, hook, /a function/],
    [`${hook} that is false`, { [hook]: false }, hook, /a function/],
    [`${hook} that is null`, { [hook]: null }, hook, ENV],
    [`${hook} that is undefined`, { [hook]: undefined }, hook, ENV],
  ]),
  ['a cached loadUser without load', { loadUser: { cacheFor: '1m' } }, 'loadUser.load', /a function/],
  ['a cached loadUser with a hook of text', { loadUser: { load: 'x', cacheFor: '1m' } }, 'loadUser.load', /a function/],
  ['a cached loadUser without cacheFor', { loadUser: { load: () => null } }, 'loadUser.cacheFor', UNIT],
  ['an unknown option of a cached loadUser', { loadUser: { load: () => null, cacheFor: '1m', max: 5 } }, 'loadUser.max', /load, cacheFor/],
  ...['access', 'refresh', 'header', 'cookie', 'janitor', 'sessions'].flatMap((group): RefusedOption[] => [
    [`${group}: null`, { [group]: null }, group, ENV],
    [`${group}: undefined`, { [group]: undefined }, group, ENV],
    [`${group}: a list`, { [group]: [] }, group, /an object/],
    [`${group}: text`, { [group]: '15m' }, group, /an object/],
  ]),
];

const unknown: RefusedOption[] = [
  ['an unknown option', { lifetime: '15m' }, 'lifetime', /options takes issuer, audience/],
  ['a misspelt group', { acces: {} }, 'acces', /options takes/],
  ['an unknown access option', { access: { ttl: 900 } }, 'access.ttl', /access takes lifetime/],
  ['an unknown cache option', { access: { cache: { ttl: 60 } } }, 'access.cache.ttl', /access.cache takes max/],
  ['an unknown refresh option', { refresh: { lifetime: '14d' } }, 'refresh.lifetime', /refresh takes secret/],
  [
    'an unknown limit option',
    { refresh: { limit: { max: 60, per: '1h', burst: 1 } } },
    'refresh.limit.burst',
    /refresh.limit takes max, per/,
  ],
  ['an unknown cookie option', { cookie: { httpOnly: false } }, 'cookie.httpOnly', /cookie takes access/],
  ['an unknown SameSite option', { cookie: { sameSite: { csrf: 'lax' } } }, 'cookie.sameSite.csrf', /cookie.sameSite takes access/],
  ['an unknown CSRF option', { csrf: { ignore: ['GET'] } }, 'csrf.ignore', /csrf takes mode/],
  ['an unknown header option', { header: { accessToken: 'X-Access' } }, 'header.accessToken', /header takes access/],
  ['an unknown janitor option', { janitor: { every: '10m' } }, 'janitor.every', /janitor takes interval/],
  ['an unknown key option', { secret: DROP, keys: [{ ...signing, alg: 'RS256' }] }, 'keys[0].alg', /keys\[0\] takes kid/],
  ['an unknown refresh key option', { refresh: { keys: [{ ...refreshKey, id: 1 }] } }, 'refresh.keys[0].id', /refresh.keys\[0\] takes kid/],
  ['an option named like a method', { toString: 'x' }, 'toString', /options takes/],
  ['an option named constructor', { access: { constructor: 1 } }, 'access.constructor', /access takes/],
];

/** Every mistake in an option (CF-01, CF-02, CF-03, KY-01, KY-02, KY-03). */
const client = { id: 'reports', secret: `${SECRET}-of-reports` };

const clients: RefusedOption[] = [
  ['clients that are no list', { clients: client }, 'clients', /a list/],
  ['a null client', { clients: [null] }, 'clients[0]', /an object/],
  ['a client without an id', { clients: [{ secret: SECRET }] }, 'clients[0].id', /1 to 64/],
  ['a client with a colon in its id', { clients: [{ ...client, id: 'a:b' }] }, 'clients[0].id', /1 to 64/],
  ['a client without a secret', { clients: [{ id: 'reports' }] }, 'clients[0].secret', ENV],
  ['a client with a secret from a missing variable', { clients: [{ ...client, secret: ABSENT }] }, 'clients[0].secret', ENV],
  ['a client with a short secret', { clients: [client, { id: 'b', secret: SECRET.slice(0, 31) }] }, 'clients[1].secret', MAKE_ONE],
  ['a client with the secret that signs tokens', { clients: [{ id: 'b', secret: SECRET }] }, 'clients[0].secret', /a secret of its own/],
  ['a client with the secret of another client', { clients: [client, { ...client, id: 'b' }] }, 'clients[1].secret', /a secret of its own/],
  ['a client with a placeholder', { clients: [{ id: 'b', secret: 'changeme-changeme-changeme-changeme' }] }, 'clients[0].secret', MAKE_ONE],
  ['a client with a key pair', { clients: [{ id: 'b', secret: publicPem }] }, 'clients[0].secret', /PEM/],
  ['a client with an unknown option', { clients: [{ ...client, scope: 'all' }] }, 'clients[0].scope', /takes id, secret/],
];

export const REFUSED_OPTIONS: readonly RefusedOption[] = [
  ...clients,
  ...identity,
  ...keys,
  ...messages,
  ...units,
  ...ranges,
  ...shapes,
  ...unknown,
];

/** The secrets in the cases. No message may contain them. */
export const SECRETS_IN_CASES = [SECRET, `2${SECRET}`, publicPem.slice(70, 300), 'your-256-bit-secret-your-256-bit-secret'];
