import { parseDuration } from '../duration.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { requireShape } from './option-keys.js';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const DAY = 24 * 60 * MINUTE;
/** RFC 9110 §11.1: an authentication scheme is a token. */
const HTTP_TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 §5.1 allows more. nginx drops any other request header (`ignore_invalid_headers`, `underscores_in_headers`). */
const HEADER_NAME = /^[0-9A-Za-z-]+$/;
const MISREAD_TEXT = /^(undefined|null|NaN|\[object \w+\])?$/;

export function text(option: string, value: unknown): string {
  if (value === undefined || value === null) throw new TokenOptionsError(option, `is ${String(value)}: is the environment variable set?`);
  if (typeof value !== 'string' || MISREAD_TEXT.test(value) || value.trim() !== value) {
    throw new TokenOptionsError(option, 'is not plain text without a space at either end: is the environment variable set?');
  }
  return value;
}

export function schemeName(option: string, value: unknown): string {
  requireShape(option, typeof value === 'string' && HTTP_TOKEN.test(value), 'the name of a scheme (RFC 9110 §11.1)');
  return value as string;
}

export function headerName(option: string, value: unknown): string {
  const isName = typeof value === 'string' && HEADER_NAME.test(value);
  requireShape(option, isName, 'a header name of letters, digits and hyphens: nginx drops headers with any other character, such as _');
  return value as string;
}

interface Range {
  readonly min: number;
  readonly max: number;
}

export function span(option: string, value: unknown, { min, max }: Range): number {
  let milliseconds: number;
  try {
    milliseconds = parseDuration(value);
  } catch {
    const problem =
      typeof value === 'string' && /^[1-9]\d{0,15}$/.test(value)
        ? `is a number in text, and only its unit is missing: write '${value}s' for seconds`
        : 'is neither a whole number of seconds nor text with a unit';
    throw new TokenOptionsError(option, `${problem}; durations are such as 900 or '15m', text with a unit`);
  }
  if (milliseconds < min || milliseconds > max) {
    throw new TokenOptionsError(
      option,
      `is ${milliseconds / SECOND} s, not from ${min / SECOND} s to ${max / SECOND} s; a bare number is seconds`,
    );
  }
  return milliseconds;
}

export function wholeSeconds(option: string, value: unknown): number {
  const milliseconds = span(option, value, { min: SECOND, max: DAY });
  requireShape(option, milliseconds % SECOND === 0, 'a whole number of seconds');
  return milliseconds;
}

export function numberIn(option: string, value: unknown, { min, max }: Range): number {
  requireShape(option, typeof value === 'number' && value >= min && value <= max, `a number from ${min} to ${max}`);
  return value as number;
}

export function integerIn(option: string, value: unknown, range: Range): number {
  requireShape(option, Number.isInteger(value), 'a whole number');
  return numberIn(option, value, range);
}

export function oneOf<T extends string>(option: string, value: T, allowed: readonly T[]): T {
  requireShape(option, allowed.includes(value), `one of ${allowed.join(', ')}`);
  return value;
}
