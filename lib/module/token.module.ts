import type { DynamicModule, FactoryProvider, MiddlewareConsumer, NestModule, OnModuleInit, Provider } from '@nestjs/common';
import { Inject, Module, Optional } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { Clock, SystemClock } from '../clock.js';
import { MountedEndpoints } from '../endpoints/mounted-endpoints.js';
import { requireSoundRoutes } from '../nest/declared-routes.js';
import { requireMessageGuards } from '../nest/message-guards.js';
import { rememberReplies } from '../nest/fastify-replies.js';
import { observeSockets } from '../nest/observe-sockets.js';
import { JwtAuthGuard } from '../nest/jwt-auth.guard.js';
import { TokenErrorFilter } from '../nest/token-error.filter.js';
import type { TokenInstance } from '../nest/token-instance.js';
import { tokenInstanceToken } from '../nest/token-instance.js';
import { RequestCheck } from '../authentication/request-check.js';
import { PrincipalHooks } from '../principal/principal-hooks.js';
import { endpointParts } from './endpoint-providers.js';
import {
  accessTokenServiceToken,
  refreshServiceToken,
  RESOLVED_OPTIONS,
  signInServiceToken,
  tokenEventsToken,
  tokenHealthIndicatorToken,
  tokenSocketsToken,
  tokenTransportToken,
} from './injection-tokens.js';
import type { Composition } from './instance-kinds.js';
import { compositionOf } from './instance-kinds.js';
import type { ModuleInstance } from './module-instance.js';
import { PassportRegistration } from './passport-registration.js';
import { provide } from './provide.js';
import type { ResolvedExtras } from './require-extras.js';
import { requireAsyncOptions, requireExtras } from './require-extras.js';
import { SealedOptions } from './sealed-options.js';
import type { TokenModuleAsyncOptions, TokenModuleRootOptions } from './token.module-definition.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './token.module-definition.js';
import { instancesIn, requireUniqueInstance } from './unique-instances.js';

/**
 * Provides everything after the password check: access tokens, sessions with rotating refresh tokens, and the refresh inside a request.
 * Import it once, or several times with a `name` each. Options are validated before the application listens.
 */
@Module({})
export class TokenModule extends ConfigurableModuleClass implements NestModule {
  /** @internal */
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly modules: ModulesContainer,
    @Optional() @Inject(MountedEndpoints) private readonly endpoints?: MountedEndpoints,
  ) {
    super();
  }

  /** Adds the routes of the module. Nest calls it before it adds those of controllers. @internal */
  configure(consumer: MiddlewareConsumer): void {
    if ([...this.modules.values()].some(({ name }) => name === 'GraphQLModule')) rememberReplies(this.host.httpAdapter);
    this.endpoints?.mount(this.host.httpAdapter, consumer);
  }

  /**
   * Registers an instance.
   * @param options options and extras.
   * @throws {TokenOptionsError} on unknown extras. Other options are judged while the application starts.
   */
  static override forRoot(options: TokenModuleRootOptions): DynamicModule {
    const extras = requireExtras(options);
    return compose(super.forRoot(options), extras);
  }

  /**
   * Registers an instance whose options are made while the application starts.
   * @param options extras, `imports`, and one of `useFactory` with `inject`, `useClass` and `useExisting` ({@link TokenOptionsFactory}).
   * @throws {TokenOptionsError} on unknown keys. What the factory returns is judged while the application starts.
   */
  static override forRootAsync(options: TokenModuleAsyncOptions): DynamicModule {
    const extras = requireAsyncOptions(options);
    return compose(super.forRootAsync(options), extras);
  }
}

const START_UP_CHECKS = 'nestjs-token:StartUpChecks';
const GLOBAL_GUARD = 'nestjs-token:GlobalGuard';

/** Nest makes all providers before the application has an adapter for sockets. */
const SOCKET_OBSERVER: FactoryProvider = {
  provide: 'nestjs-token:SocketObserver',
  inject: [ApplicationConfig, ModulesContainer, ModuleRef],
  useFactory: observeSockets,
};

/**
 * Nest applies `APP_GUARD` providers in the order in which it meets their modules, those of the root module first, but only after it has
 * made all providers. A guard that adds itself while providers are made therefore runs before all of them, and before those of
 * `useGlobalGuards`, wherever TokenModule is imported. As a provider of its own it can be overridden in tests.
 */
const GLOBAL_GUARD_PROVIDERS: Provider[] = [
  JwtAuthGuard,
  {
    provide: GLOBAL_GUARD,
    inject: [ApplicationConfig, JwtAuthGuard],
    useFactory: (config: ApplicationConfig, guard: JwtAuthGuard) => config.addGlobalGuard(guard),
  },
];

