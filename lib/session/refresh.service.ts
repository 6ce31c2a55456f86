import { isSessionId, requireSubject } from '../access-token/access-token.claims.js';
import type { SessionDenylist } from '../access-token/session-denylist.js';
import type { Principal } from '../principal/principal.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import type { LegacyExchange } from './legacy-exchange.js';
import { LegacyRefreshToken } from './legacy-refresh-token.js';
import type { PatientStore } from './patient-store.js';
import type { RefreshTokenCodec } from './refresh-token.codec.js';
import type { RotationOutcome } from './rotation.js';
import type { SignInOptions } from './session-draft.js';
import type { OwnerCondition } from './owner-condition.js';
import { ownedKeyOf } from './owner-condition.js';
import type { SessionChanges, SessionEditor } from './session-editor.js';
import type { SessionJanitor } from './session-janitor.js';
import type { SessionListOptions } from './session-list.js';
import { pageOf, summaryOf } from './session-list.js';
import type { SessionOpener } from './session-opener.js';
import type { SessionRevoker } from './session-revoker.js';
import type { SessionRotator } from './session-rotator.js';
import type { TokenPair } from './token-pair.js';
import type { RevokeReason, SessionSummary } from './token-session.js';
import { REVOKE_REASONS } from './token-session.js';

/** Says which session {@link RefreshService.revoke} may end, and why. */
export interface RevokeOptions {
  /** Ends the session only if it belongs to this subject. @defaultValue the session of any subject */
  subject?: string;
  /** One of {@link REVOKE_REASONS}. @defaultValue 'admin' */
  reason?: RevokeReason;
}

/** What presenting a good refresh token gives. */
export interface Rotation {
  /** The new pair. Its refresh token is absent if the outcome is `kept`, because the presented one stays current. */
  readonly pair: TokenPair;
  readonly principal: Principal;
  readonly outcome: RotationOutcome;
}

/** What the service works with. */
export interface SessionPorts {
  readonly codec: RefreshTokenCodec;
  /** Exchanges the refresh tokens of another system. Null if there are none. */
  readonly legacy: LegacyExchange | null;
  readonly store: PatientStore;
  readonly opener: SessionOpener;
  readonly editor: SessionEditor;
  readonly rotator: SessionRotator;
  readonly revoker: SessionRevoker;
  readonly janitor: SessionJanitor;
  readonly denylist: SessionDenylist;
  readonly hooks: PrincipalHooks;
}

/** Manages sessions and their refresh tokens. It can be used outside HTTP. For requests, the guard does what is needed. */
export class RefreshService {
  /**
   * @param name name of the instance.
   * @internal
   */
  constructor(
    private readonly name: string,
    private readonly ports: SessionPorts,
  ) {}

  /**
   * Opens a session for a subject that has just been authenticated, and issues its first pair. It never adopts a token from the request.
   * @throws {TypeError} on a subject that is not 1 to 255 characters of plain text, on reserved or oversized claims, on data that is
   * oversized or no JSON object, on a lifetime or a `maxSessions` out of range, on a `persistent` that is no boolean, and on claims that
   * make the access token larger than its cookie may be.
   * @throws {TokenError} rejects with `user_rejected` if `loadUser` returns null, with `session_limit` if the subject has too many
   * sessions and `sessions.onLimit` is `refuse`, or with `hook_timeout`, `hook_failed`, `store_unavailable` or `signer_unavailable`. If
   * the token could not be signed, the session has been ended again.
   */
  async signIn(subject: string, options: SignInOptions = {}): Promise<TokenPair> {
    return this.ports.opener.signIn(subject, options);
  }

  /**
   * Presents a refresh token (docs/rotation.md §3). Any number of callers, on any number of processes, may present the same one.
   * @throws {TokenError} rejects with a final verdict: `refresh_missing`, `refresh_invalid`, `refresh_expired`, `refresh_reused`,
   * `session_revoked`, `session_not_found` or `user_rejected`. Or rejects because of a passing fault: `refresh_limited`,
   * `store_unavailable`, `signer_unavailable`, `hook_timeout` or `hook_failed`.
   */
  async rotate(refreshToken: string | null | undefined): Promise<Rotation> {
    const { rotator } = this.ports;
    const { pair, principal, outcome } = await rotator.present(rotator.decode(refreshToken));
    return { pair, principal: { ...principal }, outcome };
  }

