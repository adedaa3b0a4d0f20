/** Opening, reading and seeking: what a player does. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  type Input, type Item, KIND, MotionGroup, openStream, pathOf, type Portrait, type StreamIndex, UsageError, VqtError,
} from "../src/index.js";
import { names, readAll, vector } from "./support.js";

async function all(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function streamOf(data: Uint8Array, step: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= data.length) return controller.close();
      controller.enqueue(data.slice(at, (at += step)));
    },
  });
}

/** Whether an input is let go when a stream isn't one, and when who reads it stops. */
async function cancelled(): Promise<boolean[]> {
  const found: boolean[] = [];
  for (const path of ["invalid/signature-not-vqt", "valid/long"]) {
    const data = vector(path);
    let at = 0;
    let ended = false;
    const input = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(data.slice(at % data.length, (at += 8) % data.length)),
      cancel: () => void (ended = true),
    });
    try {
      for await (const item of (await openStream(input)).items()) if (item.kind === "motion") break;
    } catch (error) {
      assert.ok(error instanceof VqtError);
    }
    found.push(ended);
  }
  return found;
}

/** An item without what is private in it. */
function plain(item: Item): unknown {
  if (item.kind !== "motion") return { ...item, dependsOn: item.kind === "portrait" && item.dependsOn?.number };
  return { first: item.firstFrame, ticks: item.ticks, tokens: item.tokens, runs: item.runs, shot: item.shot.number };
}

function motions(items: readonly Item[]): MotionGroup[] {
  return items.filter((item): item is MotionGroup => item instanceof MotionGroup);
}

/** The positions of an index in ticks where something happens, and those beside them. */
function ticksToTry(index: StreamIndex): number[] {
  const positions = index.entries.filter(({ kind }) => kind === KIND.motion).map(({ position }) => position);
  const near = [...positions, index.totals.endTick].flatMap((tick) => [tick - 1, tick, tick + 1]);
  const inside = near.filter((tick) => tick >= 0 && tick <= Number.MAX_SAFE_INTEGER);
  return [0, ...inside.filter((_, i) => i % Math.ceil(inside.length / 12) === 0)];
}

test("every input gives the same items", async () => {
  const data = vector("valid/typical");
  const inputs: (() => Input)[] = [
    () => data, () => data.slice().buffer, () => new Blob([data.slice()]), () => streamOf(data, 1), () => streamOf(data, 999),
    () => ({ size: data.length, read: (at, length) => Promise.resolve(data.slice(at, at + length)) }),
  ];
  const wanted = readAll(data).items.map(plain);
  for (const input of inputs) {
    const stream = await openStream(input());
    assert.equal(stream.head.layers, 4);
    assert.deepEqual((await all(stream.items())).map(plain), wanted);
    assert.equal(stream.totals?.frames, motions(readAll(data).items).reduce((sum, group) => sum + group.ticks.length, 0));
  }
});

test("an input that can be seeked is read as often as wanted, another one once", async () => {
  const data = vector("valid/2-shots");
  const bytes = await openStream(data);
  const first = await all(bytes.items());
  assert.deepEqual((await all(bytes.items())).map(plain), first.map(plain));
  const once = await openStream(streamOf(data, 64));
  assert.equal(once.seekable, false);
  await all(once.items());
  assert.throws(() => once.items(), UsageError);
  await assert.rejects(all(once.seek(0)), UsageError);
  await assert.rejects(all(bytes.seek(0.5)), UsageError);
  await assert.rejects(openStream(data, { layers: 0 }), UsageError);
});

test("what came before a fault is given before it is reported", async () => {
  const data = vector("invalid/crc-of-crc");
  const stream = await openStream(streamOf(data, 50));
  const found: Item[] = [];
  const reading = async (): Promise<void> => {
    for await (const item of stream.items()) found.push(item);
  };
  await assert.rejects(reading(), { code: "bad-crc" });
  assert.ok(motions(found).length > 0);
  assert.deepEqual(await cancelled(), [true, true]);
  await assert.rejects(openStream(vector("invalid/signature-not-vqt")), { code: "bad-signature", offset: 0 });
  await assert.rejects(openStream(vector("invalid/cut-in-signature")), { code: "truncated" });
  const whole = new Uint8Array([...vector("valid/smallest"), 1]);
  await assert.rejects(all((await openStream(whole)).items()), { code: "trailing-data" });
  assert.equal((await all((await openStream(whole, { ignoreTrailing: true })).items())).length, 2);
});

