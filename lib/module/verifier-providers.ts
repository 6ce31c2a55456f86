import type { FactoryProvider } from '@nestjs/common';
import { Scope } from '@nestjs/common';
import { AccessTokenService } from '../access-token/access-token.service.js';
import { NoDenylist, SessionDenylist } from '../access-token/session-denylist.js';
import { TokenIntrospector } from '../access-token/token-introspector.js';
import { Clock } from '../clock.js';
import { keyRetirementTeller } from '../events/key-retirement.js';
import { TokenHealthIndicator } from '../events/token-health-indicator.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { KeyRing } from '../keys/key-ring.js';
import { KeySource } from '../keys/key-source.js';
import { RemoteKeySource } from '../keys/remote-key-source.js';
import { PrincipalHooks } from '../principal/principal-hooks.js';
import { SessionListener } from '../session/session-listener.js';
import { SessionRotator } from '../session/session-rotator.js';
import {
  accessTokenServiceToken,
  refreshServiceToken,
  RESOLVED_VERIFIER_OPTIONS,
  SESSION_USES,
  tokenHealthIndicatorToken,
  VERIFICATION_TRACE,
} from './injection-tokens.js';
import { requestProviders } from './instance-providers.js';
import { provide } from './provide.js';
import { VerifierLifecycle } from './verifier-lifecycle.js';

/**
 * Returns everything that an instance consists of if it only verifies access tokens: it has no sessions, no store and no signer. The
 * options are provided elsewhere, and so is `Clock`.
 */
export function verifierProviders(name: string): FactoryProvider[] {
  const accessTokens = accessTokenServiceToken(name);
  return [
    provide(KeySource, {
      inject: [RESOLVED_VERIFIER_OPTIONS, Clock],
      useFactory: ({ jwks }, clock) => (jwks instanceof KeyRing ? jwks : new RemoteKeySource(jwks, clock)),
    }),
    provide(SessionDenylist, { inject: [], useFactory: () => new NoDenylist() }),
    provide(accessTokens, {
      inject: [RESOLVED_VERIFIER_OPTIONS, KeySource, SessionDenylist, Clock, VERIFICATION_TRACE, SessionListener],
      useFactory: ({ access, introspection }, keys, denylist, clock, { around: trace }, listener) =>
        new AccessTokenService(access, {
          keys,
          denylist,
          clock,
          issuer: null,
          reloader: null,
          introspector: introspection && new TokenIntrospector(introspection, clock),
          trace,
          onKeyRetired: keyRetirementTeller(name, { listener, clock }),
        }),
    }),
    provide(PrincipalHooks, {
      inject: [RESOLVED_VERIFIER_OPTIONS],
      useFactory: ({ hooks, hookTimeoutMs }) => new PrincipalHooks({ ...hooks, timeoutMs: hookTimeoutMs }),
    }),
    // An instance that only verifies never refreshes.
    provide(SessionRotator, { inject: [], useFactory: () => null }),
    provide(SESSION_USES, { inject: [], useFactory: () => null }),
    ...requestProviders(name),
    provide(tokenHealthIndicatorToken(name), {
      inject: [KeySource],
      useFactory: (keys) => new TokenHealthIndicator(name, { keys, store: null, revocations: null }),
    }),
    provide(VerifierLifecycle, {
      inject: [RESOLVED_VERIFIER_OPTIONS, KeySource, accessTokens],
      useFactory: (options, keys, service) => new VerifierLifecycle(name, options, { keys, accessTokens: service }),
    }),
    noRefreshService(name),
  ];
}

/** A transient provider is made only where it is injected, so the application starts unless something asks for the service. */
function noRefreshService(name: string): FactoryProvider {
  const useFactory = (): never => {
    throw new TokenOptionsError(
      'jwks',
      'RefreshService cannot be injected, because this instance only verifies access tokens: sign in, refresh and sign out at the service that issues them',
    );
  };
  return { ...provide(refreshServiceToken(name), { inject: [], useFactory }), scope: Scope.TRANSIENT };
}
