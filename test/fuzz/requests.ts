import { bodyOf } from './bodies.js';
import type { TokenSource } from './credentials.js';
import { credentials } from './credentials.js';
import type { Random } from './random.js';
import { mutated, ODD_PIECES } from './text-mutations.js';

const ROUTES = [
  ...['GET /me', 'GET /me', 'GET /optional', 'GET /public', 'GET /fresh', 'GET /download', 'GET /sessions', 'POST /notes', 'POST /refresh'],
  ...[
    'POST /refresh',
    'POST /logout',
    'POST /login',
    'PATCH /sessions/current',
    'DELETE /sessions/x',
    'GET /.well-known/jwks.json',
    'GET /none',
  ],
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'LOCK', 'REPORT'];
const ORIGINS = [
  'null',
  'http://fuzz',
  'https://evil.example',
  'http://fuzz:1',
  'http://fuzz.evil.example',
  'file://',
  '',
  'http://[::1',
  '\u00ff',
];
const SITES = ['same-origin', 'same-origin', 'none', 'same-site', 'cross-site', 'SAME-ORIGIN', '', 'x', 'same-origin, cross-site'];

/** Headers that change how a request is judged or read. */
const NOISE: readonly (readonly [string, (random: Random) => string])[] = [
  ['Sec-Fetch-Site', (random) => random.pick(SITES)],
  ['Sec-Fetch-Site', (random) => random.pick(SITES)],
  ['Sec-Fetch-Mode', (random) => random.pick(['navigate', 'cors', 'no-cors', 'websocket', 'x'])],
  ['Sec-Fetch-Dest', (random) => random.pick(['document', 'empty', 'image', 'iframe', 'x'])],
  ['Sec-Purpose', (random) => random.pick(['prefetch', 'prefetch;prerender', 'x'])],
  ['Origin', (random) => random.pick(ORIGINS)],
  ['Origin', (random) => random.pick(ORIGINS)],
  ['Referer', (random) => random.pick(ORIGINS)],
  ['X-HTTP-Method-Override', () => 'GET'],
  ['X-Forwarded-Host', () => 'evil.example'],
  ['X-Forwarded-Proto', (random) => random.pick(['https', 'javascript', ','])],
  ['X-Forwarded-For', (random) => 'x'.repeat(random.int(8_000))],
  ['User-Agent', (random) => mutated('Mozilla/5.0', random).replace(/[\r\n\0]/g, '')],
  ['Accept', (random) => random.pick(['*/*', 'text/html', 'a', ';q=', ''])],
  ['If-None-Match', () => '*'],
  ['Range', () => 'bytes=0-'],
  ['Access-Control-Request-Method', () => 'POST'],
  ['__proto__', () => 'x'],
  ['constructor', () => 'x'],
  ['Host', (random) => random.pick(['', 'evil.example', '[::1]', 'fuzz:99999', '\u00ff', 'a b'])],
];

/** A request that any HTTP server can read, whatever it says. */
export function wellFormed(source: TokenSource, { random, isLast }: { random: Random; isLast: boolean }): Buffer {
  const [method = '', path = ''] = random.pick(ROUTES).split(' ');
  const { headers, query, body } = credentials(source, random);
  const verb = random.chance(0.06) ? random.pick(METHODS) : method;
  const carries = random.chance(/GET|HEAD|OPTIONS|TRACE/.test(verb) ? 0.1 : 0.85) && verb !== 'TRACE';
  const content = carries ? bodyOf(body, random) : { headers: [], bytes: Buffer.alloc(0) };
  const fields: (readonly [string, string])[] = [['Host', 'fuzz'], ...headers, ...noise(random), ...content.headers];
  if (isLast) fields.push(['Connection', 'close']);
  const head = [`${verb} ${target(path, query, random)} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${printable(value)}`)];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), content.bytes]);
}

function noise(random: Random): [string, string][] {
  const found: [string, string][] = [];
  while (random.chance(0.5)) {
    const [name, value] = random.pick(NOISE);
    found.push([name, value(random)]);
  }
  return found;
}

/** The address of a request, with parameters, and now and then in an unusual spelling. */
function target(path: string, query: readonly (readonly [string, string])[], random: Random): string {
  const parameters = query.map(([name, value]) => `${name}=${random.chance(0.8) ? encodeURIComponent(value) : escaped(value)}`);
  if (random.chance(0.05))
    parameters.push(random.pick(['__proto__[x]=1', 'access_token[]=a', 'access_token=a&access_token=b', 'token[a]=b', '%', '%ff=%00']));
  const address = parameters.length > 0 ? `${path}?${parameters.join('&')}` : path;
  if (random.chance(0.95)) return address;
  return random.pick([
    `/${address}`,
    `${address}/`,
    `http://evil.example${address}`,
    `/x/..${address}`,
    `/%6D${address.slice(2)}`,
    '*',
    `${address}#x`,
    '/%E0%A4%A',
    `/sessions/${escaped(random.pick(ODD_PIECES))}`,
  ]);
}

function escaped(text: string): string {
  return text.replace(/[^!-~]/g, '_');
}

/** Without the characters that no header may contain. */
function printable(text: string): string {
  return text.replace(/[^\t -~\u0080-\u00ff]/g, '?');
}