for (const name of names("valid").filter((each) => vector(`valid/${each}`).length < 5000)) {
  test(`seeking in ${name} gives the groups that reading in order does`, async () => {
    const stream = await openStream(vector(`valid/${name}`));
    const inOrder = await all(stream.items());
    const index = await stream.index();
    assert.equal(index.entries.length, inOrder.length);
    assert.deepEqual(index.totals, stream.totals);
    for (const tick of ticksToTry(index)) {
      const found = await all(stream.seek(tick));
      const groups = motions(inOrder);
      const at = Math.max(0, groups.findLastIndex((group) => (group.ticks[0] as number) <= tick));
      assert.deepEqual(motions(found).map(plain), groups.slice(at).map(plain));
      const shot = groups[at]?.shot as MotionGroup["shot"];
      assert.deepEqual(motions(found)[0]?.shot.portraits.map(plain).slice(0, 1), [plain(shot.portrait(0) as Portrait)]);
    }
  });
}

test("a seek begins with the sound that the decoder needs to settle", async () => {
  const stream = await openStream(vector("valid/typical"));
  const { entries, totals } = await stream.index();
  const { numerator, denominator } = stream.head.timeBaseS;
  const found = (await all(stream.seek(totals.endTick))).find((item) => item.kind === "sound");
  assert.ok(found?.kind === "sound");
  const wantedBy = (48_000 * totals.endTick * numerator) / denominator + (stream.head.sound?.preSkipSamples ?? 0) - 3840;
  const sounds = entries.filter(({ kind }) => kind === KIND.sound).map(({ position }) => position);
  assert.equal(found.firstSample, sounds.findLast((position) => position <= wantedBy) ?? sounds[0]);
});

test("indexes that can't be true are refused, and streams without one say so", async () => {
  const indexOf = async (path: string): Promise<StreamIndex> => (await openStream(vector(path))).index();
  await assert.rejects(indexOf("invalid/fuzz-end-at-zero"), { code: "bad-time", offset: 736 });
  await assert.rejects(indexOf("invalid/cut-before-end"), { code: "truncated" });
  await assert.rejects(indexOf("invalid/total-index-size"), { code: "bad-total" });
  await assert.rejects(indexOf("invalid/index-empty"), (error) => error instanceof VqtError);
  for (const name of ["index-offset", "index-position", "2-index-kind"]) {
    const stream = await openStream(vector(`invalid/${name}`));
    await assert.rejects(all(stream.seek(0)), (error) => error instanceof VqtError, name);
  }
});

test("paths and shares are those of the stream", async () => {
  const chain = motions(await all((await openStream(vector("valid/2-chain"))).items())).at(-1);
  const last = chain?.shot.portraits.at(-1) as Portrait;
  assert.deepEqual(pathOf(last).map(({ number }) => number), [0, 1, 2, 3, 4, 5, 6, 7]);
  const groups = motions(await all((await openStream(vector("valid/2-runs"))).items()));
  const shown = groups.flatMap((group) => [...group.frames()].map((frame) => frame.shown));
  assert.ok(shown.some(({ other, share }) => other !== null && share[1] !== 16));
  assert.ok(shown.every(({ share }) => share[0] < share[1]));
});

test("fewer layers give coarser units, and a bad finer layer isn't looked at", async () => {
  const data = vector("valid/layers-4");
  const [four, two] = [await openStream(data), await openStream(data, { layers: 2 })];
  const [fine, coarse] = [motions(await all(four.items())), motions(await all(two.items()))];
  fine.forEach((group, i) => {
    group.tokens.units.forEach((unit, at) => {
      assert.ok(Math.abs(unit - (coarse[i]?.tokens.units[at] as number)) <= 10);
    });
  });
  const lazy = await openStream(vector("invalid/payload-all-ones"), { decode: false });
  for await (const item of lazy.items()) {
    if (item.kind !== "motion") continue;
    assert.throws(() => item.tokens, { code: "bad-payload" });
    break;
  }
});
