import { isSessionId, jsonObject, ownClaims, requireSubject } from '../access-token/access-token.claims.js';
import type { SessionDenylist } from '../access-token/session-denylist.js';
import type { Clock } from '../clock.js';
import type { Duration } from '../duration.js';
import { parseDuration } from '../duration.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import type { Principal } from '../principal/principal.js';
import { withoutControlCharacters } from '../text.js';
import { Delivery } from './delivery.js';
import type { PairIssuer } from './pair-issuer.js';
import type { RefreshTokenCodec } from './refresh-token.codec.js';
import type { RotationOutcome } from './rotation.js';
import type { SessionJanitor } from './session-janitor.js';
import type { SessionListener } from './session-listener.js';
import type { SessionRevoker } from './session-revoker.js';
import type { SessionRotator } from './session-rotator.js';
import type { PatientStore } from './patient-store.js';
import type { TokenPair } from './token-pair.js';
import type { NewSession, RevokeReason, SessionDevice, SessionKey, SessionPage, SessionSummary, TokenSession } from './token-session.js';
import { REVOKE_REASONS, sessionInfoOf } from './token-session.js';

/** What a sign-in may contain in addition to the subject. */
export interface SignInOptions {
  /** Claims of every access token of the session, unless the `claims` hook gives them. At most 4096 bytes of JSON. */
  claims?: object;
  /** The device, which is shown in the list of sessions. */
  device?: SessionDevice;
  /** The application's own data, which `sessions` returns and no token contains. A JSON object of at most 4096 bytes. @defaultValue none */
  data?: object;
  /**
   * Absolute lifetime of this session, for example a short one without “remember me”. From 1 s to `refresh.absoluteLifetime`. @defaultValue
   * `refresh.absoluteLifetime`
   */
  absoluteLifetime?: Duration;
}

/** Says which session {@link RefreshService.revoke} may end, and why. */
export interface RevokeOptions {
  /** Ends the session only if it belongs to this subject. @defaultValue the session of any subject */
  subject?: string;
  /** One of {@link REVOKE_REASONS}. @defaultValue 'admin' */
  reason?: RevokeReason;
}

/** Says which part of a subject's sessions to list. */
export interface SessionsOptions {
  /** Maximum number of sessions. From 1 to 1000. @defaultValue 100 */
  limit?: number;
  /** The last session of the page before. The list goes on after it. @defaultValue the list begins with the session used last */
  after?: Pick<SessionSummary, 'sessionId' | 'lastUsedAt'> | undefined;
}

/** What presenting a good refresh token gives. */
export interface Rotation {
  /** The new pair. Its refresh token is absent if the outcome is `kept`, because the presented one stays current. */
  readonly pair: TokenPair;
  readonly principal: Principal;
  readonly outcome: RotationOutcome;
}

/** The lifetimes of sessions, and the instance that they belong to. Spans are milliseconds. */
export interface SessionSettings {
  /** Name of the instance. */
  readonly name: string;
  readonly idleMs: number;
  readonly absoluteMs: number;
}

/** What the service works with. */
export interface SessionPorts {
  readonly codec: RefreshTokenCodec;
  readonly store: PatientStore;
  readonly rotator: SessionRotator;
  readonly revoker: SessionRevoker;
  readonly janitor: SessionJanitor;
  readonly hooks: PrincipalHooks;
  readonly issuer: PairIssuer;
  readonly denylist: SessionDenylist;
  readonly listener: SessionListener;
  /** The clock of this node. It dates what the store has not dated. */
  readonly clock: Clock;
}

/** Manages sessions and their refresh tokens. It can be used outside HTTP. For requests, the guard does what is needed. */
export class RefreshService {
  /** @internal */
  constructor(
    private readonly settings: SessionSettings,
    private readonly ports: SessionPorts,
  ) {}

