/** Which portraits show the frames of a group (vqt.md, section 6, runs). */

import type { Fields } from "./fields.js";
import { Fault } from "../errors.js";
import { MAX_GROUP_FRAMES, MAX_PORTRAITS, SHARE_PARTS } from "../format.js";

/** Frames that follow each other and are shown in the same way. */
export interface Run {
  readonly frames: number;
  /** Number of a portrait of the shot. */
  readonly portrait: number;
  /** A second one, or null. */
  readonly other: number | null;
  /** Sixteenths of the second one; 0: it passes from one to the other. */
  readonly weight: number;
}

/** How one frame is shown. */
export interface Shown {
  /** Number of a portrait of the shot. */
  readonly portrait: number;
  /** A second one, or null. */
  readonly other: number | null;
  /** Share of the second one, [numerator, denominator]; [0, 1] without. */
  readonly share: readonly [number, number];
}

function readRun(fields: Fields, frames: number): Run {
  const portrait = fields.varint("portrait", [0, MAX_PORTRAITS - 1]);
  const coded = fields.varint("other", [0, MAX_PORTRAITS]);
  const weight = coded === 0 ? 0 : fields.uint("weight", 1, [0, SHARE_PARTS - 1]);
  return { frames, portrait, other: coded === 0 ? null : coded - 1, weight };
}

/** There is one way to write each. */
function checkWritten(runs: readonly Run[]): void {
  const [first] = runs;
  if (runs.length === 1 && first?.portrait === 0 && first.other === null) {
    throw new Fault("bad-value", "runs say what holds without them");
  }
  runs.forEach((run, i) => {
    const last = runs[i - 1];
    if (last && last.other === null && run.other === null && last.portrait === run.portrait) {
      throw new Fault("bad-value", `two runs in a row show portrait ${run.portrait} alone`);
    }
    if (run.other === run.portrait) throw new Fault("bad-portrait", `portrait ${run.other} together with itself`);
  });
}

/**
 * Read the runs of a group.
 *
 * @param present whether there are any in the payload; else all frames are shown from portrait 0.
 * @param frames of the group.
 */
export function readRuns(fields: Fields, present: boolean, frames: number): Run[] {
  if (!present) return [{ frames, portrait: 0, other: null, weight: 0 }];
  const count = fields.varint("run_count", [1, MAX_GROUP_FRAMES]);
  const runs: Run[] = [];
  let left = frames;
  for (let i = 1; i <= count; i++) {
    const length = i < count ? fields.varint("frames of a run", [1, MAX_GROUP_FRAMES]) : left;
    left -= length;
    if (i < count && left < 1) throw new Fault("bad-value", "runs of more frames than the group has");
    runs.push(readRun(fields, length));
  }
  checkWritten(runs);
  return runs;
}

/** How frame `at` (0 is the first) of the runs' frames is shown. */
export function shownAt(runs: readonly Run[], at: number): Shown {
  let from = 0;
  for (const { frames, portrait, other, weight } of runs) {
    if (at < from + frames) {
      if (other === null) return { portrait, other, share: [0, 1] };
      return { portrait, other, share: weight > 0 ? [weight, SHARE_PARTS] : [at - from + 1, frames + 1] };
    }
    from += frames;
  }
  throw new RangeError(`the group has no frame ${at}`);
}
