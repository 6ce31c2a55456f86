import type { KeyObject } from 'node:crypto';

const GENERATOR = 65_537n;
/**
 * The odd primes that the flawed generator uses for keys of every length (Nemec and others, “The Return of Coppersmith's Attack”, 2017).
 */
const PRIMES = Array.from({ length: 165 }, (_, index) => index + 3).filter(isPrime);

/**
 * Whether a public RSA key was probably made by a flawed chip, so that it can be factored (ROCA, CVE-2017-15361). The modulus of such a key
 * is a power of 65537 modulo each of these primes. One sound key in 240 million looks the same by chance.
 */
export function hasRocaFingerprint(key: KeyObject): boolean {
  const { n = '' } = key.export({ format: 'jwk' });
  const modulus = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
  return PRIMES.every((prime) => isPowerOfGenerator(modulus % BigInt(prime), BigInt(prime)));
}

function isPowerOfGenerator(residue: bigint, prime: bigint): boolean {
  let power = 1n;
  do {
    if (power === residue) return true;
    power = (power * GENERATOR) % prime;
  } while (power !== 1n);
  return false;
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false;
  return true;
}
