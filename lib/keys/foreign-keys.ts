import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { decodings, plainTextOf } from './encodings.js';

/** The armour of PEM, of SSH (RFC 4716) and of PuTTY. */
const ARMOUR = /---- ?BEGIN |PuTTY-User-Key-File/;
/** A line of `authorized_keys` or of a `.pub` file: the type, and a body that begins with its length. */
const SSH_LINE = /(?:^|\s)(?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa)-\S+\s+AAAA/;
/** The body of such a line, decoded (RFC 4253 §6.6): a length of four bytes, and the type. */
const SSH_BODY = /^\0{3}.(?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa)-/s;
/** The member that every JWK has (RFC 7517 §4.1), also where the JSON is cut off. */
const JWK_MEMBER = /["']kty["']\s*:/;

/**
 * Whether a secret is key material of another kind in disguise: PEM, DER, JWK, a JWK set, SSH, a certificate or a token, as it is or in
 * base64, base64url or hex. Such material is public, or belongs to another algorithm (CVE-2022-23541). Random bytes are none of them:
 * each form takes at least five given bytes or a length that fits.
 */
export function isForeignKey(bytes: Buffer): boolean {
  return decodings(bytes).some((candidate) => {
    const text = plainTextOf(candidate);
    return ARMOUR.test(text) || isSsh(candidate, text) || isJson(text) || isToken(text) || isDer(candidate);
  });
}

function isSsh(bytes: Buffer, text: string): boolean {
  return SSH_LINE.test(text) || SSH_BODY.test(bytes.toString('latin1'));
}

/** Any JSON object or list: a JWK, a set, or the file of a service account that holds a key. */
function isJson(text: string): boolean {
  return JWK_MEMBER.test(text) || parsed(text) !== null;
}

/** A JWS or JWE (RFC 7515 §3.1, RFC 7516 §3.1). */
function isToken(text: string): boolean {
  const segments = text.split('.');
  if (segments.length !== 3 && segments.length !== 5) return false;
  const header = parsed(Buffer.from(segments[0] ?? '', 'base64url').toString());
  return header !== null && 'alg' in header;
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function isDer(bytes: Buffer): boolean {
  if (!isWholeSequence(bytes)) return false;
  const attempts = [
    () => createPublicKey({ key: bytes, format: 'der', type: 'spki' }),
    () => createPublicKey({ key: bytes, format: 'der', type: 'pkcs1' }),
    () => createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' }),
    () => createPrivateKey({ key: bytes, format: 'der', type: 'pkcs1' }),
    () => createPrivateKey({ key: bytes, format: 'der', type: 'sec1' }),
    () => new X509Certificate(bytes),
  ];
  return attempts.some(succeeds);
}

/** X.690 §8.1: a SEQUENCE whose length is that of the rest, white space at its end aside (the line break of a text editor). */
function isWholeSequence(bytes: Buffer): boolean {
  const [tag, first = 0] = bytes;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  if (tag !== 0x30 || octets > 4 || bytes.length < 2 + octets) return false;
  const length = octets === 0 ? first : bytes.readUIntBE(2, octets);
  const rest = bytes.subarray(2 + octets + length).toString('latin1');
  return bytes.length >= 2 + octets + length && rest.trim() === '';
}

/** An encrypted private key is one too: all that is missing is its passphrase. */
function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
  }
}
