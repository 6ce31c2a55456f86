// eslint-disable-next-line no-control-regex -- the expression is there to find control characters
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

const IDENTIFIER = /^[A-Za-z0-9._-]{1,64}$/;

/** Tells whether a value is a name as an instance or a key may have one: 1 to 64 characters of `A–Z a–z 0–9 . _ -`. */
export function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && IDENTIFIER.test(value);
}

/**
 * Removes control characters and line separators, so that text from a client cannot start a new line in a log or a new header in a
 * response.
 */
export function withoutControlCharacters(text: string): string {
  return text.replace(CONTROL_CHARACTERS, '');
}
