// After tsc: puts the page together, where `vqcodec web` takes it from. What it loads from other packages lies in vendor/,
// each with its licence.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../", import.meta.url));
const target = `${here}../publishing/page`;
const ort = `${here}node_modules/onnxruntime-web`;
const libav = `${here}node_modules/@libav.js/variant-av1-opus`;

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
cpSync(`${here}page`, target, { recursive: true });
cpSync(`${here}build/src`, `${target}/js`, { recursive: true, filter: (name) => !name.endsWith(".d.ts") });

const copy = (from, to, wanted) => {
  mkdirSync(to, { recursive: true });
  const found = readdirSync(from).filter((name) => wanted.some((pattern) => pattern.test(name)));
  if (found.length !== wanted.length) throw new Error(`${from} holds ${found.join(", ")}: not what the page needs`);
  for (const name of found) cpSync(`${from}/${name}`, `${to}/${name}`);
};
copy(`${ort}/dist`, `${target}/vendor/ort`, [/^ort\.wasm\.min\.mjs$/, /^ort-wasm-simd-threaded\.mjs$/, /^ort-wasm-simd-threaded\.wasm$/,
  /^ort\.webgpu\.min\.mjs$/, /^ort-wasm-simd-threaded\.asyncify\.mjs$/, /^ort-wasm-simd-threaded\.asyncify\.wasm$/]);
copy(`${libav}/dist`, `${target}/vendor/libav`, [/^libav-av1-opus\.mjs$/, /\d-av1-opus\.wasm\.mjs$/, /\d-av1-opus\.wasm\.wasm$/]);

const version = (folder) => JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version;
writeFileSync(
  `${target}/vendor/LICENCES.txt`,
  `ort/: ONNX Runtime Web (onnxruntime-web ${version(ort)}), Copyright (c) Microsoft Corporation, MIT licence.
Source and licence: https://github.com/microsoft/onnxruntime

libav/: libav.js (@libav.js/variant-av1-opus ${version(libav)}), LGPL-2.1; it holds FFmpeg (LGPL-2.1 or later), libaom (BSD 2-clause)
and libopus (BSD 3-clause). It is loaded as files of its own, which may be replaced by others built from its source.
Source and licences: https://github.com/Yahweasel/libav.js
`,
);
