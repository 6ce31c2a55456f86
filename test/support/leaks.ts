/** The longest piece of a secret that a text may contain by chance. */
const PIECE = 16;
/** A run of the characters of secrets, tokens and encoded bytes that is as long as such a piece. */
const WORDS = new RegExp(`[A-Za-z0-9_.+/=-]{${PIECE},}`, 'g');

/**
 * Returns what a text reveals of secrets: the secret itself, any 16 characters of it, or its bytes in hex (plain, or in the form in which
 * `inspect` shows a Buffer), base64 or base64url.
 */
export function findLeaks(text: string, secrets: readonly (string | Buffer)[]): string[] {
  // The inspected text of an application has megabytes with many repetitions.
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
