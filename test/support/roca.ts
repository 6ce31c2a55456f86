import type { KeyObject } from 'node:crypto';
import { checkPrimeSync, createPrivateKey, createPublicKey, randomInt } from 'node:crypto';

const EXPONENT = 65_537n;
/** The first 126 primes. The flawed chip uses them for keys of 2048 bits. */
const PRIMES = Array.from({ length: 701 }, (_, index) => BigInt(index + 1)).filter(
  (candidate) => candidate > 1n && checkPrimeSync(candidate),
);
const PRIMORIAL = PRIMES.reduce((product, prime) => product * prime);

/** Makes a key pair of 2048 bits in the way of the flawed chip. It works, but it can be factored. */
export function rocaKeyPair(): { privateKey: KeyObject; publicKey: KeyObject } {
  const p = flawedPrime();
  const q = flawedPrime();
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e: EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const privateKey = createPrivateKey({ key: { kty: 'RSA', ...asJwk(numbers) }, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** Makes a public key whose modulus differs from a flawed one only modulo 11. Its residue there is 2, which is no power of 65537. */
export function almostRocaKey(): KeyObject {
  let n = flawedPrime() * flawedPrime();
  while (n % 11n !== 2n) n += PRIMORIAL / 11n;
  return createPublicKey({ key: { kty: 'RSA', ...asJwk({ n, e: EXPONENT }) }, format: 'jwk' });
}

/** Finds a prime of 1024 bits of the form k·M + (65537ᵃ mod M), where M is the product of the primes. */
function flawedPrime(): bigint {
  const power = powered(EXPONENT, BigInt(randomInt(2, 2 ** 40)), PRIMORIAL);
  for (let k = (1n << 1_024n) / PRIMORIAL - BigInt(randomInt(2 ** 40)); ; k--) {
    const candidate = k * PRIMORIAL + power;
    if (checkPrimeSync(candidate) && (candidate - 1n) % EXPONENT !== 0n) return candidate;
  }
}

function powered(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let bits = exponent, square = base % modulus; bits > 0n; bits >>= 1n, square = (square * square) % modulus) {
    if (bits & 1n) result = (result * square) % modulus;
  }
  return result;
}

/** Returns the modular inverse, by the extended algorithm of Euclid. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [old, rest, factor, next] = [value % modulus, modulus, 1n, 0n];
  while (rest !== 0n) {
    const quotient = old / rest;
    [old, rest] = [rest, old - quotient * rest];
    [factor, next] = [next, factor - quotient * next];
  }
  return ((factor % modulus) + modulus) % modulus;
}

function asJwk(numbers: Record<string, bigint>): Record<string, string> {
  return Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, base64url(number)]));
}

function base64url(number: bigint): string {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}
