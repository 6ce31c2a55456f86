import type { TransportMode } from 'nestjs-token';
import type { HttpResponse } from './connection.js';

/** The tokens that a client has. */
export interface ClientTokens {
  access?: string;
  refresh?: string;
  csrf?: string;
}

export const COOKIES = { access: '__Host-access', refresh: '__Host-refresh', csrf: '__Host-csrf' } as const;

/** Takes over the tokens that a response brings, in whatever place. */
export function received(tokens: ClientTokens, { headers, cookies }: HttpResponse): void {
  const access = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1];
  const refresh = headers.get('x-refresh-token');
  if (access !== undefined) tokens.access = access;
  if (refresh !== undefined) tokens.refresh = refresh;
  for (const key of ['access', 'refresh', 'csrf'] as const) {
    const value = cookies.get(COOKIES[key]);
    if (value === '') Reflect.deleteProperty(tokens, key);
    else if (value !== undefined) tokens[key] = value;
  }
}

/** The headers with which an honest client sends its tokens. */
export function honestHeaders(mode: TransportMode, { access, refresh, csrf }: ClientTokens): [string, string][] {
  const cookies = [
    ...(mode === 'cookie' && access !== undefined ? [`${COOKIES.access}=${access}`] : []),
    ...(mode !== 'header' && refresh !== undefined ? [`${COOKIES.refresh}=${refresh}`] : []),
    ...(mode !== 'header' && csrf !== undefined ? [`${COOKIES.csrf}=${csrf}`] : []),
  ];
  return [
    ...(mode !== 'cookie' && access !== undefined ? [['Authorization', `Bearer ${access}`] as [string, string]] : []),
    ...(mode === 'header' && refresh !== undefined ? [['X-Refresh-Token', refresh] as [string, string]] : []),
    ...(cookies.length > 0 ? [['Cookie', cookies.join('; ')] as [string, string]] : []),
    ...(mode !== 'header' ? [['Sec-Fetch-Site', 'same-origin'] as [string, string]] : []),
  ];
}
