/**
 * The rendered square before a picture of the scene around it (vqt.md, section 7a, "How it is shown").
 *
 * The square gets an alpha that fades in from its border, and near the border the picture's colours; the page draws it over the
 * picture.
 */

import { type Planes, toRgb } from "./rgb.js";
import { type Sequence, sequenceOf } from "./sequence.js";
import type { PathDecoder } from "./portraits.js";
import type { ScenePicture, ScenePlace } from "../container/scenes.js";
import { Fault } from "../errors.js";
import { SCENE_PARTS } from "../format.js";

/** Width of the soft border over the square's side. */
const FEATHER_SHARE = 0.04;
/** So far inwards colours are brought near the picture's. */
const DRIFT_SHARE = 0.3;
const GRID = 64;
const BLUR_CELLS = 5;
/** A difference of so many levels counts half: larger ones are things that moved. */
const MOVED_LEVELS = 24;
const MOST_DRIFT = 48;

/** A picture of a scene as the worker is asked for it. */
export interface SceneSource extends Omit<ScenePicture, "kind" | "firstFrame"> {
  /** Names it within the stream. */
  readonly key: number;
}

/** A decoded picture, 4 x width x height levels. */
export interface SceneImage {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Whether the square's left, right, upper and lower side lie inside of the picture. */
type Soft = readonly [boolean, boolean, boolean, boolean];

function softOf({ widthPx, heightPx, x, y, side }: ScenePlace): Soft {
  return [x > 0, x + side < widthPx * SCENE_PARTS, y > 0, y + side < heightPx * SCENE_PARTS];
}

function eased(way: number): number {
  const at = Math.min(Math.max(way, 0), 1);
  return at * at * (3 - 2 * at);
}

/** size x size: 0 at the soft sides, 1 from `share` of the size inwards. */
export function ramp(size: number, [left, right, top, bottom]: Soft, share: number): Float32Array {
  const along = (first: boolean, last: boolean): number[] =>
    Array.from({ length: size }, (_, i) => {
      const [from, to] = [eased((i + 0.5) / (share * size)), eased((size - i - 0.5) / (share * size))];
      return (first ? from : 1) * (last ? to : 1);
    });
  const [columns, rows] = [along(left, right), along(top, bottom)];
  const value = (row: number, column: number): number => (rows[row] as number) * (columns[column] as number);
  return Float32Array.from({ length: size * size }, (_, i) => value(Math.floor(i / size), i % size));
}

const KERNEL = Array.from({ length: 8 * BLUR_CELLS + 1 }, (_, i) => Math.exp(-0.5 * ((i - 4 * BLUR_CELLS) / BLUR_CELLS) ** 2));
const KERNEL_SUM = KERNEL.reduce((sum, value) => sum + value, 0);

/** A grid, smoothed; beyond its border it goes on as there. */
function blurred(field: Float32Array): Float32Array {
  const pass = (from: Float32Array, step: number, across: number): Float32Array => {
    const out = new Float32Array(GRID * GRID);
    for (let line = 0; line < GRID; line++) {
      for (let at = 0; at < GRID; at++) {
        let sum = 0;
        for (let k = 0; k < KERNEL.length; k++) {
          const near = Math.min(Math.max(at + k - 4 * BLUR_CELLS, 0), GRID - 1);
          sum += (KERNEL[k] as number) * (from[line * across + near * step] as number);
        }
        out[line * across + at * step] = sum / KERNEL_SUM;
      }
    }
    return out;
  };
  return pass(pass(field, 1, GRID), GRID, 1);
}

/** Means of a square part of a picture on the grid, three channels; beyond the picture its border goes on. */
function onGrid(image: SceneImage, left: number, top: number, side: number): Float32Array[] {
  const { widthPx, heightPx, rgba } = image;
  const channels = [0, 1, 2].map(() => new Float32Array(GRID * GRID));
  const cell = side / GRID;
  const inside = (value: number, most: number): number => Math.min(Math.max(Math.floor(value), 0), most - 1);
  const looks = Math.max(Math.ceil(cell), 1);
  for (let at = 0; at < GRID * GRID; at++) {
    for (let look = 0; look < looks * looks; look++) {
      const x = inside(left + ((at % GRID) + ((look % looks) + 0.5) / looks) * cell, widthPx);
      const y = inside(top + (Math.floor(at / GRID) + (Math.floor(look / looks) + 0.5) / looks) * cell, heightPx);
      channels.forEach((channel, c) => (channel[at] = (channel[at] as number) + (rgba[4 * (y * widthPx + x) + c] as number)));
    }
  }
  return channels.map((channel) => channel.map((sum) => sum / (looks * looks)));
}

/** A grid's value at a place of a picture of `size` pixels, between the cells. */
function between(field: Float32Array, x: number, y: number, size: number): number {
  const place = (at: number): [number, number, number] => {
    const cells = Math.min(Math.max(((at + 0.5) * GRID) / size - 0.5, 0), GRID - 1);
    const low = Math.floor(cells);
    return [low, Math.min(low + 1, GRID - 1), cells - low];
  };
  const [left, right, across] = place(x);
  const [upper, lower, down] = place(y);
  const row = (line: number): number =>
    (field[line * GRID + left] as number) * (1 - across) + (field[line * GRID + right] as number) * across;
  return row(upper) * (1 - down) + row(lower) * down;
}

/** What a square loses near its border: what it differs from the picture there in colour and light. */
export class Backdrop {
  readonly image: SceneImage;
  readonly #alone: boolean;
  readonly #place: ScenePlace;
  readonly #near: Float32Array | null;
  readonly #fade: Float32Array;
  readonly #reference: Float32Array[];
  #mask: Float32Array = new Float32Array(0);

