import type { SessionDenylist } from '../access-token/session-denylist.js';
import {
  RefreshTokenInvalid,
  RefreshTokenMissing,
  SessionMismatch,
  SessionRevoked,
  StoreUnavailable,
  UserRejected,
} from '../errors/token.errors.js';
import { withDeadline } from '../principal/deadline.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import { Delivery } from './delivery.js';
import type { LegacyExchange } from './legacy-exchange.js';
import { LegacyRefreshToken } from './legacy-refresh-token.js';
import type { IssuedPair, PairIssuer } from './pair-issuer.js';
import { blameClaims } from '../principal/ask-hook.js';
import type { DecodedRefreshToken, RefreshTokenCodec } from './refresh-token.codec.js';
import type { RotationOutcome } from './rotation.js';
import type { RoundSettings } from './rotation-round.js';
import { RotationRound } from './rotation-round.js';
import type { SessionListener } from './session-listener.js';
import type { SessionRevoker } from './session-revoker.js';
import type { PatientStore } from './patient-store.js';
import type { RefreshTokenPosition, SessionSnapshot } from './token-session.js';
import { sessionInfoOf } from './token-session.js';

/** The rules of refreshing, and how long one refresh may take. */
export interface RotatorSettings extends RoundSettings {
  /** Time limit of a presentation in milliseconds, for everything that it waits for. */
  readonly presentationMs: number;
}

/** What a rotator works with. */
export interface RotatorPorts {
  readonly codec: RefreshTokenCodec;
  /** Exchanges the refresh tokens of another system. Null if there are none. */
  readonly legacy: LegacyExchange | null;
  readonly store: PatientStore;
  readonly revoker: SessionRevoker;
  readonly hooks: PrincipalHooks;
  readonly issuer: PairIssuer;
  readonly denylist: SessionDenylist;
  readonly listener: SessionListener;
  /** Observes each refresh. */
  readonly trace: RefreshTrace;
}

/** Observes a refresh: it calls the work once, and returns its promise or one that settles in the same way. */
export type RefreshTrace = (work: () => Promise<Presentation>) => Promise<Presentation>;

/** A refresh token: the text that was presented, and its decoded form. */
export interface PresentedToken {
  readonly text: string;
  readonly token: DecodedRefreshToken;
}

/** What presenting a good refresh token gives: the outcome, the pair and the caller. */
export interface Presentation extends IssuedPair {
  readonly outcome: RotationOutcome;
}

/**
 * Presents refresh tokens (docs/rotation.md §3). If several callers of this process present the same token at the same time, they share the
 * result.
 */
export class SessionRotator {
  private readonly round: RotationRound;
  /** Presentations under way, by session and position. */
  private readonly underWay = new Map<string, Promise<Presentation>>();

  constructor(
    private readonly settings: RotatorSettings,
    private readonly ports: RotatorPorts,
  ) {
    const { store, revoker, denylist, listener } = ports;
    this.round = new RotationRound(settings, { repository: store.repository, revoker, denylist, listener });
  }

  /**
   * Decodes a presented token.
   * @param rivals different tokens that came in other cookies of the same name. The newest of all counts.
   * @throws {RefreshTokenMissing | RefreshTokenInvalid | SessionMismatch}
   */
  decode(refreshToken: unknown, rivals?: readonly string[]): DecodedRefreshToken {
    if (refreshToken === undefined || refreshToken === null || refreshToken === '') throw new RefreshTokenMissing();
    const newest = typeof refreshToken === 'string' ? this.newestOf(refreshToken, rivals) : null;
    if (!newest) throw new RefreshTokenInvalid();
    return newest.token;
  }

  /**
   * Returns the newest authentic one of several tokens that came in cookies of one name. Returns null if none is authentic.
   * @throws {SessionMismatch} if they belong to different sessions, because nobody knows then which one is meant.
   */
  newestOf(refreshToken: string, rivals: readonly string[] = []): PresentedToken | null {
    const presented = [refreshToken, ...rivals].flatMap((text) => {
      const token = this.ports.codec.decode(text);
      return token ? [{ text, token }] : [];
    });
    const [first, ...others] = presented;
    if (others.some(({ token }) => token.sessionId !== first?.token.sessionId)) throw new SessionMismatch();
    return presented.sort((one, other) => comparePositions(other.token, one.token))[0] ?? this.legacyToken(refreshToken);
  }

