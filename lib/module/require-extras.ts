import { DEFAULT_NAME } from '../keys/key-ring.js';
import { EXTRA_KEYS, requireKeys, requireShape } from '../options/option-keys.js';
import type { TokenModuleExtras } from '../options/extras.options.js';
import type { TokenModuleAsyncOptions, TokenModuleRootOptions } from './token.module-definition.js';
import { TokenOptionsError } from '../errors/token.errors.js';

const REGISTRATION = {
  imports: true,
  inject: true,
  provideInjectionTokensFrom: true,
  useFactory: true,
  useClass: true,
  useExisting: true,
} as const;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** The extras among the options of `forRoot`. @throws {TokenOptionsError} when one is `undefined` or of the wrong shape. */
export function requireExtras(options: TokenModuleRootOptions): TokenModuleExtras {
  requireShape('options', isObject(options), 'an object');
  const extras = Object.fromEntries(Object.entries(options).filter(([key]) => Object.hasOwn(EXTRA_KEYS, key))) as TokenModuleExtras;
  requireKeys('options', extras, EXTRA_KEYS);
  requireShapes(extras);
  return extras;
}

/** The extras among the options of `forRootAsync`. @throws {TokenOptionsError} on any other key, or not exactly one source of options. */
export function requireAsyncOptions(options: TokenModuleAsyncOptions): TokenModuleExtras {
  requireShape('options', isObject(options), 'an object');
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(REGISTRATION, key) && !Object.hasOwn(EXTRA_KEYS, key)) {
      throw new TokenOptionsError(key, 'is not taken beside a factory: return it from the factory, or check its spelling');
    }
  }
  const sources = [options.useFactory, options.useClass, options.useExisting].filter((source) => source !== undefined);
  requireShape('options', sources.length === 1, 'given exactly one of useFactory, useClass and useExisting');
  return requireExtras(options as TokenModuleRootOptions);
}

/** JavaScript and configuration files know no types: `'false'` must not switch something on. */
function requireShapes(extras: TokenModuleExtras): void {
  const {
    name = DEFAULT_NAME,
    isGlobal = true,
    globalGuard = false,
    dataSource = 'default',
    passportStrategy = 'jwt',
    repository,
  } = extras;
  requireShape('name', isText(name) && NAME.test(name), '1 to 64 characters of A–Z a–z 0–9 . _ -');
  requireShape('isGlobal', typeof isGlobal === 'boolean', 'true or false');
  requireShape('globalGuard', typeof globalGuard === 'boolean', 'true or false');
  if (globalGuard && name !== DEFAULT_NAME) {
    throw new TokenOptionsError('globalGuard', 'belongs to the instance without a name: that one guards routes without @AuthInstance()');
  }
  requireShape('dataSource', isText(dataSource), 'the name of a DataSource');
  requireShape('passportStrategy', isText(passportStrategy), 'the name of a strategy');
  requireShape('repository', repository === undefined || typeof repository === 'function', 'a class');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
