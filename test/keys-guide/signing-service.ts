import type { JsonWebKey } from 'node:crypto';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the process tells its parent, once it listens. */
export interface SigningServiceReady {
  readonly port: number;
  readonly publicKey: JsonWebKey;
  /** For a second process with the same key. A real service never hands it out. */
  readonly privateKey: JsonWebKey;
}

const given = process.env['SIGNING_KEY'];
const privateKey = given
  ? createPrivateKey({ key: JSON.parse(given) as JsonWebKey, format: 'jwk' })
  : generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    // Two integers one after the other, as RFC 7518 §3.4 wants them. OpenSSL makes DER by default.
    response.end(sign('sha256', Buffer.concat(chunks), { key: privateKey, dsaEncoding: 'ieee-p1363' }));
  });
});

process.on('disconnect', () => process.exit());
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const ready: SigningServiceReady = {
    port,
    publicKey: createPublicKey(privateKey).export({ format: 'jwk' }),
    privateKey: privateKey.export({ format: 'jwk' }),
  };
  process.send?.(ready);
});
