/** An environment variable has a value that cannot be used. The message never quotes the value, because it may be a secret. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
  constructor(variable: string, problem: string, options?: ErrorOptions) {
    super(`${variable} ${problem}`, options);
  }
}