  /**
   * Ends the session of a refresh token, whatever its generation, because holding the token is proof enough. It is idempotent, and ignores
   * anything that is not an authentic token (RFC 7009 §2.2).
   *
   * A good refresh token of another system (`legacy.exchange`) that has no session yet gets one that is ended at once. So nobody can
   * exchange the token any more.
   * @throws {TokenError} rejects with `store_unavailable`, and with `legacy.exchange` also with `hook_timeout` or `hook_failed`. The
   * session may still be open.
   */
  async signOut(refreshToken: string | null | undefined): Promise<void> {
    const { codec, legacy, denylist } = this.ports;
    const token = typeof refreshToken === 'string' ? (codec.decode(refreshToken) ?? legacy?.decode(refreshToken)) : null;
    if (!token || denylist.has(token.sessionId)) return;
    if (token instanceof LegacyRefreshToken && !(await legacy?.isGood(token))) return;
    await this.revoke(token.sessionId, { reason: 'logout' });
  }

  /**
   * Ends a session. It is for trusted callers, because it asks for no proof of possession. If the session id comes from a request, give the
   * `subject` of its caller. The session of another subject is then left alone. It is idempotent. A value that is not a session id is
   * ignored, without a query.
   * @throws {TypeError} on a `subject` that is given and is no subject, also if it is undefined, and on a reason that is none of
   * {@link REVOKE_REASONS}.
   * @throws {TokenError} rejects with `store_unavailable`. The session may still be open.
   * @example
   * await refresh.revoke(id, { subject: user.sub, reason: 'user' });
   */
  async revoke(sessionId: string, options: RevokeOptions = {}): Promise<void> {
    const { subject, reason = 'admin' } = options;
    requireReason(reason);
    const key = ownedKeyOf(this.name, sessionId, options);
    if (subject !== undefined) this.ports.hooks.forgetUser(subject);
    if (key) await this.ports.revoker.revoke(key, reason, subject);
  }

  /**
   * Ends all sessions of a subject that are open now, except the one with the id `except`. It is for trusted callers.
   *
   * A sign-in that is under way may store its session afterwards. When the password changes, first store the new password, then call this.
   * Every sign-in compares the password's version (or hash) after `signIn` with the one that it has checked. If they differ, it revokes its
   * own session (docs/operations.md).
   * @throws {TypeError} on a value that is no subject, on an `except` that is neither undefined nor a session id, and on a reason that is
   * none of {@link REVOKE_REASONS}.
   * @throws {TokenError} rejects with `store_unavailable`. Some sessions may still be open.
   */
  async revokeAll(
    subject: string,
    { except, reason = 'admin' }: { except?: string | undefined; reason?: RevokeReason } = {},
  ): Promise<void> {
    requireSubject(subject);
    if (except !== undefined && !isSessionId(except)) throw new TypeError('except: not the id of a session');
    requireReason(reason);
    this.ports.hooks.forgetUser(subject);
    await this.ports.revoker.revokeAll({ realm: this.name, subject }, reason, except);
  }

  /**
   * Changes the claims or the label of a live session. Access tokens that are issued from now on carry the new claims, so a client has them
   * after its next refresh, or with its next request if `now` is true. If the session id comes from a request, give the `subject` of its
   * caller.
   * @returns whether there is such a live session. It is `false` if the session has ended or belongs to another subject, and for a value
   * that is not a session id.
   * @throws {TypeError} on reserved or oversized claims, on a label that is neither text nor null, and on a `subject` that is given and is
   * no subject, also if it is undefined.
   * @throws {TokenError} rejects with `store_unavailable`.
   * @example
   * await refresh.update(sessionId, { claims: { roles: ['editor'] }, now: true });
   */
  async update(sessionId: string, changes: SessionChanges): Promise<boolean> {
    return this.ports.editor.update(sessionId, changes);
  }

