/** What the page says of a stream, in words. */

import type { Player } from "./player.js";

const RATE_SPAN_S = 4;

/** 83.2 -> "1:23". */
export function clock(timeS: number): string {
  const whole = Math.floor(timeS);
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}

/** Names and values of a stream's facts. */
export function facts({ timeline, how, whole }: Player): [string, string][] {
  const { head, frames, endS, bytes } = timeline;
  const rate = head.frameRateHz.numerator / head.frameRateHz.denominator;
  const kilobytes = (count: number): string => `${(count / 1000).toFixed(1)} kB`;
  const parts = (["portraits", "motion", "sound", "scene"] as const)
    .filter((name) => name !== "scene" || bytes.scene > 0)
    .map((name) => `${name} ${kilobytes(bytes[name])}`);
  return [
    ["Length", `${endS.toFixed(2)} s, ${frames} frames at ${Number(rate.toFixed(3))} a second${whole ? "" : ", still reading"}`],
    ["Holds", parts.join(", ")],
    ["Motion", `${head.motionSpace.name}, ${head.layers} layers; format ${head.version.join(".")}`],
    ["Drawn by", how || "…"],
  ];
}

/** The rate gauge: kilobits a second now, and words. */
export function rates({ timeline, timeS }: Player): [number, string] {
  const { bytes, endS } = timeline;
  const now = timeline.rateAt(timeS, RATE_SPAN_S);
  const all = (8e-3 * (bytes.portraits + bytes.motion + bytes.sound + bytes.scene)) / Math.max(endS, 0.001);
  return [now, `${now.toFixed(1)} kbit/s now, ${all.toFixed(1)} in all`];
}

/** How fast pictures come. */
export function speeds({ counts, drawingMs, playing }: Player): string {
  if (drawingMs === 0) return "";
  const each = `A picture takes ${drawingMs.toFixed(0)} ms to draw here`;
  const total = counts.shown + counts.passedOver;
  if (total < 2) return `${each}.`;
  const some = `${counts.shown} of ${total} frames were shown, so that sound and picture stay together`;
  const seen = counts.passedOver > 0 ? some : "every frame was shown";
  return `${each}; ${playing ? "so far" : "last time"} ${seen}.`;
}
