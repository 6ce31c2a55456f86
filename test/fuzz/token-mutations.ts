import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { jwtKeys } from './keys.js';
import type { Random } from './random.js';
import { ODD_PIECES } from './text-mutations.js';

type Json = Record<string, unknown>;

/** Values of every JSON type, for claims, header members and bodies. */
export const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1e308, 2 ** 53 + 1, 0.5, '', 'x', '0', 'null', [], {}, [[]], [null], ['a', 'b'], { $ne: 1 }, { $gt: '' }],
  ...[
    { toString: null },
    { toJSON: 1 },
    { length: -1 },
    { then: 1 },
    { _type: 'not' },
    { __proto__: null },
    '\u0000',
    '\ud800',
    'x'.repeat(3_000),
  ],
  ...[
    JSON.parse('{"__proto__":{"roles":["admin"]}}'),
    { constructor: { prototype: { admin: true } } },
    Array.from({ length: 500 }, () => 7),
  ],
];

const ALGORITHMS = [
  'none',
  'None',
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'PS256',
  'ES256',
  'ES384',
  'EdDSA',
  'hs256',
  'ES256K',
  'constructor',
];
const HEADER_MEMBERS = [
  'alg',
  'typ',
  'kid',
  'crit',
  'b64',
  'zip',
  'cty',
  'jku',
  'jwk',
  'x5u',
  'x5c',
  'enc',
  'epk',
  'p2c',
  '__proto__',
  'toString',
];
const CLAIMS = [
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'sid',
  'sid_epoch',
  'auth_time',
  'roles',
  '__proto__',
  'constructor',
  'cnf',
  'then',
];
const INSTANTS = [0, 1, -1, 1e9, 1.8e12, 253402300800, 4e9, 0.5, 1e308];

const STRANGER = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const STRANGE_EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Makes a token from the parts of a genuine one: other header, other claims, another signature. */
export function forged(genuine: string, random: Random): string {
  const [header = {}, payload = {}] = genuine.split('.').slice(0, 2).map(parsed);
  if (random.chance(0.6)) changeHeader(header, random);
  if (random.chance(0.7)) changeClaims(payload, random);
  const input = `${segment(header, random)}.${segment(payload, random)}`;
  return `${input}.${signature(input, random)}`.slice(0, 15_500);
}

function changeHeader(header: Json, random: Random): void {
  if (random.chance(0.5)) header['alg'] = random.pick(ALGORITHMS);
  if (random.chance(0.2)) header['jwk'] = STRANGE_EC.publicKey.export({ format: 'jwk' });
  if (random.chance(0.5)) set(header, random.pick(HEADER_MEMBERS), random.pick([...ODD_VALUES, ...ODD_PIECES, 'JWT', 'AT+JWT', ['b64']]));
}

function changeClaims(payload: Json, random: Random): void {
  do {
    const name = random.pick(CLAIMS);
    if (random.chance(0.15)) Reflect.deleteProperty(payload, name);
    else set(payload, name, random.chance(0.3) ? random.pick(INSTANTS) : random.pick([...ODD_VALUES, ...ODD_PIECES]));
  } while (random.chance(0.3));
}

/** Sets a member of its own, whatever its name. */
function set(target: Json, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** The JSON of a segment, or something that is nearly that. */
function segment(value: Json, random: Random): string {
  if (random.chance(0.9)) return encoded(JSON.stringify(value));
  const text = JSON.stringify(value);
  return encoded(
    random.pick([
      ` ${text}\n`,
      text.slice(0, -1),
      `[${text}]`,
      `{"alg":"none",${text.slice(1)}`,
      `${text.slice(0, -1)},"sub":"mallory","exp":1e999}`,
      JSON.stringify(random.pick(ODD_VALUES)),
      `\ufeff${text}`,
      '{"a":'.repeat(1_000),
    ]),
  );
}

/** Signs with one of our own keys, with the public key as a secret, with a strange key, or not at all. */
function signature(input: string, random: Random): string {
  const bytes = Buffer.from(input);
  const own = random.pick(jwtKeys());
  const publicPem = own.type === 'private' ? createPublicKey(own).export({ format: 'pem', type: 'spki' }) : 'secret';
  const kinds: readonly (readonly [number, () => Buffer])[] = [
    [6, () => (own.type === 'secret' ? createHmac('sha256', own).update(bytes).digest() : signWith(own, bytes))],
    [1, () => createHmac('sha256', publicPem).update(bytes).digest()],
    [1, () => createHmac('sha512', '').update(bytes).digest()],
    [1, () => sign('sha256', bytes, STRANGER.privateKey)],
    [1, () => sign('sha256', bytes, { key: STRANGE_EC.privateKey, dsaEncoding: 'ieee-p1363' })],
    [1, () => Buffer.alloc(random.pick([0, 1, 32, 63, 64, 65, 256]))],
    [1, () => random.bytes(64)],
  ];
  return random.weighted(kinds)().toString('base64url');
}

function signWith(key: ReturnType<typeof jwtKeys>[number], bytes: Buffer): Buffer {
  return sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function parsed(text: string): Json {
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as Json;
}
