/** A unit that a {@link Duration} text carries: milliseconds, seconds, minutes, hours or days (24 hours). */
export type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd';

/**
 * A span of time. A whole number counts seconds, and text carries its unit: `'250ms'`, `'30s'`, `'15m'`, `'12h'`, `'90d'`.
 *
 * The type and {@link parseDuration} accept the same texts: a whole number without a leading zero, directly followed by a unit. A number in
 * text without a unit (`'900'`) does not compile and is refused at start-up, because libraries disagree whether it counts seconds or
 * milliseconds. Write `as Duration` behind text that is made at run time, such as a variable of the environment. It is checked at start-up.
 *
 * @example
 * ```ts
 * const quarterOfAnHour: Duration[] = [900, '900s', '15m'];
 * const fromEnvironment = process.env.ACCESS_LIFETIME as Duration;
 * ```
 */
export type Duration = number | (`${bigint}${DurationUnit}` & `${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}${string}`);

const PATTERN = /^([1-9]\d*)(ms|s|m|h|d)$/;
const MILLISECONDS: Readonly<Record<DurationUnit, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Converts a {@link Duration} to milliseconds, for example one that comes from an environment variable.
 *
 * @returns a whole number of milliseconds. It is 0 for the number 0 only.
 * @throws {TypeError} when the value is not a whole number of at least 0, and not text of the form `^[1-9]\d*(ms|s|m|h|d)$`.
 *
 * @example
 * ```ts
 * parseDuration('15m'); // 900_000
 * parseDuration(900); // 900_000
 * ```
 */
export function parseDuration(value: unknown): number {
  const milliseconds = typeof value === 'number' ? value * 1_000 : fromText(value);
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0 || (typeof value === 'number' && !Number.isInteger(value))) {
    throw new TypeError("a duration is a whole number of seconds or text with a unit, such as 900 or '15m'");
  }
  return milliseconds;
}

function fromText(value: unknown): number {
  const [, amount, unit] = (typeof value === 'string' && PATTERN.exec(value)) || [];
  return amount && unit ? Number(amount) * MILLISECONDS[unit as DurationUnit] : NaN;
}
