import type { CookieOptions, CookieSameSiteOptions } from '../transport/cookie.options.js';
import type { Schema } from './option-kinds.js';

const SAME_SITE = {
  access: { kind: 'choice', values: ['strict', 'lax', 'none'], default: 'lax' },
  refresh: { kind: 'choice', values: ['strict', 'lax', 'none'], default: 'strict' },
} as const satisfies Schema<CookieSameSiteOptions>;

/** The options `cookie.…`. */
export const COOKIE = {
  access: { kind: 'cookie name', defaultNote: "'__Host-access', or `'__Host-<name>-access'` in an instance with a name" },
  refresh: { kind: 'cookie name', defaultNote: "'__Host-refresh', or `'__Host-<name>-refresh'` in an instance with a name" },
  csrf: { kind: 'cookie name', defaultNote: "'__Host-csrf', or `'__Host-<name>-csrf'` in an instance with a name" },
  domain: { kind: 'domain', defaultNote: 'only the host that has set them' },
  path: { kind: 'path', default: '/' },
  sameSite: { kind: 'group', options: SAME_SITE },
  persistent: { kind: 'flag', default: true },
  partitioned: { kind: 'flag', default: false },
  insecure: { kind: 'flag', default: false },
} as const satisfies Schema<CookieOptions>;

/** The options `cookie.sameSite.…`. */
export const COOKIE_SAME_SITE = COOKIE.sameSite.options;
