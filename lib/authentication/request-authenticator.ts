import type { AccessTokenService } from '../access-token/access-token.service.js';
import { CsrfFailed, SessionMismatch, TokenExpired, TokenInvalid, TokenMissing, TokenRevoked } from '../errors/token.errors.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import type { Principal } from '../principal/principal.js';
import type { Presentation, SessionRotator } from '../session/session-rotator.js';
import { ResponseAttachment } from '../transport/response-attachment.js';
import { rawResponseOf } from '../transport/response-tokens.js';
import type { TokenLocation } from '../transport/token-location.js';
import type { Credentials, TokenTransport } from '../transport/token-transport.js';
import type { LegacyAccessTokens } from './legacy-access-tokens.js';
import type { CheckedRequest, RequestCheck } from './request-check.js';
import type { RequestSlider } from './request-slider.js';
import type { Authentication, TokenOperation } from './token-operation.js';
import { checkedRequest, mayCarryTokens } from './token-operation.js';

/** What an authenticator works with. */
export interface AuthenticatorPorts {
  readonly transport: TokenTransport;
  readonly accessTokens: AccessTokenService;
  /** Verifies the access tokens of another system too. Null if there are none. */
  readonly legacy: LegacyAccessTokens | null;
  /** Null if the instance has no sessions, so that nothing is ever refreshed. */
  readonly rotator: SessionRotator | null;
  /** Null if access tokens do not slide. */
  readonly slider: RequestSlider | null;
  readonly hooks: PrincipalHooks;
  readonly check: RequestCheck;
  /** Whether this instance sets the cookies, so that a route with `RefreshTokenGuard` may set or delete one. */
  readonly ownsCookies: boolean;
}

/** Finds out who is calling, and refreshes inside the request if the access token has expired (docs/rotation.md §5). */
export class RequestAuthenticator {
  /** Authentications under way, by operation. Nothing is kept once one is done, because time, key and revocation are judged at each use. */
  private readonly underWay = new WeakMap<object, Promise<Authentication>>();
  /**
   * The presentation of a refresh token for each response. There is at most one. The tokens that it gave take the place of those that the
   * request carries.
   */
  private readonly refreshes = new ResponseAttachment<Promise<Presentation>>();

  constructor(private readonly ports: AuthenticatorPorts) {}

  /**
   * Authenticates an operation. The result is there at once if the access token is known and nobody has to be asked.
   * @param locations where the route looks for the access token, if it says so.
   * @throws {TokenError} throws it or rejects with it.
   */
  authenticate(operation: TokenOperation, locations?: readonly TokenLocation[]): Authentication | Promise<Authentication> {
    const { transport, accessTokens, hooks, check, slider } = this.ports;
    const credentials = operation.credentials ?? transport.read(operation.request, locations);
    const known = credentials.access && accessTokens.recall(credentials.access.token);
    // Only templates are copied: V8 copies what is not frozen in a fifth of the time.
    const principal = known && hooks.known(known.template);
    if (principal && !check.concerns(credentials) && !slider?.isDue(principal)) return { principal, credentials, issued: null };
    // Fields of one GraphQL operation share an authentication, unless one of them looks for its token elsewhere.
    if (locations) return this.authenticateAlone(operation, credentials, principal);
    return this.underWay.get(operation.operation) ?? this.share(operation, this.authenticateAlone(operation, credentials, principal));
  }

  private authenticateAlone(
    operation: TokenOperation,
    credentials: Credentials,
    principal: Principal | undefined,
  ): Authentication | Promise<Authentication> {
    if (!principal) return this.verifyOrRefresh(operation, credentials);
    const authentication = { principal, credentials, issued: null };
    const { check, slider } = this.ports;
    const concerns = slider === null || check.concerns(credentials);
    const passed = concerns ? check.check('use', checkedRequest(operation, credentials, principal)) : undefined;
    if (passed) return passed.then(() => slider?.slide(operation, authentication) ?? authentication);
    return slider?.slide(operation, authentication) ?? authentication;
  }

  /**
   * Finds the refresh token of a request that asks for a refresh or a sign-out itself, and checks that the request may use it. Whether the
   * token is good is up to whoever presents it.
   * @param inBody the token that the body carries. It counts if there is none in its own place.
   * @returns the token, or `undefined` if there is none, or if the instance has no sessions: there is nothing to present it to.
   * @throws {TokenError} rejects with `session_mismatch`, or with what the {@link RequestCheck} says.
   */
  async refreshTokenOf({ request, isSafe }: Pick<TokenOperation, 'request' | 'isSafe'>, inBody?: string): Promise<string | undefined> {
    const { transport, rotator, check, ownsCookies } = this.ports;
    if (!ownsCookies) return undefined;
    const credentials = transport.read(request);
    const { refresh } = credentials;
    await check.check('endpoint', { request, credentials, sessionId: undefined, isSafe, claims: null });
    if (!rotator) return undefined;
    const newest = refresh && rotator.newestOf(refresh.token, refresh.rivals);
    // A token that is not authentic needs no protection, and its own verdict makes the browser delete it.
    if (!newest) return inBody ?? refresh?.token;
    const { text, token } = newest;
    if (check.concerns(credentials))
      await check.check('rotate', { request, credentials, sessionId: token.sessionId, isSafe, claims: null });
    return text;
  }

