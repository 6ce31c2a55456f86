/** The longest piece of a secret that a text may contain by chance. */
const PIECE = 16;
/** Any 16 characters of a secret contain a whole block of it: blocks have half that length. */
const BLOCK = PIECE / 2;
/** A run of the characters that secrets, tokens and encoded bytes consist of. */
const WORDS = /[\w+/=-]{16,}/g;

/** A block of a secret, and where it is. */
interface Place {
  readonly secret: string;
  readonly at: number;
}

/**
 * Compares everything that is written with every secret that was issued before. It is made for many thousands of both. `findLeaks` finds
 * more spellings of few secrets.
 */
export class LeakCheck {
  /** Where something was written, and what: the secret itself is not repeated. */
  readonly leaks: string[] = [];
  /** How many secrets are known. */
  issued = 0;
  /** How many texts were compared, by where they were written. */
  readonly written = new Map<string, number>();
  private readonly blocks = new Map<string, Place>();

  /** Adds a secret. The first part of a JWT is no secret: it is the same in all tokens of a key. */
  add(secret: string): void {
    this.issued += 1;
    const segments = secret.split('.');
    for (const part of segments.length === 3 ? segments.slice(1) : segments) {
      for (let at = 0; at + BLOCK <= part.length; at += BLOCK) {
        const block = part.slice(at, at + BLOCK);
        if (!this.blocks.has(block)) this.blocks.set(block, { secret: part, at });
      }
    }
  }

  /** Compares a text that was written somewhere. */
  see(where: string, text: string): void {
    this.written.set(where, (this.written.get(where) ?? 0) + 1);
    const clean = text.replace(WORDS, (word) => (this.reveals(word) ? '[leaked]' : word));
    if (clean !== text) this.leaks.push(`${where}: ${clean.slice(0, 300)}`);
  }

  private reveals(word: string): boolean {
    for (let at = 0; at + BLOCK <= word.length; at++) {
      const place = this.blocks.get(word.slice(at, at + BLOCK));
      if (place && commonLength(word, at, place) >= PIECE) return true;
    }
    return false;
  }
}

/** Returns how many characters a word and a secret have in common around a block. */
function commonLength(word: string, at: number, { secret, at: place }: Place): number {
  let before = 0;
  while (before < Math.min(at, place) && word[at - before - 1] === secret[place - before - 1]) before++;
  let after = BLOCK;
  while (at + after < word.length && place + after < secret.length && word[at + after] === secret[place + after]) after++;
  return before + after;
}
