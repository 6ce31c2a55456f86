import type { SessionDenylist } from '../access-token/session-denylist.js';
import { RefreshLimited, RefreshTokenExpired, RefreshTokenReused, SessionNotFound, SessionRevoked } from '../errors/token.errors.js';
import type { DecodedRefreshToken } from './refresh-token.codec.js';
import type { RotationOutcome, RotationRules, RotationVerdict } from './rotation.js';
import { decideRotation } from './rotation.js';
import type { SessionListener } from './session-listener.js';
import type { SessionRevoker } from './session-revoker.js';
import type { SessionAdvance, TokenRepository } from './token-repository.js';
import type { SessionKey, SessionSnapshot } from './token-session.js';

/** The result of a round: the outcome, and the session as the store has it now. */
export interface Settlement {
  readonly outcome: RotationOutcome;
  readonly snapshot: SessionSnapshot;
  /** The value of `performance.now()` before the first statement of the round was sent. */
  readonly sentAt: number;
}

/** The rules of a round, and the instance that it belongs to. */
export interface RoundSettings {
  /** Name of the instance. */
  readonly name: string;
  readonly rules: RotationRules;
  /** Milliseconds. */
  readonly idleMs: number;
}

/** What a round works with. */
export interface RoundPorts {
  readonly repository: TokenRepository;
  readonly revoker: SessionRevoker;
  readonly denylist: SessionDenylist;
  readonly listener: SessionListener;
}

type Found = Omit<Settlement, 'sentAt'> | null;

/**
 * Does the two steps of the protocol (docs/rotation.md §3). The first is a conditional rotation. If it changes nothing, the second reads
 * the session, decides what the token means, and carries that out.
 */
export class RotationRound {
  constructor(
    private readonly settings: RoundSettings,
    private readonly ports: RoundPorts,
  ) {}

  /**
   * Does the two steps once.
   * @returns null if another statement came between them, so that the round must be repeated.
   * @throws {TokenError} rejects with it.
   */
  async take(token: DecodedRefreshToken): Promise<Settlement | null> {
    const sentAt = performance.now();
    const { rules, name, idleMs } = this.settings;
    const key = { realm: name, id: token.sessionId };
    const settleMs = rules.reuse === 'strict' ? null : 2 * rules.graceMs;
    const snapshot = await this.ports.repository.rotate(key, token, { settleMs, idleMs, limit: rules.limit });
    if (snapshot) return { outcome: 'rotated', snapshot, sentAt };
    const settled = await this.settle(key, token);
    return settled && { ...settled, sentAt };
  }

  /** Does the second step. */
  private async settle(key: SessionKey, token: DecodedRefreshToken): Promise<Found> {
    const found = await this.ports.repository.find(key);
    if (!found) throw new SessionNotFound(key.id);
    return this.carryOut(decideRotation(found, token, this.settings.rules), found);
  }

  private async carryOut(verdict: RotationVerdict, found: SessionSnapshot): Promise<Found> {
    switch (verdict.kind) {
      case 'kept':
        return verdict.confirm ? this.advance('kept', found, confirmationOf(found)) : { outcome: 'kept', snapshot: found };
      case 'coalesced':
        return { outcome: 'coalesced', snapshot: found };
      case 'recovered':
      case 'healed':
        return this.advance(verdict.kind, found, { ...verdict.to, idleMs: this.settings.idleMs });
      case 'raced':
        return null;
      default:
        return this.refuse(verdict, found);
    }
  }

  private async advance(outcome: RotationOutcome, { session }: SessionSnapshot, to: SessionAdvance): Promise<Found> {
    const snapshot = await this.ports.repository.advance(session, session, to);
    return snapshot && { outcome, snapshot };
  }

  private async refuse(verdict: RotationVerdict, found: SessionSnapshot): Promise<null> {
    const { id } = found.session;
    switch (verdict.kind) {
      case 'limited':
        this.tellLimited(found);
        throw new RefreshLimited(Math.ceil(verdict.retryAfterMs / 1_000));
      case 'expired':
        throw new RefreshTokenExpired(id);
      case 'revoked':
        this.ports.denylist.add([id]);
        throw new SessionRevoked(id);
      default:
    }
    if (!(await this.ports.revoker.revokeReused(found))) return null;
    throw new RefreshTokenReused(id);
  }

  private tellLimited({ session: { id: sessionId, subject }, at }: SessionSnapshot): void {
    const { listener } = this.ports;
    if (listener.wants('limited')) listener.on({ type: 'limited', realm: this.settings.name, at, sessionId, subject });
  }
}

/** Returns the advance that leaves the session where it is and makes its parent unrecoverable. */
function confirmationOf({ session: { generation, branch } }: SessionSnapshot): SessionAdvance {
  return { generation, branch, parentBranch: -1, idleMs: null, restartsGrace: true };
}
