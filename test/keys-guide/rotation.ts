import type { TokenKey } from 'nestjs-token';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';

const oldKey = generateKeyPairSync('ed25519').privateKey;
const newKey = generateKeyPairSync('ed25519').privateKey;

// Before: one key.
export const before: TokenKey[] = [{ algorithm: 'EdDSA', key: oldKey, use: 'sign' }];

// Phase 1, on every node: the new key verifies. It is published, and does not sign yet.
export const phase1: TokenKey[] = [
  { algorithm: 'EdDSA', key: oldKey, use: 'sign' },
  { algorithm: 'EdDSA', key: createPublicKey(newKey), use: 'verify' },
];

// Phase 2, on every node: the new key signs. The old one verifies the tokens that are still out.
export const phase2: TokenKey[] = [
  { algorithm: 'EdDSA', key: newKey, use: 'sign' },
  { algorithm: 'EdDSA', key: createPublicKey(oldKey), use: 'verify' },
];

// Done, access.maxLifetime + access.leeway later: the old key is gone.
export const done: TokenKey[] = [{ algorithm: 'EdDSA', key: newKey, use: 'sign' }];
