/** What a stream consists of for those who show it. */

import type { RawMotion, RawSound } from "./container/payloads.js";
import type { Portrait, Shot } from "./container/portraits.js";
import type { ScenePicture } from "./container/scenes.js";
import { type Run, type Shown, shownAt } from "./container/runs.js";
import { decodeTokens, type Tokens } from "./entropy/decode.js";
import { located } from "./errors.js";
import { GROUP_DIMS } from "./format.js";

/** A frame of a group. */
export interface Frame {
  /** In the stream, from 0. */
  readonly number: number;
  /** When it is shown, in `timeBaseS` of HEAD. */
  readonly tick: number;
  /** The face was not seen, and the motion is held. */
  readonly lowConfidence: boolean;
  /** 4 G integers: the motion relative to portrait 0 of the shot. */
  readonly units: Int16Array;
  readonly shown: Shown;
}

/** How a group is decoded. */
export interface Coding {
  /** Of the chunk in the stream. */
  readonly offset: number;
  /** Groups of dimensions. */
  readonly groups: number;
  /** Layers to decode; all that there are by default. */
  readonly layers?: number | undefined;
  /** What it decodes to, where that is known. */
  readonly tokens?: Tokens;
}

/** Frames that can be decoded without any other group. */
export class MotionGroup {
  readonly kind = "motion";
  readonly firstFrame: number;
  readonly ticks: readonly number[];
  /** 1 where the face was not seen. */
  readonly lowConfidence: Uint8Array;
  readonly shot: Shot;
  readonly runs: readonly Run[];
  /** Bytes of the coded layers. */
  readonly codedBytes: number;
  readonly #coding: Coding;
  #payloads: readonly Uint8Array[];
  #tokens: Tokens | null;

  constructor(raw: RawMotion, shot: Shot, coding: Coding) {
    this.#coding = coding;
    this.firstFrame = raw.firstFrame;
    this.ticks = raw.ticks;
    this.lowConfidence = raw.lowConfidence;
    this.shot = shot;
    this.runs = raw.runs;
    this.codedBytes = raw.payloads.reduce((sum, payload) => sum + payload.length, 0);
    this.#payloads = raw.payloads.slice(0, coding.layers);
    this.#tokens = coding.tokens ?? null;
  }

  /**
   * Indices and units, decoded when they are first asked for.
   *
   * @throws VqtError `bad-payload`; while a stream is read, unless the reader was told not to decode.
   */
  get tokens(): Tokens {
    const { offset, groups } = this.#coding;
    this.#tokens ??= located(offset, () => decodeTokens(this.#payloads, this.ticks.length, groups));
    this.#payloads = []; // not needed any more
    return this.#tokens;
  }

  /** How frame `at` of the group is shown. */
  shown(at: number): Shown {
    return shownAt(this.runs, at);
  }

  /** Frame `at` of the group, 0 the first. */
  frame(at: number): Frame {
    const tick = this.ticks[at];
    if (tick === undefined) throw new RangeError(`the group has ${this.ticks.length} frames and no frame ${at}`);
    const dims = GROUP_DIMS * this.#coding.groups;
    return {
      number: this.firstFrame + at,
      tick,
      lowConfidence: this.lowConfidence[at] === 1,
      units: this.tokens.units.subarray(at * dims, (at + 1) * dims),
      shown: this.shown(at),
    };
  }

  /** All frames, in order. */
  *frames(): Generator<Frame> {
    for (let at = 0; at < this.ticks.length; at++) yield this.frame(at);
  }
}

/** Opus packets that follow each other. */
export interface SoundGroup extends RawSound {
  readonly kind: "sound";
}

/** What comes out of a stream, in its order. */
export type Item = Portrait | MotionGroup | SoundGroup | ScenePicture;

/** What the end of a stream says. */
export interface Totals {
  readonly frames: number;
  /** When the last frame ends. */
  readonly endTick: number;
}
