/** What a viewer makes of packets: all of them, some of them, in any order. */

import assert from "node:assert/strict";
import test from "node:test";

import { ChunkReader } from "../src/container/chunks.js";
import { type Item, MotionGroup } from "../src/items.js";
import { Playout } from "../src/live/playout.js";
import { LiveReceiver } from "../src/live/receiver.js";
import { ahead, KIND, readPacket, writeReport } from "../src/live/wire.js";
import { Timeline } from "../src/player/timeline.js";
import type { Head } from "../src/container/head.js";
import { readAll, vector } from "./support.js";

const TALKING = vector("level_b/two-portraits");
const SENT = readAll(TALKING).items;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}

function packet(number: number, ...parts: [number, Uint8Array][]): Uint8Array {
  const bytes = parts.flatMap(([kind, payload]) => [kind, ...varint(payload.length), ...payload]);
  return Uint8Array.from([number >> 8, number & 255, ...bytes]);
}

/** What must arrive of a stream, and a packet for each of its groups. */
function taken(data: Uint8Array): { whole: Uint8Array; packets: Uint8Array[] } {
  const chunks = new ChunkReader();
  chunks.push(data);
  const whole: Uint8Array[] = [data.subarray(0, 8)];
  const motion: Uint8Array[] = [];
  for (let chunk = chunks.next(); chunk !== null && chunk.type !== "INDX"; chunk = chunks.next()) {
    if (chunk.type === "MOTN") motion.push(chunk.payload);
    else whole.push(data.subarray(chunk.offset, chunk.offset + chunk.size));
  }
  const packets = motion.map((each, i) => packet(i, [KIND.motion, each]));
  return { whole: Uint8Array.from(whole.flatMap((part) => [...part])), packets };
}

const { whole: WHOLE, packets: PACKETS } = taken(TALKING);

function groups(items: readonly Item[]): MotionGroup[] {
  return items.filter((item) => item instanceof MotionGroup);
}

function given(packets: readonly Uint8Array[]): [MotionGroup[], LiveReceiver] {
  const receiver = new LiveReceiver();
  for (let at = 0; at < WHOLE.length; at += 1000) receiver.whole(WHOLE.subarray(at, at + 1000));
  packets.forEach((each, i) => receiver.packet(each, i / 10));
  return [groups(receiver.due(Infinity)), receiver];
}

test("without loss the groups are those of the stream", () => {
  const [got, receiver] = given(PACKETS);
  const sent = groups(SENT);
  const about = ({ ticks, firstFrame, runs }: MotionGroup): unknown[] => [ticks, firstFrame, runs];
  assert.deepEqual(got.map(about), sent.map(about));
  got.forEach((group, i) => assert.deepEqual(group.tokens.units, sent[i]?.tokens.units));
  assert.equal(receiver.tally.exact, sent.reduce((sum, { ticks }) => sum + ticks.length, 0));
});

test("in any order and doubled they are the same", () => {
  const [got] = given([...PACKETS].reverse().flatMap((each) => [each, each]));
  assert.deepEqual(got.map(({ ticks }) => ticks), groups(SENT).map(({ ticks }) => ticks));
});

test("what is lost isn't there, and frames are numbered without it", () => {
  const [got, receiver] = given(PACKETS.filter((_, i) => i !== 1));
  const kept = groups(SENT).filter((_, i) => i !== 1);
  assert.deepEqual(got.map(({ ticks }) => ticks), kept.map(({ ticks }) => ticks));
  let frames = 0;
  for (const group of got) {
    assert.equal(group.firstFrame, frames);
    frames += group.ticks.length;
  }
  assert.equal(receiver.tally.lost, PACKETS.length > 2 ? 1 : 0);
});

test("bytes that are no packet are left out", () => {
  const receiver = new LiveReceiver();
  receiver.whole(WHOLE);
  for (const wrong of [[], [0], [0, 0, 1], [0, 0, 1, 3, 1], [0, 1, 1, 2, 255, 255]]) receiver.packet(Uint8Array.from(wrong), 0);
  receiver.packet(new Uint8Array(20_000), 0);
  assert.equal(receiver.tally.refused, 6);
  assert.throws(() => new LiveReceiver().whole(Uint8Array.from("GET / HTTP", (c) => c.charCodeAt(0))));
});

test("of a live stream's past some is let go, and the rest is found as before", () => {
  const receiver = new LiveReceiver();
  receiver.whole(WHOLE);
  PACKETS.forEach((each, i) => receiver.packet(each, i / 10));
  const timeline = new Timeline(receiver.head as Head);
  for (const item of receiver.due(Infinity)) timeline.add(item);
  const [whole, frames] = [timeline.groups.length, timeline.frames];
  const last = timeline.groups.at(-1) as MotionGroup;
  timeline.forget(timeline.endS - 0.01);
  assert.ok(whole > 1);
  assert.deepEqual(timeline.groups, [last]);
  assert.equal(timeline.frames, frames);
  assert.equal(timeline.numbered(frames - 1)?.group, last);
  assert.equal(timeline.numbered(0), null);
});

test("numbers count round, and a report is eight bytes", () => {
  assert.equal(ahead(3, 65_534), 5);
  assert.equal(ahead(65_534, 3), -5);
  assert.deepEqual([...writeReport({ newest: 258, due: 70_000, come: 7, lateMs: -3 })], [1, 2, 255, 255, 0, 7, 0, 0]);
  assert.deepEqual(readPacket(Uint8Array.of(1, 2, 9, 1, 5)).parts, [{ kind: 9, payload: Uint8Array.of(5) }]);
});

test("frames wait for their packet, for late ones, and for copies where some are lost", () => {
  const delay = (jitterS: number, every: number): number => {
    const playout = new Playout();
    for (let n = 0, lost = 0; n < 40; n++) {
      const last = 0.12 * n + 0.08;
      if (every > 0 && n % every === every - 1) {
        lost += 1;
        continue;
      }
      playout.arrived(last - 0.08, last, last + 0.1 + (n % 5 === 2 ? jitterS : 0), lost);
      lost = 0;
    }
    return 10 - 0.1 - (playout.position(10) ?? 0);
  };
  assert.ok(Math.abs(delay(0, 0) - 0.09) < 0.005);
  assert.ok(Math.abs(delay(0.06, 0) - 0.15) < 0.005);
  assert.ok(Math.abs(delay(0, 5) - 0.21) < 0.03);
});
