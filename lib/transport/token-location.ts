/**
 * Where an access token is looked for: the header of the `header` option, the cookie of the `cookie` option, a parameter of the query, or a
 * member of the body (RFC 6750 §2). A token in a query ends up in logs and in the history of browsers: use it for single routes only, such
 * as a download.
 */
export type TokenLocation = 'header' | 'cookie' | { readonly query: string } | { readonly body: string };

/** Tells whether a value is a {@link TokenLocation}. JavaScript has no types. */
export function isTokenLocation(value: unknown): value is TokenLocation {
  if (value === 'header' || value === 'cookie') return true;
  if (typeof value !== 'object' || value === null) return false;
  const [[place, name] = [], ...others] = Object.entries(value);
  return others.length === 0 && (place === 'query' || place === 'body') && typeof name === 'string' && name !== '';
}
