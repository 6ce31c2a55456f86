/** Prints what has been seen. @throws {Error} if it is not what is expected. */
export function expect(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
  console.log(`ok  ${what}: ${String(actual)}`);
}

/** Runs a check to its end. The process exits with 1 if it fails. */
export function run(check: () => Promise<void>): void {
  check().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
