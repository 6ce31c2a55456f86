import type { FactoryProvider } from '@nestjs/common';
import { AccessTokenIssuer } from '../access-token/access-token.issuer.js';
import { RequestCheck } from '../authentication/request-check.js';
import { RequestSlider } from '../authentication/request-slider.js';
import { Clock } from '../clock.js';
import { OutageLog } from '../events/outage-log.js';
import { PrincipalHooks } from '../principal/principal-hooks.js';
import { SignInService } from '../stateless/sign-in.service.js';
import { StatelessIssuer } from '../stateless/stateless-issuer.js';
import { TokenSlider } from '../stateless/token-slider.js';
import { refreshServiceToken, REQUEST_SLIDER, signInServiceToken, STATELESS_OPTIONS } from './injection-tokens.js';
import { accessTokenProviders } from './instance-providers.js';
import { provide, withoutService } from './provide.js';
import { accessTokenForm } from './session-providers.js';
import { sessionlessProviders } from './sessionless-providers.js';

/**
 * Returns everything that an instance consists of if it issues access tokens without sessions: it has no store. The options are provided
 * elsewhere, and so is `Clock`.
 */
export function statelessProviders(name: string): FactoryProvider[] {
  return [
    ...accessTokenProviders(name),
    ...sessionlessProviders(name),
    provide(StatelessIssuer, {
      inject: [STATELESS_OPTIONS, AccessTokenIssuer, PrincipalHooks],
      useFactory: ({ transport }, accessTokens, hooks) => {
        const settings = { isInBody: transport.mode !== 'cookie', persistent: transport.cookie.persistent, ...accessTokenForm(transport) };
        return new StatelessIssuer(settings, { accessTokens, hooks });
      },
    }),
    provide(signInServiceToken(name), {
      inject: [STATELESS_OPTIONS, StatelessIssuer, PrincipalHooks, Clock],
      useFactory: ({ access: { maxLifetimeMs }, sliding }, issuer, hooks, clock) =>
        new SignInService({ maxLifetimeMs, sliding }, { issuer, hooks, clock }),
    }),
    provide(REQUEST_SLIDER, {
      inject: [STATELESS_OPTIONS, StatelessIssuer, RequestCheck, Clock],
      useFactory: ({ sliding, transport: { mode } }, issuer, check, clock) =>
        sliding &&
        // In cookie mode, new tokens travel in cookies only. A token that came in a header stays as it is.
        new RequestSlider(mode === 'cookie' ? ['cookie'] : ['header', 'cookie'], {
          slider: new TokenSlider(sliding, { issuer, clock }),
          check,
          outages: new OutageLog(),
        }),
    }),
    withoutService(
      refreshServiceToken(name),
      'sessions',
      'RefreshService cannot be injected, because this instance has no sessions (sessions: false): sign in with SignInService',
    ),
  ];
}
