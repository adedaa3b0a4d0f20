/** Portraits of a shot: their features, their paths, and the rules between them (vqt.md, section 5a). */

import type { RawKeyFrame, RawMotion, RawPortrait } from "./payloads.js";
import { Fault } from "../errors.js";
import { FEATURE_OFFSET, MAX_PATH_UNITS } from "../format.js";

/** A portrait, of either major version. */
export interface Portrait {
  readonly kind: "portrait";
  /** Frames before it. */
  readonly firstFrame: number;
  /** Of the shot; in major version 1 each portrait begins one. */
  readonly shot: number;
  /** In the shot; 0 in major version 1. */
  readonly number: number;
  /** The shot goes on with the scene of the one before; false in major version 1, which doesn't say. */
  readonly continues: boolean;
  /** The one whose unit is decoded directly before this one. */
  readonly dependsOn: Portrait | null;
  /** Its own motion features, in the units of the motion space. */
  readonly features: Int16Array;
  /** How `bytes` are coded: an AVIF file (major version 1), or one AV1 temporal unit. */
  readonly coding: "avif" | "av1";
  readonly bytes: Uint8Array;
}

/** The portraits that a new decoder is fed for this one's picture, in order, itself the last. */
export function pathOf(portrait: Portrait): Portrait[] {
  const path: Portrait[] = [];
  for (let at: Portrait | null = portrait; at !== null; at = at.dependsOn) path.unshift(at);
  return path;
}

/** Portraits that have come in a shot. */
export class Shot {
  readonly number: number;
  readonly #portraits = new Map<number, Portrait>();
  #highest = 0;

  constructor(number: number) {
    this.number = number;
  }

  /** Portrait `number`, or null if it hasn't come. */
  portrait(number: number): Portrait | null {
    return this.#portraits.get(number) ?? null;
  }

  /** All, in the order in which they came. */
  get portraits(): readonly Portrait[] {
    return [...this.#portraits.values()];
  }

  /** The highest number that has come. */
  get highest(): number {
    return this.#highest;
  }

  add(portrait: Portrait): void {
    this.#highest = Math.max(this.#highest, portrait.number);
    this.#portraits.set(portrait.number, portrait);
  }
}

/** A portrait of major version 1 as the first one of a shot. */
export function fromKeyFrame(raw: RawKeyFrame, shot: number): Portrait {
  return {
    kind: "portrait",
    firstFrame: raw.firstFrame,
    shot,
    number: 0,
    continues: false,
    dependsOn: null,
    features: raw.features,
    coding: "avif",
    bytes: raw.still,
  };
}

/** The features of a PORT as they are, given those of number 0 of its shot. */
export function absoluteFeatures(raw: RawPortrait, first: Portrait | null): Int16Array {
  return Int16Array.from(raw.features, (difference, d) => {
    const value = difference + (first?.features[d] ?? 0);
    if (value < -FEATURE_OFFSET || value >= FEATURE_OFFSET) throw new Fault("bad-value", `a feature is ${value}`);
    return value;
  });
}

/**
 * A PORT as a portrait of `shot`, which has those before it.
 *
 * @throws Fault the one that it depends on hasn't come, its path is too long, or a feature is too large.
 */
export function fromUnit(raw: RawPortrait, shot: Shot): Portrait {
  const first = raw.number > 0 ? shot.portrait(0) : null;
  const dependsOn = raw.dependsOn === null ? null : shot.portrait(raw.dependsOn);
  if (raw.dependsOn !== null && (dependsOn === null || first === null)) {
    throw new Fault("bad-portrait", `portrait ${raw.dependsOn} hasn't come`);
  }
  if (dependsOn !== null && pathOf(dependsOn).length >= MAX_PATH_UNITS) {
    throw new Fault("bad-portrait", `the path of portrait ${raw.number} has more than ${MAX_PATH_UNITS} units`);
  }
  const { firstFrame, number, continues, unit } = raw;
  const features = absoluteFeatures(raw, first);
  return {
    kind: "portrait", firstFrame, shot: shot.number, number, continues, dependsOn, features, coding: "av1", bytes: unit,
  };
}

/** Rules of shots and numbers in major version 2. */
export class ShotRules {
  #shots = 0;
  #next = 0;
  #shot: Shot | null = null;

  /** The shot at hand. */
  get shot(): Shot | null {
    return this.#shot;
  }

  /** @param shots before the first portrait: other than 0 where reading begins in the middle of a stream. */
  constructor(shots = 0) {
    this.#shots = shots;
  }

  /** Take the next PORT. */
  portrait(raw: RawPortrait): Portrait {
    const begins = raw.number === 0;
    const shot = begins ? new Shot(this.#shots) : this.#shot;
    if (shot === null || raw.shot !== shot.number || raw.number !== (begins ? 0 : this.#next)) {
      throw new Fault("bad-portrait", `portrait ${raw.number} of shot ${raw.shot} isn't the next one`);
    }
    if (raw.continues && (!begins || raw.shot === 0)) {
      throw new Fault("bad-portrait", "a portrait continues what it can't continue");
    }
    const portrait = fromUnit(raw, shot);
    shot.add(portrait);
    this.#shot = shot;
    this.#shots = shot.number + 1;
    this.#next = raw.number + 1;
    return portrait;
  }

  /** Check what a group says of portraits; the shot that it belongs to. */
  motion(raw: RawMotion): Shot {
    const shot = this.#shot;
    if (shot === null || raw.shot !== shot.number) {
      throw new Fault("bad-portrait", `a group of shot ${raw.shot}, which isn't the one at hand`);
    }
    for (const number of raw.runs.flatMap(({ portrait, other }) => [portrait, other ?? portrait])) {
      if (shot.portrait(number) === null) throw new Fault("bad-portrait", `portrait ${number} hasn't come`);
    }
    return shot;
  }
}
