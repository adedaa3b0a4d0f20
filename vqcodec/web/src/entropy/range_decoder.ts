/** The range decoder (entropy.md, section 3). Every number is an unsigned integer of 32 bits. */

import { Fault } from "../errors.js";

const TOP = 2 ** 24;

/** code, span and n of section 3.2 after the last symbol. */
export type CoderState = readonly [number, number, number];

/** The number in low .. low + span - 1 with the most zero bytes at its end, modulo 2^32. */
function final(low: number, span: number): number {
  // sums of two such integers are below 2^33, which a number holds exactly
  if (low === 0 || low + span > 2 ** 32) return 0;
  return ((low + TOP - 1) & ~(TOP - 1)) >>> 0;
}

/** Reads ranks from the payload of a layer. */
export class RangeDecoder {
  readonly #bytes: Uint8Array;
  #code = 0;
  #span = 0xffffffff;
  #taken = 4;

  constructor(payload: Uint8Array) {
    this.#bytes = payload;
    this.#code = this.#word(0);
    if (this.#code === 0xffffffff) throw new Fault("bad-payload", "a layer begins as no layer does");
  }

  get state(): CoderState {
    return [this.#code, this.#span, this.#taken];
  }

  /**
   * The next rank, 0 to 4.
   *
   * @param sums C[1] to C[4] of every row.
   * @param at where those of this symbol's row begin.
   */
  rank(sums: Uint16Array, at: number): number {
    const unit = this.#span >>> 12;
    const code = this.#code;
    let rank = 0;
    let below = 0; // unit C[rank] <= code; below 2^32, since unit < 2^20 and C < 2^12
    let above = unit * (sums[at] as number);
    while (rank < 4 && above <= code) {
      rank++;
      below = above;
      above = rank < 4 ? unit * (sums[at + rank] as number) : this.#span;
    }
    this.#code = code - below;
    this.#span = above - below;
    while (this.#span < TOP) {
      this.#code = ((this.#code << 8) | (this.#bytes[this.#taken] ?? 0)) >>> 0;
      this.#span = (this.#span << 8) >>> 0;
      this.#taken++;
    }
    return rank;
  }

  /** Section 3.4: the payload is what an encoder writes for these ranks. */
  checkEnd(): void {
    const bytes = this.#bytes;
    const last = bytes[bytes.length - 1];
    const word = this.#word(this.#taken - 4);
    const low = (word - this.#code) >>> 0;
    if (bytes.length > this.#taken || last === 0 || word !== final(low, this.#span)) {
      throw new Fault("bad-payload", "a layer is not what an encoder writes");
    }
  }

  /** Four bytes as a number; past the end they are 0. */
  #word(at: number): number {
    let word = 0;
    for (let i = at; i < at + 4; i++) word = (word << 8) | (this.#bytes[i] ?? 0);
    return word >>> 0;
  }
}
