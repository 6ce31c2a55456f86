/**
 * The fields of a refresh token, read without the library. After the prefix, its bytes are version (1), kid (1), secret (16), generation
 * (4), branch (1) and MAC (16).
 */
export interface RefreshTokenParts {
  readonly version: number;
  readonly kid: number;
  /** The secret of the session, in hexadecimal. */
  readonly secret: string;
  readonly generation: number;
  readonly branch: number;
}

export const PREFIX = 'ntr_';
export const LENGTH = 39;

export function bytesOf(token: string): Buffer {
  if (!token.startsWith(PREFIX)) throw new Error('a refresh token begins with ntr_');
  const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
  if (bytes.length !== LENGTH) throw new Error(`a refresh token has ${LENGTH} bytes`);
  return bytes;
}

export function partsOf(token: string): RefreshTokenParts {
  const bytes = bytesOf(token);
  return {
    version: bytes.readUInt8(0),
    kid: bytes.readUInt8(1),
    secret: bytes.toString('hex', 2, 18),
    generation: bytes.readUInt32BE(18),
    branch: bytes.readUInt8(22),
  };
}

/** Returns the token with other bytes. */
export function tokenOf(bytes: Buffer): string {
  return PREFIX + bytes.toString('base64url');
}

/**
 * Returns changed tokens: with every single bit flipped, every byte set to other values, cut, lengthened, and written in other ways that
 * decode to the same bytes.
 */
export function mutantsOf(token: string): string[] {
  const bytes = bytesOf(token);
  const changed = (index: number, value: number): string => tokenOf(Buffer.from(bytes.map((byte, at) => (at === index ? value : byte))));
  const everyByte = [...bytes.entries()].flatMap(([index, byte]) => [
    ...Array.from({ length: 8 }, (_, bit) => changed(index, byte ^ (1 << bit))),
    ...Array.from({ length: 20 }, (_, step) => changed(index, (byte + 3 + 12 * step) & 0xff)),
  ]);
  const body = token.slice(4);
  const forms = [
    body,
    `NTR_${body}`,
    `ntr-${body}`,
    token.slice(0, -1),
    `${token}A`,
    `${token}=`,
    ` ${token}`,
    `${token}\n`,
    token.replace(/.$/, '!'),
    tokenOf(Buffer.concat([bytes, bytes])),
    tokenOf(bytes.subarray(1)),
    'ntr_',
  ];
  return [...new Set([...everyByte, ...forms])].filter((mutant) => mutant !== token);
}
