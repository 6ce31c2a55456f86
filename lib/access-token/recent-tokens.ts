/** How long a token stays, milliseconds: from the first that comes, all are forgotten together. */
const STAY_MS = 1_000;
/** Characters of a token's end that find it. */
const TAIL = 6;

/**
 * What is known of the tokens of the last second, by their own characters: a digest of each would cost more than all the rest that is
 * done for a known token, and browsers send one token many times at once. They are live credentials: out of sight of `inspect()`, and
 * gone about as soon as the requests that brought them.
 */
export class RecentTokens<Known> {
  readonly #byTail = new Map<number, { readonly token: string; readonly known: Known }>();
  #timer: NodeJS.Timeout | undefined;

  /** @param max tokens that it holds at most. */
  constructor(private readonly max: number) {}

  /** What is known of this very token, all of its characters compared. */
  get(token: string): Known | undefined {
    const found = this.#byTail.get(tailOf(token));
    return found?.token === token ? found.known : undefined;
  }

  /** Full, it forgets the others first. */
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

  /** Tokens held, for tests. */
  get size(): number {
    return this.#byTail.size;
  }
}

/** A number for the end of a token's signature: as good as random, and far quicker made than a hash of the whole. */
function tailOf(token: string): number {
  let tail = 0;
  for (let index = token.length - TAIL; index < token.length; index++) tail = (tail * 67 + token.charCodeAt(index)) & 0x3fff_ffff;
  return tail;
}
