/** What the player decides without a browser: times, schedules, numbers for the networks, what still pictures hold. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { av1Of } from "../src/player/avif.js";
import { drawMaps } from "../src/player/maps.js";
import { packetSamples } from "../src/player/opus.js";
import { aroundOf, featuresOf, fieldOf } from "../src/player/pose.js";
import { type Plane, toRgb } from "../src/player/rgb.js";
import { MOST_LATE_S, MOST_STILL_S, type Picture, Schedule } from "../src/player/schedule.js";
import { sequenceOf } from "../src/player/sequence.js";
import type { Space } from "../src/player/tables.js";
import { lastNotAbove, type Place, Timeline } from "../src/player/timeline.js";
import { openStream } from "../src/stream.js";
import { SPEC } from "./support.js";

async function timelineOf(name: string): Promise<Timeline> {
  const stream = await openStream(new Uint8Array(readFileSync(`${SPEC}vectors/${name}.vqt`)));
  const timeline = new Timeline(stream.head);
  for await (const item of stream.items()) timeline.add(item);
  timeline.endAt(stream.totals?.endTick ?? 0);
  return timeline;
}

function picture(place: Place | null): Picture {
  assert.ok(place);
  return { place, sharp: true, rgba: new Uint8ClampedArray(4), around: null };
}

const SPACE: Space = {
  name: "s", sha256: "", surround: 8, learned: [], units: new Float32Array(52).fill(0.5), mean: new Float32Array(0),
  components: new Float32Array(0), flows: Float32Array.of(1, 2, 10, 20),
};

test("a frame is shown from its tick to the next one's", async () => {
  const timeline = await timelineOf("level_b/talking");
  assert.equal(timeline.frames, 24);
  assert.ok(Math.abs(timeline.endS - 0.96) < 1e-9);
  assert.deepEqual([-1, 0, 0.039, 0.04, 0.95, 7].map((timeS) => timeline.at(timeS)?.number), [0, 0, 0, 1, 23, 23]);
  assert.deepEqual([0, 23, 24, -1].map((number) => timeline.numbered(number)?.timeS), [0, 0.92, undefined, undefined]);
  assert.equal(lastNotAbove(4, (i) => i * i, 5), 2);
  assert.equal(lastNotAbove(0, () => 0, 5), -1);
});

test("an order names portraits, shares, and what motion counts from", async () => {
  const timeline = await timelineOf("valid/2-runs");
  const orders = Array.from({ length: timeline.frames }, (_, n) => timeline.order(timeline.numbered(n) as Place, n, false));
  const fused = orders.filter(({ portraits, passing }) => portraits.length === 2 && passing === null);
  const passing = orders.flatMap((order) => (order.passing === null ? [] : [order.passing]));
  assert.ok(fused.length > 0);
  assert.ok(passing.every((share) => share > 0 && share < 1));
  assert.ok(orders.every(({ base, units }) => base.length === units.length));
  const needed = timeline.portraitsFrom(0, 99).map(({ key }) => key);
  assert.deepEqual(needed, [...new Set(orders.flatMap(({ portraits }) => portraits.map(({ key }) => key)))]);
  assert.equal(timeline.portraitsFrom(0, 1).length, 1);
});

test("slow drawing asks for what will be due, fast drawing for every frame", async () => {
  const timeline = await timelineOf("level_b/talking");
  const slow = new Schedule(timeline);
  for (let i = 0; i < 60; i++) slow.took(0.3);
  const first = slow.next(0, 1) as Place;
  assert.ok(first.timeS >= 0.3 && first.timeS < 0.42);
  slow.asked(first);
  const steadyS = slow.expectedS;
  slow.took(0.5);
  slow.took(0.3);
  assert.ok(slow.expectedS > steadyS + 0.1, "where durations vary, the longer ones count");
  assert.ok((slow.next(0, 1) as Place).number > first.number);
  const fast = new Schedule(timeline);
  for (let i = 0; i < 60; i++) fast.took(0.001);
  const numbers: number[] = [];
  for (let place = fast.next(0, 1); place !== null; place = fast.next(0, 1)) {
    fast.asked(place);
    fast.add(picture(place));
    numbers.push(place.number);
  }
  assert.ok(fast.ahead);
  assert.deepEqual(numbers, numbers.map((_, i) => (numbers[0] as number) + i));
});

test("a picture waits for its time, and isn't shown late unless all stands still", async () => {
  const timeline = await timelineOf("level_b/talking");
  const schedule = new Schedule(timeline);
  const place = timeline.numbered(5);
  schedule.add(picture(place));
  assert.equal(schedule.due(0.1, 0), null);
  assert.equal(schedule.due(0.2, 0)?.place.number, 5);
  schedule.add(picture(place));
  assert.equal(schedule.due(0.21 + MOST_LATE_S, 0), null);
  schedule.add(picture(place));
  assert.equal(schedule.due(0.21 + MOST_LATE_S, MOST_STILL_S)?.place.number, 5);
  schedule.add(picture(timeline.numbered(23)));
  assert.equal(schedule.due(3, 0)?.place.number, 23, "the last frame stays, however late it came");
});

test("surroundings that moved are moved back, and a field is the sum of its flows", () => {
  const base = new Int16Array(52);
  const own = featuresOf(SPACE, base);
  const moved = base.slice();
  [moved[36], moved[38]] = [64, 64]; // a quarter of the half picture to the right, a quarter larger
  [moved[48], moved[49]] = [2, 4];
  const frame = featuresOf(SPACE, base, moved);
  const around = aroundOf(SPACE, own, frame);
  assert.deepEqual([...around.slice(9)], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  const [scale = 0, , shift = 0] = around;
  assert.ok(Math.abs(scale * 1.25 - 1) < 1e-6 && Math.abs(scale * 0.25 + shift) < 1e-6);
  assert.deepEqual([...fieldOf(SPACE, own, frame, 2)], [1 * 1 + 2 * 10, 1 * 2 + 2 * 20]);
});

test("maps are white inside, black outside, soft between", () => {
  const square = Float32Array.of(0.25, 0.25, 0.75, 0.25, 0.75, 0.75, 0.25, 0.75);
  const maps = drawMaps(square, { side: 16, filled: [[[0, 1, 2, 3]]], lines: [[0, 1]] });
  const at = (layer: number, x: number, y: number): number => maps[layer * 256 + y * 16 + x] as number;
  assert.deepEqual([at(0, 8, 8), at(0, 1, 8), at(0, 8, 14)], [1, 0, 0]);
  assert.ok(at(0, 3, 8) > 0 && at(0, 3, 8) < 1);
  assert.ok(at(1, 8, 4) > 0.5 && at(1, 8, 8) === 0);
});

test("an AVIF still gives its AV1 picture, whose header tells size and colours", async () => {
  const stream = await openStream(new Uint8Array(readFileSync(`${SPEC}vectors/older/renderer-1.vqt`)));
  for await (const item of stream.items()) {
    if (item.kind !== "portrait") continue;
    const sequence = sequenceOf(av1Of(item.bytes));
    assert.equal(sequence?.width, 512);
    assert.equal(sequence?.height, 512);
    assert.equal(sequence?.largest, 512);
    for (let end = 0; end < item.bytes.length - 1; end += 7) assert.throws(() => av1Of(item.bytes.subarray(0, end)), /AVIF/);
  }
});

test("packets tell how long they are", () => {
  assert.equal(packetSamples(Uint8Array.of(0b00001_0_00)), 960);
  assert.equal(packetSamples(Uint8Array.of(0b00011_0_00)), 2880);
  assert.equal(packetSamples(Uint8Array.of(0b01101_0_01)), 1920);
  assert.equal(packetSamples(Uint8Array.of(0b11111_0_11, 3)), 2880);
});

test("grey planes are grey, and red is red", () => {
  const plane = (value: number, size: number): Plane => {
    return { bytes: new Uint8Array(size).fill(value), offset: 0, stride: 2, step: 1 };
  };
  const of = (luma: number, blue: number, red: number): Float32Array =>
    toRgb(
      { width: 2, height: 2, luma: plane(luma, 4), blue: plane(blue, 2), red: plane(red, 2) },
      { matrix: 1, fullRange: false },
    );
  assert.deepEqual([...of(235, 128, 128)].map((value) => value.toFixed(2)), Array(12).fill("1.00"));
  const [r = 0, , , , g = 1, , , , b = 1] = of(63, 102, 240);
  assert.ok(r > 0.99 && g < 0.01 && b < 0.01);
});
