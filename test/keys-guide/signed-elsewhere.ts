import type { DynamicModule } from '@nestjs/common';
import { TokenModule } from 'nestjs-token';
import type { JsonWebKey } from 'node:crypto';
import { RemoteSigner } from './remote-signer.js';

/** The module of an application that has only the public key. */
export function signedElsewhere(publicKey: JsonWebKey, address: string, secret: string): DynamicModule {
  return TokenModule.forRoot({
    issuer: 'https://auth.example.com',
    signer: new RemoteSigner('signing-2026', address),
    keys: [{ kid: 'signing-2026', algorithm: 'ES256', key: publicKey, use: 'verify' }],
    refresh: { secret },
    endpoints: { jwks: true },
  });
}
