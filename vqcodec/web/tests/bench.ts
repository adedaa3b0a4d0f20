/** How fast this decoder reads a stream: npm run bench -- FILE. Without one, the longest group of the vectors. */

import { readFileSync } from "node:fs";

import { MotionGroup } from "../src/index.js";
import { readAll, vector } from "./support.js";

const [file] = process.argv.slice(2);
const data = file ? new Uint8Array(readFileSync(file)) : vector("level_b/talking");

const groups = (): MotionGroup[] => readAll(data).items.filter((item): item is MotionGroup => item instanceof MotionGroup);
for (let warm = 0; warm < 5; warm++) groups();
const times = Array.from({ length: 20 }, () => {
  const began = performance.now();
  groups();
  return (performance.now() - began) / 1000;
}).sort((a, b) => a - b);

const read = readAll(data);
const { numerator = 1, denominator = 1 } = read.parser.head?.timeBaseS ?? {};
const shown_s = ((read.parser.totals?.endTick ?? 0) * numerator) / denominator;
const median_s = times[times.length >> 1] as number;
const motion = groups().reduce((sum, group) => sum + group.codedBytes, 0);
const figures = {
  frames: read.parser.totals?.frames,
  frames_a_second: Math.round((read.parser.totals?.frames ?? 0) / median_s),
  times_real_time: Math.round(shown_s / median_s),
  stream_mb_a_second: Number((data.length / median_s / 1e6).toFixed(2)),
  motion_mb_a_second: Number((motion / median_s / 1e6).toFixed(3)),
};
process.stdout.write(`${JSON.stringify(figures, null, 1)}\n`);
