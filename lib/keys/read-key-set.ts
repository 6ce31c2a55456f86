import type { JsonWebKey } from 'node:crypto';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { TokenAlgorithm } from './key.options.js';
import type { VerificationKey } from './key-source.js';
import { TOKEN_ALGORITHMS } from './key-source.js';
import { readKey } from './read-key.js';

/** The keys of a key set, and why others in it are not used. */
export interface ReadKeySet {
  readonly keys: readonly VerificationKey[];
  /** Remarks for the log. They quote nothing of the key set. */
  readonly refused: readonly string[];
}

/** The largest number of keys in a set. */
const MAX_KEYS = 100;
/** Printable ASCII. Other services use more characters in a `kid` than we do. */
const KID = /^[\x21-\x7e]{1,256}$/;
/** The members that make a key private or secret (RFC 7518 §6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
/** The only algorithm of a curve, and the one that is meant where an RSA key names none (OpenID Connect Discovery §3). */
const IMPLIED: Readonly<Record<string, TokenAlgorithm>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
  RSA: 'RS256',
};

/**
 * Reads the key set of another service (RFC 7517 §5). A key that `keys` would not take is left out, and so are secrets, private keys, keys
 * without a `kid` and keys that share one. Each key gets one algorithm.
 *
 * @throws {Error} if it is not a key set. The message quotes nothing of it.
 */
export function readKeySet(document: unknown): ReadKeySet {
  const given: unknown = (document as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(given)) throw new Error('is not a key set');
  if (given.length > MAX_KEYS) throw new Error(`has more than ${MAX_KEYS} keys`);
  const refused: string[] = [];
  const read = given.flatMap((jwk: unknown, index) => {
    try {
      return [readPublicKey(`keys[${index}]`, jwk)];
    } catch (error) {
      refused.push(reasonOf(error));
      return [];
    }
  });
  const kids = read.map(({ kid }) => kid);
  const isShared = (kid: string): boolean => kids.indexOf(kid) !== kids.lastIndexOf(kid);
  if (kids.some(isShared)) refused.push('keys: keys that share a kid are not used');
  return { keys: read.filter(({ kid }) => !isShared(kid)), refused };
}

function readPublicKey(option: string, jwk: unknown): VerificationKey {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw new TokenOptionsError(option, 'is not a JWK');
  const { kid, kty, alg, crv, use } = jwk as Readonly<Record<string, unknown>>;
  if (typeof kid !== 'string' || !KID.test(kid)) throw new TokenOptionsError(option, 'has no kid of 1 to 256 printable characters');
  if (kty === 'oct' || SECRET_MEMBERS.some((member) => member in jwk)) {
    throw new TokenOptionsError(option, 'is not public, so anyone who reads the key set could sign with it');
  }
  if (use !== undefined && use !== 'sig') throw new TokenOptionsError(option, "has a use other than 'sig'");
  const algorithm = alg ?? IMPLIED[String(kty === 'RSA' ? kty : crv)];
  if (!isAsymmetric(algorithm)) throw new TokenOptionsError(option, 'is for an algorithm that access tokens are not signed with');
  const key = readKey(option, { algorithm, key: jwk as JsonWebKey, use: 'verify' }, []);
  return { ...key, kid };
}

function isAsymmetric(algorithm: unknown): algorithm is TokenAlgorithm {
  return TOKEN_ALGORITHMS.some((known) => known === algorithm && !known.startsWith('HS'));
}

/** Only our own messages are passed on. */
function reasonOf(error: unknown): string {
  return error instanceof TokenOptionsError ? error.message : 'keys: a key cannot be read';
}
