import type { Clock } from '../clock.js';
import {
  RefreshLimited,
  RefreshTokenExpired,
  RefreshTokenInvalid,
  RefreshTokenMissing,
  RefreshTokenReused,
  SessionNotFound,
  SessionRevoked,
  StoreUnavailable,
  TokenError,
  UserRejected,
} from '../errors/token.errors.js';
import { withDeadline } from '../principal/deadline.js';
import type { DecodedRefreshToken, RefreshTokenCodec } from './refresh-token.codec.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import type { RotationOutcome, RotationRules, RotationVerdict } from './rotation.js';
import { decideRotation } from './rotation.js';
import { Delivery } from './delivery.js';
import type { SessionEvents } from '../events/session-log.js';
import type { MintedPair, TokenMinter } from './pair-issuer.js';
import type { TokenRepository } from './token-repository.js';
import { StoreConflict } from './token-repository.js';
import type { RevokeReason, SessionKey, SessionSnapshot } from './token-session.js';
import { sessionInfoOf } from './token-session.js';

/** The parts that sessions are made of, one set per module instance. */
export interface SessionParts {
  readonly realm: string;
  readonly rules: RotationRules;
  /** Milliseconds. */
  readonly idleMs: number;
  /** Milliseconds. */
  readonly absoluteMs: number;
  /** Milliseconds after which no further round begins. */
  readonly patienceMs: number;
  /** Milliseconds after which a presentation is given up, whatever it waits for. */
  readonly presentationMs: number;
  readonly repository: TokenRepository;
  readonly codec: RefreshTokenCodec;
  readonly minter: TokenMinter;
  readonly revocations: RevocationList;
  readonly events: SessionEvents;
  /** This node's: dates what the store has not dated. */
  readonly clock: Clock;
}

/** What presenting a good refresh token gives: the outcome, the pair, and the caller. */
export interface Presentation extends MintedPair {
  readonly outcome: RotationOutcome;
}

/** What one round came to: the outcome, and the session as the store has it now. */
interface Settled {
  readonly outcome: RotationOutcome;
  readonly snapshot: SessionSnapshot;
}

/** A settled presentation, and the instant of `performance.now()` before its first statement was sent. */
interface DatedSettlement extends Settled {
  readonly sentAt: number;
}

/** One budget for everything: lost races, conflicts, conditional writes that met another one. */
const ROUNDS = 4;

/** Presents refresh tokens (docs/rotation.md §3): a conditional rotation, and where it changes nothing, a look and a verdict. */
export class SessionRotator {
  /** Presentations under way by session and position; concurrent callers of this process share one. */
  private readonly underWay = new Map<string, Promise<Presentation>>();

  constructor(private readonly parts: SessionParts) {}

  /** Takes a presented token apart. @throws {RefreshTokenMissing | RefreshTokenInvalid} */
  decode(refreshToken: unknown): DecodedRefreshToken {
    if (refreshToken === undefined || refreshToken === null || refreshToken === '') throw new RefreshTokenMissing();
    const token = typeof refreshToken === 'string' ? this.parts.codec.decode(refreshToken) : null;
    if (!token) throw new RefreshTokenInvalid();
    return token;
  }

  /** Presents an authentic token. @throws {TokenError} */
  async present(token: DecodedRefreshToken): Promise<Presentation> {
    if (this.parts.revocations.has(token.sessionId)) throw new SessionRevoked(token.sessionId);
    if (this.parts.rules.reuse === 'strict') return this.presentInTime(token);
    const id = `${token.sessionId} ${token.generation} ${token.branch}`;
    const leader = this.underWay.get(id);
    if (leader) return this.follow(leader);
    const presentation = this.presentInTime(token).finally(() => this.underWay.delete(id));
    this.underWay.set(id, presentation);
    return presentation;
  }

  /**
   * Ends a session, and remembers it. Asks the store even where the session is known to be revoked: a restored backup may have revived it.
   * @returns whether this call ended it.
   */
  async revoke(key: SessionKey, reason: RevokeReason): Promise<boolean> {
    const { repository, revocations, events, clock } = this.parts;
    const ended = await this.ask(() => repository.revoke(key, reason));
    if (ended) revocations.addOwn([key.id]);
    else revocations.add([key.id]);
    if (ended) events.emit({ type: 'revoked', realm: key.realm, at: clock.now(), sessionId: key.id, reason });
    return ended;
  }

  /** Asks the store, again where it conflicted with another statement. @throws {StoreUnavailable} when it does not answer. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    return this.inRounds(async () => ({ answer: await question() })).then(({ answer }) => answer);
  }

  /** Others get the leader's result: to them it is the successor handed out again. */
  private async follow(leader: Promise<Presentation>): Promise<Presentation> {
    const presentation = await leader;
    return presentation.outcome === 'kept' ? presentation : { ...presentation, outcome: 'coalesced' };
  }

  /** A store of the application's own may never answer: nobody waits for it longer than this, nor is the presentation kept for others. */
  private presentInTime(token: DecodedRefreshToken): Promise<Presentation> {
    const late = (): StoreUnavailable => new StoreUnavailable({ cause: new Error('the presentation took too long') });
    return withDeadline(this.presentAlone(token), this.parts.presentationMs, late);
  }

