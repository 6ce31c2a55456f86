import type { DynamicModule, FactoryProvider, Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Clock } from '../clock.js';
import { isMissingPackage } from '../errors/missing-package.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { TokenModuleExtras } from '../options/extras.options.js';
import type { ResolvedTokenOptions } from '../options/resolve-options.js';
import { TokenRepositoryFactory } from '../session/token-repository.factory.js';
import { TokenRepository } from '../session/token-repository.js';
import { RESOLVED_OPTIONS } from './injection-tokens.js';
import { provide } from './provide.js';

/**
 * Returns the module that keeps sessions with TypeORM, or nothing if the application has a repository of its own. It is loaded only when it
 * is needed, so that an application with its own repository need not install TypeORM.
 */
export function storeModules({ repository, dataSource }: TokenModuleExtras): Promise<DynamicModule>[] {
  if (repository) return [];
  const store = loadTypeOrmStore(dataSource);
  // Nest waits for it later, and reports its failure. Until then it must not count as unhandled.
  store.catch(() => undefined);
  return [store];
}

/**
 * Loads the module.
 * @throws {TokenOptionsError} rejects with it if a package is not installed.
 */
async function loadTypeOrmStore(dataSource: string | undefined): Promise<DynamicModule> {
  const { TypeOrmStoreModule } = await import('../typeorm/typeorm-store.module.js').catch((error: unknown) => {
    if (!isMissingPackage(error)) throw error;
    throw new TokenOptionsError(
      'repository',
      'is not given, and TypeORM is not installed: run `npm install typeorm @nestjs/typeorm`, give a `repository` of your own, or go without sessions (`sessions: false`)',
      { cause: error },
    );
  });
  return TypeOrmStoreModule.forDataSource(dataSource);
}

/** Provides the repository of an instance: that of the application, or the one that {@link storeModules} has loaded. */
export function repositoryProvider({ repository }: TokenModuleExtras): FactoryProvider {
  if (repository) return provide(TokenRepository, { inject: [ModuleRef], useFactory: (modules) => injected(repository, modules) });
  return provide(TokenRepository, {
    inject: [TokenRepositoryFactory, RESOLVED_OPTIONS, Clock],
    useFactory: (factory, { patience, preparedStatements, access }, clock) => {
      requireRealTime(clock, access);
      return factory.create({ patience, preparedStatements });
    },
  });
}

/**
 * Requires that the clock shows the present time. A database dates sessions by its own clock. With a {@link Clock} that shows another time,
 * as a `FakeClock` does, all of their access tokens would have expired, or would not be valid yet.
 * @throws {TokenOptionsError} if it shows another time.
 */
function requireRealTime(clock: Clock, { maxLifetimeMs, leewayMs }: ResolvedTokenOptions['access']): void {
  const aheadMs = clock.now() - Date.now();
  if (aheadMs <= maxLifetimeMs + leewayMs && aheadMs >= -maxLifetimeMs - leewayMs) return;
  throw new TokenOptionsError(
    'dataSource',
    'the Clock does not show the present time, but sessions live by the clock of the database, so no access token would be good: with a FakeClock, give `repository: InMemoryTokenRepository` of nestjs-token/testing',
  );
}

/**
 * Makes the application's repository.
 * @throws {TokenOptionsError} if its constructor injects what TokenModule cannot see. Nest's own message is the cause.
 */
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
