/** Returns the driver's error code, whether TypeORM wraps the error or not. */
export function codeOf(error: unknown): string {
  const { code, driverError } = error as { code?: string; driverError?: { code?: string } };
  return driverError?.code ?? code ?? '';
}

/** Returns the name of the PostgreSQL function that has raised an error. Unlike the message of the error, it is not translated. */
export function routineOf(error: unknown): string {
  const { routine, driverError } = error as { routine?: string; driverError?: { routine?: string } };
  return driverError?.routine ?? routine ?? '';
}