/** The injection tokens of what every instance exports. */
const EXPORTED = [
  tokenInstanceToken,
  refreshServiceToken,
  signInServiceToken,
  accessTokenServiceToken,
  tokenTransportToken,
  tokenEventsToken,
  tokenHealthIndicatorToken,
  tokenSocketsToken,
];

/** Adds what an instance consists of to the module that the builder has made. */
function compose(built: DynamicModule, extras: ResolvedExtras): DynamicModule {
  const { name, isGlobal, globalGuard, passportStrategy, endpoints: given } = extras;
  const composition = compositionOf(extras);
  // An instance that only verifies has none, and loads nothing for them.
  const endpoints = given === undefined ? null : endpointParts(extras);
  return {
    ...built,
    controllers: endpoints?.controllers ?? [],
    global: isGlobal,
    imports: [...(built.imports ?? []), ...composition.imports(extras)],
    providers: [
      ...(built.providers ?? []).map(seal),
      { provide: Clock, useClass: SystemClock },
      {
        provide: RESOLVED_OPTIONS,
        inject: [MODULE_OPTIONS_TOKEN],
        useFactory: (sealed: SealedOptions) => composition.resolve(sealed.open(), name),
      },
      ...composition.providers(extras),
      startUpChecksProvider(composition.lifecycle),
      errorFilterProvider(name),
      SOCKET_OBSERVER,
      ...(passportStrategy === undefined ? [] : [passportProvider(name, passportStrategy)]),
      ...(endpoints?.providers ?? []),
      ...(globalGuard ? GLOBAL_GUARD_PROVIDERS : []),
    ],
    exports: EXPORTED.map((tokenOf) => tokenOf(name)),
  };
}

/** Seals the options, because they hold secrets. No `inspect()` of a module shows them. */
function seal(provider: Provider): Provider {
  if (!('provide' in (provider as object)) || (provider as FactoryProvider).provide !== MODULE_OPTIONS_TOKEN) return provider;
  if ('useValue' in (provider as object)) {
    return { provide: MODULE_OPTIONS_TOKEN, useValue: new SealedOptions((provider as { useValue: unknown }).useValue) };
  }
  const { useFactory, inject = [] } = provider as FactoryProvider;
  return { provide: MODULE_OPTIONS_TOKEN, inject, useFactory: async (...args: unknown[]) => new SealedOptions(await useFactory(...args)) };
}

function passportProvider(name: string, strategyName: string): FactoryProvider {
  return provide(PassportRegistration, {
    inject: [accessTokenServiceToken(name), tokenTransportToken(name), PrincipalHooks, RequestCheck],
    useFactory: (accessTokens, transport, hooks, check) =>
      new PassportRegistration(strategyName, { accessTokens, transport, hooks, check }),
  });
}

/**
 * Adds our filter before Nest adds those of the application, which therefore go first: the last one that is added is asked first. One is
 * enough for an application with several instances. Routes that name none belong to the instance without a name, or else to the first one.
 */
function errorFilterProvider(name: string): Provider {
  return {
    provide: TokenErrorFilter,
    inject: [tokenInstanceToken(name), ApplicationConfig, HttpAdapterHost, ModulesContainer],
    useFactory: (own: TokenInstance, config: ApplicationConfig, host: HttpAdapterHost, modules: ModulesContainer) => {
      const filter = new TokenErrorFilter(() => unnamedInstanceIn(modules) ?? own, host);
      if (!config.getGlobalFilters().some((known) => known instanceof TokenErrorFilter)) config.addGlobalFilter(filter);
      return filter;
    },
  };
}

function unnamedInstanceIn(modules: ModulesContainer): TokenInstance | undefined {
  for (const { providers } of modules.values()) {
    const found = providers.get(tokenInstanceToken());
    if (found) return found.instance as TokenInstance;
  }
  return undefined;
}

/** Checks all instances and routes once they are there, and before the application listens. */
function startUpChecksProvider(lifecycle: Composition['lifecycle']): FactoryProvider {
  return provide(START_UP_CHECKS, {
    inject: [lifecycle, ModulesContainer, ApplicationConfig],
    useFactory: (instance: ModuleInstance, modules, config): OnModuleInit => ({
      onModuleInit: () => {
        requireUniqueInstance(instance, modules);
        const instances = instancesIn(modules);
        const names = instances.map((one) => one.name);
        if (instance !== instances[0]) return;
        requireSoundRoutes(names, modules, config);
        requireMessageGuards(modules, config);
      },
    }),
  });
}
