/** A unit that a {@link Duration} text carries. */
export type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd';

/**
 * A span of time: an integer is seconds, text carries its unit (`'250ms'`, `'30s'`, `'15m'`, `'12h'`, `'90d'`).
 * A number in text without a unit (`'900'`) neither compiles nor starts: libraries disagree whether that is seconds or milliseconds.
 */
export type Duration = number | `${number}${DurationUnit}`;

const PATTERN = /^([1-9]\d*)(ms|s|m|h|d)$/;
const MILLISECONDS: Readonly<Record<DurationUnit, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a {@link Duration}, for example one that comes from an environment variable.
 *
 * @returns the span in milliseconds, a positive integer (or 0 for the number 0).
 * @throws {TypeError} when the value is neither a non-negative integer nor text of the form `^[1-9]\d*(ms|s|m|h|d)$`.
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