  private async presentAlone(token: DecodedRefreshToken): Promise<Presentation> {
    const { codec, minter, events, realm } = this.parts;
    const { outcome, snapshot, sentAt } = await this.inRounds(() => this.round(token));
    const { session, at } = snapshot;
    events.emit({ type: outcome, realm, at, sessionId: session.id, subject: session.subject });
    const answer = await minter.ask(sessionInfoOf(session)).catch((error: unknown) => this.rejectUser(error, snapshot));
    const refreshToken = outcome === 'kept' ? undefined : codec.encode(token.secret, session);
    return { outcome, ...minter.pair({ snapshot, answer, refreshToken, delivery: this.delivery(session.id, sentAt) }) };
  }

  /**
   * A refresh token that has waited for more than half of the grace period is left out of the response (docs/rotation.md §5.4), unless the
   * rules forgive no lost response after the grace period: without the token, the client would be signed out then.
   */
  private delivery(sessionId: string, sentAt: number): Delivery {
    const { revocations, rules } = this.parts;
    const isForgiven = rules.reuse === 'tolerant' && rules.recoverLost === 'always';
    return new Delivery(revocations, sessionId, isForgiven ? sentAt + rules.graceMs / 2 : Infinity);
  }

  private async inRounds<T>(round: () => Promise<T | null>): Promise<T> {
    let cause: unknown;
    const deadline = performance.now() + this.parts.patienceMs;
    for (let left = ROUNDS; left > 0 && performance.now() < deadline; left--) {
      try {
        const settled = await round();
        if (settled !== null) return settled;
      } catch (error) {
        if (error instanceof TokenError) throw error;
        if (!(error instanceof StoreConflict)) throw new StoreUnavailable({ cause: error });
        cause = error;
      }
    }
    throw new StoreUnavailable({ cause });
  }

  /** Steps 1 and 2 of the protocol once. `null` means: again. */
  private async round(token: DecodedRefreshToken): Promise<DatedSettlement | null> {
    const sentAt = performance.now();
    const settled = await this.settle(token);
    return settled && { ...settled, sentAt };
  }

  private async settle(token: DecodedRefreshToken): Promise<Settled | null> {
    const { repository, rules, realm, idleMs } = this.parts;
    const key = { realm, id: token.sessionId };
    const settleMs = rules.reuse === 'strict' ? null : 2 * rules.graceMs;
    const rotated = await repository.rotate(key, token, { settleMs, idleMs, limit: rules.limit });
    if (rotated) return { outcome: 'rotated', snapshot: rotated };
    const found = await repository.find(key);
    if (!found) throw new SessionNotFound(key.id);
    return this.carryOut(decideRotation(found, token, rules), found);
  }

  private async carryOut(verdict: RotationVerdict, found: SessionSnapshot): Promise<Settled | null> {
    const { session } = found;
    switch (verdict.kind) {
      case 'kept':
        return verdict.confirm
          ? this.advance('kept', found, { ...position(session), parentBranch: -1, idleMs: null, restartsGrace: true })
          : { outcome: 'kept', snapshot: found };
      case 'coalesced':
        return { outcome: 'coalesced', snapshot: found };
      case 'recovered':
      case 'healed':
        return this.advance(verdict.kind, found, { ...verdict.to, idleMs: this.parts.idleMs });
      case 'raced':
        return null;
      default:
        return this.refuse(verdict, found);
    }
  }

  private async advance(
    outcome: RotationOutcome,
    { session }: SessionSnapshot,
    to: Parameters<TokenRepository['advance']>[2],
  ): Promise<Settled | null> {
    const snapshot = await this.parts.repository.advance(session, session, to);
    return snapshot && { outcome, snapshot };
  }

  private async refuse(verdict: RotationVerdict, { session, at }: SessionSnapshot): Promise<null> {
    const { repository, revocations, events, realm } = this.parts;
    const { id, subject } = session;
    switch (verdict.kind) {
      case 'limited':
        events.emit({ type: 'limited', realm, at, sessionId: id, subject });
        throw new RefreshLimited(Math.ceil(verdict.retryAfterMs / 1_000));
      case 'expired':
        throw new RefreshTokenExpired(id);
      case 'revoked':
        revocations.add([id]);
        throw new SessionRevoked(id);
      default:
    }
    if (!(await repository.revoke(session, 'reuse', session))) return null;
    revocations.addOwn([id]);
    events.emit({ type: 'reuse', realm, at, sessionId: id, subject });
    throw new RefreshTokenReused(id);
  }

  private async rejectUser(error: unknown, { session, at }: SessionSnapshot): Promise<never> {
    if (error instanceof UserRejected) {
      this.parts.events.emit({ type: 'user-rejected', realm: session.realm, at, sessionId: session.id, subject: session.subject });
      await this.revoke(session, 'user-rejected');
    }
    throw error;
  }
}

function position({ generation, branch }: { generation: number; branch: number }): { generation: number; branch: number } {
  return { generation, branch };
}
