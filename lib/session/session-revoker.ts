import type { SessionDenylist } from '../access-token/session-denylist.js';
import type { Clock } from '../clock.js';
import type { SessionListener } from './session-listener.js';
import type { PatientStore } from './patient-store.js';
import type { RevokeReason, SessionKey, SessionOwner, SessionSnapshot } from './token-session.js';

/** What a revoker works with. */
export interface RevokerPorts {
  readonly store: PatientStore;
  readonly denylist: SessionDenylist;
  readonly listener: SessionListener;
  /** The clock of this node. It dates what the store has not dated. */
  readonly clock: Clock;
}

/** Ends sessions, and makes this node and the others refuse their access tokens. */
export class SessionRevoker {
  constructor(private readonly ports: RevokerPorts) {}

  /**
   * Ends a session. If a `subject` is given, the session must belong to it. The revoker remembers the session. It asks the store even if
   * the session is known to be revoked, because a restored backup may have revived it.
   * @returns whether this call ended it.
   * @throws {StoreUnavailable} rejects with it.
   */
  async revoke(key: SessionKey, reason: RevokeReason, subject?: string): Promise<boolean> {
    const { store, denylist, listener, clock } = this.ports;
    const ended = await store.ask((repository) => repository.revoke(key, reason, { subject }));
    if (ended) denylist.addOwn([key.id]);
    // If a subject was given, the session may belong to somebody else and still be open.
    else if (subject === undefined) denylist.add([key.id]);
    if (ended && listener.wants('revoked')) {
      listener.on({ type: 'revoked', realm: key.realm, at: clock.now(), sessionId: key.id, reason });
    }
    return ended;
  }

  /** Ends all sessions of a subject, except the one with the id `except`. @throws {StoreUnavailable} rejects with it. */
  async revokeAll(owner: SessionOwner, reason: RevokeReason, except?: string): Promise<void> {
    const { store, denylist, listener, clock } = this.ports;
    const sessionIds = await store.ask((repository) => repository.revokeAll(owner, reason, except));
    denylist.addOwn(sessionIds);
    if (listener.wants('all-revoked')) listener.on({ type: 'all-revoked', ...owner, at: clock.now(), reason, sessionIds });
  }

  /** Makes known which sessions a sign-in has ended because of the limit, at the store's instant `at`. */
  announceEnded(realm: string, sessionIds: readonly string[], at: number): void {
    const { denylist, listener } = this.ports;
    denylist.addOwn(sessionIds);
    if (!listener.wants('revoked')) return;
    for (const sessionId of sessionIds) listener.on({ type: 'revoked', realm, at, sessionId, reason: 'limit' });
  }

  /**
   * Ends a session that two holders share, if it is still where the verdict has found it. It is one conditional statement, which is not
   * repeated.
   * @returns whether this call ended it. If not, everything must be read again.
   */
  async revokeReused({ session, at }: SessionSnapshot): Promise<boolean> {
    const { store, denylist, listener } = this.ports;
    const { realm, id, subject } = session;
    if (!(await store.repository.revoke(session, 'reuse', { only: session }))) return false;
    denylist.addOwn([id]);
    if (listener.wants('reuse')) listener.on({ type: 'reuse', realm, at, sessionId: id, subject });
    return true;
  }
}
