import { TokenOptionsError } from '../errors/token.errors.js';
import { EXTRAS } from './extras.schema.js';
import { MODULE } from './module.schema.js';
import { requireShape } from './option-checks.js';
import type { AnyOption, AnySchema } from './option-kinds.js';
import { nameOf, ROOT } from './option-reader.js';
import type { TokenModuleOptions } from './token.options.js';

interface Group {
  readonly name: string;
  readonly given: unknown;
  readonly schema: AnySchema;
  /** What the group may be, for the message. @defaultValue 'an object' */
  readonly wanted?: string;
}

interface List extends Group {
  readonly canBeFunction: boolean;
}

/**
 * Refuses what is unknown, misspelt, `null` or `undefined` (a missing environment variable) anywhere in the options, and groups and lists
 * that are something else.
 * @throws {TokenOptionsError} naming the option.
 */
export function requireKnownKeys(given: TokenModuleOptions): void {
  const lists: List[] = [];
  requireGroup({ name: ROOT, given, schema: MODULE }, lists);
  for (const { name, given, schema, canBeFunction } of lists) {
    if (given !== undefined && !(canBeFunction && typeof given === 'function')) requireList(name, given, schema);
  }
}

/** Checks the keys of a group and of the groups in it, and collects the lists in them. */
function requireGroup(group: Group, lists: List[]): void {
  requireKeys(group.name, group.given, group);
  lists.push(...listsIn(group));
  for (const inner of groupsIn(group)) requireGroup(inner, lists);
}

/**
 * Refuses unknown keys in one group of options, and `undefined` and `null` for a value. A group that is left out passes.
 * @throws {TokenOptionsError}
 */
export function requireKeys(group: string, given: unknown, { schema, wanted = 'an object' }: Pick<Group, 'schema' | 'wanted'>): void {
  if (given === undefined) return;
  requireShape(group, typeof given === 'object' && given !== null && !Array.isArray(given), wanted);
  for (const [key, value] of Object.entries(given as object)) {
    const described = Object.hasOwn(schema, key) ? schema[key] : undefined;
    if (!described) throw new TokenOptionsError(nameOf(group, key), unknownKey(group, key, schema));
    if (value === undefined || value === null) {
      const remedy = described.required === true ? '' : ' Leave the key out to use the default';
      throw new TokenOptionsError(nameOf(group, key), `is ${value}: is the environment variable set?${remedy}`);
    }
  }
}

function unknownKey(group: string, key: string, schema: AnySchema): string {
  if (group === ROOT && Object.hasOwn(EXTRAS, key)) {
    return 'comes too late from a factory: the module is declared by then. Write it next to useFactory, useClass or useExisting';
  }
  return `is not an option; ${group} takes ${Object.keys(schema).join(', ')}`;
}

/** Returns the groups within a group, without those that are switched off and those in whose place a function stands. */
function groupsIn({ name, given, schema }: Group): Group[] {
  return Object.entries(schema).flatMap(([key, described]) => {
    if (described.kind !== 'group') return [];
    const value = valueOf(given, key);
    if (isReplaced(value, described)) return [];
    const wanted = described.canBeFunction === true ? { wanted: 'a function or an object' } : {};
    return [{ name: nameOf(name, key), given: value, schema: described.options, ...wanted }];
  });
}

/** Tells whether the value stands in place of a group: `false`, `true`, a function, or a text that is short for a group. */
function isReplaced(value: unknown, { canBeFalse, canBeTrue, canBeFunction, shorthands = {} }: Replaceable): boolean {
  if (typeof value === 'string') return Object.hasOwn(shorthands, value);
  if (typeof value === 'boolean') return (value ? canBeTrue : canBeFalse) === true;
  return canBeFunction === true && typeof value === 'function';
}

type Replaceable = Pick<AnyGroup, 'canBeFalse' | 'canBeTrue' | 'canBeFunction' | 'shorthands'>;
type AnyGroup = Extract<AnyOption, { readonly kind: 'group' }>;

function listsIn({ name, given, schema }: Group): List[] {
  return Object.entries(schema).flatMap(([key, described]) =>
    described.kind === 'list'
      ? [{ name: nameOf(name, key), given: valueOf(given, key), schema: described.of, canBeFunction: described.canBeFunction === true }]
      : [],
  );
}

/**
 * Refuses a value that is no list, and unknown or missing keys in its entries.
 * @throws {TokenOptionsError}
 */
export function requireList(name: string, given: unknown, schema: AnySchema): asserts given is readonly unknown[] {
  requireShape(name, Array.isArray(given), 'a list');
  for (const [index, entry] of (given as readonly unknown[]).entries()) requireKeys(`${name}[${index}]`, entry, { schema });
}

function valueOf(given: unknown, key: string): unknown {
  return (given as Record<string, unknown> | undefined)?.[key];
}
