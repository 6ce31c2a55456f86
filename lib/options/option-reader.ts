import type { CheckedKind } from './option-checks.js';
import { checkOption } from './option-checks.js';
import type { AnyOption, AnySchema, Schema } from './option-kinds.js';

/** The name that messages give to the options outside of all groups. */
export const ROOT = 'options';

/** The full name of an option of a group, as messages give it: `access.lifetime`. */
export function nameOf(group: string, key: string): string {
  return group === ROOT ? key : `${group}.${key}`;
}

/** The options of a group that are checked by themselves. */
type CheckedKey<S> = { [Key in keyof S]: S[Key] extends { readonly kind: CheckedKind } ? Key : never }[keyof S] & string;

type ValueOf<Option, Given> = Option extends { readonly kind: 'duration' | 'whole seconds' | 'instant' }
  ? number
  : Option extends { readonly kind: 'texts' | 'origins' }
    ? readonly string[]
    : Option extends { readonly kind: 'route' }
      ? string | null
      : Exclude<Given, undefined>;

type ReadValue<Option, Given> = Option extends { readonly default: unknown } | { readonly required: true }
  ? ValueOf<Option, Given>
  : ValueOf<Option, Given> | undefined;

/**
 * Returns the checked value of an option, or its default. Spans and instants are in milliseconds. It is undefined if there is neither.
 */
type OptionReader<T, S> = <Key extends CheckedKey<S> & keyof T>(key: Key) => ReadValue<S[Key], T[Key]>;

/** A group of options, as it was given. */
export interface GivenGroup<T extends object, S extends Schema<T>> {
  /** The full name of the group. */
  readonly group: string;
  readonly schema: S;
  readonly given: T | undefined;
}

/**
 * Reads the options of one group.
 * @returns a function that reads one option and throws a {@link TokenOptionsError} when its value does not fit the schema.
 */
export function optionReader<T extends object, const S extends Schema<T>>({ group, schema, given }: GivenGroup<T, S>): OptionReader<T, S> {
  return (key) => {
    const described = (schema as AnySchema)[key] as AnyOption & { readonly kind: CheckedKind };
    const value = given?.[key] ?? ('default' in described ? described.default : undefined);
    if (value === undefined && described.required !== true) return undefined as never;
    return checkOption(nameOf(group, key), value, described) as never;
  };
}
