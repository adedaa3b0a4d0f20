/** Fields of a payload, in order (vqt.md, section 1). Each checks its range and throws `Fault`. */

import { Fault } from "../errors.js";
import { MAX_VARINT_BYTES } from "../format.js";

/** The least and the greatest value of a field. */
export type Range = readonly [number, number];

function checked(name: string, value: number, [low, high]: Range): number {
  if (value < low || value > high) throw new Fault("bad-value", `${name} is ${value}, not ${low} to ${high}`);
  return value;
}

/** Bits of some bytes, most significant first. */
export class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits that haven't been read. */
  get left(): number {
    return 8 * this.#bytes.length - this.#at;
  }

  /** The next `width` bits, at most 53, as a number; the caller knows that they are there. */
  read(width: number): number {
    let value = 0;
    for (let i = 0; i < width; i++, this.#at++) {
      const byte = this.#bytes[this.#at >>> 3] as number;
      value = 2 * value + ((byte >>> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }
}

/** Reads the fields of one payload; each method moves on behind its field. */
export class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(payload: Uint8Array) {
    this.#bytes = payload;
  }

  /** Bytes behind the fields read so far. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** `bytes(n)`: a view of the payload. */
  bytes(name: string, length: number): Uint8Array {
    if (length > this.left) throw new Fault("bad-layout", `the payload ends in ${name}`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** `u8`, `u16` or `u32`. */
  uint(name: string, size: 1 | 2 | 4, range: Range): number {
    let value = 0;
    for (const byte of this.bytes(name, size)) value = 256 * value + byte;
    return checked(name, value, range);
  }

  /** `i32`. */
  int32(name: string, range: Range): number {
    let value = 0;
    for (const byte of this.bytes(name, 4)) value = (value << 8) | byte;
    return checked(name, value, range);
  }

  /** `u64`: the only field that may be greater than a number holds exactly. */
  uint64(name: string): bigint {
    let value = 0n;
    for (const byte of this.bytes(name, 8)) value = (value << 8n) | BigInt(byte);
    return value;
  }

  /** `varint` whose range ends at 2^53 - 1 or before. */
  varint(name: string, range: Range): number {
    let value = 0;
    // exact up to 2^53; above, the sum may round, but not to a number below 2^53, so that the range refuses it
    for (let i = 0, scale = 1; i < MAX_VARINT_BYTES; i++, scale *= 128) {
      const byte = this.uint(name, 1, [0, 255]);
      value += (byte & 0x7f) * scale;
      if (byte === 0 && i > 0) throw new Fault("bad-varint", `${name} is not in its shortest form`);
      if (byte < 0x80) return checked(name, value, range);
    }
    throw new Fault("bad-varint", `${name} has more than ${MAX_VARINT_BYTES} bytes`);
  }

  /** `varint` of any size. */
  bigVarint(name: string): bigint {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.uint(name, 1, [0, 255]);
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte === 0 && i > 0) throw new Fault("bad-varint", `${name} is not in its shortest form`);
      if (byte < 0x80) return value;
    }
    throw new Fault("bad-varint", `${name} has more than ${MAX_VARINT_BYTES} bytes`);
  }

  /** `packed(count)`: the range holds for the base and for every element. */
  packed(name: string, count: number, range: Range, widest: number): number[] {
    if (count === 0) return [];
    const base = this.varint(name, range);
    const width = this.uint(`the width of ${name}`, 1, [0, widest]);
    const bits = new Bits(this.bytes(name, Math.ceil((count * width) / 8)));
    const values = Array.from({ length: count }, () => checked(name, base + bits.read(width), range));
    if (bits.read(bits.left) !== 0) throw new Fault("bad-value", `bits are set behind ${name}`);
    return values;
  }

  /** `bitmap(count)`: an array of 0 and 1. */
  bitmap(name: string, count: number): Uint8Array {
    const bits = new Bits(this.bytes(name, Math.ceil(count / 8)));
    const values = Uint8Array.from({ length: count }, () => bits.read(1));
    if (bits.read(bits.left) !== 0) throw new Fault("bad-value", `bits are set behind ${name}`);
    return values;
  }

  /** `counted`: the range is that of the length. */
  counted(name: string, lengths: Range): Uint8Array {
    return this.bytes(name, this.uint(`the length of ${name}`, 1, lengths));
  }

  /** `name`. */
  text(name: string, lengths: Range): string {
    const bytes = this.counted(name, lengths);
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new Fault("bad-text", `${name} is not UTF-8`);
    }
    for (const character of text) {
      const code = character.codePointAt(0) as number;
      if (code < 0x20 || (code > 0x7e && code < 0xa0)) throw new Fault("bad-text", `${name} has a control character`);
    }
    return text;
  }

  /** `rest`: what is left, its length in the range. */
  rest(name: string, lengths: Range): Uint8Array {
    checked(`the length of ${name}`, this.left, lengths);
    return this.bytes(name, this.left);
  }

  /** Nothing may follow the last field. */
  end(): void {
    if (this.left > 0) throw new Fault("bad-layout", `${this.left} bytes behind the last field`);
  }
}
