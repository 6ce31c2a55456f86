import type { AccessTokenService } from '../access-token/access-token.service.js';
import { SessionMismatch, TokenExpired, TokenInvalid, TokenMissing } from '../errors/token.errors.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import type { Principal } from '../principal/principal.js';
import type { DecodedRefreshToken } from '../session/refresh-token.codec.js';
import type { Presentation, SessionRotator } from '../session/session-rotator.js';
import { rawResponseOf } from '../transport/response-headers.js';
import type { Credentials, IssuedTokens, TokenRequest, TokenTransport } from '../transport/token-transport.js';
import type { RequestCheck } from './request-check.js';
import { NoRequestCheck } from './request-check.js';

/** What an authenticator works with. */
export interface AuthenticatorPorts {
  readonly transport: TokenTransport;
  readonly accessTokens: AccessTokenService;
  readonly rotator: SessionRotator;
  readonly hooks: PrincipalHooks;
  readonly check: RequestCheck;
}

/** One operation to authenticate: an HTTP request, a GraphQL operation, or one message. */
export interface TokenOperation {
  /** Stands for the operation. Calls for the same one that come while it is being authenticated share the result. */
  readonly operation: object;
  readonly request: TokenRequest;
  /** The response of the platform, or `undefined` if tokens cannot be sent back. Nothing is refreshed then. */
  readonly response: object | undefined;
}

/** The caller, and the tokens that the response has to carry. */
export interface Authentication {
  readonly principal: Principal;
  /** The new tokens, or null if the client keeps the tokens that it has. */
  readonly issued: IssuedTokens | null;
}

/** Finds out who is calling, and refreshes inside the request if the access token has expired (docs/rotation.md §5). */
export class RequestAuthenticator {
  private readonly check: RequestCheck | null;
  /** Whether a known token is not enough, because the application must be asked about each request. */
  private readonly asksEachTime: boolean;
  /** Authentications under way, by operation. Nothing is kept once one is done, because time, key and revocation are judged at each use. */
  private readonly underWay = new WeakMap<object, Promise<Authentication>>();
  /**
   * The presentation of a refresh token for each response. There is at most one. The tokens that it gave take the place of those that the
   * request carries.
   */
  private readonly refreshes = new WeakMap<object, Promise<Presentation>>();

  constructor(private readonly ports: AuthenticatorPorts) {
    this.check = ports.check instanceof NoRequestCheck ? null : ports.check;
    this.asksEachTime = ports.hooks.loadsUsers || this.check !== null;
  }

  /**
   * Authenticates an operation. The result is there at once if the access token is known and nobody has to be asked.
   * @throws {TokenError} throws it or rejects with it.
   */
  authenticate(operation: TokenOperation): Authentication | Promise<Authentication> {
    const { transport, accessTokens } = this.ports;
    const credentials = transport.read(operation.request);
    const known = credentials.access && !this.asksEachTime ? accessTokens.recall(credentials.access.token) : undefined;
    // A new object for each request. Only templates are copied: V8 copies what is not frozen in a fifth of the time.
    if (known) return { principal: { ...known.template } as Principal, issued: null };
    return this.underWay.get(operation.operation) ?? this.begin(operation, credentials);
  }

  private begin(operation: TokenOperation, credentials: Credentials): Promise<Authentication> {
    const key = operation.operation;
    const authentication = this.verifyOrRefresh(operation, credentials).finally(() => this.underWay.delete(key));
    this.underWay.set(key, authentication);
    return authentication;
  }

  private async verifyOrRefresh({ request, response }: TokenOperation, credentials: Credentials): Promise<Authentication> {
    const refreshed = response && this.refreshes.get(rawResponseOf(response));
    // A second guard on the same request judges the new access token as if the request had brought it.
    if (refreshed) return this.verify(request, withAccess(credentials, (await refreshed).pair.accessToken));
    try {
      return await this.verify(request, credentials);
    } catch (error) {
      if (!response || !credentials.refresh || !isHealable(error) || !mayRefresh(request, response)) throw error;
      const token = this.ports.rotator.decode(credentials.refresh.token);
      if (error instanceof TokenExpired && error.sessionId !== token.sessionId) throw new SessionMismatch();
      await this.check?.check('rotate', { request, credentials, sessionId: token.sessionId, claims: null });
      return this.refresh(token, response);
    }
  }

  private async verify(request: TokenRequest, credentials: Credentials): Promise<Authentication> {
    if (!credentials.access) throw new TokenMissing();
    const claims = await this.ports.accessTokens.verify(credentials.access.token);
    await this.check?.check('use', { request, credentials, sessionId: claims.sid, claims });
    return { principal: await this.ports.hooks.principalOf(claims), issued: null };
  }

  private async refresh(token: DecodedRefreshToken, response: object): Promise<Authentication> {
    const raw = rawResponseOf(response);
    const presentation = this.refreshes.get(raw) ?? this.ports.rotator.present(token);
    this.refreshes.set(raw, presentation);
    const { pair, principal } = await presentation;
    return { principal: { ...principal }, issued: pair };
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

function mayRefresh(request: TokenRequest, response: object): boolean {
  return request.method !== 'OPTIONS' && !rawResponseOf(response).headersSent;
}
