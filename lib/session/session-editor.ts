import { ownClaims } from '../access-token/access-token.claims.js';
import type { SessionDenylist } from '../access-token/session-denylist.js';
import type { Clock } from '../clock.js';
import { RefreshTokenExpired, SessionNotFound, SessionRevoked } from '../errors/token.errors.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import { Delivery } from './delivery.js';
import type { PairIssuer } from './pair-issuer.js';
import { blameClaims } from '../principal/ask-hook.js';
import { cleanText } from './device-text.js';
import type { OwnerCondition } from './owner-condition.js';
import { ownedKeyOf } from './owner-condition.js';
import type { PatientStore } from './patient-store.js';
import type { SessionListener } from './session-listener.js';
import type { TokenPair } from './token-pair.js';
import type { SessionPatch, TokenRepository } from './token-repository.js';
import type { SessionKey, SessionSnapshot } from './token-session.js';
import { sessionInfoOf } from './token-session.js';

/** What {@link RefreshService.update} changes, and of which session. Only what is given is changed. */
export interface SessionChanges extends OwnerCondition {
  /**
   * Claims of every access token from now on, unless the `claims` hook gives them. They replace all claims that the session had. At most
   * 4096 bytes of JSON.
   */
  claims?: object | undefined;
  /** The name of the device in the list of sessions. `null` removes it. */
  label?: string | null | undefined;
  /**
   * Whether the access tokens that the client has are refused at once, as with {@link RefreshService.revokeAccess}, so that the client gets
   * the new claims with its next request. @defaultValue false
   */
  now?: boolean | undefined;
}

/** What an editor works with. */
export interface EditorPorts {
  readonly store: PatientStore;
  readonly hooks: PrincipalHooks;
  readonly issuer: PairIssuer;
  readonly denylist: SessionDenylist;
  readonly listener: SessionListener;
  /** The clock of this node. It dates what the store has not dated. */
  readonly clock: Clock;
}

/** Changes sessions that stay open. */
export class SessionEditor {
  /** @param name name of the instance. */
  constructor(
    private readonly name: string,
    private readonly ports: EditorPorts,
  ) {}

  /**
   * Changes claims and label. See {@link RefreshService.update}.
   * @returns whether there is such a live session.
   * @throws {TypeError | StoreUnavailable} rejects with it.
   */
  async update(sessionId: unknown, changes: SessionChanges): Promise<boolean> {
    const key = ownedKeyOf(this.name, sessionId, changes);
    const patch = patchOf(changes);
    if (!key) return false;
    const changed = await this.ports.store.ask(
      async (repository) => (await isOwned(repository, key, changes)) && repository.update(key, patch),
    );
    if (changed && patch.accessRevokedAt) await this.announceAccess(key);
    return changed;
  }

  /**
   * Sets `auth_time`, and issues an access token with it. See {@link RefreshService.reauthenticate}.
   * @throws {TypeError | TokenError} rejects with it.
   */
  async reauthenticate(sessionId: unknown, condition: OwnerCondition): Promise<TokenPair> {
    const { store, hooks, issuer, denylist, listener, clock } = this.ports;
    const { session } = await this.requireLive(sessionId, condition);
    const results = await hooks.ask({ ...sessionInfoOf(session), authTime: clock.now() });
    await store.ask((repository) => repository.update(session, { authTime: 'now' }));
    // If the session has ended meanwhile, the update has changed nothing, and this says why.
    const { at, session: found } = await this.requireLive(sessionId, condition);
    // The claims are those of the first reading. An `update` in between must be able to refuse them.
    const snapshot = { at, session: { ...found, accessRevokedAt: session.accessRevokedAt } };
    if (listener.wants('reauthenticated')) {
      listener.on({ type: 'reauthenticated', realm: this.name, at: snapshot.at, sessionId: session.id, subject: session.subject });
    }
    const delivery = new Delivery(denylist, session.id, Infinity);
    return (await issuer.issue({ snapshot, results, refreshToken: undefined, delivery }).catch(blameClaims)).pair;
  }

  /** Makes known that the access tokens of a session have been revoked. If this fails, the node learns of it with its next poll. */
  private async announceAccess(key: SessionKey): Promise<void> {
    const { store, denylist, listener } = this.ports;
    const found = await store.ask((repository) => repository.find(key));
    if (!found) return;
    const { accessRevokedAt, subject } = found.session;
    denylist.addOwnAccess(key.id, accessRevokedAt ?? 0);
    if (listener.wants('access-revoked')) {
      listener.on({ type: 'access-revoked', realm: this.name, at: found.at, sessionId: key.id, subject });
    }
  }

  /**
   * Reads a session that must be live and belong to the right subject.
   * @throws {SessionNotFound | SessionRevoked | RefreshTokenExpired | StoreUnavailable} rejects with it.
   */
  private async requireLive(sessionId: unknown, condition: OwnerCondition): Promise<SessionSnapshot> {
    const key = ownedKeyOf(this.name, sessionId, condition);
    if (!key) throw new SessionNotFound('');
    const found = await this.ports.store.ask((repository) => repository.find(key));
    if (!found || (condition.subject !== undefined && condition.subject !== found.session.subject)) throw new SessionNotFound(key.id);
    const { revokedAt, idleExpiresAt, absoluteExpiresAt } = found.session;
    if (revokedAt !== null) {
      this.ports.denylist.add([key.id]);
      throw new SessionRevoked(key.id);
    }
    if (found.at >= Math.min(idleExpiresAt, absoluteExpiresAt)) throw new RefreshTokenExpired(key.id);
    return found;
  }
}

/** Tells whether a session belongs to the subject. A session never changes its subject, so the result stays valid. */
async function isOwned(repository: TokenRepository, key: SessionKey, { subject }: OwnerCondition): Promise<boolean> {
  return subject === undefined || (await repository.find(key))?.session.subject === subject;
}

function patchOf({ claims, label, now = false }: SessionChanges): SessionPatch {
  if (label !== undefined && label !== null && typeof label !== 'string') throw new TypeError('label: neither text nor null');
  if (typeof now !== 'boolean') throw new TypeError('now: neither true nor false');
  return {
    ...(now && { accessRevokedAt: 'now' as const }),
    ...(claims !== undefined && { claims: ownClaims(claims) }),
    ...(label !== undefined && { label: label === null ? null : cleanText(label) }),
  };
}
