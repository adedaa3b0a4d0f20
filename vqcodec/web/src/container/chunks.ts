/** Chunks as bytes arrive: type, length, CRC (vqt.md, sections 2 and 3, steps 1 to 4). */

import { crc32 } from "./crc32.js";
import { VqtError } from "../errors.js";
import { MAX_VARINT_BYTES, payloadLimit, SIGNATURE } from "../format.js";

/** A chunk whose CRC is right. */
export interface Chunk {
  readonly type: string;
  /** Of the type's first byte in the stream. */
  readonly offset: number;
  readonly payload: Uint8Array;
  /** The CRC field, four bytes as they lie in the stream. */
  readonly crcField: Uint8Array;
  /** Bytes of the whole chunk. */
  readonly size: number;
}

/** Type and length of a chunk. */
export interface ChunkStart {
  readonly type: string;
  readonly payloadBytes: number;
  /** Bytes of type and length. */
  readonly bytes: number;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** The four letters at `at`, or null if they aren't letters. */
export function chunkType(bytes: Uint8Array, at: number): string | null {
  const letters = bytes.subarray(at, at + 4);
  return letters.length === 4 && letters.every(isLetter) ? String.fromCharCode(...letters) : null;
}

/**
 * Steps 1 and 2 at `at`.
 *
 * @returns null if the bytes end too soon, else the chunk's start or the code of what is wrong.
 */
export function chunkStart(bytes: Uint8Array, at: number): ChunkStart | "bad-type" | "bad-length" | null {
  if (bytes.length - at < 4) return null;
  const type = chunkType(bytes, at);
  if (type === null) return "bad-type";
  let length = 0;
  for (let i = 0, scale = 1; i < MAX_VARINT_BYTES; i++, scale *= 128) {
    const byte = bytes[at + 4 + i];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * scale; // rounds only where it is far above every limit
    if (byte < 0x80) {
      const valid = (byte !== 0 || i === 0) && length <= payloadLimit(type);
      return valid ? { type, payloadBytes: length, bytes: 5 + i } : "bad-length";
    }
  }
  return "bad-length";
}

/** The CRC field as a number. */
export function crcNumber(field: Uint8Array): number {
  return new DataView(field.buffer, field.byteOffset, 4).getUint32(0);
}

const WRONG = {
  "bad-type": "a chunk's type is not four letters",
  "bad-length": "a chunk's length is no valid number or above the limit of its type",
} as const;

/** Cuts bytes, which may arrive in pieces of any size, into chunks. */
export class ChunkReader {
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #offset: number;
  #signatureLeft: number;

  /** @param offset where the bytes to come lie in the stream; from 0 on the signature is wanted first. */
  constructor(offset = 0) {
    this.#offset = offset;
    this.#signatureLeft = offset === 0 ? SIGNATURE.length : 0;
  }

  /** Where the next chunk begins. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that have come and belong to no chunk yet. */
  get waiting(): number {
    return this.#end - this.#start;
  }

  /** Take more bytes of the stream. */
  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) {
      const waiting = this.#bytes.subarray(this.#start, this.#end);
      // twice what is needed: bytes that come one by one are copied a few times only
      this.#bytes = new Uint8Array(2 * (waiting.length + bytes.length));
      this.#bytes.set(waiting);
      this.#start = 0;
      this.#end = waiting.length;
    }
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * The next chunk; null when more bytes are needed.
   *
   * @throws VqtError at the first fault.
   */
  next(): Chunk | null {
    if (!this.#signature()) return null;
    const start = chunkStart(this.#bytes.subarray(this.#start, this.#end), 0);
    if (start === null) return null;
    if (typeof start === "string") throw new VqtError(start, this.#offset, WRONG[start]);
    const size = start.bytes + start.payloadBytes + 4;
    if (this.waiting < size) return null;
    const whole = this.#bytes.subarray(this.#start, this.#start + size);
    if (crc32(whole.subarray(0, size - 4)) !== crcNumber(whole.subarray(size - 4))) {
      throw new VqtError("bad-crc", this.#offset, `the CRC of a ${start.type} chunk is wrong`);
    }
    const offset = this.#take(size);
    // copies: what is kept of a chunk must not keep the bytes around it
    const payload = whole.slice(start.bytes, size - 4);
    return { type: start.type, offset, payload, crcField: whole.slice(size - 4), size };
  }

  /** No more bytes come: a stream that isn't over is cut off. */
  truncated(): VqtError {
    const end = this.#offset + this.waiting;
    return new VqtError("truncated", end, "the stream ends too soon");
  }

  /** Compare the signature as far as it has come; true when it is there. */
  #signature(): boolean {
    while (this.#signatureLeft > 0 && this.waiting > 0) {
      if (this.#bytes[this.#start] !== SIGNATURE[this.#offset]) {
        throw new VqtError("bad-signature", this.#offset, "the first bytes are not those of a .vqt stream");
      }
      this.#take(1);
      this.#signatureLeft--;
    }
    return this.#signatureLeft === 0;
  }

  /** Move on by `size` bytes; where they began. */
  #take(size: number): number {
    const offset = this.#offset;
    this.#start += size;
    this.#offset += size;
    return offset;
  }
}
