import { hash } from 'node:crypto';
import type { AccessTokenClaims } from './access-token.claims.js';
import type { VerificationKey } from '../keys/key-source.js';
import { RecentTokens } from './recent-tokens.js';

/** What stays true about a verified token at any time. Everything else is checked on every hit. */
export interface VerifiedToken {
  /** Deeply frozen. */
  readonly claims: AccessTokenClaims;
  /** The key that verified it. A hit counts only while the key source still trusts exactly this key. */
  readonly key: VerificationKey;
}

/** A verified token as the cache returns it. */
export interface RecalledToken extends VerifiedToken {
  /** The same claims, to be copied and never handed out. V8 copies what is not frozen in a fifth of the time. */
  readonly template: AccessTokenClaims;
}

interface Entry extends RecalledToken {
  /** The value of `performance.now()` from which the entry is void. A wall clock that jumps back cannot revive it. */
  readonly voidAt: number;
  /** Number of characters of the token. */
  readonly length: number;
}

/** Longest time for which a token stays, in milliseconds. */
const MAX_STAY_MS = 300_000;
/** Maximum number of tokens of one session. An application that issues many of them loses only tokens of that session. */
const MAX_PER_SESSION = 8;
/** The average length of a token for which the cache is sized, in characters. */
const AVERAGE_LENGTH = 1_024;

/** Maximum number of tokens that are known by themselves and not only by their digests. */
const MAX_RECENT = 1_000;

/** Returns the digest of a token with one character per byte, which is the shortest text of it and the fastest to make. */
export function digestOf(token: string): string {
  return hash('sha256', token, 'binary');
}

/**
 * One half of the cache. When it is full, it becomes the old half. A token that is found in the old half moves to the new one. So this is
 * an LRU cache without a write for each hit.
 */
class Generation {
  readonly tokens = new Map<string, Entry>();
  private readonly bySession = new Map<string, string[]>();
  /** Number of characters of all tokens. */
  length = 0;

  add(key: string, entry: Entry): void {
    const known = this.tokens.get(key);
    if (!known) this.enlist(key, entry.claims.sid);
    this.tokens.set(key, entry);
    this.length += entry.length - (known?.length ?? 0);
  }

  private enlist(key: string, sid: string | undefined): void {
    if (sid === undefined) return;
    const siblings = this.bySession.get(sid);
    if (!siblings) this.bySession.set(sid, [key]);
    else if (siblings.push(key) > MAX_PER_SESSION) this.drop(siblings.shift());
  }

  private drop(key = ''): void {
    this.length -= this.tokens.get(key)?.length ?? 0;
    this.tokens.delete(key);
  }
}

/**
 * Tokens that have been verified in full, by the SHA-256 of all their bytes. A token that differs in one bit is another one, and no live
 * credential is kept here for longer than the second of {@link RecentTokens}. The cache holds only successes and no verdicts: the caller
 * checks time, key and revocation on each hit.
 */
export class VerifiedTokenCache {
  private young = new Generation();
  private old = new Generation();
  private readonly recent: RecentTokens<Entry>;

  /** @param max maximum number of tokens. They also have at most 1 KiB each on average. */
  constructor(private readonly max: number) {
    this.recent = new RecentTokens(Math.min(max, MAX_RECENT));
  }

  /**
   * Finds a token.
   * @param instant the present value of `performance.now()`.
   */
  get(token: string, instant: number = performance.now()): RecalledToken | undefined {
    const found = this.recent.get(token) ?? this.find(token);
    return found && instant < found.voidAt ? found : undefined;
  }

  /**
   * Remembers a token.
   * @param now the instant at which `claims.exp` was judged, epoch milliseconds.
   */
  set(token: string, verified: VerifiedToken, now: number): void {
    const stay = Math.min(verified.claims.exp * 1_000 - now, MAX_STAY_MS);
    this.add(digestOf(token), { ...verified, template: { ...verified.claims }, voidAt: performance.now() + stay, length: token.length });
  }

  /** Forgets everything. */
  clear(): void {
    this.young = new Generation();
    this.old = new Generation();
    this.recent.clear();
  }

  /** Number of tokens, for tests and metrics. */
  get size(): number {
    return this.young.tokens.size + this.old.tokens.size;
  }

  private find(token: string): Entry | undefined {
    const key = digestOf(token);
    const found = this.young.tokens.get(key) ?? this.revive(key);
    if (found) this.recent.set(token, found);
    return found;
  }

  private revive(key: string): Entry | undefined {
    const found = this.old.tokens.get(key);
    if (!found) return undefined;
    this.old.tokens.delete(key);
    this.add(key, found);
    return found;
  }

  private add(key: string, entry: Entry): void {
    const { young, max } = this;
    if (young.tokens.size >= Math.floor(max / 2) || young.length + entry.length > (max / 2) * AVERAGE_LENGTH) {
      this.old = young;
      this.young = new Generation();
    }
    this.young.add(key, entry);
  }
}
