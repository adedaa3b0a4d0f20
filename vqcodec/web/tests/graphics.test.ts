/** The graphics processor is believed when it draws a known frame alike, and sooner. */

import assert from "node:assert/strict";
import test from "node:test";

import { type Draws, faultOf, type Known, psnrDb } from "../src/player/graphics.js";
import type { Prepared } from "../src/player/networks.js";

const values = (value: number, size = 48): Float32Array => new Float32Array(size).fill(value);
const prepared = (small: number, restored: boolean): Prepared => ({
  features: values(0), restored, tensors: { small: { data: values(small), dims: [1, 3, 4, 4] } },
});
const known = (drawingMs: number): Known => ({
  rgb: values(0.5), portrait: prepared(0.5, false), features: values(0), picture: values(0.5), drawingMs,
});
const draws = (restored: number, picture: number): Draws => ({
  prepare: (_rgb, _features, restore) => Promise.resolve(prepared(restore ? restored : 0.5, restore)),
  render: (portraits) => Promise.resolve(values(portraits[0]?.restored === false ? picture : NaN)),
});

test("pictures are compared, and what isn't finite or of another size is as far off as can be", () => {
  assert.ok(psnrDb(values(0.5), values(0.5)) > 100);
  assert.ok(Math.abs(psnrDb(values(0.5), values(0.4)) - 20) < 0.01);
  assert.equal(psnrDb(values(0.5), values(NaN)), -Infinity);
  assert.equal(psnrDb(values(0.5), values(0.5, 3)), -Infinity);
});

test("one that draws alike and sooner is used", async () => {
  assert.equal(await faultOf(draws(0.51, 0.501), known(1e9), "auto"), null);
});

test("one that draws or restores wrongly isn't, also where it is asked for", async () => {
  assert.match((await faultOf(draws(0.51, 0.52), known(1e9), "always")) ?? "", /^draws wrongly \(34 dB\)/);
  assert.match((await faultOf(draws(0.51, NaN), known(1e9), "always")) ?? "", /^draws wrongly/);
  assert.match((await faultOf(draws(0.7, 0.5), known(1e9), "always")) ?? "", /^restores portraits wrongly/);
  const single = draws(0.5, 0.5);
  const render: Draws["render"] = async (views, features) => (views.length > 1 ? values(0) : single.render(views, features));
  assert.match((await faultOf({ ...single, render }, known(1e9), "auto")) ?? "", /^draws wrongly from two/);
});

test("one that is slower is used only where it is asked for", async () => {
  assert.match((await faultOf(draws(0.5, 0.5), known(0), "auto")) ?? "", /^is slower/);
  assert.equal(await faultOf(draws(0.5, 0.5), known(0), "always"), null);
});
