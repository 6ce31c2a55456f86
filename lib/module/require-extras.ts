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
import type { TokenModuleOptions } from '../options/token.options.js';
import type { TokenModuleAsyncOptions, TokenModuleRootOptions } from './token.module-definition.js';

/** The keys of `forRootAsync` that say where the options come from. */
const REGISTRATION = ['imports', 'inject', 'provideInjectionTokensFrom', 'useFactory', 'useClass', 'useExisting'];

/** What an instance does: it keeps sessions, or it issues access tokens without sessions, or it only verifies access tokens. */
export type InstanceKind = 'sessions' | 'stateless' | 'verify-only';

/** The extras with their defaults. */
export interface ResolvedExtras extends TokenModuleExtras {
  readonly isGlobal: boolean;
  readonly globalGuard: boolean;
  readonly kind: InstanceKind;
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
  return resolveExtras(extras, options);
}

/**
 * Takes the extras out of the options of `forRootAsync`.
 * @throws {TokenOptionsError} on any other key, and when there is not exactly one source of options.
 */
export function requireAsyncOptions(options: TokenModuleAsyncOptions): ResolvedExtras {
  requireShape(ROOT, isObject(options), 'an object');
  if ((options as TokenModuleOptions).sessions === false) {
    throw new TokenOptionsError('sessions', 'is false next to a factory: write `stateless: true` there');
  }
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
function resolveExtras(given: TokenModuleExtras, options: TokenModuleRootOptions): ResolvedExtras {
  const extra = optionReader({ group: ROOT, schema: EXTRAS, given });
  const resolved = {
    ...given,
    name: extra('name'),
    isGlobal: extra('isGlobal'),
    globalGuard: extra('globalGuard'),
    kind: kindOf({ verifyOnly: extra('verifyOnly'), stateless: extra('stateless') }, options),
    mounted: resolveEndpoints(given.endpoints),
  };
  if (resolved.globalGuard && resolved.name !== DEFAULT_NAME) {
    throw new TokenOptionsError('globalGuard', 'belongs to the instance without a name: that one guards routes without @AuthInstance()');
  }
  requireFitting(given, resolved.kind);
  requireSessions(resolved);
  for (const key of ['dataSource', 'passportStrategy', 'repository'] as const) extra(key);
  return resolved;
}

function kindOf(declared: { verifyOnly: boolean; stateless: boolean }, { jwks, sessions }: TokenModuleRootOptions): InstanceKind {
  const onlyVerifies = declared.verifyOnly || jwks !== undefined;
  if (onlyVerifies && declared.stateless) {
    throw new TokenOptionsError(
      'stateless',
      'is true in an instance that only verifies access tokens (jwks, verifyOnly); remove one of them',
    );
  }
  if (onlyVerifies) return 'verify-only';
  return declared.stateless || sessions === false ? 'stateless' : 'sessions';
}

/** The extras that have no place in an instance of a kind, and what the kind is, for the message. */
const FOREIGN: Readonly<Record<InstanceKind, { readonly extras: readonly (keyof TokenModuleExtras)[]; readonly instance: string }>> = {
  sessions: { extras: [], instance: 'an instance with sessions' },
  stateless: { extras: ['dataSource', 'repository'], instance: 'an instance without sessions (sessions: false, stateless)' },
  'verify-only': {
    extras: ['dataSource', 'repository', 'endpoints'],
    instance: 'an instance that only verifies access tokens (jwks, verifyOnly)',
  },
};

function requireFitting(given: TokenModuleExtras, kind: InstanceKind): void {
  const { extras, instance } = FOREIGN[kind];
  const foreign = extras.find((key) => given[key] !== undefined);
  if (foreign) throw new TokenOptionsError(foreign, `has no place in ${instance}; remove it`);
}

/** Every route of the endpoints is about sessions. Only the documents are not. */
function requireSessions({ kind, mounted }: Pick<ResolvedExtras, 'kind' | 'mounted'>): void {
  const [route] = mounted.routes;
  if (kind !== 'stateless' || route === undefined) return;
  throw new TokenOptionsError(`endpoints.${route}`, 'has no place next to `sessions: false`, because there are no sessions; remove it');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
