/** Layers to digits, indices and whole units (entropy.md, section 2; tokens.md). */

import { LayerModel } from "./model.js";
import { type CoderState, RangeDecoder } from "./range_decoder.js";
import { type LayerTables, tablesFor } from "./tables.js";
import { GROUP_DIMS, LEVELS, MAX_LAYERS } from "../format.js";

/** What the ranks 0 to 4 stand for, before mirroring. */
const DIGITS = [0, -1, 1, -2, 2] as const;

/** The tokens of a group. */
export interface Tokens {
  /** (frames, groups, layers), coarse layer first: 0 to 624. */
  readonly indices: Uint16Array;
  /** (frames, 4 groups): the motion in units of the motion space, relative to the shot's portrait 0. */
  readonly units: Int16Array;
  /** Of each layer's range decoder after the last symbol. */
  readonly states: readonly CoderState[];
}

interface DecodedLayer {
  readonly digits: Int8Array;
  readonly value: Int32Array;
  readonly state: CoderState;
}

function decodeLayer(payload: Uint8Array, tables: LayerTables, model: LayerModel, frames: number): DecodedLayer {
  const dims = model.rows.length;
  const coder = new RangeDecoder(payload);
  const digits = new Int8Array(frames * dims);
  for (let t = 0; t < frames; t++) {
    model.predict(t);
    for (let d = 0; d < dims; d++) {
      const rank = coder.rank(tables.sums, model.rows[d] as number);
      digits[t * dims + d] = (model.mirror[d] as number) * (DIGITS[rank] as number);
    }
    model.update(t, digits);
  }
  coder.checkEnd();
  return { digits, value: model.value, state: coder.state };
}

/** Digits of all layers as indices. */
function indicesOf(layers: readonly DecodedLayer[], frames: number, groups: number): Uint16Array {
  const indices = new Uint16Array(frames * groups * layers.length);
  layers.forEach(({ digits }, r) => {
    for (let g = 0; g < frames * groups; g++) {
      let index = 0;
      for (let p = GROUP_DIMS - 1; p >= 0; p--) index = LEVELS * index + (digits[GROUP_DIMS * g + p] as number) + 2;
      indices[g * layers.length + r] = index;
    }
  });
  return indices;
}

/**
 * Decode a group.
 *
 * @param payloads of the layers, coarse first; finer ones may be left out.
 * @param frames of the group.
 * @param groups of dimensions.
 * @throws Fault `bad-payload`.
 */
export function decodeTokens(payloads: readonly Uint8Array[], frames: number, groups: number): Tokens {
  const dims = GROUP_DIMS * groups;
  const tables = tablesFor(groups);
  const zeros = new Int8Array(frames * dims);
  const layers: DecodedLayer[] = [];
  let value = new Int32Array(frames * dims);
  payloads.forEach((payload, r) => {
    const [last, beforeLast] = [layers[r - 1]?.digits ?? zeros, layers[r - 2]?.digits ?? zeros];
    const own = tables[r] as LayerTables;
    const model = new LayerModel(own, { frames, dims, value, last, beforeLast, layer: r + 1 });
    const layer = decodeLayer(payload, own, model, frames);
    layers.push(layer);
    value = layer.value.map((steps) => 4 * steps); // a step of the next layer is a quarter of this one's
  });
  const step = 4 ** (MAX_LAYERS - layers.length);
  const units = Int16Array.from(layers.at(-1)?.value ?? [], (steps) => step * steps);
  return { indices: indicesOf(layers, frames, groups), units, states: layers.map(({ state }) => state) };
}
