/**
 * The model of one layer (entropy.md, section 4): which row codes each digit.
 *
 * All numbers are integers of 32 bits, held in integer arrays; `(a / b) | 0` of two of them is exactly their quotient
 * without its fraction, since the division of integers below 2^53 can't round up to the next integer.
 */

import type { LayerTables } from "./tables.js";

const FEATURES = 9;
const WEIGHTS = 6;
const PHASES = 41;
const MAX_MU = 160;

/** What is known of a layer before it is decoded. */
export interface Coarser {
  readonly frames: number;
  readonly dims: number;
  /** The coarser layers' value in steps of this layer, (frames, dims): c. */
  readonly value: Int32Array;
  /** Digits of the layer before and of the one before that, (frames, dims); zeros where there are none. */
  readonly last: Int8Array;
  readonly beforeLast: Int8Array;
  /** This layer's number, 1 to 4. */
  readonly layer: number;
}

function count(list: Int32Array, x: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Contexts of one frame after the other. */
export class LayerModel {
  /** m of section 4.4, for the frame at hand. */
  readonly mirror: Int32Array;
  /** Where the row of each digit begins in the tables' `sums`. */
  readonly rows: Int32Array;
  /** The value with this layer, (frames, dims): a. */
  readonly value: Int32Array;
  readonly #tables: LayerTables;
  readonly #coarser: Coarser;
  /** |c[t] - c[t-1]|, (frames + 2, dims): 0 for the first frame and behind the last. */
  readonly #move: Int32Array;
  /** Sums over a frame of move[t] + move[t+1]. */
  readonly #frameMove: Int32Array;
  /** How much each dimension moves in the group, in 1/1024 step a frame. */
  readonly #group: Int32Array;
  readonly #first: Int32Array;
  readonly #fast: Int32Array;
  readonly #slow: Int32Array;
  readonly #activity: Int32Array;
  readonly #mu: Int32Array;
  #ratio = 256;

  constructor(tables: LayerTables, coarser: Coarser) {
    const { frames, dims } = coarser;
    this.#tables = tables;
    this.#coarser = coarser;
    this.value = new Int32Array(frames * dims);
    this.mirror = new Int32Array(dims);
    this.rows = new Int32Array(dims);
    this.#mu = new Int32Array(dims);
    this.#move = new Int32Array((frames + 2) * dims);
    this.#frameMove = new Int32Array(frames);
    this.#group = new Int32Array(dims);
    this.#measureMoves();
    this.#first = this.#started(0);
    this.#fast = this.#started(1);
    this.#slow = this.#fast.slice();
    this.#activity = this.#started(2);
  }

  /** Sections 4.2 to 4.4 for frame t: `mirror` and `rows`. */
  predict(t: number): void {
    for (let d = 0; d < this.#coarser.dims; d++) {
      const state = t > 0 ? this.#state(t, d) : 0;
      const mu = this.#prediction(t, d, state);
      this.#mu[d] = mu;
      this.#setContext(t * this.#coarser.dims + d, d, mu, this.#spreadClass(t, d, state));
    }
  }

  /** Section 4.5, with the digits of frame t. */
  update(t: number, digits: Int8Array): void {
    const { dims, value } = this.#coarser;
    const at = t * dims;
    for (let i = at; i < at + dims; i++) this.value[i] = (value[i] as number) + (digits[i] as number);
    if (t === 0) return;
    let errors = 0;
    let slows = 0;
    for (let d = 0; d < dims; d++) {
      const error = Math.abs(64 * (digits[at + d] as number) - (this.#mu[d] as number)) << 4;
      const [fast, slow, activity] = [this.#fast[d] as number, this.#slow[d] as number, this.#activity[d] as number];
      const change = Math.abs((this.value[at + d] as number) - (this.value[at - dims + d] as number)) << 10;
      errors += error;
      slows += slow;
      this.#fast[d] = fast + ((error - fast) >> 2);
      this.#slow[d] = slow + ((error - slow) >> 4);
      this.#activity[d] = activity + ((change - activity) >> 3);
    }
    this.#ratio = Math.min(1023, ((256 * errors) / Math.max(1, slows)) | 0);
  }

  #measureMoves(): void {
    const { frames, dims, value } = this.#coarser;
    for (let i = dims; i < frames * dims; i++) {
      this.#move[i] = Math.abs((value[i] as number) - (value[i - dims] as number));
    }
    for (let t = 0; t < frames; t++) {
      let sum = 0;
      for (let i = t * dims; i < (t + 2) * dims; i++) sum += this.#move[i] as number;
      this.#frameMove[t] = sum;
    }
    for (let d = 0; d < dims; d++) {
      let sum = 0;
      for (let t = 1; t < frames; t++) sum += this.#move[t * dims + d] as number;
      this.#group[d] = ((1024 * sum) / Math.max(frames - 1, 1)) | 0;
    }
  }

  /** start_i of section 4.1. */
  #started(i: number): Int32Array {
    const [scale, slope] = [this.#tables.startScale[i] as Int32Array, this.#tables.startSlope[i] as number];
    return this.#group.map((group, d) => Math.max(0, (scale[d] as number) + ((slope * group) >> 8)));
  }

  #state(t: number, d: number): number {
    const { dims } = this.#coarser;
    const move = this.#move;
    const at = t * dims + d;
    const changed = this.value[at - dims] !== this.value[Math.max(t - 2, 0) * dims + d];
    return (
      +changed +
      2 * +((move[at - dims] as number) > 0) +
      4 * +((move[at] as number) > 0) +
      8 * +((move[at + dims] as number) > 0) +
      16 * +(((move[at + 2 * dims] ?? 0) as number) > 0)
    );
  }

  /** mu of section 4.2. */
  #prediction(t: number, d: number, state: number): number {
    const { dims, frames, value, last, beforeLast } = this.#coarser;
    const { activityThresholds, coefficients } = this.#tables;
    const kind = t > 0 ? 1 + (activityThresholds.length + 1) * state + count(activityThresholds, this.#activity[d] as number) : 0;
    const k = FEATURES * kind;
    const at = t * dims + d;
    const here = value[at] as number;
    let sum = 32;
    for (let back = 1; back <= 3; back++) {
      const before = t > 0 ? (this.value[Math.max(t - back, 0) * dims + d] as number) - here : 0;
      const ahead = (value[Math.min(t + back, frames - 1) * dims + d] as number) - here;
      sum += (coefficients[k + back - 1] as number) * before + (coefficients[k + back + 2] as number) * ahead;
    }
    sum += (coefficients[k + 6] as number) * ((value[Math.max(t - 1, 0) * dims + d] as number) - here);
    sum += (coefficients[k + 7] as number) * (last[at] as number);
    sum += (coefficients[k + 8] as number) * Math.sign(beforeLast[at] as number);
    return Math.max(-MAX_MU, Math.min(MAX_MU, sum >> 6));
  }

  /** class of section 4.3. */
  #spreadClass(t: number, d: number, state: number): number {
    const { firstThresholds, scaleThresholds, scaleWeights } = this.#tables;
    if (t === 0) return count(firstThresholds, this.#first[d] as number);
    const { dims } = this.#coarser;
    const w = WEIGHTS * state;
    const slow = this.#slow[d] as number;
    let near = 0;
    for (let i = (t - 1) * dims + d; i <= (t + 2) * dims + d; i += dims) near += this.#move[i] ?? 0;
    const sigma =
      ((scaleWeights[w] as number) * (this.#fast[d] as number) +
        (scaleWeights[w + 1] as number) * slow +
        (scaleWeights[w + 2] as number) * ((this.#ratio * slow) >> 8) +
        (scaleWeights[w + 3] as number) * (near << 8) +
        (scaleWeights[w + 4] as number) * ((this.#frameMove[t] as number) << 4) +
        (scaleWeights[w + 5] as number) * 1024) >>
      8;
    return firstThresholds.length + 1 + count(scaleThresholds, sigma);
  }

  /** Section 4.4 for digit `at`, dimension d of its frame. */
  #setContext(at: number, d: number, mu: number, spread: number): void {
    const { last, beforeLast, layer } = this.#coarser;
    const coarse = last[at] as number;
    const second = beforeLast[at] as number;
    const mirror = (coarse || second || mu) < 0 ? -1 : 1;
    let combination = 0;
    if (layer === 2) combination = Math.abs(coarse);
    else if (layer > 2) combination = 3 * Math.abs(coarse) + mirror * Math.sign(second);
    const phase = 20 + ((mirror * mu + 4) >> 3);
    this.mirror[d] = mirror;
    this.rows[d] = 4 * ((spread * this.#tables.combinations + combination) * PHASES + phase);
  }
}
