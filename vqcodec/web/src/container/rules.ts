/** Rules between chunks (vqt.md, section 10). */

import type { Chunk } from "./chunks.js";
import { crc32 } from "./crc32.js";
import type { Head, Rational } from "./head.js";
import { type IndexEntry, IndexBuilder, KIND } from "./index_chunk.js";
import type { RawEnd, RawKeyFrame, RawMotion, RawPortrait, RawSound } from "./payloads.js";
import { fromKeyFrame, type Portrait, Shot, ShotRules } from "./portraits.js";
import { Fault } from "../errors.js";
import * as format from "../format.js";

/** Whether `ticks` are more than `seconds`, exactly. */
export function longerThan(ticks: number | bigint, timeBaseS: Rational, seconds: number): boolean {
  return BigInt(ticks) * BigInt(timeBaseS.numerator) > BigInt(seconds) * BigInt(timeBaseS.denominator);
}

/** The ticks of a group span at most MAX_GROUP_SPAN_S. */
export function checkSpan(raw: RawMotion, timeBaseS: Rational): void {
  const span = (raw.ticks[raw.ticks.length - 1] as number) - (raw.ticks[0] as number);
  if (longerThan(span, timeBaseS, format.MAX_GROUP_SPAN_S)) throw new Fault("bad-time", "a group spans too much");
}

/** Where reading begins, when it isn't at the beginning of the stream. */
export interface Midway {
  /** Number of the shot at hand. */
  readonly shot: number;
  /** First tick of the shot. */
  readonly shotFirstTick: number;
}

/** Checks each item of a stream against those before it. */
export class Sequence {
  readonly #head: Head;
  readonly #shots: ShotRules;
  #keyFrames: number;
  #keyShot: Shot | null = null;
  /** Frames so far; null where they aren't known yet. */
  #frames: number | null;
  #lastTick = -1;
  #soundFrom = 0;
  #trimmed = false;
  #open = false;
  #shotFirstTick: number | null;

  constructor(head: Head, midway: Midway | null = null) {
    this.#head = head;
    this.#shots = new ShotRules(midway?.shot ?? 0);
    this.#keyFrames = midway?.shot ?? 0;
    this.#frames = midway ? null : 0;
    this.#shotFirstTick = midway?.shotFirstTick ?? null;
  }

  get frames(): number {
    return this.#frames ?? 0;
  }

  get lastTick(): number {
    return this.#lastTick;
  }

