import { Injectable } from '@nestjs/common';
import type { TokenKey } from 'nestjs-token';
import type { KeyObject } from 'node:crypto';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';

/**
 * The keys of the auth server, and where a rotation stands. This sample makes them in memory. An application reads them from a vault that
 * all of its nodes share.
 */
@Injectable()
export class KeyStore {
  private current = newKey();
  /** The key that is published before it signs. */
  private next: KeyObject | null = null;
  /** The key that signed before, as long as its tokens are accepted. */
  private previous: KeyObject | null = null;

  /** The key set, as the option `keys` takes it. */
  keys(): TokenKey[] {
    const others = [this.next, this.previous].filter((key) => key !== null);
    return [
      { algorithm: 'EdDSA', key: this.current, use: 'sign' },
      ...others.map((key): TokenKey => ({ algorithm: 'EdDSA', key: createPublicKey(key), use: 'verify' })),
    ];
  }

  /** Goes one phase further. @returns what the phase does. */
  advance(): string {
    if (this.previous) {
      this.previous = null;
      return 'the old key is retired';
    }
    if (this.next) {
      [this.previous, this.current, this.next] = [this.current, this.next, null];
      return 'the new key signs';
    }
    this.next = newKey();
    return 'a new key is published';
  }
}

function newKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}
