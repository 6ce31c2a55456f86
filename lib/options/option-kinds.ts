import type { Duration } from '../duration.js';
import type { TokenLocation } from '../transport/token-location.js';

/** What is said of an option whatever its kind. */
interface Described {
  /** The option has no default: it must be given, or another option in its place. */
  readonly required?: boolean;
  /** Says in the documentation what the default is, or depends on, where `default` alone does not. */
  readonly defaultNote?: string;
}

/** A span of time. Both ends of the range are allowed. */
export interface DurationOption extends Described {
  readonly kind: 'duration' | 'whole seconds';
  readonly min: Duration;
  readonly max: Duration;
  readonly default?: Duration;
}

/** A number. Both ends of the range are allowed. */
export interface NumberOption extends Described {
  readonly kind: 'number' | 'integer';
  readonly min: number;
  readonly max: number;
  readonly default?: number;
}

/** One of a few texts. */
export interface ChoiceOption<V extends string = string> extends Described {
  readonly kind: 'choice';
  readonly values: readonly V[];
  readonly default?: V;
  /** Replaces "one of …" in the message. */
  readonly wanted?: string;
}

/** Text. What it may consist of depends on the kind (option-checks.ts). */
export interface TextOption extends Described {
  readonly kind: 'text' | 'label' | 'identifier' | 'header name' | 'scheme' | 'cookie name' | 'domain' | 'path' | 'route prefix';
  readonly default?: string;
  /** What a label is, for the message. */
  readonly wanted?: string;
}

/** One text, or a list of them. */
export interface TextsOption extends Described {
  readonly kind: 'texts' | 'origins';
}

/** A list of places where an access token is looked for. */
export interface LocationsOption extends Described {
  readonly kind: 'locations';
}

/** A list of decorators for classes. */
export interface DecoratorsOption extends Described {
  readonly kind: 'decorators';
}

/** A point in time: a `Date`, or text in the form of RFC 3339. */
export interface InstantOption extends Described {
  readonly kind: 'instant';
}

/** True or false. */
export interface FlagOption extends Described {
  readonly kind: 'flag';
  readonly default: boolean;
}

/** A path of the application: true stands for the standard one, and false for none. */
export interface RouteOption extends Described {
  readonly kind: 'route';
  readonly standard: string;
}

/** Key material. It is read where the keys are made (keys/), because one key is judged by the others. */
export interface SecretOption extends Described {
  readonly kind: 'secret' | 'key';
}

/** A function of the application. */
export interface HookOption extends Described {
  readonly kind: 'hook';
}

/** A class of the application. */
export interface ClassOption extends Described {
  readonly kind: 'class';
}

/** An object of the application that has these methods: an implementation of a port. */
export interface PortOption<V extends object = object> extends Described {
  readonly kind: 'port';
  readonly methods: readonly (keyof V & string)[];
  /** The name of the port. */
  readonly port: string;
}

/** Options of their own. */
export interface GroupOption<V extends object = Record<string, never>> extends Described {
  readonly kind: 'group';
  readonly options: Schema<V>;
  /** The value `false` disables what the group is about. */
  readonly canBeFalse?: boolean;
  /** The value `true` stands for a group that takes all defaults. */
  readonly canBeTrue?: boolean;
  /** Texts that stand for a group with these options. */
  readonly shorthands?: Readonly<Record<string, V>>;
  /** A function of the application may stand in place of the group. */
  readonly canBeFunction?: boolean;
  /** The group where it is left out, if that is more than the defaults of its options. */
  readonly default?: V;
}

/** A list of groups of options. */
export interface ListOption<V extends object = Record<string, never>> extends Described {
  readonly kind: 'list';
  readonly of: Schema<V>;
  /** The value may be a function that returns the list. */
  readonly canBeFunction?: boolean;
}

/**
 * What describes an option with values of the type `V`. The compiler refuses a kind that does not fit the type. The four types below are
 * asked one after the other: a value of one kind, text or something else, a function or a list, and a group.
 */
