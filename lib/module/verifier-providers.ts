import type { FactoryProvider } from '@nestjs/common';
import { AccessTokenService } from '../access-token/access-token.service.js';
import { SessionDenylist } from '../access-token/session-denylist.js';
import { TokenIntrospector } from '../access-token/token-introspector.js';
import { Clock } from '../clock.js';
import { keyRetirementTeller } from '../events/key-retirement.js';
import { KeyRing } from '../keys/key-ring.js';
import { KeySource } from '../keys/key-source.js';
import { RemoteKeySource } from '../keys/remote-key-source.js';
import { SessionListener } from '../session/session-listener.js';
import {
  accessTokenServiceToken,
  refreshServiceToken,
  REQUEST_SLIDER,
  RESOLVED_VERIFIER_OPTIONS,
  signInServiceToken,
  VERIFICATION_TRACE,
} from './injection-tokens.js';
import { provide, withoutService } from './provide.js';
import { sessionlessProviders } from './sessionless-providers.js';

const ELSEWHERE = 'because this instance only verifies access tokens: sign in, refresh and sign out at the service that issues them';

/**
 * Returns everything that an instance consists of if it only verifies access tokens: it has no sessions, no store and no signer. The
 * options are provided elsewhere, and so is `Clock`.
 */
export function verifierProviders(name: string): FactoryProvider[] {
  return [
    provide(KeySource, {
      inject: [RESOLVED_VERIFIER_OPTIONS, Clock],
      useFactory: ({ jwks }, clock) => (jwks instanceof KeyRing ? jwks : new RemoteKeySource(jwks, clock)),
    }),
    provide(accessTokenServiceToken(name), {
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
    provide(REQUEST_SLIDER, { inject: [], useFactory: () => null }),
    ...sessionlessProviders(name),
    withoutService(refreshServiceToken(name), 'jwks', `RefreshService cannot be injected, ${ELSEWHERE}`),
    withoutService(signInServiceToken(name), 'jwks', `SignInService cannot be injected, ${ELSEWHERE}`),
  ];
}
