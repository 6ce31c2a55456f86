/**
 * Short-lived access tokens, rotating refresh tokens and a refresh inside the request, for NestJS.
 *
 * @packageDocumentation
 * @module nestjs-token
 */
export { TokenModule } from './module/token.module.js';
export type { TokenModuleAsyncOptions, TokenModuleRootOptions, TokenOptionsFactory } from './module/token.module-definition.js';
export type { TokenModuleOptions } from './options/token.options.js';
export type { TokenModuleExtras } from './options/extras.options.js';
export type { OAuthClientOptions } from './endpoints/client.options.js';
export type { EndpointOptions } from './endpoints/endpoint.options.js';
export type { AccessOptions, SlidingOptions } from './access-token/access.options.js';
export type { CookieOptions, CookieSameSite, CookieSameSiteOptions } from './transport/cookie.options.js';
export type { HeaderOptions } from './transport/header.options.js';
export type { TransportMode } from './transport/standard-transport.js';
export type { TokenLocation } from './transport/token-location.js';
export type { CsrfOptions } from './authentication/csrf.options.js';
export type { WebSocketOptions } from './sockets/socket.options.js';
export type { RefreshKey, RefreshOptions } from './session/refresh.options.js';
export type { SessionsOptions } from './session/sessions.options.js';
export type { IntrospectionOptions } from './access-token/introspection.options.js';
export type { JwksOptions } from './keys/jwks.options.js';
export type { TokenAlgorithm, TokenKey, TokenSecret } from './keys/key.options.js';
export type { CachedUserOptions, ClaimsHook, LoadUserHook } from './principal/hook.options.js';
export type { LegacyAccess, LegacyVerifyHook } from './principal/legacy.options.js';
export type { LegacyExchangeHook, LegacyOptions, LegacySession } from './session/legacy.options.js';
export type { RpcOptions } from './nest/rpc.options.js';
export type { ErrorBodyHook } from './nest/error-body.js';
export type { JsonWebKeySet, PublicJsonWebKey } from './keys/key-set.js';
export { KeySource } from './keys/key-source.js';
export type { VerificationKey } from './keys/key-source.js';
export { Signer } from './keys/signer.js';
export {
  InjectAccessTokenService,
  InjectRefreshService,
  InjectSignInService,
  InjectTokenEvents,
  InjectTokenHealthIndicator,
  InjectTokenSockets,
  InjectTokenTransport,
} from './module/injection-tokens.js';

export { JwtAuthGuard } from './nest/jwt-auth.guard.js';
export { RequestCheck } from './authentication/request-check.js';
export type { CheckedRequest, CheckStage } from './authentication/request-check.js';
export { RefreshToken, RefreshTokenGuard } from './nest/refresh-token.guard.js';
export type { SiteData } from './nest/decorators.js';
export { AuthInstance, ClearTokens, Fresh, OptionalAuth, Protected, Public, TokenLocations } from './nest/decorators.js';
export { TokenInterceptor } from './nest/token.interceptor.js';
export { TokenTransport } from './transport/token-transport.js';
export type { Credential, Credentials, CsrfCredential, IssuedTokens, TokenRequest } from './transport/token-transport.js';

export { TokenSockets } from './sockets/token-sockets.js';

export { AccessToken } from './nest/access-token.decorator.js';
export { CurrentSession, CurrentUser } from './nest/current-user.decorator.js';
export type { Principal, PrincipalUser } from './principal/principal.js';
export type { SessionInfo } from './principal/session-info.js';

export { SessionDenylist } from './access-token/session-denylist.js';
export { AccessTokenService } from './access-token/access-token.service.js';
export type { SignOptions } from './access-token/access-token.service.js';
export type { AccessTokenClaims, SlidingClaim } from './access-token/access-token.claims.js';

export { SignInService } from './stateless/sign-in.service.js';
export type { StatelessSignInOptions } from './stateless/sign-in.service.js';
export { AccessTokenResponse } from './stateless/access-token-response.js';
export type { AccessTokenBody } from './stateless/access-token-response.js';

export { RefreshService } from './session/refresh.service.js';
export type { RevokeOptions, Rotation } from './session/refresh.service.js';
export type { SignInOptions } from './session/session-draft.js';
export type { OwnerCondition } from './session/owner-condition.js';
export type { SessionChanges } from './session/session-editor.js';
export type { SessionListOptions } from './session/session-list.js';
export { TokenPair } from './session/token-pair.js';
export type { TokenPairBody } from './session/token-pair.js';
export type { Deliverable } from './session/delivery.js';
export type { RotationOutcome } from './session/rotation.js';
export { SessionListener } from './session/session-listener.js';
export type { EventOrigin, KeyEvent, RejectionEvent, SessionEvent, StoreEvent, TokenEvent } from './session/session-listener.js';
export { REVOKE_REASONS } from './session/token-session.js';
export type {
  NewSession,
  RefreshTokenPosition,
  RevokeReason,
  SessionDevice,
  SessionKey,
  SessionOwner,
  SessionPage,
  SessionSnapshot,
  SessionSummary,
  TokenSession,
} from './session/token-session.js';
export { StoreConflict, TokenRepository } from './session/token-repository.js';
export type {
  InsertedSession,
  KeyCondition,
  RevokeCondition,
  RevokedFrom,
  RevokedPage,
  RevokedSession,
  RotationConditions,
  SessionAdvance,
  SessionLimit,
  SessionPatch,
  StorePatience,
} from './session/token-repository.js';

export { RevocationPush } from './revocation/revocation-push.js';

export { TokenEvents } from './events/token-events.js';
export { TokenHealthIndicator } from './events/token-health-indicator.js';
export type { TokenHealth, TokenHealthOptions } from './events/token-health-indicator.js';
export type { TraceContext } from './events/operation-trace.js';
export { redactTokens } from './events/redact-tokens.js';
export type { RedactOptions } from './events/redact-tokens.js';

export { Clock, SystemClock } from './clock.js';
export { parseDuration } from './duration.js';
export type { Duration, DurationUnit } from './duration.js';

export {
  ContextUnsupported,
  CsrfFailed,
  FreshTokenRequired,
  HookFailed,
  HookTimeout,
  KeysUnavailable,
  RefreshLimited,
  RefreshTokenExpired,
  RefreshTokenInvalid,
  RefreshTokenMissing,
  RefreshTokenReused,
  SessionLimitReached,
  SessionMismatch,
  SessionNotFound,
  SessionRevoked,
  SignerUnavailable,
  StoreUnavailable,
  TokenError,
  TokenExpired,
  TokenInvalid,
  TokenMalformed,
  TokenMissing,
  TokenNotYetValid,
  TokenOptionsError,
  TokenRevoked,
  TokenTooLarge,
  TokenTypeMismatch,
  UserRejected,
} from './errors/token.errors.js';
export type { AnyTokenError, TokenHook } from './errors/token.errors.js';
export { TOKEN_ERRORS } from './protocol/token-errors.js';
export type { TokenErrorBody, TokenErrorCode, TokenErrorDescription, TokenErrorExtensions } from './protocol/token-errors.js';
