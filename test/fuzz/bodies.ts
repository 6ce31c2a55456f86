import type { Random } from './random.js';
import { PASSWORD } from './routes.js';
import { ODD_PIECES } from './text-mutations.js';
import { ODD_VALUES } from './token-mutations.js';

/** A body, and the headers that describe it. */
export interface Body {
  readonly headers: readonly (readonly [string, string])[];
  readonly bytes: Buffer;
}

const FIELDS = ['refresh_token', 'access_token', 'token', 'username', 'password', 'label', '__proto__', 'constructor', 'toString'];
const TYPES = [
  ...[
    'application/json',
    'application/json',
    'application/json; charset=utf-8',
    'application/json; charset=latin1',
    'application/vnd.api+json',
  ],
  ...[
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'text/plain;charset=',
    'a/b; c',
    '',
    'application/json, text/html',
  ],
];

/** Makes a body of any form. @param fields tokens that it should carry. */
export function bodyOf(fields: Readonly<Record<string, string>>, random: Random): Body {
  const type = random.chance(0.6) ? 'application/json' : random.pick(TYPES);
  const text = random.weighted<() => string>([
    [10, () => JSON.stringify({ ...fields, ...oddFields(random) })],
    [3, () => new URLSearchParams(fields).toString()],
    [1, () => JSON.stringify({ username: random.pick(['fuzz-0', 'nobody', '', '../x']), password: PASSWORD })],
    [1, () => JSON.stringify(random.pick(ODD_VALUES))],
    [1, () => JSON.stringify(fields).slice(0, -1 - random.int(5))],
    [1, () => nested(random)],
    [1, () => `--x\r\nContent-Disposition: form-data; name="refresh_token"\r\n\r\n${Object.values(fields)[0] ?? ''}\r\n--x--`],
    [1, () => `a=1&${'refresh_token[]=x&'.repeat(random.int(50))}refresh_token[__proto__][x]=y`],
    [1, () => `{"refresh_token":"${'x'.repeat(random.pick([1_000, 50_000, 101_000, 120_000]))}"}`],
    [1, () => random.pick(ODD_PIECES)],
  ])();
  const bytes = random.chance(0.03) ? random.bytes(random.int(300)) : Buffer.from(text, random.chance(0.9) ? 'utf8' : 'utf16le');
  return framed(bytes, { type, random });
}

/** Says how long a body is, in one of two ways. */
function framed(bytes: Buffer, { type, random }: { type: string; random: Random }): Body {
  const headers: [string, string][] = [['Content-Type', type]];
  if (random.chance(0.02)) headers.push(['Content-Encoding', random.pick(['gzip', 'br', 'deflate', 'identity', 'x'])]);
  if (random.chance(0.9)) return { headers: [...headers, ['Content-Length', `${bytes.length}`]], bytes };
  const cut = random.int(bytes.length + 1);
  const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0);
  const parts = chunks.map((chunk) => Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]));
  return { headers: [...headers, ['Transfer-Encoding', 'chunked']], bytes: Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]) };
}

function oddFields(random: Random): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  while (random.chance(0.3)) fields[random.pick(FIELDS)] = random.pick([...ODD_VALUES, ...ODD_PIECES]);
  return fields;
}

function nested(random: Random): string {
  const depth = random.pick([100, 2_000, 20_000]);
  return random.chance(0.5) ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}
