import type { DynamicModule, FactoryProvider, OnModuleInit, Provider, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { DEFAULT_REALM } from '../keys/key-ring.js';
import { Clock, SystemClock } from '../clock.js';
import { requireSoundRoutes } from '../nest/declared-routes.js';
import { JwtAuthGuard } from '../nest/jwt-auth.guard.js';
import { TokenErrorFilter } from '../nest/token-error.filter.js';
import { accessTokenServiceToken, refreshServiceToken, tokenInstanceToken, tokenTransportToken } from './injection-tokens.js';
import { SealedOptions } from './sealed-options.js';
import { TokenRepository } from '../session/token-repository.js';
import type { ResolvedTokenOptions } from '../options/resolve-options.js';
import { resolveTokenOptions } from '../options/resolve-options.js';
import { requireAsyncOptions, requireExtras } from './require-extras.js';
import { TokenInstance } from './token-instance.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { TokenModuleExtras } from '../options/extras.options.js';
import type { TokenModuleAsyncOptions, TokenModuleRootOptions } from './token.module-definition.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './token.module-definition.js';
import { instancesIn, requireUniqueInstance } from './unique-instances.js';
import { TokenSessionEntity } from '../typeorm/token-session.entity.js';
import { TypeOrmTokenRepository } from '../typeorm/typeorm-token.repository.js';

/**
 * Everything after the password check: access tokens, sessions with rotating refresh tokens, and the refresh inside a request.
 * Import it once, or several times with a `name` each. Options are validated before the application listens.
 */
@Module({})
export class TokenModule extends ConfigurableModuleClass {
  /**
   * @param options options and extras.
   * @throws {TokenOptionsError} on unknown extras; other options are judged while the application starts.
   */
  static override forRoot(options: TokenModuleRootOptions): DynamicModule {
    const extras = requireExtras(options);
    return compose(super.forRoot(options), extras);
  }

  /**
   * @param options extras, `imports`, and one of `useFactory` with `inject`, `useClass` and `useExisting` ({@link TokenOptionsFactory}).
   * @throws {TokenOptionsError} on unknown keys; what the factory returns is judged while the application starts.
   */
  static override forRootAsync(options: TokenModuleAsyncOptions): DynamicModule {
    const extras = requireAsyncOptions(options);
    return compose(super.forRootAsync(options), extras);
  }
}

const START_UP_CHECKS = 'nestjs-token:StartUpChecks';
const RESOLVED_OPTIONS = 'nestjs-token:ResolvedTokenOptions';
const GLOBAL_GUARD = 'nestjs-token:GlobalGuard';

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

/** Adds what an instance consists of to the module that the builder has made. */
function compose(built: DynamicModule, extras: TokenModuleExtras): DynamicModule {
  const { name = DEFAULT_REALM, isGlobal = true, globalGuard = false, repository, dataSource } = extras;
  const exported = [tokenInstanceToken(name), refreshServiceToken(name), accessTokenServiceToken(name), tokenTransportToken(name)];
  return {
    ...built,
    global: isGlobal,
    imports: [...(built.imports ?? []), ...(repository ? [] : [TypeOrmModule.forFeature([TokenSessionEntity], dataSource)])],
    providers: [
      ...(built.providers ?? []).map(seal),
      { provide: Clock, useClass: SystemClock },
      {
        provide: RESOLVED_OPTIONS,
        inject: [MODULE_OPTIONS_TOKEN],
        useFactory: (sealed: SealedOptions) => resolveTokenOptions(sealed.open(), name),
      },
      repositoryProvider(extras),
      instanceProvider(name, extras.passportStrategy),
      startUpChecksProvider(name),
      part(refreshServiceToken(name), name, ({ refresh }) => refresh),
      part(accessTokenServiceToken(name), name, ({ accessTokens }) => accessTokens),
      part(tokenTransportToken(name), name, ({ transport }) => transport),
      errorFilterProvider(name),
      ...(globalGuard ? GLOBAL_GUARD_PROVIDERS : []),
    ],
    exports: exported,
  };
}

/** Options hold secrets: in the container they lie sealed, so that no `inspect()` of a module shows them. */
function seal(provider: Provider): Provider {
  if (!('provide' in (provider as object)) || (provider as FactoryProvider).provide !== MODULE_OPTIONS_TOKEN) return provider;
  if ('useValue' in (provider as object)) {
    return { provide: MODULE_OPTIONS_TOKEN, useValue: new SealedOptions((provider as { useValue: unknown }).useValue) };
  }
  const { useFactory, inject = [] } = provider as FactoryProvider;
  return { provide: MODULE_OPTIONS_TOKEN, inject, useFactory: async (...args: unknown[]) => new SealedOptions(await useFactory(...args)) };
}

function repositoryProvider({ repository, dataSource }: TokenModuleExtras): Provider {
  if (repository) {
    return { provide: TokenRepository, inject: [ModuleRef], useFactory: (modules: ModuleRef) => injected(repository, modules) };
  }
  return {
    provide: TokenRepository,
    inject: [getDataSourceToken(dataSource), RESOLVED_OPTIONS, Clock],
    useFactory: (source: DataSource, { patience, access }: ResolvedTokenOptions, clock: Clock) => {
      requireRealTime(clock, access);
      return new TypeOrmTokenRepository(source, { patience });
    },
  };
}

/**
 * A database dates sessions by its own clock. A {@link Clock} that shows another time, as a `FakeClock` does, would find all of their
 * access tokens expired, or not valid yet.
 * @throws {TokenOptionsError}
 */
function requireRealTime(clock: Clock, { maxLifetimeMs, leewayMs }: ResolvedTokenOptions['access']): void {
  const aheadMs = clock.now() - Date.now();
  if (aheadMs <= maxLifetimeMs + leewayMs && aheadMs >= -maxLifetimeMs - leewayMs) return;
  throw new TokenOptionsError(
    'dataSource',
    'the Clock does not show the present time, but sessions live by the clock of the database, so no access token would be good: with a FakeClock, give `repository: InMemoryTokenRepository` of nestjs-token/testing',
  );
}

/** @throws {TokenOptionsError} when its constructor injects what TokenModule cannot see; Nest's own message stands in the cause. */
async function injected(repository: Type<TokenRepository>, modules: ModuleRef): Promise<TokenRepository> {
  try {
    return await modules.create(repository);
  } catch (error) {
    if (!(error instanceof Error) || error.constructor.name !== 'UnknownDependenciesException') throw error;
    throw new TokenOptionsError(
      'repository',
      `${repository.name} injects what TokenModule cannot see: name its module in \`imports\` of forRootAsync, or make that module @Global()`,
      { cause: error },
    );
  }
}

function instanceProvider(realm: string, passportStrategy: string | undefined): Provider {
  return {
    provide: tokenInstanceToken(realm),
    inject: [RESOLVED_OPTIONS, TokenRepository, Clock],
    useFactory: (options: ResolvedTokenOptions, repository: TokenRepository, clock: Clock) =>
      new TokenInstance({ realm, options, repository, clock, passportStrategy }),
  };
}

/**
 * Adds our filter before Nest adds those of the application, which therefore go first: the last one that is added is asked first. One is
 * enough for an application with several instances.
 */
function errorFilterProvider(name: string): Provider {
  return {
    provide: TokenErrorFilter,
    inject: [tokenInstanceToken(name), ApplicationConfig, HttpAdapterHost],
    useFactory: ({ answers }: TokenInstance, config: ApplicationConfig, host: HttpAdapterHost) => {
      const filter = new TokenErrorFilter(answers, host);
      if (!config.getGlobalFilters().some((known) => known instanceof TokenErrorFilter)) config.addGlobalFilter(filter);
      return filter;
    },
  };
}

/** Checks all instances and routes once they are there, and before the application listens. */
function startUpChecksProvider(realm: string): Provider {
  return {
    provide: START_UP_CHECKS,
    inject: [tokenInstanceToken(realm), ModulesContainer, ApplicationConfig],
    useFactory: (instance: TokenInstance, modules: ModulesContainer, config: ApplicationConfig): OnModuleInit => ({
      onModuleInit: () => {
        requireUniqueInstance(instance, modules);
        const instances = instancesIn(modules);
        if (instance === instances[0]) requireSoundRoutes(namesOf(instances), modules, config);
      },
    }),
  };
}

function namesOf(instances: readonly TokenInstance[]): string[] {
  return instances.map(({ realm }) => realm);
}

function part(
  provide: ReturnType<typeof refreshServiceToken | typeof accessTokenServiceToken | typeof tokenTransportToken>,
  realm: string,
  pick: (instance: TokenInstance) => unknown,
): Provider {
  return { provide, inject: [tokenInstanceToken(realm)], useFactory: pick };
}
