/** What was lost of a damaged stream, and what INDX and IEND say there was. */

import type { Rational } from "../container/head.js";
import { KIND, type IndexEntry } from "../container/index_chunk.js";
import type { RawEnd } from "../container/payloads.js";
import type { Totals } from "../items.js";
import type { Gap } from "./scan.js";

/** Counts of a recovery; all zero for an intact stream. Those of what is lost are final at its end. */
export interface Damage {
  /** Bytes that belong to no intact chunk. */
  skippedBytes: number;
  /** Chunks with a right CRC that can't be used: doubled, late, overlapping, or not decodable. */
  droppedChunks: number;
  /** Chunks of another stream, behind its HEAD. */
  foreignChunks: number;
  groupsRead: number;
  /** Exact when the index could be read, else one for each hole at least. */
  groupsLost: number;
  /** Groups used without their finest layers, which didn't decode. */
  groupsThinned: number;
  portraitsLost: number;
  /** Portraits that are there, but need one that is missing. */
  portraitsUnusable: number;
  /** Frames shown from another portrait than their own (major version 2). */
  framesOtherPortrait: number;
  /** 0 when the index could not be read. */
  soundGroupsLost: number;
  /** The index and the end were read, so that the numbers of lost groups are exact. */
  complete: boolean;
}

/** A group later than this behind the one before is out of place, unless enough bytes were lost to fill the time. */
const MAX_HOLE_S = 3600;
const LOST_BYTES_A_SECOND = 10;

/** Keeps the account of a recovery. */
export class Ledger {
  readonly damage: Damage = {
    skippedBytes: 0, droppedChunks: 0, foreignChunks: 0, groupsRead: 0, groupsLost: 0, groupsThinned: 0,
    portraitsLost: 0, portraitsUnusable: 0, framesOtherPortrait: 0, soundGroupsLost: 0, complete: false,
  };
  /** Frames up to the end of the last group used, missing ones included. */
  frames = 0;
  lastTick = -1;
  sounds = 0;
  #holes = 0;
  /** Names of the portraits that came: first frames in major version 1, shot and number in 2. */
  readonly #came = new Set<string>();
  /** Greatest number that is known of each shot. */
  readonly #numbers = new Map<number, number>();
  /** Frames from which a portrait of major version 1 may have applied whose type was seen among lost bytes. */
  readonly #suspected = new Set<string>();
  #lostTypes = 0;
  #end: RawEnd | null = null;
  #entries: readonly IndexEntry[] | null = null;

  /** Whether a hole of so many units of time is believed. */
  inReach(distance: number, unitS: Rational): boolean {
    const most = MAX_HOLE_S * LOST_BYTES_A_SECOND + this.damage.skippedBytes;
    return BigInt(distance) * BigInt(unitS.numerator) * BigInt(LOST_BYTES_A_SECOND) <= BigInt(most) * BigInt(unitS.denominator);
  }

  gap(gap: Gap): void {
    this.damage.skippedBytes += gap.size;
    if (gap.types.has("KEYF")) this.#suspected.add(`${this.frames}`);
    this.#lostTypes += gap.types.get("PORT") ?? 0;
  }

  group(firstFrame: number, frames: number, lastTick: number): void {
    if (firstFrame !== this.frames) this.#holes++;
    this.frames = firstFrame + frames;
    this.lastTick = lastTick;
    this.damage.groupsRead++;
  }

  keyFrame(firstFrame: number): void {
    this.#came.add(`${firstFrame}`);
  }

  /** A portrait of major version 2 that came, whether it can be used or not. */
  unit(shot: number, number: number): void {
    this.#came.add(`${shot} ${number}`);
    this.named(shot, number);
  }

  /** A portrait of major version 2 that there is or was. */
  named(shot: number, number: number): void {
    this.#numbers.set(shot, Math.max(number, this.#numbers.get(shot) ?? 0));
  }

  index(entries: readonly IndexEntry[]): void {
    this.#entries = entries;
  }

  end(end: RawEnd): void {
    this.#end = end;
  }

  /** Close the account; the end of the stream where it can be known. */
  settle(major: number, timeBaseS: Rational): Totals | null {
    const { damage } = this;
    const end = this.#believedEnd(timeBaseS);
    const count = (kind: number): number => this.#entries?.filter((entry) => entry.kind === kind).length ?? 0;
    damage.complete = end !== null && this.#entries !== null;
    damage.groupsLost = this.#holes + (end !== null && end.frames > this.frames ? 1 : 0);
    if (this.#entries !== null) {
      damage.groupsLost = Math.max(count(KIND.motion) - damage.groupsRead, 0);
      damage.soundGroupsLost = Math.max(count(KIND.sound) - this.sounds, 0);
    }
    damage.portraitsLost = major === 1 ? this.#keyFramesLost() : this.#unitsLost();
    return end;
  }

  #believedEnd(timeBaseS: Rational): Totals | null {
    const end = this.#end;
    if (end === null || end.endTick > BigInt(Number.MAX_SAFE_INTEGER)) return null;
    const endTick = Number(end.endTick);
    const near = end.frames === this.frames || this.inReach(endTick - this.lastTick, timeBaseS);
    return near ? { frames: end.frames, endTick } : null;
  }

  #keyFramesLost(): number {
    const there = this.#entries?.filter(({ kind }) => kind === KIND.firstPortrait).map(({ position }) => `${position}`);
    return [...new Set(there ?? this.#suspected)].filter((name) => !this.#came.has(name)).length;
  }

  /** Exact with the index; else by numbers that are missing, one for shots of which nothing is known. */
  #unitsLost(): number {
    if (this.#entries !== null) {
      const there = this.#entries.filter(({ kind }) => kind === KIND.firstPortrait || kind === KIND.laterPortrait);
      return Math.max(there.length - this.#came.size, 0);
    }
    const known = [...this.#numbers.values()].reduce((sum, number) => sum + number + 1, 0);
    const shots = [...this.#numbers.keys()].sort((a, b) => a - b);
    const jumps = shots.filter((shot, i) => shot - (shots[i - 1] ?? -1) > 1).length;
    return Math.max(known - this.#came.size + jumps, this.#lostTypes);
  }
}
