/** The scene around the square: read, brought to its frames, and the square fitted into it. */

import assert from "node:assert/strict";
import test from "node:test";

import { type ScenePicture, SceneSequence } from "../src/container/scenes.js";
import { Backdrop, ramp, type SceneImage } from "../src/player/scene.js";
import { Timeline } from "../src/player/timeline.js";
import { openStream } from "../src/stream.js";
import { vector } from "./support.js";

const SIDE = 128;

async function scenesOf(name: string, scenes: boolean): Promise<ScenePicture[]> {
  const found: ScenePicture[] = [];
  for await (const item of (await openStream(vector(name), { scenes })).items()) if (item.kind === "scene") found.push(item);
  return found;
}

/** A grey picture of 256 x 192 with the square in its middle, or at its lower edge. */
function backdrop(level: number, y: number, form = { alone: false, backdrop: false }): Backdrop {
  const image: SceneImage = { widthPx: 256, heightPx: 192, rgba: new Uint8ClampedArray(4 * 256 * 192).fill(level) };
  return new Backdrop(image, { place: { widthPx: 256, heightPx: 192, x: 16 * 64, y: 16 * y, side: 16 * 128 }, ...form });
}

function square(level: (x: number, y: number) => number): Uint8ClampedArray<ArrayBuffer> {
  return Uint8ClampedArray.from({ length: 4 * SIDE * SIDE }, (_, i) => level((i >> 2) % SIDE, Math.floor((i >> 2) / SIDE)));
}

function at(rgba: Uint8ClampedArray, x: number, y: number): number[] {
  return [...rgba.subarray(4 * (y * SIDE + x), 4 * (y * SIDE + x) + 4)];
}

test("pictures come in their order, with their paths, to those who ask", async () => {
  assert.deepEqual(await scenesOf("valid/2-scene", false), []);
  const found = await scenesOf("valid/2-scene", true);
  assert.deepEqual(
    found.map(({ firstFrame, units, alone, backdrop: other }) => [firstFrame, units.length, alone, other]),
    [[0, 1, false, false], [3, 2, false, false], [5, 1, true, false], [6, 1, false, true]],
  );
  assert.deepEqual(found[1]?.place, { widthPx: 64, heightPx: 48, x: 320, y: 168, side: 480 });
  assert.equal(found[1]?.units[0], found[0]?.units[0]);
});

test("what breaks a rule is no picture, and no fault", async () => {
  assert.deepEqual(await scenesOf("valid/2-scene-unusable", true), []);
  assert.equal(new SceneSequence().take(new Uint8Array()), null);
});

test("a frame has the picture that came last", async () => {
  const stream = await openStream(vector("valid/2-scene"), { scenes: true });
  const timeline = new Timeline(stream.head);
  for await (const item of stream.items()) timeline.add(item);
  const keys = Array.from({ length: 8 }, (_, number) => {
    const place = timeline.numbered(number);
    return place && timeline.order(place, 1, false).scene?.key;
  });
  assert.deepEqual(keys, [0, 0, 0, 1, 1, 2, 3, 3]);
  assert.ok(timeline.bytes.scene > 100);
});

test("a border is soft where there is a picture behind it", () => {
  const mask = ramp(SIDE, [true, true, true, false], 0.04);
  const value = (x: number, y: number): number => mask[y * SIDE + x] as number;
  assert.ok(value(0, 64) < 0.05 && value(127, 64) < 0.05 && value(64, 0) < 0.05);
  assert.equal(value(64, 127), 1);
  assert.ok(value(2, 64) < value(3, 64) && value(6, 64) === 1);
});

test("near the border the square has the picture's colours, inside its own", () => {
  const rgba = square(() => 130);
  backdrop(120, 32).fit(rgba, SIDE);
  const [level, , , alpha] = at(rgba, 1, 64) as [number, number, number, number];
  assert.ok(Math.abs(level - 120) <= 1 && alpha < 60, `${level}, ${alpha}`);
  assert.deepEqual(at(rgba, 64, 64), [130, 130, 130, 255]);
});

test("what has moved at the border draws colours less than what stands there", () => {
  const still = square((x) => (x < 16 ? 128 : 120));
  const moved = square((x) => (x < 16 ? 240 : 120));
  for (const rgba of [still, moved]) backdrop(120, 32).fit(rgba, SIDE);
  assert.ok(Math.abs((at(still, 2, 64)[0] as number) - 120) <= 2);
  assert.ok((at(moved, 2, 64)[0] as number) > 180);
});

test("at the picture's edge nothing fades, before a backdrop no colour changes, and alone there is no square", () => {
  const low = square(() => 130);
  backdrop(120, 64).fit(low, SIDE);
  assert.equal(at(low, 64, 127)[3], 255);
  const before = square(() => 130);
  backdrop(20, 32, { alone: false, backdrop: true }).fit(before, SIDE);
  assert.deepEqual(at(before, 1, 64).slice(0, 3), [130, 130, 130]);
  const alone = square(() => 130);
  backdrop(120, 32, { alone: true, backdrop: false }).fit(alone, SIDE);
  assert.equal(Math.max(...alone.filter((_, i) => i % 4 === 3)), 0);
});
