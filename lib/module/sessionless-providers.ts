import type { FactoryProvider } from '@nestjs/common';
import { NoDenylist, SessionDenylist } from '../access-token/session-denylist.js';
import { Clock } from '../clock.js';
import { TokenHealthIndicator } from '../events/token-health-indicator.js';
import { KeySource } from '../keys/key-source.js';
import { SessionRotator } from '../session/session-rotator.js';
import { accessTokenServiceToken, REQUEST_OPTIONS, SESSION_USES, tokenHealthIndicatorToken } from './injection-tokens.js';
import { requestProviders } from './instance-providers.js';
import { provide } from './provide.js';
import { SessionlessLifecycle } from './sessionless-lifecycle.js';

/** Returns what all instances without sessions consist of. They never refresh, and know of no revocation. */
export function sessionlessProviders(name: string): FactoryProvider[] {
  return [
    provide(SessionDenylist, { inject: [], useFactory: () => new NoDenylist() }),
    provide(SessionRotator, { inject: [], useFactory: () => null }),
    provide(SESSION_USES, { inject: [], useFactory: () => null }),
    ...requestProviders(name),
    provide(tokenHealthIndicatorToken(name), {
      inject: [KeySource],
      useFactory: (keys) => new TokenHealthIndicator(name, { keys, store: null, revocations: null }),
    }),
    provide(SessionlessLifecycle, {
      inject: [REQUEST_OPTIONS, KeySource, accessTokenServiceToken(name), Clock],
      useFactory: (options, keys, accessTokens, clock) => new SessionlessLifecycle(name, options, { keys, accessTokens, clock }),
    }),
  ];
}
