/**
 * How fast pictures are drawn by one thread: node build/tests/speed.js FOLDER STREAM, with a folder of `vqcodec web`.
 *
 * The same networks and inputs as in the page, in Node's WebAssembly, which is Chromium's; a line of JSON.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, resolve } from "node:path";
import * as runtime from "onnxruntime-web/wasm";

import { Libav } from "../src/player/libav.js";
import type { RenderOrder } from "../src/player/messages.js";
import { Networks, PORTRAIT_PX } from "../src/player/networks.js";
import { libavPath, pictureOf, type PortraitSource } from "../src/player/portraits.js";
import { featuresOf } from "../src/player/pose.js";
import { hex, loadModels } from "../src/player/tables.js";
import { type Place, Timeline } from "../src/player/timeline.js";
import { openStream } from "../src/stream.js";

const WARM = 20;
const FRAMES = 40;
const [folder = "", file = ""] = process.argv.slice(2);

async function timed(count: number, act: (n: number) => Promise<unknown>): Promise<{ ms: number; cpuMs: number }> {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  for (let n = 0; n < count; n++) await act(n);
  const { user, system } = process.cpuUsage(cpu);
  return { ms: Math.round((performance.now() - began) / count), cpuMs: Math.round((user + system) / 1000 / count) };
}

const server = createServer((asked, answer) => answer.end(readFileSync(`${folder}/models/${basename(asked.url ?? "")}`)));
await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
const models = await loadModels(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
const stream = await openStream(new Uint8Array(readFileSync(file)));
const timeline = new Timeline(stream.head);
for await (const item of stream.items()) timeline.add(item);
const space = models.spaces.find(({ sha256 }) => sha256 === hex(stream.head.motionSpace.sha256));
if (space === undefined) throw new Error("the folder lacks the stream's motion space");
runtime.env.wasm.numThreads = 1;
runtime.env.logLevel = "error";
const networks = new Networks(runtime, models, space);
const libav = await Libav.load(`${resolve(folder)}/vendor/libav/`);
const place = (n: number): Place => timeline.numbered(n % timeline.frames) as Place;
const order = (n: number): RenderOrder => timeline.order(place(n), n, true);
const source = order(0).portraits[0] as PortraitSource;
const own = featuresOf(space, source.features);
const rgb = await pictureOf(source, PORTRAIT_PX, libavPath(libav));
const portrait = await networks.prepare(rgb, own, false);
const draw = (n: number): Promise<unknown> => networks.render([portrait], featuresOf(space, order(n).base, order(n).units));
await timed(WARM, draw);
const drawing = await timed(FRAMES, draw);
const plain = await timed(3, () => networks.prepare(rgb, own, false));
await networks.prepare(rgb, own, true);
const restored = await timed(3, () => networks.prepare(rgb, own, true));
process.stdout.write(`${JSON.stringify({ drawing, plain, restored })}\n`);
process.exit();
