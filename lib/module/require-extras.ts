import type { ResolvedEndpoints } from '../endpoints/endpoint.options.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import type { TokenModuleExtras } from '../options/extras.options.js';
import { ENDPOINTS } from '../options/endpoints.schema.js';
import { EXTRAS } from '../options/extras.schema.js';
import { requireKeys } from '../options/known-keys.js';
import { requireShape } from '../options/option-checks.js';
import { optionReader, ROOT } from '../options/option-reader.js';
import { resolveEndpoints } from '../options/resolve-endpoints.js';
import type { TokenModuleAsyncOptions, TokenModuleRootOptions } from './token.module-definition.js';

/** The keys of `forRootAsync` that say where the options come from. */
const REGISTRATION = ['imports', 'inject', 'provideInjectionTokensFrom', 'useFactory', 'useClass', 'useExisting'];

/** The extras with their defaults. */
export interface ResolvedExtras extends TokenModuleExtras {
  readonly isGlobal: boolean;
  readonly globalGuard: boolean;
  readonly verifyOnly: boolean;
  readonly name: string;
  readonly mounted: ResolvedEndpoints;
}

/**
 * Takes the extras out of the options of `forRoot`.
 * @throws {TokenOptionsError} when one of them is `undefined` or does not fit its schema.
 */
export function requireExtras(options: TokenModuleRootOptions): ResolvedExtras {
  requireShape(ROOT, isObject(options), 'an object');
  const extras = Object.fromEntries(Object.entries(options).filter(([key]) => Object.hasOwn(EXTRAS, key))) as TokenModuleExtras;
  requireKeys(ROOT, extras, { schema: EXTRAS });
  requireKeys('endpoints', extras.endpoints, { schema: ENDPOINTS });
  return resolveExtras(extras, options.jwks !== undefined);
}

/**
 * Takes the extras out of the options of `forRootAsync`.
 * @throws {TokenOptionsError} on any other key, and when there is not exactly one source of options.
 */
export function requireAsyncOptions(options: TokenModuleAsyncOptions): ResolvedExtras {
  requireShape(ROOT, isObject(options), 'an object');
  for (const key of Object.keys(options)) {
    if (!REGISTRATION.includes(key) && !Object.hasOwn(EXTRAS, key)) {
      throw new TokenOptionsError(key, 'is not taken next to a factory: return it from the factory, or check its spelling');
    }
  }
  const sources = [options.useFactory, options.useClass, options.useExisting].filter((source) => source !== undefined);
  requireShape(ROOT, sources.length === 1, 'given exactly one of useFactory, useClass and useExisting');
  return requireExtras(options as TokenModuleRootOptions);
}

/** JavaScript and configuration files have no types, so the text `'false'` must not enable anything. */
function resolveExtras(given: TokenModuleExtras, hasJwks: boolean): ResolvedExtras {
  const extra = optionReader({ group: ROOT, schema: EXTRAS, given });
  const resolved = {
    ...given,
    name: extra('name'),
    isGlobal: extra('isGlobal'),
    globalGuard: extra('globalGuard'),
    verifyOnly: extra('verifyOnly') || hasJwks,
    mounted: resolveEndpoints(given.endpoints),
  };
  if (resolved.globalGuard && resolved.name !== DEFAULT_NAME) {
    throw new TokenOptionsError('globalGuard', 'belongs to the instance without a name: that one guards routes without @AuthInstance()');
  }
  const foreign = (['dataSource', 'repository', 'endpoints'] as const).find((key) => given[key] !== undefined);
  if (resolved.verifyOnly && foreign) {
    throw new TokenOptionsError(foreign, 'has no place in an instance that only verifies access tokens (jwks, verifyOnly); remove it');
  }
  for (const key of ['dataSource', 'passportStrategy', 'repository'] as const) extra(key);
  return resolved;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
