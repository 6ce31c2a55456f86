import type { AccessOptions, LegacyOptions, RefreshKey, TokenModuleExtras, TokenModuleOptions } from 'nestjs-token';
import type { EXTRAS, MODULE, Schema } from '../support/lib.js';
import type { Equal } from '../types/equal.js';
import { holds } from '../types/equal.js';

const jitter = { kind: 'number', min: 0, max: 0.5, default: 0.1 } as const;
const lifetime = { kind: 'whole seconds', min: '1s', max: '24h', default: '15m' } as const;
const max = { kind: 'integer', min: 16, max: 1_000_000, default: 10_000 } as const;
const absoluteLifetime = { kind: 'duration', min: '1s', max: '24h' } as const;
const sliding = { kind: 'group', options: { absoluteLifetime }, canBeFalse: true, canBeTrue: true } as const;
const access = { lifetime, maxLifetime: lifetime, jitter, leeway: lifetime, sliding } as const;
const cache = { kind: 'group', options: { max }, canBeFalse: true } as const;

export const complete: Schema<AccessOptions> = { ...access, cache };
// @ts-expect-error an option of the interface is missing
export const incomplete: Schema<AccessOptions> = access;
// @ts-expect-error an option that the interface does not have
export const tooMuch: Schema<AccessOptions> = { ...access, cache, ttl: lifetime };
// @ts-expect-error a number is not a span of time
export const otherKind: Schema<AccessOptions> = { ...access, cache, leeway: jitter };
// @ts-expect-error a default without a unit
export const wrongDefault: Schema<AccessOptions> = { ...access, cache, leeway: { ...lifetime, default: '5' } };
// @ts-expect-error the type allows `false`, and the schema does not say so
export const neverFalse: Schema<AccessOptions> = { ...access, cache: { kind: 'group', options: { max } } };
const neverOn = { kind: 'group', options: { absoluteLifetime }, canBeFalse: true } as const;
// @ts-expect-error the type allows `true`, and the schema does not say so
export const neverTrue: Schema<AccessOptions> = { ...access, cache, sliding: neverOn };
// @ts-expect-error the schema says that `true` is allowed, and the type does not
export const alwaysTrue: Schema<AccessOptions> = { ...access, cache: { ...cache, canBeTrue: true } };
type HookOrGroup = { hook?: (() => void) | { max: number } };
export const hookOrGroup: Schema<HookOrGroup> = {
  hook: { kind: 'group', options: { max: { ...max, required: true } }, canBeFunction: true },
};
// @ts-expect-error the type allows a function, and the schema does not say so
export const neverAHook: Schema<HookOrGroup> = { hook: { kind: 'group', options: { max: { ...max, required: true } } } };
export const notRequired: Schema<RefreshKey> = {
  kid: { kind: 'integer', min: 0, max: 255 },
  secret: { kind: 'secret', required: true },
  // @ts-expect-error the type demands a value, and the schema does not say so
  use: { kind: 'choice', values: ['sign', 'verify'] },
};
export const unknownChoice: Schema<RefreshKey> = {
  kid: { kind: 'integer', min: 0, max: 255 },
  secret: { kind: 'secret', required: true },
  // @ts-expect-error a value that the type does not have
  use: { kind: 'choice', values: ['sign', 'verify', 'both'], required: true },
};

type Mixed = { list?: { max: number }[] | (() => { max: number }[]); short?: { mode?: 'a' | 'b' } | 'a' | false; path?: boolean | string };
const list = { kind: 'list', of: { max: { ...max, required: true } } } as const;
const short = { kind: 'group', options: { mode: { kind: 'choice', values: ['a', 'b'] } }, canBeFalse: true } as const;
const path = { kind: 'route', standard: '/a' } as const;
const mixed = { list: { ...list, canBeFunction: true }, short: { ...short, shorthands: { a: { mode: 'a' } } }, path } as const;
export const mixedUp: Schema<Mixed> = mixed;
// @ts-expect-error the type allows a function in place of the list, and the schema does not say so
export const neverAFunction: Schema<Mixed> = { ...mixed, list };
// @ts-expect-error the type allows a text in place of the group, and the schema does not say for what it is short
export const neverShort: Schema<Mixed> = { ...mixed, short };
// @ts-expect-error the schema says that `false` is allowed, and the type does not
export const falseList: Schema<{ short?: { mode?: 'a' | 'b' } }> = { short };
// @ts-expect-error a path that may be true or false is no secret, although both may be text
export const notARoute: Schema<Mixed> = { ...mixed, path: { kind: 'secret' } };

const legacy = { verify: { kind: 'hook' }, exchange: { kind: 'hook' } } as const;
export const dated: Schema<LegacyOptions> = { ...legacy, until: { kind: 'instant', required: true } };
// @ts-expect-error a point in time is no secret, although both may be text
export const notDated: Schema<LegacyOptions> = { ...legacy, until: { kind: 'secret', required: true } };

/** The options whose schema does not list all values of their type. */
type Unlisted<T, S> = {
  [Key in keyof S & keyof T]: S[Key] extends { readonly values: readonly (infer Value)[] }
    ? Equal<Value, Exclude<T[Key], undefined>> extends true
      ? never
      : Key
    : S[Key] extends { readonly options: infer Inner }
      ? Unlisted<Exclude<T[Key], boolean | undefined>, Inner>
      : S[Key] extends { readonly of: infer Inner }
        ? Unlisted<Extract<T[Key], readonly unknown[]> extends readonly (infer Entry)[] ? Entry : never, Inner>
        : never;
}[keyof S & keyof T];

holds<Equal<Unlisted<TokenModuleOptions, typeof MODULE>, never>>();
holds<Equal<Unlisted<TokenModuleExtras, typeof EXTRAS>, never>>();
// The type above finds what is missing, in a group and in a list.
type Listed<Value extends string> = { readonly kind: 'choice'; readonly values: readonly Value[] };
holds<Equal<Unlisted<{ refresh?: { reuse?: 'a' | 'b' } }, { refresh: { options: { reuse: Listed<'a'> } } }>, 'reuse'>>();
holds<Equal<Unlisted<{ keys?: { use: 'a' | 'b' }[] }, { keys: { of: { use: Listed<'b'> } } }>, 'use'>>();