  /** Reads a text as a refresh token of another system. It is asked only if no token of ours was presented. */
  private legacyToken(text: string): PresentedToken | null {
    const token = this.ports.legacy?.decode(text);
    return token ? { text, token } : null;
  }

  /**
   * Presents an authentic token.
   * @throws {TokenError} rejects with it.
   */
  async present(token: DecodedRefreshToken): Promise<Presentation> {
    if (this.ports.denylist.has(token.sessionId)) throw new SessionRevoked(token.sessionId);
    if (this.settings.rules.reuse === 'strict') return this.presentInTime(token);
    const id = `${token.sessionId} ${token.generation} ${token.branch}`;
    const leader = this.underWay.get(id);
    if (leader) return await follow(leader);
    const presentation = this.presentInTime(token);
    this.underWay.set(id, presentation);
    try {
      return await presentation;
    } finally {
      this.underWay.delete(id);
    }
  }

  /**
   * Presents a token within a time limit, because a store of the application's own may never respond. A presentation that takes too long is
   * not shared with later callers.
   */
  private presentInTime(token: DecodedRefreshToken): Promise<Presentation> {
    const { store, trace } = this.ports;
    const late = (): StoreUnavailable => {
      store.watch?.failed();
      return new StoreUnavailable({ cause: new Error('the presentation took too long') });
    };
    return trace(() => withDeadline(this.presentAlone(token), this.settings.presentationMs, late));
  }

  private async presentAlone(token: DecodedRefreshToken): Promise<Presentation> {
    const { codec, store, hooks, issuer, listener, legacy } = this.ports;
    if (token instanceof LegacyRefreshToken) await legacy?.open(token);
    const { outcome, snapshot, sentAt } = await store.inRounds(() => this.round.take(token));
    const { session, at } = snapshot;
    if (listener.wants(outcome))
      listener.on({ type: outcome, realm: this.settings.name, at, sessionId: session.id, subject: session.subject });
    const results = await hooks.ask(sessionInfoOf(session)).catch((error: unknown) => this.rejectUser(error, snapshot));
    const refreshToken = outcome === 'kept' ? undefined : codec.encode(token.secret, session);
    const issued = await issuer.issue({ snapshot, results, refreshToken, delivery: this.delivery(session.id, sentAt) }).catch(blameClaims);
    return { outcome, ...issued };
  }

  /**
   * Decides how long the refresh token may be delivered. If it has waited for more than half of the grace period, it is left out of the
   * response (docs/rotation.md §5.4). This does not apply if the rules forgive no lost response after the grace period, because the client
   * would then be signed out without the token.
   */
  private delivery(sessionId: string, sentAt: number): Delivery {
    const { rules } = this.settings;
    const isForgiven = rules.reuse === 'tolerant' && rules.recoverLost === 'always';
    return new Delivery(this.ports.denylist, sessionId, isForgiven ? sentAt + rules.graceMs / 2 : Infinity);
  }

  private async rejectUser(error: unknown, { session, at }: SessionSnapshot): Promise<never> {
    if (error instanceof UserRejected) {
      const { revoker, listener } = this.ports;
      if (listener.wants('user-rejected')) {
        listener.on({ type: 'user-rejected', realm: session.realm, at, sessionId: session.id, subject: session.subject });
      }
      await revoker.revoke(session, 'user-rejected');
    }
    throw error;
  }
}

function comparePositions(one: RefreshTokenPosition, other: RefreshTokenPosition): number {
  return one.generation - other.generation || one.branch - other.branch;
}

/** Gives a caller what the first caller got. For this caller, it is the successor that is handed out again. */
async function follow(leader: Promise<Presentation>): Promise<Presentation> {
  const presentation = await leader;
  return presentation.outcome === 'kept' ? presentation : { ...presentation, outcome: 'coalesced' };
}
