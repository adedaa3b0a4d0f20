/** The house rules, and the limits of the specification. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

import * as format from "../src/format.js";
import { MEANING } from "../src/errors.js";
import { SPEC } from "./support.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FILE_LINES = 300;
const FUNCTION_LINES = 40;
const LINE_CHARACTERS = 130;
/** Types that say nothing, checks that are left out, work that isn't done; in pieces, since this file is looked at, too. */
const FORBIDDEN = new RegExp(
  ["(:|as|<) ?an" + "y\\b", "@ts-(ig" + "nore|ex" + "pect)", "\\b(TO" + "DO|FIX" + "ME)\\b", "\\.sk" + "ip\\("].join("|"),
);
const sources = ["src", "tests"].flatMap((folder) =>
  readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("generated"))
    .map((name) => `${folder}/${name}`),
);
const text = (name: string): string => readFileSync(`${ROOT}${name}`, "utf8");
const page = readFileSync(`${SPEC}vqt.md`, "utf8");

/** The rows of the tables of a section of vqt.md, as cells. */
function rows(heading: string): string[][] {
  const section = page.split(heading)[1]?.split(/^## /m)[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("| `"));
  return lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

test("files and functions are short", () => {
  assert.ok(sources.length > 25);
  const long: string[] = [];
  for (const name of sources) {
    const source = ts.createSourceFile(name, text(name), ts.ScriptTarget.Latest, true);
    const line = (at: number): number => source.getLineAndCharacterOfPosition(at).line;
    if (line(source.end) > FILE_LINES) long.push(name);
    const visit = (node: ts.Node): void => {
      const lines = line(node.end) - line(node.getStart()) + 1;
      if (ts.isFunctionLike(node) && lines > FUNCTION_LINES) long.push(`${name}:${line(node.getStart()) + 1}`);
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  assert.deepEqual(long, []);
});

test("lines are short, and nothing forbidden stands in them", () => {
  const found = sources.flatMap((name) =>
    text(name).split("\n").flatMap((line, i) =>
      line.length > LINE_CHARACTERS || FORBIDDEN.test(line) ? [`${name}:${i + 1}: ${line}`] : [],
    ),
  );
  assert.deepEqual(found, []);
  assert.match("const x: " + "any = 1", FORBIDDEN);
});

test("the library prints nothing, and takes nothing from Node", () => {
  for (const name of sources.filter((each) => each.startsWith("src/"))) {
    assert.doesNotMatch(text(name), /console\.|from "node:|\bprocess\.|\bBuffer\b/, name);
  }
});

test("every limit is that of vqt.md", () => {
  const own = format as unknown as Record<string, unknown>;
  const limits = rows("## 13. Limits");
  const number = (cell: string): number => Number(cell.replaceAll(" ", ""));
  const [numbers, payloads] = [limits.filter((row) => row.length === 3), limits.filter((row) => row.length === 2)];
  assert.ok(numbers.length > 40);
  for (const [name = "", value = ""] of numbers) assert.equal(own[name.replaceAll("`", "")], number(value), name);
  const wanted = payloads.map(([type = "", most = ""]) => [type.replaceAll("`", ""), number(most)]);
  assert.deepEqual([...format.PAYLOAD_LIMITS], wanted);
});

test("every error code is that of vqt.md", () => {
  const codes = rows("## 14. Errors").map(([code = ""]) => code.replaceAll("`", ""));
  assert.deepEqual(Object.keys(MEANING), codes);
});
