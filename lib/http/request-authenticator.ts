import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { RecalledToken } from '../access-token/verified-token.cache.js';
import type { TokenRequest } from '../execution-context.js';
import { sessionOf } from '../principal/current-user.decorator.js';
import type { Principal } from '../principal/principal.js';
import type { SessionRotator } from '../session/session-rotator.js';
import type { TokenMinter } from '../session/token-minter.js';
import { principalOf } from '../session/token-minter.js';
import { RefreshTokenInvalid, TokenExpired, TokenInvalid, TokenMissing } from '../token.errors.js';
import type { AccessTokenStrategy } from './access-token.strategy.js';
import { DeliveryWatch } from './delivery-watch.js';
import { rawResponseOf } from './response-headers.js';
import type { TokenTransport } from './token-transport.js';

/** The parts of an authenticator. */
export interface AuthenticatorParts {
  readonly accessTokens: AccessTokenService;
  readonly rotator: SessionRotator;
  readonly minter: TokenMinter;
  readonly transport: TokenTransport;
  readonly strategy: () => AccessTokenStrategy;
  /** G in milliseconds, or null: answers are not watched (strict reuse detection knows no recovery). */
  readonly watchMs: number | null;
}

/** Who is calling, and a refresh inside the request where the access token is over (docs/rotation.md §5). */
export class RequestAuthenticator {
  /** One authentication per request, however many guards are bound. Known tokens are not kept here: to recall them twice changes nothing. */
  private readonly underWay = new WeakMap<TokenRequest, Promise<Principal>>();
  /** Whether a known token is not enough: `loadUser` or the store has its say about each request. */
  private readonly asksEachTime: boolean;

  constructor(private readonly parts: AuthenticatorParts) {
    this.asksEachTime = parts.minter.loadsUsers || parts.accessTokens.isStrict;
  }

  /** The caller by a token that has been verified before: most requests end here. Undefined: {@link authenticate} the request. */
  recall(request: TokenRequest): Principal | undefined {
    const token = this.asksEachTime ? undefined : this.parts.transport.accessToken(request);
    const known = token === undefined ? undefined : this.parts.accessTokens.recall(token);
    return known && freshOf(known);
  }

  /**
   * @param response the platform's response, or undefined where tokens cannot be sent back: then nothing is refreshed.
   * @throws {TokenError} rejects with it.
   */
  authenticate(request: TokenRequest, response: object | undefined): Promise<Principal> {
    const authentication = this.underWay.get(request) ?? this.verifyOrRefresh(request, response);
    this.underWay.set(request, authentication);
    return authentication;
  }

  /** From verified claims to the caller. @throws {UserRejected | StoreUnavailable} */
  async principalOf(claims: AccessTokenClaims): Promise<Principal> {
    return principalOf(claims, await this.parts.minter.loadUser(sessionOf(claims)));
  }

  private async verifyOrRefresh(request: TokenRequest, response: object | undefined): Promise<Principal> {
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

  /** Presents the refresh token, and puts the new pair on the response before anything else can happen to it. */
  private async refresh(refreshToken: string, response: object, reason: unknown): Promise<Principal> {
    const { rotator, transport, watchMs } = this.parts;
    const token = rotator.decode(refreshToken);
    if (reason instanceof TokenExpired && reason.sessionId !== token.sessionId) throw new RefreshTokenInvalid();
    const { pair, principal, snapshot } = await rotator.present(token);
    const tokens = transport.write(response, pair);
    if (pair.refreshToken !== undefined && watchMs !== null) {
      new DeliveryWatch({ rotator, transport, graceMs: watchMs }, tokens, snapshot).start();
    }
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
