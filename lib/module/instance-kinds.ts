import type { DynamicModule, FactoryProvider } from '@nestjs/common';
import { loadTokenOptions } from '../options/resolve-options.js';
import type { RequestOptions } from '../options/resolve-options.js';
import { loadStatelessOptions } from '../options/resolve-stateless-options.js';
import { resolveVerifierOptions } from '../options/resolve-verifier-options.js';
import type { TokenModuleOptions } from '../options/token.options.js';
import { InstanceLifecycle } from './instance-lifecycle.js';
import { instanceProviders } from './instance-providers.js';
import type { InstanceKind, ResolvedExtras } from './require-extras.js';
import { SessionlessLifecycle } from './sessionless-lifecycle.js';
import { statelessProviders } from './stateless-providers.js';
import { repositoryProvider, storeModules } from './store-providers.js';
import { verifierProviders } from './verifier-providers.js';

/** What an instance of a kind consists of. Everything else is the same for all kinds. */
export interface Composition {
  /**
   * Checks the options, and adds the defaults.
   * @throws {TokenOptionsError} throws it, or rejects with it, naming the first option that is wrong.
   */
  resolve(given: TokenModuleOptions, name: string): RequestOptions | Promise<RequestOptions>;
  /** The modules that the instance needs. */
  imports(extras: ResolvedExtras): Promise<DynamicModule>[];
  providers(extras: ResolvedExtras): FactoryProvider[];
  /** What starts the instance, and stops it. */
  readonly lifecycle: typeof InstanceLifecycle | typeof SessionlessLifecycle;
}

/** Returns what an instance consists of. */
export function compositionOf({ kind }: ResolvedExtras): Composition {
  return COMPOSITIONS[kind];
}

const COMPOSITIONS: Readonly<Record<InstanceKind, Composition>> = {
  sessions: {
    resolve: loadTokenOptions,
    imports: storeModules,
    providers: (extras) => [repositoryProvider(extras), ...instanceProviders(extras.name)],
    lifecycle: InstanceLifecycle,
  },
  stateless: {
    resolve: loadStatelessOptions,
    imports: () => [],
    providers: ({ name }) => statelessProviders(name),
    lifecycle: SessionlessLifecycle,
  },
  'verify-only': {
    resolve: resolveVerifierOptions,
    imports: () => [],
    providers: ({ name }) => verifierProviders(name),
    lifecycle: SessionlessLifecycle,
  },
};
