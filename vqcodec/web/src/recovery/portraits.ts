/**
 * Which portraits of a damaged stream can be used, and what the groups that name others show instead (vqt.md, section 18).
 *
 *     PORT 0   PORT 1   PORT ?   PORT 3 (on 2)   MOTN from 3   PORT 4 (on 1)   MOTN from 4
 *     given    given    lost     can't be used   from 1        given           as it is
 */

import type { RawKeyFrame, RawMotion, RawPortrait } from "../container/payloads.js";
import { fromKeyFrame, fromUnit, type Portrait, Shot } from "../container/portraits.js";
import type { Run } from "../container/runs.js";
import { Fault } from "../errors.js";
import type { Ledger } from "./damage.js";

/** Portraits on their way from where they were found to the groups that they are for. */
export interface Portraits {
  /** The shot whose portraits are shown now. */
  readonly shot: Shot | null;
  /**
   * Those to give before the group that starts at a frame, in parts: what has waited for a portrait comes behind the first
   * part. While there is none, a later one, too.
   */
  due(firstFrame: number): Iterable<Portrait[]>;
  /** The runs of a group as it can be shown. */
  runs(raw: RawMotion): readonly Run[];
  /** Those that no group came for. */
  rest(): Portrait[];
}

/** Portraits that wait for their group; of more, the farthest are dropped, so that hostile streams cost little. */
const MAX_WAITING_KEY_FRAMES = 4;
const MAX_WAITING_UNITS = 32_768;

/** Put a value in its place in a sorted list; false when the list is full, and the last one went. */
function inserted<T>(list: T[], value: T, order: (a: T, b: T) => number, most: number): boolean {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(list[middle] as T, value) <= 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, value);
  if (list.length <= most) return true;
  list.pop();
  return false;
}

/** Major version 1: every portrait can be used. */
export class KeyFrames implements Portraits {
  readonly #ledger: Ledger;
  readonly #waiting: RawKeyFrame[] = [];
  #last = -1;
  #count = 0;
  shot: Shot | null = null;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Take a portrait as it is found; false when it is doubled or another one is in force already. */
  add(raw: RawKeyFrame): boolean {
    const known = this.#waiting.some(({ firstFrame }) => firstFrame === raw.firstFrame);
    if (raw.firstFrame <= this.#last || known) return false;
    return inserted(this.#waiting, raw, (a, b) => a.firstFrame - b.firstFrame, MAX_WAITING_KEY_FRAMES);
  }

  *due(firstFrame: number): Generator<Portrait[]> {
    const due = this.#waiting.filter((raw) => raw.firstFrame <= firstFrame).length;
    const count = this.shot === null ? Math.max(due, Math.min(1, this.#waiting.length)) : due;
    for (const raw of this.#waiting.splice(0, count)) {
      this.#last = raw.firstFrame;
      this.#ledger.keyFrame(raw.firstFrame);
      const portrait = fromKeyFrame(raw, this.#count++);
      this.shot = new Shot(portrait.shot);
      this.shot.add(portrait);
      yield [portrait]; // before the next one takes its place
    }
  }

  runs(raw: RawMotion): readonly Run[] {
    return raw.runs;
  }

  rest(): Portrait[] {
    return [];
  }
}

function compare(a: RawPortrait, b: RawPortrait): number {
  return a.firstFrame - b.firstFrame || a.shot - b.shot || a.number - b.number;
}

/** Neighbours that show one portrait alone as one run. */
function joined(runs: readonly Run[]): Run[] {
  const found: Run[] = [];
  for (const run of runs) {
    const last = found.at(-1);
    const same = last && last.other === null && run.other === null && last.portrait === run.portrait;
    if (same) found[found.length - 1] = { ...last, frames: last.frames + run.frames };
    else found.push(run);
  }
  return found;
}

/** Major version 2: only portraits whose path is whole. */
export class Units implements Portraits {
  readonly #ledger: Ledger;
  readonly #known = new Set<string>();
  readonly #waiting: RawPortrait[] = [];
  shot: Shot | null = null;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Take a portrait as it is found; false when it is doubled. */
  add(raw: RawPortrait): boolean {
    const name = `${raw.shot} ${raw.number}`;
    if (this.#known.has(name)) return false;
    this.#known.add(name);
    return inserted(this.#waiting, raw, compare, MAX_WAITING_UNITS);
  }

  due(firstFrame: number): Portrait[][] {
    const count = this.#waiting.findIndex((raw) => raw.firstFrame > firstFrame);
    let given = this.#given(count < 0 ? this.#waiting.length : count);
    if (this.shot === null) given = this.#given(this.#waiting.findIndex(({ number }) => number === 0) + 1);
    return given.length > 0 ? [given] : [];
  }

  runs(raw: RawMotion): readonly Run[] {
    const named = raw.runs.flatMap(({ portrait, other }) => [portrait, other ?? portrait]);
    this.#ledger.named(raw.shot ?? 0, Math.max(...named));
    const shot = this.shot;
    const newest = shot?.highest ?? 0;
    const usable = ({ portrait, other }: Run): boolean =>
      raw.shot === shot?.number && !!shot.portrait(portrait) && (other === null || !!shot.portrait(other));
    const lost = raw.runs.filter((run) => !usable(run));
    if (lost.length === 0) return raw.runs;
    this.#ledger.damage.framesOtherPortrait += lost.reduce((sum, { frames }) => sum + frames, 0);
    return joined(raw.runs.map((run) => (usable(run) ? run : { ...run, portrait: newest, other: null, weight: 0 })));
  }

  rest(): Portrait[] {
    return this.shot === null ? [] : this.#given(this.#waiting.length);
  }

  /** Take the next so many; those that can be used. */
  #given(count: number): Portrait[] {
    return this.#waiting.splice(0, count).flatMap((raw) => this.#usable(raw) ?? []);
  }

  #usable(raw: RawPortrait): Portrait | null {
    if (this.shot !== null && raw.shot < this.shot.number) {
      this.#ledger.damage.droppedChunks++;
      return null;
    }
    this.#ledger.unit(raw.shot, raw.number);
    const shot = raw.number === 0 ? new Shot(raw.shot) : this.shot;
    try {
      if (shot === null || raw.shot !== shot.number) throw new Fault("bad-portrait", "the shot's first portrait is lost");
      const portrait = fromUnit(raw, shot);
      shot.add(portrait);
      this.shot = shot;
      return portrait;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#ledger.damage.portraitsUnusable++;
      return null;
    }
  }
}
