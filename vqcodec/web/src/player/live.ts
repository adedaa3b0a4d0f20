/** A live stream as the player sees it: items as they are due, and the time that is to be shown. */

import type { Head } from "../container/head.js";
import type { Item } from "../items.js";

/** Where a live stream comes from; see LiveConnection. */
export interface LiveSource {
  readonly receiver: { readonly head: Head | null; readonly over: boolean; due(timeS: number): Item[] };
  /** null before the first packet. */
  positionS(): number | null;
  close(): void;
}

/** The clock may be so far from where it should be: nearer it isn't worth a jump. */
const MOST_ASTRAY_S = 0.25;
const LOOK_EVERY_MS = 1000;

/** Follows a live stream for a player. */
export class LiveTime {
  readonly #source: LiveSource;
  #lookedAtMs = 0;

  constructor(source: LiveSource) {
    this.#source = source;
  }

  get over(): boolean {
    return this.#source.receiver.over;
  }

  /**
   * The time to show, so late that what is due then can be drawn meanwhile.
   *
   * @param drawingS what a picture takes.
   */
  wantedS(drawingS: number): number | null {
    const position = this.#source.positionS();
    return position === null ? null : position - drawingS;
  }

  /** What can be drawn now, for when it is due. */
  items(drawingS: number): Item[] {
    const wanted = this.wantedS(drawingS);
    return wanted === null ? [] : this.#source.receiver.due(wanted + drawingS);
  }

  /** Where to jump to, if the clock at `timeS` has gone astray; null to go on. */
  jump(timeS: number, drawingS: number): number | null {
    const now = performance.now();
    if (now - this.#lookedAtMs < LOOK_EVERY_MS) return null;
    this.#lookedAtMs = now;
    const wanted = this.wantedS(drawingS);
    return wanted !== null && Math.abs(wanted - timeS) > MOST_ASTRAY_S ? wanted : null;
  }

  close(): void {
    this.#source.close();
  }
}