  constructor(image: SceneImage, { place, alone, backdrop }: Omit<SceneSource, "key" | "units">) {
    this.image = image;
    this.#alone = alone;
    this.#place = place;
    const soft = softOf(place);
    this.#near = backdrop || !soft.includes(true) ? null : ramp(GRID, soft, FEATHER_SHARE).map((value) => 1 - value);
    this.#fade = ramp(GRID, soft, DRIFT_SHARE).map((value) => 1 - value);
    this.#reference = onGrid(image, place.x / SCENE_PARTS, place.y / SCENE_PARTS, place.side / SCENE_PARTS);
  }

  /** Give a square of `size` pixels, 4 x size x size levels, its alpha and colours, in place. */
  fit(rgba: Uint8ClampedArray<ArrayBuffer>, size: number): void {
    if (this.#mask.length !== size * size) this.#mask = ramp(size, softOf(this.#place), FEATHER_SHARE);
    const drift = this.#alone ? null : this.#drift(rgba, size);
    for (let at = 0; at < size * size; at++) {
      if (drift !== null) {
        const [x, y] = [at % size, Math.floor(at / size)];
        for (let c = 0; c < 3; c++) {
          rgba[4 * at + c] = (rgba[4 * at + c] as number) - between(drift[c] as Float32Array, x, y, size);
        }
      }
      rgba[4 * at + 3] = this.#alone ? 0 : 255 * (this.#mask[at] as number);
    }
  }

  #drift(rgba: Uint8ClampedArray<ArrayBuffer>, size: number): Float32Array[] | null {
    const near = this.#near;
    if (near === null) return null;
    const own = onGrid({ widthPx: size, heightPx: size, rgba }, 0, 0, size);
    const apart = own.map((channel, c) => channel.map((value, at) => value - (this.#reference[c]?.[at] ?? 0)));
    const weight = near.map((value, at) => {
      const moved = Math.max(...apart.map((channel) => Math.abs(channel[at] as number))) / MOVED_LEVELS;
      return value / (1 + moved * moved);
    });
    const spread = blurred(weight);
    return apart.map((channel) =>
      blurred(channel.map((value, at) => value * (weight[at] as number))).map((sum, at) => {
        const mean = sum / ((spread[at] as number) + 1e-4);
        return Math.min(Math.max(mean, -MOST_DRIFT), MOST_DRIFT) * (this.#fade[at] as number);
      }),
    );
  }
}

function levels(planes: Planes, sequence: Sequence): SceneImage {
  const { width: widthPx, height: heightPx } = planes;
  const rgb = toRgb(planes, sequence);
  const size = widthPx * heightPx;
  const rgba = new Uint8ClampedArray(4 * size);
  for (let at = 0; at < size; at++) {
    for (let c = 0; c < 3; c++) rgba[4 * at + c] = 255 * (rgb[c * size + at] as number);
    rgba[4 * at + 3] = 255;
  }
  return { widthPx, heightPx, rgba };
}

/**
 * A scene's picture.
 *
 * @throws Fault it can't be decoded, or is of another size than its place says.
 */
export async function sceneOf(source: SceneSource, decode: PathDecoder): Promise<Backdrop> {
  const { widthPx, heightPx } = source.place;
  const sequence = sequenceOf(source.units[0] as Uint8Array);
  const most = Math.max(widthPx, heightPx);
  if (sequence === null || sequence.width !== widthPx || sequence.height !== heightPx || sequence.largest > most) {
    throw new Fault("bad-unit", "a picture of the scene is of another size");
  }
  const planes = await decode(source.units);
  if (planes.width !== widthPx || planes.height !== heightPx) throw new Fault("bad-unit", "a picture of another size");
  return new Backdrop(levels(planes, sequence), source);
}

