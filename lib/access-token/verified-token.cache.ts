import { hash } from 'node:crypto';
import type { AccessTokenClaims } from './access-token.claims.js';
import type { VerificationKey } from '../keys/key-source.js';
import { RecentTokens } from './recent-tokens.js';

/** What stays true of a verified token whatever the time: everything else is looked at on every hit. */
export interface VerifiedToken {
  /** Deeply frozen. */
  readonly claims: AccessTokenClaims;
  /** The key that verified it: a hit counts only while the ring still has this very key. */
  readonly key: VerificationKey;
}

/** What the cache makes of it. */
export interface RecalledToken extends VerifiedToken {
  /** The same claims, to be copied and never handed out: V8 copies what is not frozen in a fifth of the time. */
  readonly template: AccessTokenClaims;
}

interface Entry extends RecalledToken {
  /** `performance.now()` from which the entry is void: a wall clock that jumps back cannot revive it. */
  readonly voidAt: number;
  /** Characters of the token. */
  readonly length: number;
}

/** Longest stay, milliseconds. */
const MAX_STAY_MS = 300_000;
/** Tokens of one session at the most: an application that issues many of them loses only those of that session. */
const MAX_PER_SESSION = 8;
/** Average length of token that the cache is sized for, characters. */
const AVERAGE_LENGTH = 1_024;

/** Tokens that are known by more than their digest, at the most. */
const MAX_RECENT = 1_000;

/** A character per byte: the shortest text, and the quickest made, of a digest. */
function keyOf(token: string): string {
  return hash('sha256', token, 'binary');
}

/** One half of the cache. Full, it becomes the old half; what is hit there moves to the new one: an LRU without a write per hit. */
class Generation {
  readonly tokens = new Map<string, Entry>();
  private readonly bySession = new Map<string, string[]>();
  /** Characters of all tokens held. */
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
 * Tokens that have been verified in full, by the SHA-256 of all their bytes: a token that differs in one bit is another one, and no live
 * credential lies here longer than the second of {@link RecentTokens}. Holds successes only, no verdict: time, key and revocation are the
 * caller's to look at on each hit.
 */
export class VerifiedTokenCache {
  private young = new Generation();
  private old = new Generation();
  private readonly recent: RecentTokens<Entry>;

  /** @param max tokens that it holds at most; it also holds at most 1 KiB a token on average. */
  constructor(private readonly max: number) {
    this.recent = new RecentTokens(Math.min(max, MAX_RECENT));
  }

  /** @param instant `performance.now()`. */
  get(token: string, instant: number = performance.now()): RecalledToken | undefined {
    const found = this.recent.get(token) ?? this.find(token);
    return found && instant < found.voidAt ? found : undefined;
  }

  /** @param now the instant of `claims.exp`'s judgement, epoch milliseconds. */
  set(token: string, verified: VerifiedToken, now: number): void {
    const stay = Math.min(verified.claims.exp * 1_000 - now, MAX_STAY_MS);
    this.add(keyOf(token), { ...verified, template: { ...verified.claims }, voidAt: performance.now() + stay, length: token.length });
  }

  /** Forgets everything. */
  clear(): void {
    this.young = new Generation();
    this.old = new Generation();
    this.recent.clear();
  }

  /** Tokens held, for tests and metrics. */
  get size(): number {
    return this.young.tokens.size + this.old.tokens.size;
  }

  private find(token: string): Entry | undefined {
    const key = keyOf(token);
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
