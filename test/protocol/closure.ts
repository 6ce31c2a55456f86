/** Every state that the moves reach from the given ones, each in its canonical form and once. States are plain data. */
export function closure<T>(from: Iterable<T>, moves: (state: T) => Iterable<T>, canonical: (state: T) => T = (state) => state): T[] {
  const seen = new Map<string, T>();
  const visit = (states: Iterable<T>): void => {
    for (const state of states) {
      const form = canonical(state);
      const key = JSON.stringify(form);
      if (!seen.has(key)) seen.set(key, form);
    }
  };
  visit(from);
  // A Map grows while it is walked: what a move adds is walked too.
  for (const state of seen.values()) visit(moves(state));
  return [...seen.values()];
}
