export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Returns the value below which a share of all values lies. @param share from 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
}

/** Returns the median of the quotients within each round, so that a disturbance of a whole round has no effect. */
export function ratioByRound(above: readonly number[], below: readonly number[]): number {
  return median(above.map((value, round) => value / (below[round] ?? NaN)));
}
