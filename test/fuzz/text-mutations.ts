import type { Random } from './random.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split(/(?:)/);
/** Pieces that parsers stumble over. The text is sent as Latin-1, so `ÿ` is one byte and UTF-8 comes as its bytes. */
export const ODD_PIECES = [
  ...[
    '',
    ' ',
    '\t',
    '.',
    '..',
    '=',
    '==',
    '+',
    '/',
    ',',
    ';',
    '"',
    "'",
    '\\',
    '%00',
    '%',
    '%0d%0a',
    '%E0%A4%A',
    '\u00a0',
    '\u00ff',
    '\u0080',
  ],
  ...['null', 'undefined', 'NaN', '[object Object]', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'j:{"$ne":1}', 's:a.b'],
  ...[
    '\u00f0\u009f\u0098\u0080',
    '\u00ed\u00a0\u0080',
    '\u00ef\u00bb\u00bf',
    '\u00c0\u00af',
    "' OR 1=1 --",
    '${7*7}',
    '<script>',
    '-1',
    '1e999',
  ],
];
/** Lengths around our limits and those of HTTP servers. */
const LENGTHS = [1, 7, 55, 56, 57, 255, 1_000, 4_095, 4_096, 4_097, 8_191, 8_192, 8_193, 12_000, 15_000];

type Mutation = (text: string, random: Random) => string;

/** Changes after which a text is certainly another one, also for a reader that trims it. */
const DAMAGES: readonly Mutation[] = [
  (text, random) => replaceAt(text, random.int(text.length), random.pick(ALPHABET)),
  (text, random) => flipBit(text, random),
  (text, random) => text.slice(0, random.int(text.length)),
  (text, random) => text.slice(1 + random.int(text.length)),
  (text, random) => insertAt(text, 1 + random.int(text.length - 1), random.pick(ALPHABET)),
  (text, random) => insertAt(text, 1 + random.int(text.length - 1), text),
  (text) => Array.from(text).reverse().join(''),
  (text) => swapCase(text),
  (text, random) => text + text.slice(-1 - random.int(20)),
];

const CHANGES: readonly Mutation[] = [
  ...DAMAGES,
  (text, random) => text + random.pick(ODD_PIECES),
  (text, random) => random.pick(ODD_PIECES) + text,
  (text, random) => insertAt(text, random.int(text.length + 1), random.pick(ODD_PIECES)),
  (text) => `${text}=`,
  (text) => text.replaceAll('-', '+').replaceAll('_', '/'),
  (text) => Buffer.from(text, 'latin1').toString('base64'),
  (text) => encodeURIComponent(text),
  (text) => `"${text}"`,
  (text) => `${text}.${text}`,
  (text) => `${text},${text}`,
  (text) => `${text}.session`,
  (text, random) => lastCharacter(text, random),
  (text, random) => text.padEnd(random.pick(LENGTHS), random.pick(['a', 'A', '.', '='])),
  (_, random) => random.pick(ODD_PIECES),
  (_, random) => '.'.repeat(random.pick(LENGTHS)),
  (_, random) => random.bytes(random.int(80)).toString('base64url'),
];

/** Changes a text, usually once and sometimes more often. The result may mean the same to a tolerant reader. */
export function mutated(text: string, random: Random): string {
  let result = text;
  do result = random.pick(CHANGES)(result, random);
  while (random.chance(0.2));
  return result.slice(0, 16_000);
}

/** Changes a text so that it is not that text any more, whoever reads it. */
export function damaged(text: string, random: Random): string {
  const result = random.pick(DAMAGES)(text, random);
  return result === text ? text.slice(0, -1) : result;
}

function flipBit(text: string, random: Random): string {
  const at = random.int(text.length);
  const flipped = text.charCodeAt(at) ^ (1 << random.int(7));
  // A control character or a separator would make another header line or cookie of it.
  return replaceAt(text, at, flipped > 32 && flipped < 127 ? String.fromCharCode(flipped) : '~');
}

/** The other spellings of the last base64 character, of which some bits are not used. */
function lastCharacter(text: string, random: Random): string {
  return text.slice(0, -1) + random.pick(ALPHABET);
}

function swapCase(text: string): string {
  return Array.from(text, (one) => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase())).join('');
}

function replaceAt(text: string, at: number, piece: string): string {
  return text.slice(0, at) + piece + text.slice(at + 1);
}

function insertAt(text: string, at: number, piece: string): string {
  return text.slice(0, at) + piece + text.slice(at);
}
