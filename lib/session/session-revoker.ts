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
  /** The clock of this node: it dates what the store has not dated. */
  readonly clock: Clock;
}

/** Ends sessions, and makes this node and the others refuse their access tokens. */
export class SessionRevoker {
  constructor(private readonly ports: RevokerPorts) {}

  /**
   * Ends a session, if it belongs to `subject` where one is given, and remembers it. It asks the store even where the session is known to be
   * revoked, because a restored backup may have revived it.
   * @returns whether this call ended it.
   * @throws {StoreUnavailable} rejects with it.
   */
  async revoke(key: SessionKey, reason: RevokeReason, subject?: string): Promise<boolean> {
    const { store, denylist, listener, clock } = this.ports;
    const ended = await store.ask((repository) => repository.revoke(key, reason, { subject }));
    if (ended) denylist.addOwn([key.id]);
    // With a subject, the session may live on: it may belong to somebody else.
    else if (subject === undefined) denylist.add([key.id]);
    if (ended) listener.on({ type: 'revoked', realm: key.realm, at: clock.now(), sessionId: key.id, reason });
    return ended;
  }

  /** Ends all sessions of a subject, except the one with the id `except`. @throws {StoreUnavailable} rejects with it. */
  async revokeAll(owner: SessionOwner, reason: RevokeReason, except?: string): Promise<void> {
    const { store, denylist, listener, clock } = this.ports;
    const sessionIds = await store.ask((repository) => repository.revokeAll(owner, reason, except));
    denylist.addOwn(sessionIds);
    listener.on({ type: 'all-revoked', ...owner, at: clock.now(), reason, sessionIds });
  }

  /**
   * Ends a session that two holders share, if it still stands where the verdict has found it. One conditional statement, not repeated.
   * @returns whether this call ended it. If not, everything has to be looked at again.
   */
  async revokeReused({ session, at }: SessionSnapshot): Promise<boolean> {
    const { store, denylist, listener } = this.ports;
    const { realm, id, subject } = session;
    if (!(await store.repository.revoke(session, 'reuse', { only: session }))) return false;
    denylist.addOwn([id]);
    listener.on({ type: 'reuse', realm, at, sessionId: id, subject });
    return true;
  }
}