  /**
   * Returns the access token with which an operation has been admitted. After a refresh, it is the new one.
   * @param locations where the route looks for the access token, if it says so.
   */
  async accessTokenOf(
    { request, response }: Pick<TokenOperation, 'request' | 'response'>,
    locations?: readonly TokenLocation[],
  ): Promise<string | undefined> {
    const refreshed = response && this.refreshes.get(rawResponseOf(response));
    return refreshed ? (await refreshed).pair.accessToken : this.ports.transport.read(request, locations).access?.token;
  }

  private share({ operation }: TokenOperation, work: Authentication | Promise<Authentication>): Authentication | Promise<Authentication> {
    if (!(work instanceof Promise)) return work;
    const authentication = work.finally(() => this.underWay.delete(operation));
    this.underWay.set(operation, authentication);
    return authentication;
  }

  private async verifyOrRefresh(operation: TokenOperation, credentials: Credentials): Promise<Authentication> {
    const { request, response } = operation;
    const refreshed = response && this.refreshes.get(rawResponseOf(response));
    // A second guard on the same request judges the new access token as if the request had brought it.
    if (refreshed) return this.verify(operation, withAccess(credentials, (await refreshed).pair.accessToken));
    try {
      return await this.verify(operation, credentials);
    } catch (error) {
      const { rotator } = this.ports;
      const { access, refresh } = credentials;
      // A late response of an old session may have left its access cookie. That says nothing about the session of the refresh cookie.
      const isLeftOver = error instanceof TokenRevoked && access?.source === 'cookie';
      if (!rotator || !response || !refresh || !mayCarryTokens(request, response) || !(isLeftOver || isHealable(error))) throw error;
      const token = rotator.decode(refresh.token, refresh.rivals);
      const sessionId = error instanceof TokenExpired || error instanceof TokenRevoked ? error.sessionId : undefined;
      if (sessionId !== undefined && sessionId !== token.sessionId) throw new SessionMismatch();
      if (isLeftOver) throw error;
      await this.checkRotation(error, { request, credentials, sessionId: token.sessionId, isSafe: operation.isSafe, claims: null });
      return this.refresh(() => rotator.present(token), response, credentials);
    }
  }

  /**
   * Asks whether a request may rotate. A request that only reads is refused for the reason for which it wanted to: to a page of another
   * site, the user is not signed in.
   */
  private async checkRotation(reason: unknown, checked: CheckedRequest): Promise<void> {
    const { check } = this.ports;
    if (!check.concerns(checked.credentials)) return;
    try {
      await check.check('rotate', checked);
    } catch (refusal) {
      throw refusal instanceof CsrfFailed && checked.isSafe ? reason : refusal;
    }
  }

  private async verify(operation: TokenOperation, credentials: Credentials): Promise<Authentication> {
    const { accessTokens, legacy, check, hooks, slider } = this.ports;
    if (!credentials.access) throw new TokenMissing();
    const claims = await (legacy ?? accessTokens).verify(credentials.access.token);
    if (check.concerns(credentials)) await check.check('use', checkedRequest(operation, credentials, claims));
    const authentication = { principal: await hooks.principalOf(claims), credentials, issued: null };
    return slider?.slide(operation, authentication) ?? authentication;
  }

  private async refresh(present: () => Promise<Presentation>, response: object, credentials: Credentials): Promise<Authentication> {
    const raw = rawResponseOf(response);
    const presentation = this.refreshes.get(raw) ?? present();
    this.refreshes.set(raw, presentation);
    const { pair, principal } = await presentation;
    return { principal: { ...principal }, credentials, issued: pair };
  }
}

function withAccess(credentials: Credentials, token: string): Credentials {
  return { ...credentials, access: { source: 'header', ...credentials.access, token } };
}

/**
 * Tells whether a refresh may help: the access token has expired, is absent, or is signed with a key that is unknown here. A refresh token
 * never helps after a bad signature, a wrong type or a revoked session.
 */
function isHealable(error: unknown): boolean {
  return error instanceof TokenExpired || error instanceof TokenMissing || (error instanceof TokenInvalid && error.unknownKey);
}
