import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { decodings, plainTextOf } from './encodings.js';

/** The first line of a key in the format of PEM, SSH (RFC 4716) or PuTTY. */
const ARMOUR = /---- ?BEGIN |PuTTY-User-Key-File/;
/** A line of `authorized_keys` or of a `.pub` file. It consists of the type and a body that begins with its length. */
const SSH_LINE = /(?:^|\s)(?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa)-\S+\s+AAAA/;
/** The decoded body of such a line (RFC 4253 §6.6). It begins with a length of four bytes and the type. */
const SSH_BODY = /^\0{3}.(?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa)-/s;
/** The member that every JWK has (RFC 7517 §4.1). It is found even if the JSON is cut off. */
const JWK_MEMBER = /["']kty["']\s*:/;

/**
 * Whether a secret is in fact key material of another kind: PEM, DER, a JWK, a JWK set, SSH, a certificate or a token. The material is also
 * found if it is encoded as base64, base64url or hex. It must not become a secret, because it is public or belongs to another algorithm
 * (CVE-2022-23541). Random bytes are never mistaken for it: each form needs at least five fixed bytes or a length that fits.
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

/** Finds any JSON object or list, such as a JWK, a JWK set, or the file of a service account with its key. */
function isJson(text: string): boolean {
  return JWK_MEMBER.test(text) || parsed(text) !== null;
}

/** Finds a JWS or JWE (RFC 7515 §3.1, RFC 7516 §3.1). */
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

/**
 * Finds a SEQUENCE (X.690 §8.1) with the length of the remaining bytes. White space after it is ignored, because text editors add line
 * breaks.
 */
function isWholeSequence(bytes: Buffer): boolean {
  const [tag, first = 0] = bytes;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  if (tag !== 0x30 || octets > 4 || bytes.length < 2 + octets) return false;
  const length = octets === 0 ? first : bytes.readUIntBE(2, octets);
  const rest = bytes.subarray(2 + octets + length).toString('latin1');
  return bytes.length >= 2 + octets + length && rest.trim() === '';
}

/** Whether the bytes could be read as a key. An encrypted private key counts too, because it only lacks its passphrase. */
function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
  }
}
