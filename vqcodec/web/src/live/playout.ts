/**
 * When a viewer shows what has come: as soon as the line allows, and no sooner.
 *
 * A packet's way is how long after its last frame's time it came, by the viewer's clock; the shortest of the last seconds is the
 * line's own. Frames wait longer by what their packet needs to fill, by how much later than the fastest packets others come, and,
 * on a line that loses some, for the packet behind that holds a copy.
 */

const WINDOW_S = 10;
const LATE_WINDOW_S = 3;
const ON_TIME_SHARE = 0.95;
const MARGIN_S = 0.01;
const LOSSY_SHARE = 0.02;
const MOST_DELAY_S = 1;
const FALL_S_PER_S = 0.02;
/** Of what the delay is too large by, a second: a sender is late when it begins, and shouldn't stay so. */
const FALL_SHARE = 0.25;

interface Arrival {
  readonly nowS: number;
  readonly lastS: number;
  readonly spanS: number;
}

/** Follows arrivals. */
export class Playout {
  #arrivals: Arrival[] = [];
  #loss = 0;
  #delayS = 0;
  #intervalS = 0;

  /** A packet of frames from `firstS` to `lastS` has come, behind `lost` that are missing. */
  arrived(firstS: number, lastS: number, nowS: number, lost: number): void {
    for (let n = 0; n < Math.min(lost, 100); n++) this.#loss += (1 - this.#loss) / 50;
    this.#loss -= this.#loss / 50;
    const before = this.#arrivals.at(-1);
    if (before !== undefined && lost === 0) this.#intervalS += (Math.max(lastS - before.lastS, 0) - this.#intervalS) / 4;
    this.#arrivals.push({ nowS, lastS, spanS: lastS - firstS });
    this.#arrivals = this.#arrivals.filter((arrival) => arrival.nowS >= nowS - WINDOW_S);
    this.#adjust(nowS, before?.nowS ?? nowS);
  }

  /** The time of the stream that is shown now; null before the first packet. */
  position(nowS: number): number | null {
    return this.#arrivals.length === 0 ? null : nowS - this.#baseS - this.#delayS;
  }

  /** How much later than the fastest packet the slowest one since then came. */
  lateMs(sinceS: number): number {
    const ways = this.#arrivals.filter(({ nowS }) => nowS >= sinceS).map(({ nowS, lastS }) => nowS - lastS);
    return ways.length === 0 ? 0 : Math.round(1000 * (Math.max(...ways) - this.#baseS));
  }

  get #baseS(): number {
    return Math.min(...this.#arrivals.map(({ nowS, lastS }) => nowS - lastS));
  }

  #adjust(nowS: number, beforeS: number): void {
    const recent = this.#arrivals.filter((arrival) => arrival.nowS >= nowS - LATE_WINDOW_S);
    const needs = recent.map((arrival) => arrival.nowS - arrival.lastS - this.#baseS + arrival.spanS).sort((a, b) => a - b);
    const most = needs[Math.min(Math.floor(ON_TIME_SHARE * needs.length), needs.length - 1)] ?? 0;
    const copyS = this.#loss >= LOSSY_SHARE ? this.#intervalS : 0;
    const wantedS = Math.min(most + MARGIN_S + copyS, MOST_DELAY_S);
    const fallS = Math.max(FALL_S_PER_S, FALL_SHARE * (this.#delayS - wantedS)) * (nowS - beforeS);
    this.#delayS = Math.max(wantedS, this.#delayS - fallS);
  }
}
