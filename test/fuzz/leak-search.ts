const BLOCK = 20;
const WORDS = new RegExp(`[A-Za-z0-9_-]{${BLOCK},}`, 'g');

/** Returns the lines that show at least 39 characters in a row of a token, or a whole shorter run of it. */
export function linesWithTokens(lines: readonly string[], tokens: readonly string[]): string[] {
  const blocks = new Set(tokens.flatMap(blocksOf));
  return lines.filter((line) => [...(line.match(WORDS) ?? [])].some((word) => windowsOf(word).some((window) => blocks.has(window))));
}

/** The blocks of the secret parts of a token. The header of a JWT is the same in all of them, and so are the names in its payload. */
function blocksOf(token: string): string[] {
  const secret = token.split('.').at(-1) ?? '';
  return Array.from({ length: Math.floor(secret.length / BLOCK) }, (_, index) => secret.slice(index * BLOCK, (index + 1) * BLOCK));
}

function windowsOf(word: string): string[] {
  return Array.from({ length: Math.min(word.length, 4_000) - BLOCK + 1 }, (_, start) => word.slice(start, start + BLOCK));
}
