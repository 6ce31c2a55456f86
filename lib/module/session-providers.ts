import type { FactoryProvider } from '@nestjs/common';
import { AccessTokenIssuer } from '../access-token/access-token.issuer.js';
import { SessionDenylist } from '../access-token/session-denylist.js';
import { Clock } from '../clock.js';
import type { ResolvedTokenOptions } from '../options/resolve-options.js';
import type { ResolvedTransportOptions } from '../options/resolve-transport-options.js';
import { PrincipalHooks } from '../principal/principal-hooks.js';
import { LegacyExchange } from '../session/legacy-exchange.js';
import type { PairSettings } from '../session/pair-issuer.js';
import { PairIssuer } from '../session/pair-issuer.js';
import { RefreshService } from '../session/refresh.service.js';
import { RefreshTokenCodec } from '../session/refresh-token.codec.js';
import { SessionEditor } from '../session/session-editor.js';
import { SessionJanitor } from '../session/session-janitor.js';
import { SessionListener } from '../session/session-listener.js';
import type { SessionSettings } from '../session/session-draft.js';
import { SessionOpener } from '../session/session-opener.js';
import { SessionRevoker } from '../session/session-revoker.js';
import { SessionRotator } from '../session/session-rotator.js';
import { StoreWatch } from '../session/store-watch.js';
import { SessionUses } from '../session/session-uses.js';
import { PatientStore } from '../session/patient-store.js';
import { TokenRepository } from '../session/token-repository.js';
import { maxAccessLengthOf } from '../transport/cookie-place.js';
import { tokenTypeOf } from '../transport/header-place.js';
import { LEGACY_EXCHANGE, REFRESH_TRACE, REQUEST_SLIDER, refreshServiceToken, RESOLVED_OPTIONS, SESSION_USES } from './injection-tokens.js';
import { provide } from './provide.js';

/** Returns the providers of sessions and their refresh tokens, from the store to the {@link RefreshService}. */
export function sessionProviders(name: string): FactoryProvider[] {
  return [
    provide(PatientStore, {
      inject: [TokenRepository, RESOLVED_OPTIONS, StoreWatch],
      useFactory: (repository, { patience }, watch) => new PatientStore(repository, patience.timeoutMs, watch),
    }),
    provide(RefreshTokenCodec, { inject: [RESOLVED_OPTIONS], useFactory: ({ refresh }) => new RefreshTokenCodec(name, refresh.ring) }),
    provide(PairIssuer, {
      inject: [AccessTokenIssuer, RESOLVED_OPTIONS],
      useFactory: (accessTokens, { transport }) => new PairIssuer(pairSettings(transport), accessTokens),
    }),
    provide(SessionRevoker, {
      inject: [PatientStore, SessionDenylist, SessionListener, Clock],
      useFactory: (store, denylist, listener, clock) => new SessionRevoker({ store, denylist, listener, clock }),
    }),
    legacyExchangeProvider(name),
    rotatorProvider(name),
    openerProvider(name),
    provide(SessionEditor, {
      inject: [PatientStore, PrincipalHooks, PairIssuer, SessionDenylist, SessionListener, Clock],
      useFactory: (store, hooks, issuer, denylist, listener, clock) =>
        new SessionEditor(name, { store, hooks, issuer, denylist, listener, clock }),
    }),
    provide(SessionJanitor, {
      inject: [TokenRepository, RESOLVED_OPTIONS],
      useFactory: (repository, { janitorMs }) => new SessionJanitor(repository, name, janitorMs),
    }),
    provide(SESSION_USES, {
      inject: [RESOLVED_OPTIONS, PatientStore],
      useFactory: ({ sessions: { trackUseMs: everyMs } }, store) => (everyMs === null ? null : new SessionUses({ name, everyMs }, store)),
    }),
    refreshServiceProvider(name),
    // An access token of a session is refreshed, and does not slide.
    provide(REQUEST_SLIDER, { inject: [], useFactory: () => null }),
  ];
}

