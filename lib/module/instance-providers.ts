import type { FactoryProvider } from '@nestjs/common';
import { AccessTokenIssuer } from '../access-token/access-token.issuer.js';
import { AccessTokenService } from '../access-token/access-token.service.js';
import { SessionDenylist } from '../access-token/session-denylist.js';
import { LegacyAccessTokens } from '../authentication/legacy-access-tokens.js';
import { RequestAuthenticator } from '../authentication/request-authenticator.js';
import { CsrfCheck } from '../authentication/csrf-check.js';
import { CsrfTokens } from '../authentication/csrf-tokens.js';
import { NoRequestCheck, RequestCheck } from '../authentication/request-check.js';
import { Clock } from '../clock.js';
import { TokenHealthIndicator } from '../events/token-health-indicator.js';
import { OutageLog } from '../events/outage-log.js';
import { keyRetirementTeller } from '../events/key-retirement.js';
import { RejectionReporter } from '../events/rejection-reporter.js';
import { KeyReloader } from '../keys/key-reloader.js';
import { KeySource } from '../keys/key-source.js';
import { LocalSigner, Signer } from '../keys/signer.js';
import { ErrorResponse } from '../nest/error-response.js';
import { TokenInstance, tokenInstanceToken } from '../nest/token-instance.js';
import type { ResolvedTokenOptions } from '../options/resolve-options.js';
import type { ResolvedTransportOptions } from '../options/resolve-transport-options.js';
import { PrincipalHooks } from '../principal/principal-hooks.js';
import { RevocationHints } from '../revocation/revocation-hints.js';
import type { RevocationSettings } from '../revocation/revocation-list.js';
import { RevocationList } from '../revocation/revocation-list.js';
import { SessionJanitor } from '../session/session-janitor.js';
import { PatientStore } from '../session/patient-store.js';
import { SessionListener } from '../session/session-listener.js';
import { StoreWatch } from '../session/store-watch.js';
import { SessionRotator } from '../session/session-rotator.js';
import { TokenRepository } from '../session/token-repository.js';
import { TokenSockets } from '../sockets/token-sockets.js';
import { CookiePlace } from '../transport/cookie-place.js';
import { HeaderPlace, tokenTypeOf } from '../transport/header-place.js';
import { VARY } from '../transport/response-tokens.js';
import { StandardTransport } from '../transport/standard-transport.js';
import {
  accessTokenServiceToken,
  CSRF_TOKENS,
  ISSUER_OPTIONS,
  LEGACY_ACCESS_TOKENS,
  REQUEST_OPTIONS,
  REQUEST_SLIDER,
  RESOLVED_OPTIONS,
  REVOCATION_HINTS,
  SESSION_USES,
  signInServiceToken,
  tokenHealthIndicatorToken,
  tokenSocketsToken,
  tokenTransportToken,
  VERIFICATION_TRACE,
} from './injection-tokens.js';
import { eventProviders, storeEventProviders } from './event-providers.js';
import { InstanceLifecycle } from './instance-lifecycle.js';
import { provide, withoutService } from './provide.js';
import { sessionProviders } from './session-providers.js';

/**
 * Returns everything that an instance consists of, from the keys to what the guard uses. Each part is a provider of its own, so that
 * whatever an application overrides reaches everything that uses it. `Clock`, `TokenRepository` and the options are provided elsewhere.
 */
export function instanceProviders(name: string): FactoryProvider[] {
  return [
    ...accessTokenProviders(name),
    ...revocationProviders(name),
    ...sessionProviders(name),
    ...storeEventProviders(name),
    ...requestProviders(name),
    provide(tokenHealthIndicatorToken(name), {
      inject: [KeySource, PatientStore, RevocationList],
      useFactory: (keys, store, revocations) => new TokenHealthIndicator(name, { keys, store, revocations }),
    }),
    withoutService(signInServiceToken(name), 'sessions', 'SignInService cannot be injected: with sessions, RefreshService signs in'),
    provide(InstanceLifecycle, {
      inject: [
        RESOLVED_OPTIONS,
        TokenRepository,
        RevocationList,
        REVOCATION_HINTS,
        SessionJanitor,
        SESSION_USES,
        accessTokenServiceToken(name),
        Clock,
      ],
      useFactory: (options, repository, revocations, hints, janitor, uses, accessTokens, clock) =>
        new InstanceLifecycle(name, options, { repository, revocations, hints, janitor, uses, accessTokens, clock }),
    }),
  ];
}

/** Returns what issues access tokens and verifies them, with or without sessions. */
export function accessTokenProviders(name: string): FactoryProvider[] {
  return [
    provide(KeySource, { inject: [ISSUER_OPTIONS], useFactory: ({ access }) => access.ring }),
    provide(Signer, { inject: [ISSUER_OPTIONS], useFactory: ({ access }) => access.signer ?? new LocalSigner(access.ring) }),
    provide(AccessTokenIssuer, {
      inject: [ISSUER_OPTIONS, Signer],
      useFactory: ({ access }, signer) => new AccessTokenIssuer(access, signer),
    }),
    provide(accessTokenServiceToken(name), {
      inject: [ISSUER_OPTIONS, KeySource, AccessTokenIssuer, SessionDenylist, Clock, VERIFICATION_TRACE, SessionListener],
      useFactory: ({ access }, keys, issuer, denylist, clock, { around: trace }, listener) => {
        const reloader = new KeyReloader(access.ring, access.supply);
        const onKeyRetired = keyRetirementTeller(name, { listener, clock });
        return new AccessTokenService(access, { keys, issuer, denylist, clock, reloader, trace, onKeyRetired });
      },
    }),
  ];
}

