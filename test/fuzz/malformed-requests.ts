import type { TokenSource } from './credentials.js';
import { credentials } from './credentials.js';
import type { Random } from './random.js';
import { wellFormed } from './requests.js';

type Breakage = (request: Buffer, random: Random) => Buffer;

/** What breaks the form of a request. */
const BREAKAGES: readonly Breakage[] = [
  (request, random) => request.subarray(0, random.int(request.length)),
  (request, random) => splice(request, random.int(request.length), random.bytes(1 + random.int(4))),
  (request, random) => overwrite(request, random.int(request.length), random.bytes(1)),
  (request, random) => splice(request, headerEnd(request), Buffer.from(random.pick(EXTRA_LINES), 'latin1')),
  (request, random) =>
    splice(request, headerEnd(request), Buffer.from(`X-Long: ${'a'.repeat(random.pick([8_000, 16_300, 17_000, 70_000]))}\r\n`)),
  (request, random) => splice(request, headerEnd(request), Buffer.from('X-Many: 1\r\n'.repeat(random.pick([150, 900, 2_100])))),
  (request) => Buffer.from(request.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  (request) => Buffer.from(request.toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1'),
  (request) => Buffer.from(request.toString('latin1').replace('HTTP/1.1', 'HTTP/9.9'), 'latin1'),
  (request, random) => Buffer.concat([request, random.bytes(random.int(200))]),
  (request) => Buffer.concat([Buffer.from('\r\n\r\n'), request]),
  (request) => Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), request]),
  (_, random) => random.bytes(random.int(500)),
];

const EXTRA_LINES = [
  ...['Content-Length: 5\r\n', 'Content-Length: -1\r\n', 'Content-Length: 1e3\r\n', 'Content-Length: 99999999999999999999\r\n'],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'Transfer-Encoding: x\r\n',
    'Transfer-Encoding : chunked\r\n',
  ],
  ...[
    'Authorization : Bearer x\r\n',
    'Authorization: Bearer\r\n x\r\n',
    'Authorization: a\0b\r\n',
    'Cookie: a=\rb\r\n',
    ': x\r\n',
    'x\r\n',
    '\u00ff: x\r\n',
  ],
  ...['Expect: 100-continue\r\n', 'Expect: 200-ok\r\n', 'Connection: upgrade, close\r\n', 'Upgrade: h2c\r\nConnection: Upgrade\r\n'],
  ...['Trailer: Authorization\r\n', 'Host: a\r\nHost: b\r\n'],
];

/** A request whose form is broken: HTTP itself should refuse it. */
export function malformed(source: TokenSource, random: Random): Buffer {
  return random.pick(BREAKAGES)(wellFormed(source, { random, isLast: true }), random);
}

const GOOD_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The lines of a handshake, with the values that a browser sends and those that none does. */
const HANDSHAKE_LINES: readonly (readonly [string, string, readonly string[]])[] = [
  ['Upgrade', 'websocket', ['WebSocket', 'h2c', 'x']],
  ['Connection', 'Upgrade', ['keep-alive, Upgrade', 'close']],
  ['Sec-WebSocket-Version', '13', ['0', '8', '99', 'x', '']],
  ['Sec-WebSocket-Key', GOOD_KEY, ['short', '', '=', GOOD_KEY.repeat(50)]],
  [
    'Sec-WebSocket-Extensions',
    'permessage-deflate',
    ['permessage-deflate; client_max_window_bits=99', 'permessage-deflate; x=', ';', 'a,,b', 'x'],
  ],
  ['Sec-WebSocket-Protocol', 'a', ['a, a', ',', '"']],
];

/** A handshake with the gateway, and frames behind it. */
export function handshake(source: TokenSource, random: Random): Buffer {
  const { headers, query } = credentials(source, random);
  const isOdd = (): boolean => random.chance(0.07);
  const parameters = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const address = isOdd() ? random.pick(['/socket/', '/me', '/', '*', '/socket#']) : '/socket';
  const lines = [
    `${isOdd() ? 'POST' : 'GET'} ${address}?${parameters} HTTP/1.1`,
    'Host: fuzz',
    ...HANDSHAKE_LINES.map(([name, usual, odd]) => `${name}: ${isOdd() ? random.pick(odd) : usual}`),
    ...headers.map(([name, value]) => `${name}: ${value.replace(/[^\t -~\u0080-\u00ff]/g, '?')}`),
  ];
  const frames = Array.from({ length: random.int(4) }, () => frame(source, random));
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), ...frames]);
}

/** A masked frame with a message to the gateway, or one that breaks the protocol. */
function frame({ genuine }: TokenSource, random: Random): Buffer {
  if (random.chance(0.2)) return random.bytes(random.int(40));
  const token = genuine.access ?? '';
  const texts = ['{"event":"me"}', `{"event":"me","data":{"access_token":"${token}","headers":{"authorization":"Bearer ${token}"}}}`];
  const payload = Buffer.from(
    random.pick([...texts, '{"event":"me","data":null}', '{"event":["me"]}', '{"event":"__proto__"}', 'null', '[', '7', '']),
  );
  const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 0xff];
  const mask = random.bytes(4);
  const masked = payload.map((byte, index) => byte ^ mask[index % 4]!);
  return Buffer.concat([Buffer.from([0x80 | random.pick([1, 1, 1, 2, 8, 9, 3]), ...length]), mask, masked]);
}

function headerEnd(request: Buffer): number {
  const end = request.indexOf('\r\n\r\n');
  return end < 0 ? request.length : end + 2;
}

function splice(request: Buffer, at: number, bytes: Buffer): Buffer {
  return Buffer.concat([request.subarray(0, at), bytes, request.subarray(at)]);
}

function overwrite(request: Buffer, at: number, bytes: Buffer): Buffer {
  return Buffer.concat([request.subarray(0, at), bytes, request.subarray(at + bytes.length)]);
}
