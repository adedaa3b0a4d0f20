// What tsc needs before it runs: nothing of an older build, and the entropy tables.
//
// Puts the entropy tables of the specification into a module, so that a page needs no second request and no JSON import.
// Two files of tables share nearly everything: of the second only the keys that differ are kept.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const spec = `${here}../../../bitstream_spec/tables`;
const target = `${here}../src/generated`;
const read = (name) => JSON.parse(readFileSync(`${spec}/${name}.json`, "utf8")).layers;
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const base = read("motion-1");
const wide = read("motion-3");
const differing = wide.map((layer, r) =>
  Object.fromEntries(Object.entries(layer).filter(([key, value]) => !same(value, base[r][key]))),
);
if (!same(base.map((layer, r) => ({ ...layer, ...differing[r] })), wide)) {
  throw new Error("motion-3.json lacks a key that motion-1.json has: keep all of its keys here");
}

// tsc leaves files whose source has gone, and the test runner would find them
rmSync(`${here}../build`, { recursive: true, force: true });
const lines = [
  "// Made by tools/prepare.mjs from bitstream_spec/tables; not to be edited.",
  `export const MOTION_1 = ${JSON.stringify(JSON.stringify(base))};`,
  `export const MOTION_3_INSTEAD = ${JSON.stringify(JSON.stringify(differing))};`,
];
mkdirSync(target, { recursive: true });
writeFileSync(`${target}/tables.ts`, `${lines.join("\n")}\n`);
