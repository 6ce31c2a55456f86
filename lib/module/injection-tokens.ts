import { Inject } from '@nestjs/common';
import { AccessTokenService } from '../access-token/access-token.service.js';
import type { CsrfTokens } from '../authentication/csrf-tokens.js';
import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { LegacyAccessTokens } from '../authentication/legacy-access-tokens.js';
import type { OperationTrace } from '../events/operation-trace.js';
import type { Telemetry } from '../events/telemetry.js';
import { TokenEvents } from '../events/token-events.js';
import { TokenHealthIndicator } from '../events/token-health-indicator.js';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import type { RequestSlider } from '../authentication/request-slider.js';
import type { IssuerOptions, RequestOptions, ResolvedTokenOptions } from '../options/resolve-options.js';
import type { ResolvedStatelessOptions } from '../options/resolve-stateless-options.js';
import type { ResolvedVerifierOptions } from '../options/resolve-verifier-options.js';
import type { RevocationHints } from '../revocation/revocation-hints.js';
import type { LegacyExchange } from '../session/legacy-exchange.js';
import { RefreshService } from '../session/refresh.service.js';
import type { Presentation } from '../session/session-rotator.js';
import type { SessionUses } from '../session/session-uses.js';
import { SignInService } from '../stateless/sign-in.service.js';
import { TokenSockets } from '../sockets/token-sockets.js';
import { TokenTransport } from '../transport/token-transport.js';
import type { TypedToken } from './provide.js';

/** Injection token of the options of an instance, checked and with their defaults. */
export const RESOLVED_OPTIONS: TypedToken<ResolvedTokenOptions> = 'nestjs-token:ResolvedTokenOptions';

/** The same injection token, for what every instance has: the options of the handling of requests. */
export const REQUEST_OPTIONS: TypedToken<RequestOptions> = RESOLVED_OPTIONS;

/** The same injection token, for every instance that issues access tokens. */
export const ISSUER_OPTIONS: TypedToken<IssuerOptions> = RESOLVED_OPTIONS;

/** The same injection token, for an instance without sessions. */
export const STATELESS_OPTIONS: TypedToken<ResolvedStatelessOptions> = RESOLVED_OPTIONS as string;

/** The same injection token, for an instance that only verifies. */
export const RESOLVED_VERIFIER_OPTIONS: TypedToken<ResolvedVerifierOptions> = RESOLVED_OPTIONS as string;

/**
 * Injection token of the {@link RevocationHints}, which announce and receive hints over the push channel. Null if there is no push channel.
 */
export const REVOCATION_HINTS: TypedToken<RevocationHints | null> = 'nestjs-token:RevocationHints';

/** Injection token of the {@link CsrfTokens} of an instance. Null if there is no protection against cross-site requests. */
export const CSRF_TOKENS: TypedToken<CsrfTokens | null> = 'nestjs-token:CsrfTokens';
/** Injection token of the {@link SessionUses}, which note the last use of sessions. Null without `sessions.trackUse`. */
export const SESSION_USES: TypedToken<SessionUses | null> = 'nestjs-token:SessionUses';
/** Injection token of the {@link RequestSlider}. Null if access tokens do not slide. */
export const REQUEST_SLIDER: TypedToken<RequestSlider | null> = 'nestjs-token:RequestSlider';
/** Injection token of the {@link LegacyAccessTokens}. Null if there are no tokens of another system. */
export const LEGACY_ACCESS_TOKENS: TypedToken<LegacyAccessTokens | null> = 'nestjs-token:LegacyAccessTokens';

/** Injection token of the {@link LegacyExchange}. Null if no refresh tokens of another system are exchanged. */
export const LEGACY_EXCHANGE: TypedToken<LegacyExchange | null> = 'nestjs-token:LegacyExchange';

/** Injection token of the {@link Telemetry} of an instance. Null without the option `telemetry`. */
export const TELEMETRY: TypedToken<Telemetry | null> = 'nestjs-token:Telemetry';
/** Injection token of what observes refreshes. */
export const REFRESH_TRACE: TypedToken<OperationTrace<Presentation>> = 'nestjs-token:RefreshTrace';
/** Injection token of what observes full verifications of access tokens. */
export const VERIFICATION_TRACE: TypedToken<OperationTrace<AccessTokenClaims>> = 'nestjs-token:VerificationTrace';

