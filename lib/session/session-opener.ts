import type { SessionDenylist } from '../access-token/session-denylist.js';
import type { Clock } from '../clock.js';
import { SessionLimitReached } from '../errors/token.errors.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import { Delivery } from './delivery.js';
import type { PairIssuer } from './pair-issuer.js';
import type { PatientStore } from './patient-store.js';
import type { RefreshTokenCodec } from './refresh-token.codec.js';
import type { SessionDraft, SessionSettings, SignInOptions } from './session-draft.js';
import { draftOf } from './session-draft.js';
import type { SessionListener } from './session-listener.js';
import type { SessionRevoker } from './session-revoker.js';
import type { TokenPair } from './token-pair.js';
import type { InsertedSession } from './token-repository.js';
import type { SessionKey } from './token-session.js';

/** What an opener works with. */
export interface OpenerPorts {
  readonly codec: RefreshTokenCodec;
  readonly store: PatientStore;
  readonly revoker: SessionRevoker;
  readonly hooks: PrincipalHooks;
  readonly issuer: PairIssuer;
  readonly denylist: SessionDenylist;
  readonly listener: SessionListener;
  /** The clock of this node. It dates what the store has not dated. */
  readonly clock: Clock;
}

/** Opens sessions, and ends those beyond the maximum. */
export class SessionOpener {
  constructor(
    private readonly settings: SessionSettings,
    private readonly ports: OpenerPorts,
  ) {}

  /**
   * Opens a session and issues its first pair. See {@link RefreshService.signIn}.
   * @throws {TypeError | TokenError} rejects with it.
   */
  async signIn(subject: string, options: SignInOptions): Promise<TokenPair> {
    const { codec, hooks, issuer, denylist, listener, clock } = this.ports;
    const { secret, sessionId } = codec.newSession();
    const draft = draftOf(this.settings, { subject, id: sessionId }, options);
    const results = await hooks.ask({ sessionId, subject, authTime: clock.now(), claims: draft.session.claims });
    const snapshot = await this.insert(draft);
    // The first refresh token has no parent that could be recovered. However late it is, it stays on the response.
    const delivery = new Delivery(denylist, sessionId, Infinity);
    const refreshToken = codec.encode(secret, snapshot.session);
    const { persistent = this.settings.persistent } = options;
    const { pair } = await issuer
      .issue({ snapshot, results, refreshToken, delivery, persistent })
      .catch((error: unknown) => this.abandon(draft.session, error));
    if (listener.wants('signed-in')) listener.on({ type: 'signed-in', realm: draft.session.realm, at: snapshot.at, sessionId, subject });
    return pair;
  }

  /** Stores the session, and makes known which other sessions have ended because of the limit. */
  private async insert({ session, limit }: SessionDraft): Promise<InsertedSession> {
    const inserted = await this.ports.store.ask((repository) => repository.insert(session, limit));
    const refuses = limit.ends === 'newest';
    // The listener is not told about a session that is refused. With `end-oldest`, simultaneous sign-ins may have ended the new session
    // too.
    const ended = refuses ? inserted.ended.filter((id) => id !== session.id) : inserted.ended;
    if (ended.length > 0) this.ports.revoker.announceEnded(session.realm, ended, inserted.at);
    if (refuses && limit.keep !== null) await this.requireRoom(session, inserted, limit.keep);
    return inserted;
  }

  /**
   * Requires that the new session lives. Of simultaneous sign-ins, another one may have ended it, so the store is asked once more.
   * @throws {SessionLimitReached} rejects with it if the session has been ended because of the limit.
   */
  private async requireRoom(session: SessionKey, { ended }: InsertedSession, max: number): Promise<void> {
    if (!ended.includes(session.id)) {
      const found = await this.ports.store
        .ask((repository) => repository.find(session))
        .catch((error: unknown) => this.abandon(session, error));
      if (found?.session.revokedAt === null) return;
    }
    throw new SessionLimitReached(max);
  }

  /** Ends a session whose tokens could not be issued, because nobody will ever use it. */
  private async abandon(session: SessionKey, error: unknown): Promise<never> {
    await this.ports.revoker.revoke(session, 'admin').catch(() => undefined);
    throw error;
  }
}
