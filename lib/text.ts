// eslint-disable-next-line no-control-regex -- the expression is there to find control characters
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * Removes control characters and line separators, so that text from a client cannot start a new line in a log or a new header in a response.
 */
export function withoutControlCharacters(text: string): string {
  return text.replace(CONTROL_CHARACTERS, '');
}
