/** INDX: where everything lies (vqt.md, section 8). */

import { Fields } from "./fields.js";
import { Fault } from "../errors.js";
import { MAX_INDEX_ENTRIES, MAX_POSITION } from "../format.js";

/** What an entry points at. */
export const KIND = { firstPortrait: 0, motion: 1, sound: 2, laterPortrait: 3 } as const;
const KINDS = 4;

/** An entry of the index. */
export interface IndexEntry {
  readonly kind: number;
  /** Of the chunk's type in the stream. */
  readonly offset: number;
  /** first_frame of a portrait, first_tick of motion, first_sample of sound. */
  readonly position: number;
}

/** The last two positions of each kind, from which the next one's entry is the difference. */
class Extrapolation {
  readonly #last = Array.from({ length: KINDS }, () => [0n, 0n] as [bigint, bigint]);

  /** Where the next one would be if they were equally far apart. */
  expected(kind: number): bigint {
    const [p1, p2] = this.#last[kind] as [bigint, bigint];
    return 2n * p1 - p2;
  }

  add(kind: number, position: bigint): void {
    const [p1] = this.#last[kind] as [bigint, bigint];
    this.#last[kind] = [position, p1];
  }
}

/** Makes the index that a stream must have, as its chunks come. */
export class IndexBuilder {
  #bytes = new Uint8Array(64);
  #length = 0;
  #entries = 0;
  #offset = 0;
  readonly #positions = new Extrapolation();

  /** @throws Fault `too-many`. */
  add({ kind, offset, position }: IndexEntry): void {
    if (++this.#entries > MAX_INDEX_ENTRIES) throw new Fault("too-many", "more chunks than an index has entries");
    const place = BigInt(position);
    const s = place - this.#positions.expected(kind);
    this.#positions.add(kind, place);
    this.#varint(BigInt(KINDS) * BigInt(offset - this.#offset) + BigInt(kind));
    this.#varint(s >= 0n ? 2n * s : -2n * s - 1n);
    this.#offset = offset;
  }

  /** The payload so far. */
  get payload(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #varint(value: bigint): void {
    for (let rest = value; ; rest >>= 7n) {
      if (rest < 128n) return this.#byte(Number(rest));
      this.#byte(Number(rest & 127n) | 128);
    }
  }

  #byte(value: number): void {
    if (this.#length === this.#bytes.length) {
      const longer = new Uint8Array(2 * this.#bytes.length);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes[this.#length++] = value;
  }
}

/**
 * The entries of an INDX payload, read without the chunks before it.
 *
 * @throws Fault a number is impossible, chunks lie in another order than their entries, or there are too many.
 */
export function readIndex(payload: Uint8Array, major: number): IndexEntry[] {
  const fields = new Fields(payload);
  const positions = new Extrapolation();
  const entries: IndexEntry[] = [];
  let offset = 0n;
  while (fields.left > 0) {
    if (entries.length === MAX_INDEX_ENTRIES) throw new Fault("too-many", "more entries than an index may have");
    const coded = fields.bigVarint("an offset");
    const zigzag = fields.bigVarint("a position");
    const kind = Number(coded & 3n);
    const distance = coded >> 2n;
    offset += distance;
    const position = positions.expected(kind) + (zigzag & 1n ? -((zigzag + 1n) >> 1n) : zigzag >> 1n);
    positions.add(kind, position);
    const possible = distance > 0n && offset <= BigInt(MAX_POSITION) && position >= 0n && position <= BigInt(MAX_POSITION);
    if (!possible || (major === 1 && kind === KIND.laterPortrait)) {
      throw new Fault("bad-index", `entry ${entries.length} can't be`);
    }
    entries.push({ kind, offset: Number(offset), position: Number(position) });
  }
  return entries;
}
