/** How long a token stays, in milliseconds. All tokens are forgotten together, this long after the first one came. */
const STAY_MS = 1_000;
/** The number of characters at the end of a token by which it is found. */
const TAIL = 6;

/**
 * What is known about the tokens of the last second, by the tokens themselves. A digest of each would cost more than everything else that
 * is done for a known token, and browsers send one token many times at once. They are live credentials, so `inspect()` does not show them,
 * and they are forgotten about as soon as the requests that brought them have ended.
 */
export class RecentTokens<Known> {
  readonly #byTail = new Map<number, { readonly token: string; readonly known: Known }>();
  #timer: NodeJS.Timeout | undefined;

  /** @param max maximum number of tokens. */
  constructor(private readonly max: number) {}

  /** Returns what is known about exactly this token. All of its characters are compared. */
  get(token: string): Known | undefined {
    const found = this.#byTail.get(tailOf(token));
    return found?.token === token ? found.known : undefined;
  }

  /** Remembers a token. If it is full, it forgets all others first. */
  set(token: string, known: Known): void {
    if (this.#byTail.size >= this.max) this.clear();
    this.#byTail.set(tailOf(token), { token, known });
    this.#timer ??= setTimeout(() => this.clear(), STAY_MS).unref();
  }

  /** Forgets everything. */
  clear(): void {
    this.#byTail.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Number of tokens, for tests. */
  get size(): number {
    return this.#byTail.size;
  }
}

/**
 * Returns a number for the end of a token's signature. It is as good as random, and much faster to compute than a hash of the whole token.
 */
function tailOf(token: string): number {
  let tail = 0;
  for (let index = token.length - TAIL; index < token.length; index++) tail = (tail * 67 + token.charCodeAt(index)) & 0x3fff_ffff;
  return tail;
}
