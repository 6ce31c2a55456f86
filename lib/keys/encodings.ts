/** How many times a value is decoded. A PEM file in base64 within a Kubernetes secret, which is base64 itself, needs two. */
const LAYERS = 2;
const HEX = /^[0-9a-f]+$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
/** Byte order marks of UTF-8 and UTF-16, and the NUL bytes of UTF-16. */
const MARKS = /^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)|\0/g;
/** White space, and line breaks that are written as `\n` in a line of a `.env` file. */
const BLANKS = /\s|\\[rn]/g;

/** The number of low bits of the last character that are unused, by length modulo 4. A length of 1 modulo 4 does not exist. */
const UNUSED_BITS = [0, -1, 4, 2] as const;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** Tells whether a text is the only base64url of its bytes (RFC 4648 §3.5): without padding, and with unused bits that are zero. */
export function isCanonicalBase64url(text: string): boolean {
  const unused = UNUSED_BITS[(text.length % 4) as 0 | 1 | 2 | 3];
  const last = ALPHABET.indexOf(text.charAt(text.length - 1));
  return unused >= 0 && BASE64URL.test(text) && (last & ((1 << unused) - 1)) === 0;
}

/** Returns the bytes themselves, followed by everything that they may encode as hex, base64 or base64url. */
export function decodings(bytes: Buffer): Buffer[] {
  const found = [bytes];
  let layer = [bytes];
  for (let depth = 0; depth < LAYERS; depth++) {
    layer = layer.flatMap(decoded);
    found.push(...layer);
  }
  return found;
}

/** Returns the text of the bytes, without a byte order mark, and without quotes and white space around it. */
export function plainTextOf(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(MARKS, '')
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .trim();
}

function decoded(bytes: Buffer): Buffer[] {
  const text = plainTextOf(bytes).replace(BLANKS, '');
  const digits = text.replaceAll(':', '');
  return [...(HEX.test(digits) ? [Buffer.from(digits, 'hex')] : []), ...(BASE64.test(text) ? [Buffer.from(text, 'base64')] : [])];
}
