/** The parts of `lib/` that tests use and that the package does not export. No other file of the tests imports from `lib/`. */
export { ownClaims } from '../../lib/access-token/access-token.claims.js';
export { ENDPOINT_ROUTES } from '../../lib/endpoints/endpoint.options.js';
export { RecentTokens } from '../../lib/access-token/recent-tokens.js';
export { VerifiedTokenCache } from '../../lib/access-token/verified-token.cache.js';
export { deriveKey, readAsymmetricKey, readSecret } from '../../lib/keys/key-material.js';
export { LegacyAccessTokens } from '../../lib/authentication/legacy-access-tokens.js';
export { readKeySet } from '../../lib/keys/read-key-set.js';
export { RemoteKeySource } from '../../lib/keys/remote-key-source.js';
export { keyRingFromDocument } from '../../lib/keys/static-key-source.js';
export { resolveStatelessOptions } from '../../lib/options/resolve-stateless-options.js';
export { SlideAttempts } from '../../lib/stateless/slide-attempts.js';
export { slidesUntil } from '../../lib/stateless/sliding.js';
export { resolveVerifierOptions } from '../../lib/options/resolve-verifier-options.js';
export { KeyReloader } from '../../lib/keys/key-reloader.js';
export { KeyRing, keyRingFromSecret, readRingKeys } from '../../lib/keys/key-ring.js';
export { AccessTokenIssuer } from '../../lib/access-token/access-token.issuer.js';
export { EventRelay } from '../../lib/events/event-relay.js';
export { OutageLog } from '../../lib/events/outage-log.js';
export { LocalSigner } from '../../lib/keys/signer.js';
export {
  accessTokenServiceToken,
  refreshServiceToken,
  RESOLVED_OPTIONS,
  REVOCATION_HINTS,
  SESSION_USES,
  tokenTransportToken,
} from '../../lib/module/injection-tokens.js';
export { InstanceLifecycle } from '../../lib/module/instance-lifecycle.js';
export { instancesIn } from '../../lib/module/unique-instances.js';
export { instanceProviders, revocationSettings } from '../../lib/module/instance-providers.js';
export { PrincipalHooks } from '../../lib/principal/principal-hooks.js';
export { UserCache } from '../../lib/principal/user-cache.js';
export { GraphqlContext } from '../../lib/nest/graphql-context.js';
export { requireMessageGuards } from '../../lib/nest/message-guards.js';
export { RpcContext } from '../../lib/nest/rpc-context.js';
export { TokenInstance, tokenInstanceToken } from '../../lib/nest/token-instance.js';
export { SessionUses } from '../../lib/session/session-uses.js';
export { PatientStore } from '../../lib/session/patient-store.js';
export { SessionRotator } from '../../lib/session/session-rotator.js';
export { loadTokenOptions, resolveTokenOptions } from '../../lib/options/resolve-options.js';
export type { ResolvedTokenOptions } from '../../lib/options/resolve-options.js';
export { RevocationList } from '../../lib/revocation/revocation-list.js';
export type { RevocationSettings } from '../../lib/revocation/revocation-list.js';
export { RevocationReader } from '../../lib/revocation/revocation-reader.js';
export { lengthPrefixed } from '../../lib/keys/length-prefixed.js';
export { RefreshTokenCodec } from '../../lib/session/refresh-token.codec.js';
export { decideRotation, LAST_BRANCH } from '../../lib/session/rotation.js';
export type { RotationRules, RotationVerdict } from '../../lib/session/rotation.js';
export { SessionJanitor } from '../../lib/session/session-janitor.js';
export { StandardTransport } from '../../lib/transport/standard-transport.js';
export { EXTRAS } from '../../lib/options/extras.schema.js';
export { MODULE } from '../../lib/options/module.schema.js';
export type { CheckedKind } from '../../lib/options/option-checks.js';
export { checkOption } from '../../lib/options/option-checks.js';
export type { AnyOption, AnySchema, DurationOption, NumberOption } from '../../lib/options/option-kinds.js';
export type { Schema } from '../../lib/options/option-kinds.js';
export { MYSQL_PREPARED, POSTGRES_PREPARED } from '../../lib/typeorm/prepared-queries.js';
export { CsrfTokens } from '../../lib/authentication/csrf-tokens.js';
export type { DerivedKey } from '../../lib/keys/derived-keys.js';
export { cookieValues } from '../../lib/transport/request-cookies.js';
export { shadowScopesOf } from '../../lib/transport/shadow-scopes.js';