function pairSettings(transport: ResolvedTransportOptions): PairSettings {
  const inBody = ({ header: 'both', mixed: 'access', cookie: 'none' } as const)[transport.mode];
  return { ...accessTokenForm(transport), inBody };
}

/** Returns how the access tokens of every instance travel. */
export function accessTokenForm({ mode, header, cookie, locations }: ResolvedTransportOptions): Omit<PairSettings, 'inBody'> {
  const maxAccessLength = mode === 'cookie' || locations.includes('cookie') ? maxAccessLengthOf(cookie) : Infinity;
  return { tokenType: tokenTypeOf(header), maxAccessLength };
}

function rotatorProvider(name: string): FactoryProvider {
  return provide(SessionRotator, {
    inject: [
      RESOLVED_OPTIONS,
      RefreshTokenCodec,
      LEGACY_EXCHANGE,
      PatientStore,
      SessionRevoker,
      PrincipalHooks,
      PairIssuer,
      SessionDenylist,
      SessionListener,
      REFRESH_TRACE,
    ],
    useFactory: (options, codec, legacy, store, revoker, hooks, issuer, denylist, listener, { around: trace }) =>
      new SessionRotator(rotatorSettings(name, options), { codec, legacy, store, revoker, hooks, issuer, denylist, listener, trace }),
  });
}

/**
 * The last round begins within one span of patience with the store, and ends within another. The two hooks follow. With an exchange, two
 * statements and one hook come before that.
 */
function rotatorSettings(name: string, { refresh, patience, hookTimeoutMs, legacy }: ResolvedTokenOptions) {
  const exchangeMs = legacy?.exchange ? 4 * patience.timeoutMs + hookTimeoutMs : 0;
  const presentationMs = exchangeMs + 2 * patience.timeoutMs + 2 * hookTimeoutMs;
  return { name, rules: refresh.rules, idleMs: refresh.idleMs, presentationMs };
}

function legacyExchangeProvider(name: string): FactoryProvider {
  return provide(LEGACY_EXCHANGE, {
    inject: [RESOLVED_OPTIONS, PatientStore, SessionListener, Clock],
    useFactory: (options, store, listener, clock) => {
      const { legacy, access, hookTimeoutMs } = options;
      if (!legacy?.exchange) return null;
      const { exchange, untilMs } = legacy;
      const settings = { ...sessionSettings(name, options), issuer: access.issuer, exchange, untilMs, timeoutMs: hookTimeoutMs };
      return new LegacyExchange(settings, { store, listener, clock });
    },
  });
}

function sessionSettings(name: string, { refresh, sessions, transport }: ResolvedTokenOptions): SessionSettings {
  const { idleMs, absoluteMs, leastIdleMs } = refresh;
  return { name, limit: sessions.limit, idleMs, absoluteMs, leastIdleMs, persistent: transport.cookie.persistent };
}

function openerProvider(name: string): FactoryProvider {
  return provide(SessionOpener, {
    inject: [
      RESOLVED_OPTIONS,
      RefreshTokenCodec,
      PatientStore,
      SessionRevoker,
      PrincipalHooks,
      PairIssuer,
      SessionDenylist,
      SessionListener,
      Clock,
    ],
    useFactory: (options, codec, store, revoker, hooks, issuer, denylist, listener, clock) =>
      new SessionOpener(sessionSettings(name, options), { codec, store, revoker, hooks, issuer, denylist, listener, clock }),
  });
}

function refreshServiceProvider(name: string): FactoryProvider {
  return provide(refreshServiceToken(name), {
    inject: [
      RefreshTokenCodec,
      LEGACY_EXCHANGE,
      PatientStore,
      SessionOpener,
      SessionEditor,
      SessionRotator,
      SessionRevoker,
      SessionJanitor,
      SessionDenylist,
      PrincipalHooks,
    ],
    useFactory: (codec, legacy, store, opener, editor, rotator, revoker, janitor, denylist, hooks) =>
      new RefreshService(name, { codec, legacy, store, opener, editor, rotator, revoker, janitor, denylist, hooks }),
  });
}
