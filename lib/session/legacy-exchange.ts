import type { Clock } from '../clock.js';
import { RefreshTokenExpired, RefreshTokenInvalid, TokenError } from '../errors/token.errors.js';
import { askAboutLegacyToken, instantOf } from '../principal/legacy-hook.js';
import { LegacyRefreshToken } from './legacy-refresh-token.js';
import type { LegacyExchangeHook, LegacySession } from './legacy.options.js';
import type { PatientStore } from './patient-store.js';
import type { SessionSettings } from './session-draft.js';
import { draftOf } from './session-draft.js';
import type { SessionListener } from './session-listener.js';
import type { NewSession, SessionKey } from './token-session.js';

/** How refresh tokens of another system are exchanged. */
export interface LegacyExchangeSettings extends SessionSettings {
  readonly issuer: string;
  readonly exchange: LegacyExchangeHook;
  /** Instant from which the hook is not asked any more, epoch milliseconds. */
  readonly untilMs: number;
  /** Time limit of the hook in milliseconds. */
  readonly timeoutMs: number;
}

/** What the exchange works with. */
export interface LegacyExchangePorts {
  readonly store: PatientStore;
  readonly listener: SessionListener;
  readonly clock: Clock;
}

/** A session of less than a second is not worth opening. */
const SHORTEST_MS = 1_000;

/** Opens a session for each good refresh token of another system, once (docs/migration.md). The rotator then presents the token. */
export class LegacyExchange {
  constructor(
    private readonly settings: LegacyExchangeSettings,
    private readonly ports: LegacyExchangePorts,
  ) {}

  /** Reads a text as a refresh token of another system. Returns null if it cannot be one. It calls no hook and no store. */
  decode(text: string): LegacyRefreshToken | null {
    return LegacyRefreshToken.from(text, this.settings);
  }

  /**
   * Makes sure that the token has a session. The hook is asked only if there is none. If several callers do this at the same time, on any
   * nodes, one of them stores the session, and all of them find it.
   * @throws {RefreshTokenInvalid | RefreshTokenExpired | UserRejected} rejects with it if the token is not good.
   * @throws {HookFailed | HookTimeout | StoreUnavailable} rejects with it. Nothing is lost: the client keeps its tokens.
   */
  async open(token: LegacyRefreshToken): Promise<void> {
    const { store } = this.ports;
    const key = { realm: this.settings.name, id: token.sessionId };
    if (await store.ask((repository) => repository.find(key))) return;
    const draft = await this.draft(token);
    await this.insert(draft).catch((error: unknown) => this.requireStored(key, error));
  }

  /**
   * Makes sure that the token has a session, if it is good.
   * @returns whether it is good.
   * @throws {HookFailed | HookTimeout | StoreUnavailable} rejects with it.
   */
  async isGood(token: LegacyRefreshToken): Promise<boolean> {
    try {
      await this.open(token);
      return true;
    } catch (error) {
      if (error instanceof TokenError && error.terminal) return false;
      throw error;
    }
  }

  private async draft(token: LegacyRefreshToken): Promise<NewSession> {
    const { exchange, untilMs, timeoutMs } = this.settings;
    if (this.ports.clock.now() >= untilMs) throw new RefreshTokenInvalid();
    const draft = await askAboutLegacyToken<LegacySession, NewSession | 'expired'>({
      hook: 'legacy.exchange',
      timeoutMs,
      token: token.text,
      ask: exchange,
      read: (answer) => this.read(token.sessionId, answer),
    });
    if (draft === 'refused') throw new RefreshTokenInvalid();
    if (draft === 'expired') throw new RefreshTokenExpired(token.sessionId);
    return draft;
  }

  private read(sessionId: string, { subject, claims, device, data, expiresAt, authTime }: LegacySession): NewSession | 'expired' {
    const { absoluteMs } = this.settings;
    const endsAt = instantOf('expiresAt', expiresAt);
    const leftMs = endsAt === undefined ? absoluteMs : Math.min(absoluteMs, endsAt - this.ports.clock.now());
    if (leftMs < SHORTEST_MS) return 'expired';
    // Nobody has authenticated just now. Without this instant, a route with `@Fresh()` would let the session in.
    const own = { ...(claims && { claims }), ...(device && { device }), ...(data && { data }) };
    const since = instantOf('authTime', authTime) ?? 0;
    return { ...draftOf({ ...this.settings, absoluteMs: leftMs }, { subject, id: sessionId }, own).session, authTime: since };
  }

  /** Stores the session. It ends no other one, whatever `sessions.max` is, because nobody has signed in. The next sign-in counts it. */
  private async insert(draft: NewSession): Promise<void> {
    const { store, listener } = this.ports;
    const { at } = await store.attempt((repository) => repository.insert(draft));
    if (listener.wants('exchanged'))
      listener.on({ type: 'exchanged', realm: draft.realm, at, sessionId: draft.id, subject: draft.subject });
  }

  /** Accepts that a session could not be stored if it is there: somebody else stored it, or the store has done so without a response. */
  private async requireStored(key: SessionKey, error: unknown): Promise<void> {
    if (!(await this.ports.store.ask((repository) => repository.find(key)))) throw error;
  }
}