type OptionOf<V> =
  Is<V, Duration> extends true
    ? DurationOption
    : [V] extends [number]
      ? NumberOption
      : [V] extends [boolean]
        ? FlagOption
        : [V] extends [string]
          ? TextualOption<V>
          : TextOrMore<V>;

type TextualOption<V extends string> = string extends V ? TextOption : ChoiceOption<V>;

/** Text, or something else in its place. Key material is text or anything else. */
type TextOrMore<V> =
  Is<V, boolean | string> extends true
    ? RouteOption
    : [V] extends [string | readonly string[]]
      ? TextsOption
      : [V] extends [Date | string]
        ? InstantOption
        : [string] extends [V]
          ? SecretOption
          : FunctionOrList<V>;

/** A function, a class, or a list. A function may stand in place of a list. */
type FunctionOrList<V> = [V] extends [AnyFunction]
  ? HookOption
  : [V] extends [abstract new (...args: never[]) => unknown]
    ? ClassOption
    : [V] extends [readonly TokenLocation[]]
      ? LocationsOption
      : [V] extends [readonly ClassDecorator[]]
        ? DecoratorsOption
        : [Exclude<V, AnyFunction>] extends [readonly (infer Entry extends object)[]]
          ? ListOption<Entry> & Says<'canBeFunction', Contains<V, AnyFunction>>
          : ObjectOption<V>;

/**
 * A group, and what may stand in its place: `false`, `true`, a function, or a text that is short for a group. An object alone may be a port
 * too.
 */
type ObjectOption<V> = [Extract<V, AnyFunction | boolean | string>] extends [never]
  ? (GroupOption<V & object> & Says<'canBeFalse' | 'canBeTrue' | 'canBeFunction', false>) | PortOption<V & object>
  : GroupOption<GroupIn<V>> &
      Says<'canBeFalse', Contains<V, false>> &
      Says<'canBeTrue', Contains<V, true>> &
      Says<'canBeFunction', Contains<V, AnyFunction>> &
      Shorthands<V>;

type AnyFunction = (...args: never[]) => unknown;

type GroupIn<V> = Exclude<V, AnyFunction | boolean | string> & object;

type Shorthands<V> = [Extract<V, string>] extends [never]
  ? { readonly shorthands?: never }
  : { readonly shorthands: Readonly<Record<Extract<V, string>, GroupIn<V>>> };

/** Whether both are the same type. */
type Is<V, Other> = [V, Other] extends [Other, V] ? true : false;

/** Whether a member of the union fits. */
type Contains<V, Member> = [Extract<V, Member>] extends [never] ? false : true;

/** A member that the schema must have if the condition holds, and must not have otherwise. */
type Says<Key extends string, Holds> = Holds extends true ? { readonly [K in Key]: true } : { readonly [K in Key]?: never };

/** An option that the type demands is required. One that may be left out can be required too: another option may take its place. */
type Necessity<T, Key extends keyof T> = object extends Pick<T, Key> ? unknown : { readonly required: true };

/**
 * Describes every option of a group once: its kind, its range and its default. The compiler demands exactly the keys of the group's
 * interface. The sentence about an option is the doc comment of the interface, because editors show that one.
 */
export type Schema<T extends object> = {
  readonly [Key in keyof Required<T>]: OptionOf<Exclude<T[Key], undefined>> & Necessity<T, Key>;
};

/** Any option of any group. */
export type AnyOption =
  | DurationOption
  | NumberOption
  | ChoiceOption
  | TextOption
  | TextsOption
  | LocationsOption
  | DecoratorsOption
  | InstantOption
  | FlagOption
  | RouteOption
  | SecretOption
  | HookOption
  | ClassOption
  | (Omit<PortOption, 'methods'> & { readonly methods: readonly string[] })
  | (Omit<GroupOption, 'options' | 'default' | 'shorthands'> & {
      readonly options: AnySchema;
      readonly default?: object;
      readonly shorthands?: Readonly<Record<string, object>>;
    })
  | (Omit<ListOption, 'of'> & { readonly of: AnySchema });

/** Any group. */
export interface AnySchema {
  readonly [key: string]: AnyOption;
}