  /**
   * Opens a session for a subject that has just been authenticated, and issues its first pair. It never adopts a token from the request.
   * @throws {TypeError} on a subject that is not 1 to 255 characters of plain text, on reserved or oversized claims, on data that is
   * oversized or no JSON object, and on a lifetime out of range.
   * @throws {TokenError} rejects with `user_rejected` if `loadUser` returns null, or with `hook_timeout`, `hook_failed`,
   * `store_unavailable` or `signer_unavailable`. If the token could not be signed, the session has been ended again.
   */
  async signIn(subject: string, options: SignInOptions = {}): Promise<TokenPair> {
    const { codec, store, hooks, issuer, denylist, listener, clock } = this.ports;
    const { secret, sessionId } = codec.newSession();
    const draft = this.draft(subject, sessionId, options);
    const results = await hooks.ask({ sessionId, subject, authTime: clock.now(), claims: draft.claims });
    const snapshot = await store.ask((repository) => repository.insert(draft));
    // The first refresh token has no parent that could be recovered. However late it is, it stays on the response.
    const delivery = new Delivery(denylist, sessionId, Infinity);
    const refreshToken = codec.encode(secret, snapshot.session);
    const { pair } = await issuer
      .issue({ snapshot, results, refreshToken, delivery })
      .catch((error: unknown) => this.abandon(draft, error));
    listener.on({ type: 'signed-in', realm: draft.realm, at: snapshot.at, sessionId, subject });
    return pair;
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
   * @throws {TokenError} rejects with `store_unavailable`. The session may still be open.
   */
  async signOut(refreshToken: string | null | undefined): Promise<void> {
    const token = typeof refreshToken === 'string' ? this.ports.codec.decode(refreshToken) : null;
    if (token && !this.ports.denylist.has(token.sessionId)) await this.revoke(token.sessionId, { reason: 'logout' });
  }

  /**
   * Ends a session. It is for trusted callers, because it asks for no proof of possession. If the session id comes from a request, give the
   * `subject` of its caller. The session of another subject is then left alone. It is idempotent. A value that is not a session id is ignored,
   * without a query.
   * @throws {TypeError} on a `subject` that is given and is no subject, also if it is undefined, and on a reason that is none of
   * {@link REVOKE_REASONS}.
   * @throws {TokenError} rejects with `store_unavailable`. The session may still be open.
   * @example
   * await refresh.revoke(id, { subject: user.sub, reason: 'user' });
   */
  async revoke(sessionId: string, options: RevokeOptions = {}): Promise<void> {
    const { subject, reason = 'admin' } = options;
    requireReason(reason);
    // A subject that is missing by mistake must not turn into the session of anybody.
    if (Object.hasOwn(options, 'subject')) requireSubject(subject);
    if (isSessionId(sessionId)) await this.ports.revoker.revoke({ realm: this.settings.name, id: sessionId }, reason, subject);
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
    await this.ports.revoker.revokeAll({ realm: this.settings.name, subject }, reason, except);
  }

  /**
   * Lists the live sessions of a subject, one page at a time. Those used last come first. A session that is used while you page moves to the
   * front and is not on a later page. No session is on two pages. It is for trusted callers.
   * @throws {TypeError} on what is no subject, a limit out of range, or an `after` that is no session of a page.
   * @throws {TokenError} `store_unavailable`
   * @example
   * const first = await refresh.sessions('alice');
   * const second = await refresh.sessions('alice', { after: first.at(-1) });
   */
  async sessions(subject: string, options: SessionsOptions = {}): Promise<SessionSummary[]> {
    requireSubject(subject);
    const page = pageOf(options);
    const owner = { realm: this.settings.name, subject };
    return (await this.ports.store.ask((repository) => repository.list(owner, page))).map(summaryOf);
  }

  /**
   * Deletes the sessions whose absolute lifetime has passed, as the janitor does.
   * @returns the number of deleted sessions.
   * @throws {TokenError} rejects with `store_unavailable`.
   */
  async purge(): Promise<number> {
    return this.ports.store.ask(() => this.ports.janitor.purge());
  }

  /** Ends a session whose tokens could not be issued, because nobody will ever use it. */
  private async abandon(session: SessionKey, error: unknown): Promise<never> {
    await this.ports.revoker.revoke(session, 'admin').catch(() => undefined);
    throw error;
  }

  private draft(subject: string, id: string, { claims = {}, device = {}, data, absoluteLifetime }: SignInOptions): NewSession {
    const { name: realm, idleMs, absoluteMs } = this.settings;
    requireSubject(subject);
    const asked = absoluteLifetime === undefined ? absoluteMs : parseDuration(absoluteLifetime);
    if (asked < 1_000 || asked > absoluteMs) throw new TypeError('absoluteLifetime: not from 1 s to refresh.absoluteLifetime');
    const own = data === undefined ? {} : { data: jsonObject('data', data) };
    return { realm, id, subject, idleMs, absoluteMs: asked, claims: ownClaims(claims), device: cleanDevice(device), ...own };
  }
}

function summaryOf(session: TokenSession): SessionSummary {
  const { createdAt, lastUsedAt, idleExpiresAt, absoluteExpiresAt, label, ip, userAgent, data } = session;
  const expiresAt = Math.min(idleExpiresAt, absoluteExpiresAt);
  return { ...sessionInfoOf(session), sessionId: session.id, createdAt, lastUsedAt, expiresAt, label, ip, userAgent, data };
}

const LONGEST_PAGE = 1_000;

function pageOf({ limit = 100, after }: SessionsOptions): SessionPage {
  if (!Number.isInteger(limit) || limit < 1 || limit > LONGEST_PAGE)
    throw new TypeError(`limit: not a whole number from 1 to ${LONGEST_PAGE}`);
  if (after === undefined) return { limit };
  const { sessionId, lastUsedAt } = Object(after) as Partial<SessionSummary>;
  if (!isSessionId(sessionId) || !Number.isSafeInteger(lastUsedAt)) throw new TypeError('after: not a session of a page');
  return { limit, after: { id: sessionId, lastUsedAt: Number(lastUsedAt) } };
}

const LONGEST_DEVICE_TEXT = 255;

/** Cleans text that an attacker may control. The result is one line, bounded and well-formed. */
function cleanDevice(device: SessionDevice): SessionDevice {
  const { label, ip, userAgent } = device;
  const given = Object.entries({ label, ip, userAgent }).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(given.map(([name, text]) => [name, cleanText(text)]));
}

function cleanText(text: string): string {
  return withoutControlCharacters(text).slice(0, LONGEST_DEVICE_TEXT).toWellFormed();
}

/** Requires a known reason. JavaScript has no types, and a reason from a request may be anything. */
function requireReason(reason: RevokeReason): void {
  if (!REVOKE_REASONS.includes(reason)) throw new TypeError(`reason: not one of ${REVOKE_REASONS.join(', ')}`);
}
