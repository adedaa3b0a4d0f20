/** What is left of damaged streams. */

import assert from "node:assert/strict";
import test from "node:test";

import { PrefixCrcs, crc32 } from "../src/container/crc32.js";
import { type Item, missingTicks, MotionGroup, recoverStream, VqtError } from "../src/index.js";
import { Line } from "../src/recovery/line.js";
import { Scanner } from "../src/recovery/scan.js";
import { names, readAll, vector } from "./support.js";

/** Valid, and yet more than an hour of nothing lies before one of its groups. */
const FAR_SOUND = ["sound-position-greatest", "2-latest"];

function labels(items: Iterable<Item>): string {
  const parts = [...items].map((item) => {
    if (item.kind === "motion") return `M${item.firstFrame}`;
    if (item.kind === "scene") return `S${item.firstFrame}`;
    return item.kind === "sound" ? `A${item.firstSample}` : `P${item.shot}.${item.number}`;
  });
  return parts.join(" ");
}

/** The same, each kind for itself: between motion and sound the order isn't kept. */
function sorted(items: readonly Item[]): string[] {
  return ["P", "M", "A"].map((kind) => labels(items).split(" ").filter((label) => label.startsWith(kind)).join(" "));
}

/** The bytes of each chunk, the signature with the first. */
function parts(data: Uint8Array): Uint8Array[] {
  const chunks = [...new Scanner(data).pieces()].flatMap((piece) => (piece.kind === "chunk" ? [piece.chunk] : []));
  return chunks.map(({ offset, size }, i) => data.slice(i === 0 ? 0 : offset, offset + size));
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

const types = (pieces: readonly Uint8Array[], type: string): number[] =>
  pieces.flatMap((piece, i) => (Buffer.from(piece.subarray(0, 4)).toString("latin1") === type ? [i] : []));

for (const name of names("valid").filter((each) => !FAR_SOUND.includes(each))) {
  test(`nothing is lost of ${name}`, () => {
    const recovery = recoverStream(vector(`valid/${name}`));
    assert.deepEqual(sorted([...recovery.items()]), sorted(readAll(vector(`valid/${name}`)).items));
    const { groupsRead, complete, ...lost } = recovery.damage;
    assert.ok(complete && groupsRead > 0);
    assert.deepEqual(Object.values(lost).filter((count) => count !== 0), []);
  });
}

test("invalid vectors raise nothing else, and end", () => {
  for (const name of names("invalid")) {
    try {
      assert.ok([...recoverStream(vector(`invalid/${name}`)).items()].some((item) => item instanceof MotionGroup));
    } catch (error) {
      assert.ok(error instanceof VqtError, name);
    }
  }
});

test("damage in a group loses that group", () => {
  const data = vector("valid/long");
  const pieces = parts(data);
  const [, second = 0] = types(pieces, "MOTN");
  const damaged = pieces.map((piece, i) => (i === second ? piece.map((byte, at) => (at === 9 ? byte ^ 16 : byte)) : piece));
  const recovery = recoverStream(joined(damaged));
  const groups = [...recovery.items()].filter((item) => item instanceof MotionGroup);
  assert.equal(groups.length, types(pieces, "MOTN").length - 1);
  assert.equal(recovery.damage.skippedBytes, pieces[second]?.length);
  assert.deepEqual([recovery.damage.groupsLost, recovery.damage.complete], [1, true]);
});

test("doubled, exchanged and foreign chunks find their place or none", () => {
  const pieces = parts(vector("valid/long"));
  const [a = 0, b = 0] = types(pieces, "MOTN");
  const wanted = labels(recoverStream(joined(pieces)).items());
  const doubled = recoverStream(joined(pieces.flatMap((piece, i) => (i === a ? [piece, piece] : [piece]))));
  assert.deepEqual([labels(doubled.items()), doubled.damage.droppedChunks], [wanted, 1]);
  const swapped = recoverStream(joined(pieces.map((piece, i) => pieces[i === a ? b : i === b ? a : i] ?? piece)));
  assert.equal(labels(swapped.items()), wanted);
  const other = vector("valid/coded-size-16");
  const foreign = recoverStream(joined([...pieces.slice(0, -2), other]));
  assert.equal(labels(foreign.items()), wanted);
  assert.equal(foreign.damage.foreignChunks, parts(other).length);
});

test("a lost portrait is made up for by the newest whose path is whole", () => {
  const pieces = parts(vector("valid/2-chain"));
  const lost = types(pieces, "PORT")[2];
  const recovery = recoverStream(joined(pieces.filter((_, i) => i !== lost)));
  const groups = [...recovery.items()].filter((item) => item instanceof MotionGroup);
  assert.deepEqual([recovery.damage.portraitsLost, recovery.damage.portraitsUnusable], [1, 5]);
  const numbers = groups.flatMap((group) => group.ticks.map((_, at) => group.shown(at).portrait));
  assert.ok(numbers.includes(1) && Math.max(...numbers) === 1);
  assert.ok(recovery.damage.framesOtherPortrait > 0);
});

test("without HEAD, motion or portraits the error says so", () => {
  const pieces = parts(vector("valid/2-smallest"));
  const without = (type: string): Uint8Array => joined(pieces.filter((_, i) => !types(pieces, type).includes(i)));
  const read = (data: Uint8Array): Item[] => [...recoverStream(data).items()];
  assert.throws(() => read(joined(pieces.slice(1))), { code: "bad-order", offset: 8 });
  assert.throws(() => read(new Uint8Array(99)), { code: "bad-signature" });
  assert.throws(() => read(without("PORT")), /no portrait/);
  assert.throws(() => read(without("MOTN")), /motion/);
  assert.throws(() => read(vector("invalid/unsupported-major-3")), { code: "unsupported-version" });
});

test("groups are put in order", () => {
  const order = (...starts: number[]): [number[], number] => {
    const line = new Line((start: number) => start);
    const group = (first: number) => ({ value: first, first, leastEnd: first + 10, mostEnd: first + 10, sure: true });
    const given = [...starts.flatMap((first) => line.push(group(first))), ...line.flush()];
    return [given, line.dropped];
  };
  assert.deepEqual(order(0, 10, 20), [[0, 10, 20], 0]);
  assert.deepEqual(order(0, 20, 10, 30), [[0, 10, 20, 30], 0]);
  assert.deepEqual(order(0, 30, 40), [[0, 30, 40], 0]);
  assert.deepEqual(order(0, 500, 10, 20, 30, 40), [[0, 10, 20, 30, 40], 1]);
  assert.deepEqual(order(0, 500, 10), [[0, 10], 1]);
  assert.deepEqual(order(0, 20, 5, 30), [[0, 20, 30], 1]);
});

test("the search takes time in proportion to the bytes", () => {
  // a type every four bytes, each with a length of a megabyte: looked at one by one that would be 10^11 bytes
  const hostile = Buffer.alloc(1 << 20, "MOTN\xff\xff\x0f", "latin1");
  const began = performance.now();
  const pieces = [...new Scanner(joined([parts(vector("valid/smallest"))[0] as Uint8Array, hostile])).pieces()];
  assert.equal(pieces.at(-1)?.kind, "gap");
  assert.ok(performance.now() - began < 5000);
});

test("the CRC of a range follows from those of prefixes", () => {
  const data = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 3);
  const crcs = new PrefixCrcs(data);
  for (const [from, to] of [[0, 0], [0, 5000], [1, 2], [17, 4242], [4999, 5000]] as const) {
    assert.equal(crcs.of(from, to), crc32(data.subarray(from, to)));
  }
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

test("missing frames are spread evenly", () => {
  assert.deepEqual(missingTicks(10, 20, 4), [12, 14, 16, 18]);
  assert.deepEqual(missingTicks(2 ** 52, 2 ** 53 - 1, 2), [6004799503160661, 7505999378950826]);
});
