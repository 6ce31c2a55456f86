/** Tells whether an `import()` has failed because a package is not installed. A bundler, and Jest, may report it as `require` does. */
export function isMissingPackage(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
