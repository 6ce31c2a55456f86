import type { JsonWebKey } from 'node:crypto';
import type { TokenAlgorithm } from './key.options.js';
import type { VerificationKey } from './key-source.js';

/** A public key of a {@link JsonWebKeySet}. It has the members of its `kty` in addition to these (RFC 7518 §6, RFC 8037 §2). */
export interface PublicJsonWebKey extends JsonWebKey {
  readonly kty: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: TokenAlgorithm;
}

/** A set of public keys, as it is published (RFC 7517 §5). */
export interface JsonWebKeySet {
  readonly keys: readonly PublicJsonWebKey[];
}

/** The public members of all kinds of keys that sign access tokens. */
const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const satisfies readonly (keyof JsonWebKey)[];

/** Returns the document that publishes keys. Secrets are left out, because whoever knows them can sign. */
export function keySetOf(keys: readonly VerificationKey[]): JsonWebKeySet {
  return { keys: keys.filter(({ key }) => key.type === 'public').map(published) };
}

function published({ kid, algorithm, key }: VerificationKey): PublicJsonWebKey {
  const jwk = key.export({ format: 'jwk' });
  const members = PUBLIC_MEMBERS.filter((name) => jwk[name] !== undefined).map((name) => [name, jwk[name]] as const);
  return { ...(Object.fromEntries(members) as JsonWebKey & { readonly kty: string }), use: 'sig', alg: algorithm, kid };
}