  /** bad-order: whether a chunk of a known type may come here, as far as its type says. */
  place(type: string): void {
    const noPortrait = this.#shot === null;
    if (type === "MOTN" && noPortrait) throw new Fault("bad-order", "motion before the first portrait");
    if (type === "KEYF" && this.#open) throw new Fault("bad-order", "two portraits and no motion between");
    if (type === "INDX" && (this.#open || noPortrait)) throw new Fault("bad-order", "no motion before the index");
    if (type === "AUDO" && this.#head.sound === null) throw new Fault("bad-audio", "sound that HEAD doesn't announce");
  }

  keyFrame(raw: RawKeyFrame): Portrait {
    this.#startsAt(raw.firstFrame);
    const portrait = fromKeyFrame(raw, this.#keyFrames++);
    this.#keyShot = new Shot(portrait.shot);
    this.#keyShot.add(portrait);
    this.#open = true;
    return portrait;
  }

  portrait(raw: RawPortrait): Portrait {
    this.#startsAt(raw.firstFrame);
    if (raw.number === 0 && this.#open) throw new Fault("bad-order", "two shots and no motion between");
    const midway = this.#shots.shot === null;
    const portrait = this.#shots.portrait(raw);
    if (raw.number === 0) {
      this.#open = true;
      if (!midway) this.#shotFirstTick = null;
    }
    return portrait;
  }

  /** The shot that the group belongs to. */
  motion(raw: RawMotion): Shot {
    const first = raw.ticks[0] as number;
    const last = raw.ticks[raw.ticks.length - 1] as number;
    this.#startsAt(raw.firstFrame);
    const frames = raw.firstFrame + raw.ticks.length;
    if (frames > format.MAX_FRAMES) throw new Fault("too-many", "more frames than a stream may have");
    if (first <= this.#lastTick) throw new Fault("bad-time", "a group starts before the one before it has ended");
    checkSpan(raw, this.#head.timeBaseS);
    const shot = this.#keyShot ?? this.#shots.motion(raw);
    if (this.#head.version[0] >= 2) this.#checkShotTime(last, first);
    this.#frames = frames;
    this.#lastTick = last;
    this.#open = false;
    return shot;
  }

  sound(raw: RawSound): void {
    if (this.#trimmed) throw new Fault("bad-audio", "sound behind its trimmed end");
    if (raw.firstSample < this.#soundFrom) throw new Fault("bad-audio", "packets start before the last ones end");
    if (this.#head.version[0] >= 2 && raw.firstSample > format.MAX_STREAM_S * format.AUDIO_RATE_HZ) {
      throw new Fault("bad-time", "sound is too late");
    }
    this.#soundFrom = raw.firstSample + format.MIN_PACKET_SAMPLES * raw.packets.length;
    this.#trimmed = raw.endTrimSamples > 0;
  }

  /** When the last frame ends. */
  end(raw: RawEnd): number {
    const { endTick } = raw;
    const late = this.#head.version[0] >= 2 && longerThan(endTick, this.#head.timeBaseS, format.MAX_STREAM_S);
    if (endTick > BigInt(format.MAX_POSITION) || endTick <= BigInt(this.#lastTick) || late) {
      throw new Fault("bad-time", `the stream ends at tick ${endTick}`);
    }
    return Number(endTick);
  }

  get #shot(): Shot | null {
    return this.#keyShot ?? this.#shots.shot;
  }

  #startsAt(firstFrame: number): void {
    if (this.#frames !== null && firstFrame !== this.#frames) {
      throw new Fault("bad-frame", `first_frame is ${firstFrame} behind ${this.#frames} frames`);
    }
  }

  #checkShotTime(last: number, first: number): void {
    this.#shotFirstTick ??= first;
    if (longerThan(last - this.#shotFirstTick, this.#head.timeBaseS, format.MAX_SHOT_S)) {
      throw new Fault("bad-time", "a shot lasts too long");
    }
    if (longerThan(last, this.#head.timeBaseS, format.MAX_STREAM_S)) throw new Fault("bad-time", "motion is too late");
  }
}

/** What INDX and IEND must say of the chunks before them. */
export class Account {
  readonly #index = new IndexBuilder();
  #chain = 0;
  #indexBytes: number | null = null;

  /** Whether INDX has come, so that only IEND may. */
  get closed(): boolean {
    return this.#indexBytes !== null;
  }

  /** Count a chunk, of whatever type, that stands before IEND. */
  chunk(chunk: Chunk): void {
    this.#chain = crc32(chunk.crcField, this.#chain);
  }

  item(entry: IndexEntry): void {
    this.#index.add(entry);
  }

  index(chunk: Chunk): void {
    const wanted = this.#index.payload;
    const same = wanted.length === chunk.payload.length && wanted.every((byte, i) => byte === chunk.payload[i]);
    if (!same) throw new Fault("bad-index", "the index differs from the stream");
    this.#indexBytes = chunk.size;
  }

  end(raw: RawEnd, frames: number): void {
    const chain = new DataView(raw.chainCrc.buffer, raw.chainCrc.byteOffset, 4).getUint32(0);
    if (raw.frames !== frames) throw new Fault("bad-total", `${frames} frames, and the end says ${raw.frames}`);
    if (raw.indexChunkBytes !== this.#indexBytes) throw new Fault("bad-total", "the index has another size");
    if (chain !== this.#chain) throw new Fault("bad-total", "chunks were lost, doubled or exchanged");
  }
}

/** The index entry of an item. */
export function entryOf(chunk: Chunk, raw: { readonly number?: number; readonly position: number }): IndexEntry {
  const kinds: Record<string, number> = { MOTN: KIND.motion, AUDO: KIND.sound };
  const portrait = raw.number ? KIND.laterPortrait : KIND.firstPortrait;
  return { kind: kinds[chunk.type] ?? portrait, offset: chunk.offset, position: raw.position };
}
