/** What {@link redactTokens} looks for in addition to tokens. */
export interface RedactOptions {
  /**
   * Names of the headers that carry tokens. Upper and lower case do not matter. The whole value of a property with such a name is replaced,
   * whatever it looks like. Give the names of your `header` option. @defaultValue `['authorization', 'x-refresh-token']`
   */
  readonly headers?: readonly string[];
}

const REDACTED = '[redacted]';
const HEADERS = ['authorization', 'x-refresh-token'];
/** How deep objects are walked. Each level takes space on the stack. */
const DEPTH = 100;
/** A run of the characters that tokens consist of. The expression cannot backtrack: it reads every character once. */
const WORD = /[\w.-]+/g;
/** Refresh tokens (`ntr_`) and CSRF tokens (`ntc_`). */
const OWN_TOKEN = /nt[rc]_[\w-]{40,}/g;

/**
 * Replaces every token in a value that is about to be logged by `[redacted]`: access tokens, refresh tokens, CSRF tokens and the values of
 * the headers that carry them. The value may be a finished line of text, an object, an array, a map or an error with its causes, and may
 * have cycles. The value itself is not changed. A value without tokens is returned as it is, and any other value as a copy. In a copy, an
 * object with a method `toJSON` is replaced by what that method returns, or by `[redacted]` if it throws. So is everything that is nested
 * more than 100 levels deep, whether it holds a token or not.
 *
 * It finds whole tokens of this package, also in what `toJSON` returns, as of a `TokenPair` or a `URL`. It does not find a token that is
 * encoded once more (base64, gzip), that is cut off before its signature, or that a getter returns, because it calls no getters. Nor does
 * it find one in a `Headers` or a `Request` of the Fetch API, which keep what they hold in no property. In the finished line, it finds
 * these too.
 *
 * @example
 * pino({ hooks: { streamWrite: (line) => redactTokens(line) } });
 */
export function redactTokens<T>(value: T, { headers = HEADERS }: RedactOptions = {}): T {
  const redactor = new Redactor(new Set(headers.map((name) => name.toLowerCase())));
  return redactor.holdsToken(value) ? (redactor.copy(value) as T) : value;
}

/** The work of one call. It searches first and copies only if it finds something, because most lines have no token. */
class Redactor {
  private readonly seen = new WeakSet();
  private readonly copies = new WeakMap<object, unknown>();
  private readonly shown = new WeakMap<object, unknown>();

  constructor(private readonly headers: ReadonlySet<string>) {}

  holdsToken(value: unknown, depth = 0): boolean {
    if (typeof value === 'string') return redactText(value) !== value;
    if (!isWalked(value) || this.seen.has(value)) return false;
    if (depth === DEPTH) return true;
    this.seen.add(value);
    const shown = this.shownOf(value);
    if (shown === REDACTED || this.holdsToken(shown, depth + 1)) return true;
    return membersOf(value).some(
      ([key, member]) => (this.isHeader(key) && isText(member)) || this.holdsToken(key, depth + 1) || this.holdsToken(member, depth + 1),
    );
  }

  copy(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return redactText(value);
    if (!isWalked(value)) return value;
    const known = this.copies.get(value);
    if (known !== undefined) return known;
    if (depth === DEPTH) return REDACTED;
    const shown = this.shownOf(value);
    return shown === value ? this.copyMembers(value, depth) : this.copyShown(value, shown, depth);
  }

  private copyMembers(value: object, depth: number): object {
    const members = membersOf(value);
    // Dates, promises and similar objects keep their value in an internal slot, which cannot be copied like a property.
    if (members.length === 0) return value;
    const copy = emptyLike(value);
    this.copies.set(value, copy);
    for (const [key, member] of members) {
      const kept = this.isHeader(key) && isText(member) ? REDACTED : this.copy(member, depth + 1);
      put(copy, this.copy(key, depth + 1), { value: kept, enumerable: isEnumerable(value, key) });
    }
    return copy;
  }

  /** Copies what an object shows of itself. Its symbols are kept, because winston has the level of a line there. */
  private copyShown(value: object, shown: unknown, depth: number): unknown {
    const copy = this.copy(shown, depth + 1);
    if (!isWalked(copy) || copy === shown) return copy;
    for (const [key, member] of membersOf(value))
      if (typeof key === 'symbol' && !Object.hasOwn(copy, key))
        put(copy, key, { value: this.copy(member, depth + 1), enumerable: isEnumerable(value, key) });
    return copy;
  }

  /** Returns what JSON shows of an object: the result of its method `toJSON`, or the object itself. Calls the method once. */
  private shownOf(value: object): unknown {
    if (!this.shown.has(value)) this.shown.set(value, jsonOf(value));
    return this.shown.get(value);
  }

  private isHeader(key: unknown): boolean {
    return typeof key === 'string' && this.headers.has(key.toLowerCase());
  }
}

function redactText(text: string): string {
  return text.includes('eyJ') || text.includes('ntr_') || text.includes('ntc_') ? text.replace(WORD, redactWord) : text;
}

/** A JWS has three segments. The first two are JSON objects in base64url, so they begin with `eyJ`, which encodes `{"`. */
function redactWord(word: string): string {
  const segments = word.split('.');
  const kept: string[] = [];
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index] ?? '';
    const begin = segment.indexOf('eyJ');
    const isToken = begin >= 0 && segments[index + 1]?.startsWith('eyJ') && segments[index + 2];
    kept.push(isToken ? segment.slice(0, begin) + REDACTED : segment.replace(OWN_TOKEN, REDACTED));
    if (isToken) index += 2;
  }
  return kept.join('.');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' ? value !== REDACTED : Array.isArray(value) && value.some((one) => typeof one === 'string');
}

function isWalked(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}

/** A date is shown as text that holds no token. It stays a date. */
function jsonOf(value: object): unknown {
  if (value instanceof Date) return value;
  try {
    const { toJSON } = value as { toJSON?: unknown };
    return typeof toJSON === 'function' ? (Reflect.apply(toJSON, value, ['']) as unknown) : value;
  } catch {
    return REDACTED;
  }
}

function isEnumerable(value: object, key: unknown): boolean {
  return Object.getOwnPropertyDescriptor(value, key as PropertyKey)?.enumerable ?? true;
}

/** The members of an object. Calls no getters. */
function membersOf(value: object): [unknown, unknown][] {
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value].map((one) => [one, one]);
  const own = Reflect.ownKeys(value).flatMap((key): [unknown, unknown][] => {
    const property = Object.getOwnPropertyDescriptor(value, key);
    return property && 'value' in property && !(Array.isArray(value) && key === 'length') ? [[key, property.value]] : [];
  });
  // In some versions of V8 the stack is a getter.
  return value instanceof Error ? [...own.filter(([key]) => key !== 'stack'), ['stack', value.stack]] : own;
}

function emptyLike(value: object): object {
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (Array.isArray(value)) return [];
  const prototype = Object.getPrototypeOf(value) as object | null;
  return value instanceof Error ? (Object.setPrototypeOf(new Error(), prototype) as object) : (Object.create(prototype) as object);
}

function put(target: object, key: unknown, { value, enumerable }: { value: unknown; enumerable: boolean }): void {
  if (target instanceof Map) target.set(key, value);
  else if (target instanceof Set) target.add(value);
  else Object.defineProperty(target, key as PropertyKey, { value, enumerable, configurable: true, writable: true });
}
