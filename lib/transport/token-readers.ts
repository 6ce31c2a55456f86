import type { Credential, TokenRequest } from './token-transport.js';

/** Looks for an access token in one place. */
export type TokenReader = (request: TokenRequest) => Credential | undefined;

/** Reads a parameter of the query or a member of the body. Both are there as soon as the platform has parsed them. */
export function parameterReader(source: 'query' | 'body', name: string): TokenReader {
  return (request) => {
    const parameters = request[source];
    if (typeof parameters !== 'object' || parameters === null || !Object.hasOwn(parameters, name)) return undefined;
    const value = (parameters as Record<string, unknown>)[name];
    // A parameter that is there twice, or is no text, is a bad credential. It does not turn into an anonymous request.
    if (typeof value !== 'string') return { token: MALFORMED, source };
    return isAbsent(value) ? undefined : { token: value, source };
  };
}

/** Stands for a token that is there but is no text. */
export const MALFORMED = '(malformed)';

/** A front end that has no token sends `null` or `undefined` as a text: the credential counts as absent. */
export function isAbsent(token: string): boolean {
  return token === '' || token === 'null' || token === 'undefined';
}
