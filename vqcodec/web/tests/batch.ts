/**
 * What this decoder says of many streams, for a comparison with another one: 
 * node build/tests/batch.js FILE N.
 *
 * FILE holds streams one after the other, each behind its length (u32, most significant byte first). For each a line of
 * JSON: `strict`, the stream's description or the error and its offset; and, for each N-th one from the first on,
 * `recovered`, what recovery makes of it.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { type Item, type MotionGroup, recoverStream, VqtError } from "../src/index.js";
import { describe, readAll } from "./support.js";

function strict(data: Uint8Array): unknown {
  const read = readAll(data);
  return read.error ? [read.error.code, read.error.offset] : describe(data, read);
}

function ofGroup(group: MotionGroup): unknown {
  const shown = group.ticks.map((_, at) => {
    const { portrait, other, share } = group.shown(at);
    return [portrait, other, ...share];
  });
  const indices = createHash("sha256").update(group.tokens.indices).digest("hex");
  return ["motion", group.firstFrame, [...group.ticks], indices, shown];
}

function ofItem(item: Item): unknown {
  if (item.kind === "motion") return ofGroup(item);
  if (item.kind === "sound") return ["sound", item.firstSample, item.packets.map((packet) => packet.length)];
  if (item.kind === "scene") return ["scene", item.firstFrame];
  return ["portrait", item.firstFrame, item.number, [...item.features], item.bytes.length];
}

function recovered(data: Uint8Array): unknown {
  try {
    const recovery = recoverStream(data);
    const items = [...recovery.items()].map(ofItem);
    return { items, damage: recovery.damage, end: recovery.totals && [recovery.totals.frames, recovery.totals.endTick] };
  } catch (error) {
    if (error instanceof VqtError) return error.code;
    throw error;
  }
}

const [file = "", every = "1"] = process.argv.slice(2);
const batch = readFileSync(file);
const lines: string[] = [];
for (let at = 0; at < batch.length; ) {
  const length = batch.readUInt32BE(at);
  const data = new Uint8Array(batch.subarray(at + 4, at + 4 + length));
  const wanted = lines.length % Number(every) === 0;
  lines.push(JSON.stringify({ strict: strict(data), ...(wanted && { recovered: recovered(data) }) }));
  at += 4 + length;
}
process.stdout.write(`${lines.join("\n")}\n`);
