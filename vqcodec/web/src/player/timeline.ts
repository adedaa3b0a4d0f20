/** A stream as time: which frame is shown when, from which portraits, and what is heard. */

import type { Head, Rational } from "../container/head.js";
import { pathOf, type Portrait } from "../container/portraits.js";
import type { ScenePicture } from "../container/scenes.js";
import type { Frame, Item, MotionGroup, SoundGroup } from "../items.js";
import type { RenderOrder } from "./messages.js";
import type { PortraitSource } from "./portraits.js";
import type { SceneSource } from "./scene.js";

/** A frame in its group. */
export interface Place {
  readonly number: number;
  readonly timeS: number;
  readonly group: MotionGroup;
  readonly at: number;
}

/** Groups are looked through for the portraits that come: two seconds each at most. */
const MOST_GROUPS_AHEAD = 60;

/** Bytes of a stream by what they are for. */
export interface Bytes {
  portraits: number;
  motion: number;
  sound: number;
  scene: number;
}

/** The last index whose value isn't above a limit, or -1; values grow. */
export function lastNotAbove(count: number, valueOf: (index: number) => number, limit: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueOf(middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function seconds({ numerator, denominator }: Rational, count: number): number {
  return (count * numerator) / denominator;
}

function keyOf(portrait: Portrait): string {
  return `${portrait.shot}.${portrait.number}`;
}

function sourceOf(portrait: Portrait): PortraitSource {
  const { coding, features } = portrait;
  return { key: keyOf(portrait), coding, features, units: pathOf(portrait).map(({ bytes }) => bytes) };
}

/** Grows while the stream is read. */
export class Timeline {
  readonly head: Head;
  readonly groups: MotionGroup[] = [];
  readonly sounds: SoundGroup[] = [];
  readonly bytes: Bytes = { portraits: 0, motion: 0, sound: 0, scene: 0 };
  /** Pictures around the square, in order. */
  readonly #scenes: ScenePicture[] = [];
  /** Sizes by time, for the rate. */
  readonly #sizes: { readonly timeS: number; readonly total: number }[] = [];
  #endS = 0;

  constructor(head: Head) {
    this.head = head;
  }

  get frames(): number {
    const last = this.groups.at(-1);
    return last ? last.firstFrame + last.ticks.length : 0;
  }

  /** When the last frame ends, as far as it is known. */
  get endS(): number {
    return this.#endS;
  }

  /** The stream says when its last frame ends. */
  endAt(tick: number): void {
    this.#endS = Math.max(seconds(this.head.timeBaseS, tick), this.#endS);
  }

  /** No more comes: the last frame is the last one that was read. */
  endsHere(): void {
    const last = this.groups.at(-1)?.ticks.at(-1);
    this.#endS = last === undefined ? 0 : this.#timeOf(last) + this.#nominalS;
  }

  add(item: Item): void {
    const { bytes } = this;
    if (item.kind === "portrait") bytes.portraits += item.bytes.length;
    if (item.kind === "sound") {
      this.sounds.push(item);
      bytes.sound += item.packets.reduce((sum, { length }) => sum + length, 0);
    }
    if (item.kind === "scene") {
      this.#scenes.push(item);
      bytes.scene += item.units.at(-1)?.length ?? 0;
    }
    if (item.kind !== "motion") return;
    this.groups.push(item);
    bytes.motion += item.codedBytes;
    const total = bytes.portraits + bytes.motion + bytes.sound + bytes.scene;
    this.#sizes.push({ timeS: this.#timeOf(item.ticks[0] as number), total });
    this.#endS = Math.max(this.#endS, this.#timeOf(item.ticks.at(-1) as number) + this.#nominalS);
  }

  /** Let go of the motion that ends before a time: a live stream may go on for days. */
  forget(timeS: number): void {
    const first = (index: number): number => this.#timeOf((this.groups[index] as MotionGroup).ticks[0] as number);
    this.groups.splice(0, Math.max(lastNotAbove(this.groups.length, first, timeS), 0));
  }

  /** The frame that is shown at a time: before the first one, that one; null where there is none yet. */
  at(timeS: number): Place | null {
    const { groups } = this;
    const first = (index: number): number => this.#timeOf((groups[index] as MotionGroup).ticks[0] as number);
    const group = groups[Math.max(lastNotAbove(groups.length, first, timeS), 0)];
    if (group === undefined) return null;
    const at = lastNotAbove(group.ticks.length, (index) => this.#timeOf(group.ticks[index] as number), timeS);
    return this.#place(group, Math.max(at, 0));
  }

  /** Frame `number` of the stream, or null. */
  numbered(number: number): Place | null {
    const { groups } = this;
    const group = groups[lastNotAbove(groups.length, (index) => (groups[index] as MotionGroup).firstFrame, number)];
    const at = number - (group?.firstFrame ?? 0);
    return group !== undefined && at >= 0 && at < group.ticks.length ? this.#place(group, at) : null;
  }

  /** What is to be drawn for a frame; see RenderOrder. */
  order(place: Place, id: number, sharp: boolean): RenderOrder {
    const frame: Frame = place.group.frame(place.at);
    const { shot } = place.group;
    const { portrait, other, share } = frame.shown;
    const numbers = other === null ? [portrait] : [portrait, other];
    const passes = other !== null && this.#passes(place);
    return {
      kind: "render",
      id,
      units: frame.units.slice(),
      base: (shot.portrait(0) as Portrait).features,
      portraits: numbers.map((number) => sourceOf(shot.portrait(number) as Portrait)),
      passing: passes ? share[0] / share[1] : null,
      sharp,
      scene: this.#scene(place.number),
    };
  }

  /** The picture around the square at a frame. */
  #scene(number: number): SceneSource | null {
    const key = lastNotAbove(this.#scenes.length, (index) => this.#scenes[index]?.firstFrame ?? 0, number);
    const found = this.#scenes[key];
    return found === undefined ? null : { key, ...found };
  }

  /** Up to `most` portraits that frames from `timeS` on are shown from, in the order in which they are needed. */
  portraitsFrom(timeS: number, most: number): PortraitSource[] {
    const found = new Map<string, PortraitSource>();
    const first = (index: number): number => this.#timeOf(this.groups[index]?.ticks[0] ?? 0);
    const from = Math.max(lastNotAbove(this.groups.length, first, timeS), 0);
    for (const { runs, shot } of this.groups.slice(from, from + MOST_GROUPS_AHEAD)) {
      for (const number of runs.flatMap(({ portrait, other }) => (other === null ? [portrait] : [portrait, other]))) {
        const portrait = shot.portrait(number) as Portrait;
        if (found.size >= most) return [...found.values()];
        if (!found.has(keyOf(portrait))) found.set(keyOf(portrait), sourceOf(portrait));
      }
    }
    return [...found.values()];
  }

  /** Kilobits a second in the last `spanS` before a time. */
  rateAt(timeS: number, spanS: number): number {
    const until = lastNotAbove(this.#sizes.length, (index) => this.#sizes[index]?.timeS ?? 0, timeS);
    const from = lastNotAbove(this.#sizes.length, (index) => this.#sizes[index]?.timeS ?? 0, timeS - spanS);
    const bytes = (this.#sizes[until]?.total ?? 0) - (this.#sizes[from]?.total ?? 0);
    return (8e-3 * bytes) / Math.min(spanS, Math.max(timeS, 1));
  }

  /** A run without a weight passes from one portrait to the other. */
  #passes({ group, at }: Place): boolean {
    let from = 0;
    const run = group.runs.find(({ frames }) => at < (from += frames));
    return run?.weight === 0;
  }

  /** How long a frame lasts, by the nominal rate. */
  get #nominalS(): number {
    return 1 / seconds(this.head.frameRateHz, 1);
  }

  #timeOf(tick: number): number {
    return seconds(this.head.timeBaseS, tick);
  }

  #place(group: MotionGroup, at: number): Place {
    return { number: group.firstFrame + at, timeS: this.#timeOf(group.ticks[at] as number), group, at };
  }
}
