/** All conformance vectors: exactly the values, or exactly the error. */

import assert from "node:assert/strict";
import test from "node:test";

import { describe, json, names, readAll, vector } from "./support.js";

/** For decoders of version 1 alone; this says what later ones find in the same bytes. */
const TWINS: Record<string, string> = { "unsupported-major": "order-key-frame-in-2" };

for (const name of names("valid")) {
  test(`valid/${name}`, () => {
    const data = vector(`valid/${name}`);
    const read = readAll(data);
    assert.ifError(read.error);
    assert.deepEqual(describe(data, read), json(`vectors/valid/${name}`));
  });
}

for (const name of names("invalid")) {
  test(`invalid/${name}`, () => {
    const { error, offset } = json(`vectors/invalid/${TWINS[name] ?? name}`) as { error: string; offset: number };
    const read = readAll(vector(`invalid/${name}`));
    assert.deepEqual([read.error?.code, read.error?.offset], [error, offset]);
  });
}

test("there are vectors", () => {
  assert.ok(names("valid").length >= 75 && names("invalid").length >= 100);
});

test("bytes that come one by one say the same, and what came before a fault is given", () => {
  for (const path of [...names("valid").map((n) => `valid/${n}`), ...names("invalid").map((n) => `invalid/${n}`)]) {
    const data = vector(path);
    if (data.length > 3000) continue;
    const [whole, single] = [readAll(data), readAll(data, 1)];
    assert.deepEqual([single.error?.code, single.error?.offset], [whole.error?.code, whole.error?.offset], path);
    assert.equal(single.items.length, whole.items.length, path);
  }
});
