/** The entropy decoder against the example of entropy.md, and whole units against tokens.md. */

import assert from "node:assert/strict";
import test from "node:test";

import { decodeTokens } from "../src/entropy/decode.js";
import { LayerModel } from "../src/entropy/model.js";
import { RangeDecoder } from "../src/entropy/range_decoder.js";
import { tablesFor } from "../src/entropy/tables.js";
import { Fault } from "../src/errors.js";
import { json } from "./support.js";

interface Example {
  readonly frames: number;
  readonly indices: number[][][];
  readonly payloads: string[];
  readonly final_states: number[][];
}

const example = json("tables/example-1") as Example;
const payloads = example.payloads.map((text) => new Uint8Array(Buffer.from(text, "hex")));

test("the example's payloads become its indices and states", () => {
  const tokens = decodeTokens(payloads, example.frames, 12);
  assert.deepEqual([...tokens.indices], example.indices.flat(2));
  assert.deepEqual(tokens.states, example.final_states);
});

test("units are the sum of the layers that are there", () => {
  for (const layers of [1, 2, 3, 4]) {
    const { indices, units } = decodeTokens(payloads.slice(0, layers), example.frames, 12);
    const wanted = [...units].map((_, at) => {
      const steps = [64, 16, 4, 1].slice(0, layers);
      const digit = (r: number): number => Math.floor((indices[(at >> 2) * layers + r] as number) / 5 ** (at & 3)) % 5;
      return steps.reduce((sum, step, r) => sum + step * (digit(r) - 2), 0);
    });
    assert.deepEqual([...units], wanted);
    assert.ok(units.some((unit) => unit !== 0));
  }
});

test("a layer without motion has no bytes", () => {
  assert.deepEqual(new Set(decodeTokens([new Uint8Array(0)], 3, 12).indices), new Set([312]));
});

test("the four symbols of section 3.5", () => {
  const sums = Uint16Array.of(2048, 3072, 3584, 3840);
  const coder = new RangeDecoder(Uint8Array.of(0x6f, 0x80));
  assert.deepEqual([0, 1, 2, 3].map(() => coder.rank(sums, 0)), [0, 2, 4, 1]);
  assert.deepEqual(coder.state, [0x001b0000, 0x40000000, 5]);
  coder.checkEnd();
  assert.throws(() => new RangeDecoder(Uint8Array.of(255, 255, 255, 255)), Fault);
});

test("tables of wide streams differ only in their start", () => {
  const [narrow, wide] = [tablesFor(12), tablesFor(13)];
  assert.deepEqual(wide.map((t) => t.startScale.map((row) => row.length)), Array(4).fill([128, 128, 128]));
  assert.deepEqual(wide.map((t) => t.sums), narrow.map((t) => t.sums));
});

test("a context doesn't depend on digits to come", () => {
  const frames = 4;
  const zeros = new Int8Array(frames * 48);
  const coarser = { frames, dims: 48, value: new Int32Array(frames * 48), last: zeros, beforeLast: zeros, layer: 1 };
  const tables = tablesFor(12)[0];
  assert.ok(tables);
  const [one, other] = [new LayerModel(tables, coarser), new LayerModel(tables, coarser)];
  const later = zeros.map((_, i) => (i >= 96 ? 2 : 0));
  for (const t of [0, 1]) {
    for (const [model, digits] of [[one, zeros], [other, later]] as const) {
      model.predict(t);
      model.update(t, digits);
    }
  }
  one.predict(2);
  other.predict(2);
  assert.deepEqual(one.rows, other.rows);
});
