/**
 * Which frame to draw next, and when to show what was drawn.
 *
 * Drawing may take longer than a frame lasts. So a frame is asked for that will be due when it is ready, the ones before it are
 * passed over, and it waits for its time. What comes too late all the same isn't shown: sound and
 * picture stay together.
 */

import type { SceneImage } from "./scene.js";
import type { Place, Timeline } from "./timeline.js";
import type { ScenePlace } from "../container/scenes.js";

/** A picture that comes later than this isn't shown, */
export const MOST_LATE_S = 0.035;
/** unless the one before has stood for so long: then any is nearer to the sound. */
export const MOST_STILL_S = 1;
/** Pictures that wait for their time. */
const MOST_WAITING = 4;
const FIRST_GUESS_S = 0.3;
/** Room for a picture that takes longer than the last ones: it costs nothing, as the next one is drawn while this one waits. */
const MARGIN_S = 0.015;
const DEVIATIONS = 3;
/** Of the newest duration in the mean, and in the mean deviation from it. */
const NEWEST_SHARE = 0.25;
/** A frame may be shown so much before its time: pages are drawn 60 times a second. */
const EARLY_S = 0.008;

/** What is around the square, and where that lies in it. */
export interface Surroundings {
  readonly image: SceneImage;
  readonly place: ScenePlace;
}

/** A picture of 256 x 256; before a scene its border is translucent. */
export interface Picture {
  readonly place: Place;
  /** Its portraits have their detail. */
  readonly sharp: boolean;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  /** What the square is drawn over. */
  readonly around: Surroundings | null;
}

/** What is asked for and what waits. */
export class Schedule {
  readonly #timeline: Timeline;
  #meanS = FIRST_GUESS_S;
  #deviationS = 0;
  #lastAsked = -1;
  #waiting: Picture[] = [];

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** How long the next picture takes at most, as far as can be told. */
  get expectedS(): number {
    return this.#meanS + DEVIATIONS * this.#deviationS + MARGIN_S;
  }

  /** Pictures are ready well ahead: there is time for other things. */
  get ahead(): boolean {
    return this.#waiting.length >= MOST_WAITING - 1;
  }

  /** Begin at another place; what waits isn't shown any more. */
  reset(): void {
    this.#waiting = [];
    this.#lastAsked = -1;
  }

  /** The frame to ask for at a time, while playing; null for none now. */
  next(nowS: number, speed: number): Place | null {
    if (this.#waiting.length >= MOST_WAITING) return null;
    const targetS = nowS + this.expectedS * speed;
    const shown = this.#timeline.at(targetS);
    if (shown === null) return null;
    const soonest = shown.timeS < targetS - EARLY_S ? shown.number + 1 : shown.number;
    const place = this.#timeline.numbered(Math.max(soonest, this.#lastAsked + 1));
    if (place !== null) return place;
    // the last frame is shown even where it comes late: it stays
    return shown.number > this.#lastAsked && shown.number + 1 === this.#timeline.frames ? shown : null;
  }

  asked(place: Place): void {
    this.#lastAsked = place.number;
  }

  /** A picture took so long from asking to getting. */
  took(seconds: number): void {
    const away = seconds - this.#meanS;
    this.#meanS += NEWEST_SHARE * away;
    this.#deviationS += NEWEST_SHARE * (Math.abs(away) - this.#deviationS);
  }

  add(picture: Picture): void {
    this.#waiting.push(picture);
  }

  /**
   * The picture to show at a time, if one is due that isn't too late.
   *
   * @param stillS for how long no other one was shown.
   */
  due(nowS: number, stillS: number): Picture | null {
    let found: Picture | null = null;
    while (this.#waiting[0] !== undefined && this.#waiting[0].place.timeS <= nowS + EARLY_S) {
      found = this.#waiting.shift() as Picture;
    }
    if (found === null) return null;
    const last = found.place.number + 1 === this.#timeline.frames;
    return last || stillS >= MOST_STILL_S || nowS - found.place.timeS <= MOST_LATE_S ? found : null;
  }
}
