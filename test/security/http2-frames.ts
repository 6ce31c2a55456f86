import { connect } from 'node:net';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const TYPE = { data: 0, headers: 1, settings: 4 } as const;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const ACK = 0x1;

/**
 * One request over cleartext HTTP/2 with a header list as it is given, repeated names included: Node's own client refuses to repeat
 * `authorization`. @returns the body of the answer.
 */
export function http2Get(port: number, headers: readonly (readonly [name: string, value: string])[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let received = Buffer.alloc(0);
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(PREFACE);
      socket.write(frame(TYPE.settings, 0));
      socket.write(frame(TYPE.headers, END_STREAM | END_HEADERS, Buffer.concat(headers.map(literal))));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without an answer')));
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
        const end = 9 + received.readUIntBE(0, 3);
        const [type, flags, payload] = [received.readUInt8(3), received.readUInt8(4), received.subarray(9, end)];
        received = received.subarray(end);
        if (type === TYPE.settings && !(flags & ACK)) socket.write(frame(TYPE.settings, ACK));
        if (type === TYPE.data) chunks.push(payload);
        if ((type === TYPE.data || type === TYPE.headers) && flags & END_STREAM) {
          resolve(Buffer.concat(chunks).toString());
          socket.destroy();
        }
      }
    });
  });
}

/** RFC 9113 §4.1. Everything but SETTINGS is on stream 1. */
function frame(type: number, flags: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(type === TYPE.settings ? 0 : 1, 5);
  return Buffer.concat([head, payload]);
}

/** A literal field without indexing, with a new name (RFC 7541 §6.2.2). */
function literal([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/** Text without Huffman coding: a 7-bit prefix integer (RFC 7541 §5.1) and the bytes. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const length = [Math.min(bytes.length, 127)];
  if (bytes.length >= 127) {
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
