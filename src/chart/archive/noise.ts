/**
 * Tells content that deflate cannot shrink (archives, pictures, keys) from all other, for a tenth of what trying costs.
 * The answer depends on the content alone and must stay the same for good: the digests of packed charts depend on it.
 */

/** Bytes looked at first; almost everything that can be shrunk shows it here. */
const SAMPLE = 4096;
/** How much more uneven than chance the counts of byte values may be; at this, some 0.07 bits in 8 could be saved. */
const UNEVEN = 1.1;
/** Of so many positions one may begin with four bytes that were there before. */
const REPEATS = 64;
const HASH_BITS = 14;

/** False for fewer than 4096 bytes: what little there is to win is not worth a change of method. */
export function isNoise(bytes: Uint8Array): boolean {
  if (bytes.length < SAMPLE) return false;
  return isEven(bytes.subarray(0, SAMPLE)) && isEven(bytes) && !hasRepeats(bytes);
}

/** Whether each byte value occurs about as often as any other. */
function isEven(bytes: Uint8Array): boolean {
  const counts = new Uint32Array(256);
  for (let i = 0; i < bytes.length; i++) counts[bytes[i] as number]! += 1;
  let squares = 0;
  for (const count of counts) squares += count * count;
  const { length } = bytes;
  const expected = (length * length) / 256 + length;
  return squares <= expected * UNEVEN;
}

/** Whether deflate would find matches: counts how often four bytes have occurred before. */
function hasRepeats(bytes: Uint8Array): boolean {
  const last = new Int32Array(1 << HASH_BITS);
  let repeats = 0;
  let four = 0;
  for (let i = 0; i < bytes.length; i++) {
    four = (four << 8) | (bytes[i] as number);
    const slot = Math.imul(four, 0x9e3779b1) >>> (32 - HASH_BITS);
    if (last[slot] === four) repeats += 1;
    else last[slot] = four;
  }
  return repeats * REPEATS > bytes.length;
}
