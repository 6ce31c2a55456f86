import { parseDuration } from '../duration.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { isIdentifier } from '../text.js';
import { isTokenLocation } from '../transport/token-location.js';
import type { AnyOption, ChoiceOption, DurationOption, NumberOption } from './option-kinds.js';

const SECOND = 1_000;
/** RFC 9110 §11.1: the name of an authentication scheme is a token. */
const HTTP_TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 §5.1 allows more, but nginx drops any other request header (`ignore_invalid_headers`, `underscores_in_headers`). */
const HEADER_NAME = /^[0-9A-Za-z-]+$/;
/** RFC 6265bis §4.1.1 allows more, but not every framework reads it. */
const COOKIE_NAME = /^[0-9A-Za-z_-]{1,64}$/;
/** RFC 1034 §3.5, in lower case, with at least one dot. */
const DOMAIN = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PATH = /^\/[\x21-\x3a\x3d-\x7e]*$/;
/** A date, or a date and a time of day with its offset. */
const RFC_3339 = /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;
/** A path without parameters, wildcards and a slash at its end. */
const ROUTE = /^(\/[0-9A-Za-z._~-]+)+$/;
/** One or more segments of such a path. The slash at the beginning may be left out. */
const ROUTE_PREFIX = /^\/?[0-9A-Za-z._~-]+(\/[0-9A-Za-z._~-]+)*$/;
/** What a missing value becomes when it is put into text. */
const MISREAD_TEXT = /^(undefined|null|NaN|\[object \w+\])?$/;

/** The kinds that are checked by themselves. Key material is read in keys/, and a group or a list is checked option by option. */
export type CheckedKind = Exclude<AnyOption['kind'], 'secret' | 'key' | 'group' | 'list'>;

/** Takes the full name of an option, for the message, its value and what the schema says of it. */
type Check<Option> = (option: string, value: unknown, described: Option) => unknown;
type OptionOfKind<Kind, Option = AnyOption> = Option extends AnyOption ? (Kind extends Option['kind'] ? Option : never) : never;

const CHECKS: { readonly [Kind in CheckedKind]: Check<OptionOfKind<Kind>> } = {
  duration: span,
  'whole seconds': wholeSeconds,
  number: numberInRange,
  integer: integerInRange,
  choice: oneOf,
  text: plainText,
  'cookie name': shaped(matching(COOKIE_NAME), 'the name of a cookie: letters, digits, hyphens and underscores'),
  domain: shaped(matching(DOMAIN), 'a domain, such as example.com'),
  path: shaped(matching(PATH), 'a path that begins with /'),
  'route prefix': shaped(matching(ROUTE_PREFIX), "a path such as 'auth' or 'api/auth'"),
  decorators: shaped(
    (given) => Array.isArray(given) && given.every((one) => typeof one === 'function'),
    'a list of decorators, such as [SkipThrottle()]',
  ),
  origins: (option, value) => [value].flat().map((one) => originText(option, one)),
  locations: shaped(
    (given) => Array.isArray(given) && given.length > 0 && given.every(isTokenLocation),
    "a list of 'header', 'cookie', { query: name } or { body: name }",
  ),
  texts: (option, value) => [value].flat().map((one) => plainText(option, one)),
  label: (option, value, { wanted = 'a name' }) => shaped((given) => typeof given === 'string' && given !== '', wanted)(option, value),
  identifier: shaped(isIdentifier, '1 to 64 characters of A–Z a–z 0–9 . _ -'),
  'header name': shaped(
    matching(HEADER_NAME),
    'a header name of letters, digits and hyphens: nginx drops headers with any other character, such as _',
  ),
  scheme: shaped((given) => given === '' || matching(HTTP_TOKEN)(given), 'the name of a scheme (RFC 9110 §11.1)'),
  instant,
  flag: shaped((given) => typeof given === 'boolean', 'true or false'),
  route: pathOf,
  hook: shaped((given) => typeof given === 'function', 'a function'),
  class: shaped((given) => typeof given === 'function', 'a class'),
  port: implementation,
};

/**
 * Checks the value of an option and returns it as the rest of the package uses it: a span or an instant in milliseconds, one or several
 * texts as a list.
 *
 * @param option the full name of the option, for the message.
 * @throws {TokenOptionsError} when the value does not fit.
 */
export function checkOption(option: string, value: unknown, described: AnyOption & { readonly kind: CheckedKind }): unknown {
  // The kind selects the check that takes an option of this kind, which the compiler cannot follow.
  const check: Check<never> = CHECKS[described.kind];
  return check(option, value, described as never);
}