function revocationProviders(name: string): FactoryProvider[] {
  return [
    provide(REVOCATION_HINTS, { inject: [RESOLVED_OPTIONS], useFactory: ({ push }) => push && new RevocationHints(push, name) }),
    provide(RevocationList, {
      inject: [RESOLVED_OPTIONS, TokenRepository, REVOCATION_HINTS, StoreWatch],
      useFactory: (options, repository, hints, watch) =>
        new RevocationList(repository, revocationSettings(name, options), { hints, watch }),
    }),
    provide(SessionDenylist, { inject: [RevocationList], useFactory: (revocations) => revocations }),
  ];
}

/** Returns how an instance learns of revocations, and for how long it has to remember them. */
export function revocationSettings(name: string, { access, revocation, patience }: ResolvedTokenOptions): RevocationSettings {
  const horizonMs = access.maxLifetimeMs + access.leewayMs;
  return { realm: name, mode: revocation, horizonMs, lockTimeoutMs: patience.lockTimeoutMs };
}

/** Returns what handles a request, whether or not the instance has sessions. */
export function requestProviders(name: string): FactoryProvider[] {
  const accessTokens = accessTokenServiceToken(name);
  const transport = tokenTransportToken(name);
  return [
    ...eventProviders(name),
    provide(transport, { inject: [REQUEST_OPTIONS], useFactory: (options) => transportOf(options.transport) }),
    hooksProvider(),
    provide(CSRF_TOKENS, {
      inject: [REQUEST_OPTIONS],
      useFactory: ({ transport: { csrf }, csrfKeys }) => csrf && csrfKeys && new CsrfTokens(csrfKeys),
    }),
    provide(RequestCheck, {
      inject: [REQUEST_OPTIONS, CSRF_TOKENS, transport],
      useFactory: ({ transport: { csrf } }, tokens, where) => (csrf ? new CsrfCheck(csrf, tokens, where) : new NoRequestCheck()),
    }),
    provide(LEGACY_ACCESS_TOKENS, {
      inject: [REQUEST_OPTIONS, accessTokens, Clock],
      useFactory: ({ access, legacy, hookTimeoutMs }, tokens, clock) =>
        legacy && new LegacyAccessTokens({ ...access, ...legacy, name, timeoutMs: hookTimeoutMs }, { accessTokens: tokens, clock }),
    }),
    authenticatorProvider(name),
    provide(ErrorResponse, {
      inject: [REQUEST_OPTIONS, transport, RejectionReporter],
      useFactory: ({ transport: { header }, ownsCookies: tidiesCookies, hooks: { errorBody } }, where, rejections) => {
        const settings = { scheme: tokenTypeOf(header), tidiesCookies, errorBody };
        return new ErrorResponse(settings, { outages: new OutageLog(), rejections, transport: where });
      },
    }),
    socketsProvider(name, transport),
    provide(tokenInstanceToken(name), {
      inject: [REQUEST_OPTIONS, RequestAuthenticator, transport, ErrorResponse, Clock, CSRF_TOKENS, SESSION_USES, tokenSocketsToken(name)],
      useFactory: ({ messageLocations }, authenticator, where, errors, clock, csrf, uses, sockets) =>
        new TokenInstance(name, { authenticator, transport: where, errors, clock, csrf, uses, sockets, messageLocations }),
    }),
  ];
}

function hooksProvider(): FactoryProvider {
  return provide(PrincipalHooks, {
    inject: [REQUEST_OPTIONS],
    useFactory: ({ hooks, hookTimeoutMs }) => new PrincipalHooks({ ...hooks, timeoutMs: hookTimeoutMs }),
  });
}

function authenticatorProvider(name: string): FactoryProvider {
  const [transport, accessTokens] = [tokenTransportToken(name), accessTokenServiceToken(name)];
  return provide(RequestAuthenticator, {
    inject: [REQUEST_OPTIONS, transport, accessTokens, LEGACY_ACCESS_TOKENS, SessionRotator, REQUEST_SLIDER, PrincipalHooks, RequestCheck],
    useFactory: ({ ownsCookies }, where, tokens, legacy, rotator, slider, hooks, check) =>
      new RequestAuthenticator({ ownsCookies, transport: where, accessTokens: tokens, legacy, rotator, slider, hooks, check }),
  });
}

function socketsProvider(name: string, transport: ReturnType<typeof tokenTransportToken>): FactoryProvider {
  return provide(tokenSocketsToken(name), {
    inject: [REQUEST_OPTIONS, RequestAuthenticator, accessTokenServiceToken(name), SessionDenylist, transport, ErrorResponse],
    useFactory: ({ websocket }, authenticator, accessTokens, denylist, where, errors) =>
      new TokenSockets(websocket, { authenticator, accessTokens, denylist, transport: where, errors }),
  });
}

function transportOf({ header, cookie, ...settings }: ResolvedTransportOptions): StandardTransport {
  const places = { header: new HeaderPlace(header), cookie: new CookiePlace(cookie) };
  const listed = new Set(VARY.map((name) => name.toLowerCase()));
  const varyOn = [...VARY, ...[header.access, header.refresh].filter((name) => !listed.has(name.toLowerCase()))];
  return new StandardTransport({ ...settings, expiresIn: header.expiresIn, persistent: cookie.persistent, varyOn }, places);
}
