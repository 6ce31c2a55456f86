export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** @param share 0 to 1: the value that this share of all lies below. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
}

/** Median of the quotients of what was measured in the same round: what slows a whole round down cancels out. */
export function ratioByRound(above: readonly number[], below: readonly number[]): number {
  return median(above.map((value, round) => value / (below[round] ?? NaN)));
}