/**
 * Returns the injection token of the {@link RefreshService} of an instance. It is the class for the instance without a name, and a text for
 * a named one.
 */
export const refreshServiceToken = (name: string = DEFAULT_NAME): typeof RefreshService | TypedToken<RefreshService> =>
  name === DEFAULT_NAME ? RefreshService : `nestjs-token:RefreshService:${name}`;

/** Returns the injection token of the {@link SignInService} of an instance. */
export const signInServiceToken = (name: string = DEFAULT_NAME): typeof SignInService | TypedToken<SignInService> =>
  name === DEFAULT_NAME ? SignInService : `nestjs-token:SignInService:${name}`;

/** Returns the injection token of the {@link AccessTokenService} of an instance. */
export const accessTokenServiceToken = (name: string = DEFAULT_NAME): typeof AccessTokenService | TypedToken<AccessTokenService> =>
  name === DEFAULT_NAME ? AccessTokenService : `nestjs-token:AccessTokenService:${name}`;

/** Returns the injection token of the {@link TokenTransport} of an instance. */
export const tokenTransportToken = (name: string = DEFAULT_NAME): typeof TokenTransport | TypedToken<TokenTransport> =>
  name === DEFAULT_NAME ? TokenTransport : `nestjs-token:TokenTransport:${name}`;

/** Returns the injection token of the {@link TokenEvents} of an instance. */
export const tokenEventsToken = (name: string = DEFAULT_NAME): typeof TokenEvents | TypedToken<TokenEvents> =>
  name === DEFAULT_NAME ? TokenEvents : `nestjs-token:TokenEvents:${name}`;

/** Returns the injection token of the {@link TokenHealthIndicator} of an instance. */
export const tokenHealthIndicatorToken = (name: string = DEFAULT_NAME): typeof TokenHealthIndicator | TypedToken<TokenHealthIndicator> =>
  name === DEFAULT_NAME ? TokenHealthIndicator : `nestjs-token:TokenHealthIndicator:${name}`;

/** Returns the injection token of the {@link TokenSockets} of an instance. */
export const tokenSocketsToken = (name: string = DEFAULT_NAME): typeof TokenSockets | TypedToken<TokenSockets> =>
  name === DEFAULT_NAME ? TokenSockets : `nestjs-token:TokenSockets:${name}`;

/** Parameter decorator. Injects the {@link RefreshService} of the instance with this name. */
export const InjectRefreshService = (name?: string): ParameterDecorator & PropertyDecorator => Inject(refreshServiceToken(name));

/** Parameter decorator. Injects the {@link SignInService} of the instance with this name. */
export const InjectSignInService = (name?: string): ParameterDecorator & PropertyDecorator => Inject(signInServiceToken(name));

/** Parameter decorator. Injects the {@link AccessTokenService} of the instance with this name. */
export const InjectAccessTokenService = (name?: string): ParameterDecorator & PropertyDecorator => Inject(accessTokenServiceToken(name));

/** Parameter decorator. Injects the {@link TokenTransport} of the instance with this name. */
export const InjectTokenTransport = (name?: string): ParameterDecorator & PropertyDecorator => Inject(tokenTransportToken(name));

/** Parameter decorator. Injects the {@link TokenEvents} of the instance with this name. */
export const InjectTokenEvents = (name?: string): ParameterDecorator & PropertyDecorator => Inject(tokenEventsToken(name));

/** Parameter decorator. Injects the {@link TokenHealthIndicator} of the instance with this name. */
export const InjectTokenHealthIndicator = (name?: string): ParameterDecorator & PropertyDecorator =>
  Inject(tokenHealthIndicatorToken(name));

/** Parameter decorator. Injects the {@link TokenSockets} of the instance with this name. */
export const InjectTokenSockets = (name?: string): ParameterDecorator & PropertyDecorator => Inject(tokenSocketsToken(name));
