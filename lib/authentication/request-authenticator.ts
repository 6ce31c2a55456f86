import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { RecalledToken } from '../access-token/verified-token.cache.js';
import type { TokenRequest } from '../nest/request-context.js';
import { sessionOf } from '../nest/current-user.decorator.js';
import type { Principal } from '../principal/principal.js';
import type { Presentation, SessionRotator } from '../session/session-rotator.js';
import type { TokenMinter } from '../session/pair-issuer.js';
import { principalOf } from '../session/pair-issuer.js';
import { SessionMismatch, TokenExpired, TokenInvalid, TokenMissing } from '../errors/token.errors.js';
import type { AccessTokenStrategy } from '../nest/passport-jwt.strategy.js';
import { rawResponseOf } from '../transport/response-headers.js';
import type { TokenTransport } from '../transport/token-transport.js';

/** The parts of an authenticator. */
export interface AuthenticatorParts {
  readonly accessTokens: AccessTokenService;
  readonly rotator: SessionRotator;
  readonly minter: TokenMinter;
  readonly transport: TokenTransport;
  readonly strategy: () => AccessTokenStrategy;
}

/** One operation to authenticate: an HTTP request, a GraphQL operation, or one message. */
export interface TokenOperation {
  /** Stands for the operation. Calls for the same one that come while it is being authenticated share the result. */
  readonly key: object;
  readonly request: TokenRequest;
  /** The platform's response, or `undefined` where tokens cannot be sent back: then nothing is refreshed. */
  readonly response: object | undefined;
}

/** Finds out who is calling, and refreshes inside the request where the access token has expired (docs/rotation.md §5). */
export class RequestAuthenticator {
  /** Authentications under way, by operation. Nothing is kept once it is done: time, key and revocation are judged at each use. */
  private readonly underWay = new WeakMap<object, Promise<Principal>>();
  /** One presentation of a refresh token for each response. What it gave takes the place of the tokens that the request carries. */
  private readonly refreshes = new WeakMap<object, Promise<Presentation>>();
  /** Whether a known token is not enough: `loadUser` or the store has its say about each request. */
  private readonly asksEachTime: boolean;

  constructor(private readonly parts: AuthenticatorParts) {
    this.asksEachTime = parts.minter.loadsUsers || parts.accessTokens.isStrict;
  }

  /** The caller by a token that has been verified before: most requests end here. `undefined`: {@link authenticate} the operation. */
  recall(request: TokenRequest): Principal | undefined {
    const token = this.asksEachTime ? undefined : this.parts.transport.accessToken(request);
    const known = token === undefined ? undefined : this.parts.accessTokens.recall(token);
    return known && freshOf(known);
  }

  /** @throws {TokenError} rejects with it. */
  authenticate(operation: TokenOperation): Promise<Principal> {
    const { key } = operation;
    const shared = this.underWay.get(key);
    if (shared) return shared;
    const authentication = this.verifyOrRefresh(operation).finally(() => this.underWay.delete(key));
    this.underWay.set(key, authentication);
    return authentication;
  }

  /** From verified claims to the caller. @throws {UserRejected | StoreUnavailable} */
  async principalOf(claims: AccessTokenClaims): Promise<Principal> {
    return principalOf(claims, await this.parts.minter.loadUser(sessionOf(claims)));
  }

  private async verifyOrRefresh({ request, response }: TokenOperation): Promise<Principal> {
    const refreshed = response && this.refreshes.get(rawResponseOf(response));
    if (refreshed) return this.verifyRefreshed(await refreshed);
    try {
      return await this.verify(request);
    } catch (error) {
      const refreshToken =
        response && isHealable(error) && mayRefresh(request, response) ? this.parts.transport.refreshToken(request) : undefined;
      if (!response || refreshToken === undefined) throw error;
      return this.refresh(refreshToken, response, error);
    }
  }

  private async verify(request: TokenRequest): Promise<Principal> {
    const { accessTokens, transport, strategy } = this.parts;
    const token = transport.accessToken(request);
    if (token === undefined) throw new TokenMissing();
    const known = this.asksEachTime ? accessTokens.recall(token) : undefined;
    return known ? this.principalOf(await accessTokens.confirmed(known.claims)) : strategy().run(request);
  }

  /** A second guard on the same request: the new access token is judged as if the request had brought it. */
  private async verifyRefreshed({ pair }: Presentation): Promise<Principal> {
    return this.principalOf(await this.parts.accessTokens.verify(pair.accessToken));
  }

  /** Presents the refresh token, and puts the new pair on the response before anything else can happen to it. */
  private async refresh(refreshToken: string, response: object, reason: unknown): Promise<Principal> {
    const { rotator, transport } = this.parts;
    const token = rotator.decode(refreshToken);
    if (reason instanceof TokenExpired && reason.sessionId !== token.sessionId) throw new SessionMismatch();
    const raw = rawResponseOf(response);
    const presentation = this.refreshes.get(raw) ?? rotator.present(token);
    this.refreshes.set(raw, presentation);
    const { pair, principal } = await presentation;
    transport.write(response, pair);
    return { ...principal };
  }
}

/** A copy of its own for each request. Only templates are copied here: one frozen object, and V8 takes the slow path for all that follow. */
function freshOf({ template }: RecalledToken): Principal {
  return { ...template } as Principal;
}

/** Expired, absent, or of a key that is unknown here. A bad signature, a wrong type or a revoked session is never healed by a refresh token. */
function isHealable(error: unknown): boolean {
  return error instanceof TokenExpired || error instanceof TokenMissing || (error instanceof TokenInvalid && error.unknownKey);
}

function mayRefresh(request: TokenRequest, response: object): boolean {
  return request.method !== 'OPTIONS' && !rawResponseOf(response).headersSent;
}
