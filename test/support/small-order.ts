const PRIME = 2n ** 255n - 19n;
const D = -121_665n * inverse(121_666n);

/**
 * Tells whether eight times a point of Ed25519 is the neutral point, worked out from the curve (RFC 8032 §5.1). Then R = the neutral point and
 * S = 0 solve the equation of the signature, S·B = R + k·A, for every message whose k is a multiple of eight: anyone can sign. Some versions of
 * Node refuse such a key when they verify, and others do not, so their answer shows nothing.
 */
export function isOfSmallOrder(point: Buffer): boolean {
  const bytes = Buffer.from(point).reverse();
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  const y = BigInt(`0x${bytes.toString('hex')}`);
  return doubled(doubled(doubled(y))) === 1n;
}

/** The y coordinate of twice a point, from the formula of addition. It needs x only squared, and the curve equation gives that. */
function doubled(y: bigint): bigint {
  const yy = reduced(y * y);
  const xx = reduced((yy - 1n) * inverse(D * yy + 1n));
  return reduced((yy + xx) * inverse(1n - D * xx * yy));
}

/** Fermat: n^(p-2) is the inverse of n. */
function inverse(n: bigint): bigint {
  let [result, square] = [1n, reduced(n)];
  for (let exponent = PRIME - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = reduced(result * square);
    square = reduced(square * square);
  }
  return result;
}

function reduced(n: bigint): bigint {
  const rest = n % PRIME;
  return rest < 0n ? rest + PRIME : rest;
}