  /**
   * Refuses the access tokens that a live session has now, and leaves the session open. The client's next request with one of them and with
   * the refresh token is refreshed and goes on. Without the refresh token, its response is 401 `token_expired`. The other nodes refuse them
   * when they learn of it, which is within a second with `revocation: 'poll'`. If the session id comes from a request, give the `subject`
   * of its caller.
   * @returns whether there is such a live session.
   * @throws {TypeError} on a `subject` that is given and is no subject, also if it is undefined.
   * @throws {TokenError} rejects with `store_unavailable`. The access tokens may have been revoked then.
   * @example
   * await refresh.revokeAccess(sessionId);
   */
  async revokeAccess(sessionId: string, options: OwnerCondition = {}): Promise<boolean> {
    return this.ports.editor.update(sessionId, { ...options, now: true });
  }

  /**
   * Notes that the user of a session has just authenticated again, for example with the password, which the application has checked before.
   * `auth_time` becomes the present instant, so routes with `@Fresh()` let the user in. The session, its refresh token and its lifetimes
   * stay as they are. If the session id comes from a request, give the `subject` of its caller.
   * @param sessionId the session, usually the `sid` of the caller.
   * @returns a pair with a new access token that has the new `auth_time`, and without a refresh token, because the client keeps the one
   * that it has. A handler with `TokenInterceptor` returns it.
   * @throws {TypeError} on a `subject` that is given and is no subject, also if it is undefined.
   * @throws {TokenError} rejects with `session_not_found` (also if the session belongs to another subject, or if `sessionId` is none),
   * `session_revoked`, `refresh_expired` or `user_rejected`, or with `hook_timeout`, `hook_failed`, `store_unavailable` or
   * `signer_unavailable`.
   * @example
   * const pair = await refresh.reauthenticate(user.sid, { subject: user.sub });
   */
  async reauthenticate(sessionId: string | undefined, options: OwnerCondition = {}): Promise<TokenPair> {
    return this.ports.editor.reauthenticate(sessionId, options);
  }

  /**
   * Lists the live sessions of a subject, one page at a time. Those used last come first. A session that is used while you page moves to
   * the front and is not on a later page. No session is on two pages. It is for trusted callers.
   * @throws {TypeError} on what is no subject, a limit out of range, or an `after` that is no session of a page.
   * @throws {TokenError} `store_unavailable`
   * @example
   * const first = await refresh.sessions('alice');
   * const second = await refresh.sessions('alice', { after: first.at(-1) });
   */
  async sessions(subject: string, options: SessionListOptions = {}): Promise<SessionSummary[]> {
    requireSubject(subject);
    const page = pageOf(options);
    const owner = { realm: this.name, subject };
    return (await this.ports.store.ask((repository) => repository.list(owner, page))).map(summaryOf);
  }

  /**
   * Forgets what `loadUser` has returned for a subject, so that the next request of this subject asks it again. It is needed only with
   * `loadUser: { load, cacheFor }`, after you have changed the user, and does something on this node only: the other nodes ask again when
   * `cacheFor` has passed. `revokeAll` calls it.
   */
  forgetUser(subject: string): void {
    this.ports.hooks.forgetUser(subject);
  }

  /**
   * Deletes the sessions whose absolute lifetime has passed, as the janitor does.
   * @returns the number of deleted sessions.
   * @throws {TokenError} rejects with `store_unavailable`.
   */
  async purge(): Promise<number> {
    return this.ports.store.ask(() => this.ports.janitor.purge());
  }
}

/** Requires a known reason. JavaScript has no types, and a reason from a request may be anything. */
function requireReason(reason: RevokeReason): void {
  if (!REVOKE_REASONS.includes(reason)) throw new TypeError(`reason: not one of ${REVOKE_REASONS.join(', ')}`);
}
