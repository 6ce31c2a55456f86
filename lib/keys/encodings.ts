/** How often a value is decoded: base64 of a PEM file in a Kubernetes secret that is base64 itself makes two. */
const LAYERS = 2;
const HEX = /^[0-9a-f]+$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
/** Byte order marks of UTF-8 and UTF-16, and the NUL bytes of UTF-16. */
const MARKS = /^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)|\0/g;
/** White space, also as it is written in a line of a `.env` file. */
const BLANKS = /\s|\\[rn]/g;

/** Bytes, and all that they may be an encoding of (hex, base64, base64url), the bytes themselves first. */
export function decodings(bytes: Buffer): Buffer[] {
  const found = [bytes];
  let layer = [bytes];
  for (let depth = 0; depth < LAYERS; depth++) {
    layer = layer.flatMap(decoded);
    found.push(...layer);
  }
  return found;
}

/** The text that bytes hold, without byte order mark, quotes and white space around it. */
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
