/** CRC-32 of zlib and PNG (vqt.md, section 3), also of any range from the CRCs of prefixes. */

const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

/** CRC-32 of `bytes`, going on from the CRC of what stands before them. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let value = ~before;
  for (let i = 0; i < bytes.length; i++) {
    value = (value >>> 8) ^ (TABLE[(value ^ (bytes[i] as number)) & 0xff] as number);
  }
  return ~value >>> 0;
}

/** Product of two polynomials over GF(2) modulo the CRC's; bits reflected, as the CRC has them. */
function product(a: number, b: number): number {
  let sum = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) sum ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return sum >>> 0;
}

/** x to the power 8 * 2^k: what k doublings of a zero byte do to a CRC. */
const POWERS: readonly number[] = (() => {
  const powers = [0x00800000]; // x^8, reflected
  while (powers.length < 32) {
    const last = powers[powers.length - 1] as number;
    powers.push(product(last, last));
  }
  return powers;
})();

/** CRC-32s of all prefixes of some bytes, from which that of any range follows in constant time. */
export class PrefixCrcs {
  readonly #prefixes: Uint32Array;

  constructor(bytes: Uint8Array) {
    this.#prefixes = new Uint32Array(bytes.length + 1);
    let value = 0xffffffff;
    for (let i = 0; i < bytes.length; i++) {
      value = (value >>> 8) ^ (TABLE[(value ^ (bytes[i] as number)) & 0xff] as number);
      this.#prefixes[i + 1] = ~value;
    }
  }

  /** CRC-32 of the bytes from `from` to before `to`. */
  of(from: number, to: number): number {
    let shifted = this.#prefixes[from] as number;
    for (let k = 0, length = to - from; length > 0; k++, length >>>= 1) {
      if (length & 1) shifted = product(shifted, POWERS[k] as number);
    }
    return ((this.#prefixes[to] as number) ^ shifted) >>> 0;
  }
}
