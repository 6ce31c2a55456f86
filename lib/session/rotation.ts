import type { SessionAdvance } from './token-repository.js';
import type { RefreshTokenPosition, SessionSnapshot } from './token-session.js';

/** Outcomes of presenting a refresh token that authenticate the caller. */
export type RotationOutcome = 'rotated' | 'kept' | 'coalesced' | 'recovered' | 'healed';

/** The rules that a verdict depends on. Spans are milliseconds. */
export interface RotationRules {
  /** Grace period. For this long after a rotation, the parent gets the same successor. */
  readonly graceMs: number;
  /** `strict` means that every token works once (RFC 9700 §4.14.2 read literally). */
  readonly reuse: 'tolerant' | 'strict';
  /** `grace` means that a lost response is forgiven within the grace period only. */
  readonly recoverLost: 'always' | 'grace';
  readonly limit: { readonly max: number; readonly perMs: number } | null;
}

/** What a presented token means for a session that step 1 (the conditional rotation) did not advance. */
export type RotationVerdict =
  | { readonly kind: 'revoked' | 'expired' | 'reuse' | 'raced' }
  /** Every rotation of this time window has been used. The window ends in `retryAfterMs` milliseconds. */
  | { readonly kind: 'limited'; readonly retryAfterMs: number }
  /** The caller holds the current token. If `confirm` is true, the parent must first be made unrecoverable. */
  | { readonly kind: 'kept'; readonly confirm: boolean }
  /** The caller gets the token at the session's own position. Nothing is written. */
  | { readonly kind: 'coalesced' }
  /** The caller gets the token at `to`, once the session has been put there and its idle lifetime has been renewed. */
  | { readonly kind: 'recovered' | 'healed'; readonly to: Omit<SessionAdvance, 'idleMs'> };

/**
 * The last branch. After it, the same token is handed out again, so that a lost response never signs anybody out. Only the idle lifetime is
 * renewed then. Neither the position nor the grace period changes.
 */
export const LAST_BRANCH = 255;

/**
 * Decides what a token means, which is step 2 of the rotation protocol (docs/rotation.md §3). It is a pure function: it reads no clock and
 * no store.
 *
 * @param snapshot the session as its store has it, and the store's instant of reading it.
 * @param token position of the presented token.
 */
export function decideRotation(snapshot: SessionSnapshot, token: RefreshTokenPosition, rules: RotationRules): RotationVerdict {
  const { session, at: now } = snapshot;
  if (session.revokedAt !== null) return { kind: 'revoked' };
  if (now >= session.idleExpiresAt || now >= session.absoluteExpiresAt) return { kind: 'expired' };
  const ahead = token.generation - session.generation;
  if (ahead === 0 && token.branch <= session.branch) return decideCurrent(snapshot, rules);
  if (ahead >= 0) {
    return { kind: 'healed', to: { generation: token.generation + 1, branch: 0, parentBranch: token.branch, restartsGrace: true } };
  }
  return ahead === -1 && rules.reuse === 'tolerant' ? decideParent(snapshot, token, rules) : { kind: 'reuse' };
}

/** Decides about the current token, which step 1 did not rotate because it came too early or too often, or another caller was first. */
function decideCurrent({ session, at: now }: SessionSnapshot, rules: RotationRules): RotationVerdict {
  if (rules.reuse === 'tolerant' && now - session.rotatedAt < 2 * rules.graceMs) {
    return { kind: 'kept', confirm: session.branch > 0 && session.parentBranch >= 0 };
  }
  const windowEndsAt = session.windowStartedAt + (rules.limit?.perMs ?? 0);
  if (rules.limit && session.windowCount >= rules.limit.max && now < windowEndsAt) {
    return { kind: 'limited', retryAfterMs: windowEndsAt - now };
  }
  return { kind: 'raced' };
}

/** Decides about the token before the current one. It comes from a parallel request, after a lost response, or from a second holder. */
function decideParent({ session, at: now }: SessionSnapshot, token: RefreshTokenPosition, rules: RotationRules): RotationVerdict {
  if (now - session.rotatedAt < rules.graceMs) return { kind: 'coalesced' };
  if (token.branch !== session.parentBranch || rules.recoverLost === 'grace') return { kind: 'reuse' };
  const restartsGrace = session.branch < LAST_BRANCH;
  return {
    kind: 'recovered',
    // The parent is left as it is in the store: a confirmation that came since this read must not be undone.
    to: { generation: session.generation, branch: session.branch + (restartsGrace ? 1 : 0), parentBranch: null, restartsGrace },
  };
}
