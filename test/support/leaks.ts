/** Longest piece of a secret that may stand in a text by chance. */
const PIECE = 16;
/** What secrets, tokens and encoded bytes consist of, as long as a piece. */
const WORDS = new RegExp(`[A-Za-z0-9_.+/=-]{${PIECE},}`, 'g');

/**
 * What a text gives away of secrets: the secret itself, any 16 characters of it, or its bytes as hex (plain, or as `inspect` shows a
 * Buffer), base64 and base64url.
 */
export function findLeaks(text: string, secrets: readonly (string | Buffer)[]): string[] {
  // An inspection of an application repeats itself over megabytes.
  const words = [...new Set(text.match(WORDS))].join('\n');
  const leaks = secrets.flatMap(spellings).filter((piece) => (piece.length === PIECE ? words : text).includes(piece));
  return [...new Set([...leaks, ...secrets.map(asInspected).filter((bytes) => bytes !== '' && text.includes(bytes))])];
}

function spellings(secret: string | Buffer): string[] {
  if (typeof secret === 'string') return pieces(secret);
  return (['hex', 'base64', 'base64url'] as const).flatMap((encoding) => pieces(secret.toString(encoding)));
}

function asInspected(secret: string | Buffer): string {
  return typeof secret === 'string' ? '' : (secret.toString('hex', 0, 8).match(/../g) ?? []).join(' ');
}

function pieces(text: string): string[] {
  return Array.from({ length: Math.max(1, text.length - PIECE + 1) }, (_, start) => text.slice(start, start + PIECE));
}
