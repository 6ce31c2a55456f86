/**
 * Returns the values of a cookie, as the `Cookie` header has them. A browser sends several cookies of one name if they were set for other
 * paths or domains.
 *
 * The name must be there exactly as it is. Parsers for general use also drop spaces around a name, so that ` __Host-refresh`, which any
 * subdomain can set, would pass as `__Host-refresh` (RFC 6265bis §4.1.3). Values are taken as they are: tokens need no decoding.
 */
export function cookieValues(header: string | undefined, name: string): readonly string[] {
  if (header === undefined) return NONE;
  let at = header.indexOf(name);
  if (at < 0) return NONE;
  const values: string[] = [];
  for (; at >= 0; at = header.indexOf(name, at + 1)) {
    const begin = at + name.length + 1;
    if (header[begin - 1] !== '=' || !beginsPair(header, at)) continue;
    const end = header.indexOf(';', begin);
    values.push(header.slice(begin, end < 0 ? undefined : end));
  }
  return values;
}

const NONE: readonly string[] = [];

/** Tells whether a name at this place of the header is the whole name of a cookie (RFC 6265bis §4.2.1: pairs are separated by `; `). */
function beginsPair(header: string, at: number): boolean {
  return at === 0 || header[at - 1] === ';' || (header[at - 1] === ' ' && header[at - 2] === ';');
}