/** @throws {TokenOptionsError} unless the check holds. */
export function requireShape(option: string, holds: boolean, wanted: string): void {
  if (!holds) throw new TokenOptionsError(option, `is not ${wanted}`);
}

/** Makes a check that only asks what the value looks like. */
function shaped(holds: (value: unknown) => boolean, wanted: string): (option: string, value: unknown) => unknown {
  return (option, value) => {
    requireShape(option, holds(value), wanted);
    return value;
  };
}

function matching(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && pattern.test(value);
}

function span(option: string, value: unknown, { min, max }: DurationOption): number {
  const milliseconds = millisecondsOf(option, value);
  const [least, most] = [parseDuration(min), parseDuration(max)];
  if (milliseconds < least || milliseconds > most) {
    throw new TokenOptionsError(
      option,
      `is ${milliseconds / SECOND} s, not from ${least / SECOND} s to ${most / SECOND} s; a bare number is seconds`,
    );
  }
  return milliseconds;
}

function millisecondsOf(option: string, value: unknown): number {
  try {
    return parseDuration(value);
  } catch {
    const problem =
      typeof value === 'string' && /^[1-9]\d{0,15}$/.test(value)
        ? `is a number in text, and only its unit is missing: write '${value}s' for seconds`
        : 'is neither a whole number of seconds nor text with a unit';
    throw new TokenOptionsError(option, `${problem}; durations are such as 900 or '15m', text with a unit`);
  }
}

function wholeSeconds(option: string, value: unknown, range: DurationOption): number {
  const milliseconds = span(option, value, range);
  requireShape(option, milliseconds % SECOND === 0, 'a whole number of seconds');
  return milliseconds;
}

function numberInRange(option: string, value: unknown, { min, max }: NumberOption): unknown {
  requireShape(option, typeof value === 'number' && value >= min && value <= max, `a number from ${min} to ${max}`);
  return value;
}

function integerInRange(option: string, value: unknown, range: NumberOption): unknown {
  requireShape(option, Number.isInteger(value), 'a whole number');
  return numberInRange(option, value, range);
}

function oneOf(option: string, value: unknown, { values, wanted = `one of ${values.join(', ')}` }: ChoiceOption): unknown {
  return shaped((given) => (values as readonly unknown[]).includes(given), wanted)(option, value);
}

function plainText(option: string, value: unknown): string {
  if (value === undefined || value === null) throw new TokenOptionsError(option, `is ${String(value)}: is the environment variable set?`);
  if (typeof value !== 'string' || MISREAD_TEXT.test(value) || value.trim() !== value) {
    throw new TokenOptionsError(option, 'is not plain text without a space at either end: is the environment variable set?');
  }
  return value;
}

function originText(option: string, value: unknown): string {
  const text = plainText(option, value);
  requireShape(option, URL.canParse(text) && new URL(text).origin === text, 'an origin such as https://app.example.com, without a path');
  return text;
}

/**
 * A date alone is the beginning of that day in UTC. A time of day needs its offset, because the nodes may be set to different time zones.
 */
function instant(option: string, value: unknown): number {
  const milliseconds = value instanceof Date ? value.getTime() : typeof value === 'string' ? instantIn(value) : NaN;
  requireShape(option, !Number.isNaN(milliseconds), "a Date, nor text such as '2027-03-31' or '2027-03-31T18:00:00Z'");
  return milliseconds;
}

function instantIn(text: string): number {
  const [, day, time] = RFC_3339.exec(text) ?? [];
  if (day === undefined) return NaN;
  // The parser reads 30 February as a day in March, so the result is compared with the text.
  const isDay = new Date(`${day}T00:00Z`).toISOString().startsWith(day);
  return isDay ? Date.parse(time === undefined ? `${day}T00:00Z` : text) : NaN;
}

/** Returns the path that an option stands for, or null for none. */
function pathOf(option: string, value: unknown, { standard }: OptionOfKind<'route'>): string | null {
  if (typeof value === 'boolean') return value ? standard : null;
  requireShape(option, matching(ROUTE)(value), `true, false or a path such as '${standard}'`);
  return value as string;
}

/** Looks for methods instead of using `instanceof`, because an application may have installed two copies of this package. */
function implementation(option: string, value: unknown, { port, methods }: OptionOfKind<'port'>): unknown {
  const hasAll = (given: object) => methods.every((method) => typeof (given as Record<string, unknown>)[method] === 'function');
  const wanted = `a ${port}, an object with ${methods.join(', ')}`;
  return shaped((given) => typeof given === 'object' && given !== null && hasAll(given), wanted)(option, value);
}
