/** Draws frames: keeps the portraits that it has made ready. */

import { type Alone, type Known, onGraphics } from "./graphics.js";
import { Libav } from "./libav.js";
import type { Around, OpenOrder, PictureAnswer, RenderOrder } from "./messages.js";
import { loadRuntime, Networks, PORTRAIT_PX, type Prepared, SIZE_PX } from "./networks.js";
import { type Backdrop, type SceneSource, sceneOf } from "./scene.js";
import { decodesAv1, libavPath, type PathDecoder, pictureOf, type PortraitSource, webCodecsPath } from "./portraits.js";
import { featuresOf } from "./pose.js";
import { loadModels, type Models, type Space } from "./tables.js";
import type { ScenePlace } from "../container/scenes.js";

/** Portraits kept: 4 MB each. */
export const MOST_KEPT = 24;
const MOST_THREADS = 8;

/**
 * How many threads WASM uses: one where the page isn't isolated from others; else all cores but one, which sound and page need.
 *
 * @param wanted that many instead; 0 for none.
 */
export function threadsHere(wanted: number): number {
  const most = globalThis.crossOriginIsolated ? MOST_THREADS : 1;
  return Math.min(Math.max(wanted || (navigator.hardwareConcurrency || 1) - 1, 1), most);
}

/** The motion space of a stream, if the page has it. */
export function spaceOf(models: Models, order: OpenOrder): Space {
  const space = models.spaces.find(({ sha256 }) => sha256 === order.space);
  if (space === undefined) throw new Error(`the stream needs the motion space "${order.spaceName}", which this page lacks`);
  if (space.units.length !== order.dims) {
    throw new Error(`the stream has ${order.dims} motion dimensions, its motion space ${space.units.length}`);
  }
  if (order.sidePx !== PORTRAIT_PX) {
    throw new Error(`the portraits are ${order.sidePx} pixels wide, and only ${PORTRAIT_PX} can be shown`);
  }
  return space;
}

/** Two pictures by the share of the second; or one. */
function toRgba(first: Float32Array, second: Float32Array | null, share: number): Uint8ClampedArray<ArrayBuffer> {
  const size = SIZE_PX * SIZE_PX;
  const rgba = new Uint8ClampedArray(4 * size); // rounds and saturates
  for (let at = 0; at < size; at++) {
    for (let channel = 0; channel < 3; channel++) {
      const own = first[channel * size + at] as number;
      const other = second === null ? own : (second[channel * size + at] as number);
      rgba[4 * at + channel] = 255 * (own + share * (other - own));
    }
    rgba[4 * at + 3] = 255;
  }
  return rgba;
}

/** A picture around the square; null where none could be decoded. */
interface SceneAtHand {
  readonly key: number;
  readonly place: ScenePlace;
  readonly found: Backdrop | null;
}

/** Draws the frames of one stream. */
export class Painter {
  /** What decodes portraits, for people. */
  readonly decoder: string;
  readonly threads: number;
  /** In WebAssembly. */
  readonly #own: Networks;
  /** What draws: the graphics processor's from some time on, until that fails. */
  #networks: Networks;
  readonly #onGraphics: (known: Known) => Promise<Networks | string | null>;
  #tried = false;
  /** Nothing is to be asked for before this is over. */
  held: Promise<void> = Promise.resolve();
  /** Told where something else draws from now on, or what was tried and isn't used. */
  drawing: (how: string) => void = () => undefined;
  readonly #space: Space;
  readonly #decode: PathDecoder;
  /** The picture around the square that was shown last. */
  #scene: SceneAtHand | null = null;
  /** The one used last is at the end. */
  readonly #kept = new Map<string, { readonly sharp: boolean; readonly made: Promise<Prepared> }>();

  private constructor(order: OpenOrder, models: Models, networks: Networks, [decoder, decode]: [string, PathDecoder]) {
    const space = spaceOf(models, order);
    this.#space = space;
    this.#own = this.#networks = networks;
    const alone: Alone = (act) => {
      const made = act();
      this.held = made.then(() => undefined, () => undefined);
      return made;
    };
    this.#onGraphics = (known) => onGraphics(order, models, space, known, alone);
    this.threads = threadsHere(order.threads);
    this.decoder = decoder;
    this.#decode = decode;
  }

  /** What draws, for people. */
  get how(): string {
    return `WebAssembly on ${this.threads > 1 ? `${this.threads} threads` : "one thread"}, portraits by ${this.decoder}`;
  }

  static async open(order: OpenOrder): Promise<Painter> {
    const models = await loadModels(order.folders.models);
    const space = spaceOf(models, order);
    const threads = threadsHere(order.threads);
    const [runtime, own] = await Promise.all([loadRuntime(order.folders.runtime, threads), order.libav ? false : decodesAv1()]);
    const networks = new Networks(runtime, models, space);
    const decode = own ? webCodecsPath : libavPath(await Libav.load(order.folders.libav));
    await networks.load("encode", "frame-1");
    return new Painter(order, models, networks, [own ? "WebCodecs" : "libav.js", decode]);
  }

  /** A portrait made ready; a sharp one in place of one that isn't, where that is asked for. */
  prepared(source: PortraitSource, sharp: boolean): Promise<Prepared> {
    const { key } = source;
    const known = this.#kept.get(key);
    const kept = known !== undefined && (known.sharp || !sharp) ? known : { sharp, made: this.#prepare(source, sharp) };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    kept.made.catch(() => this.#kept.delete(key));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break;
      this.#kept.delete(oldest);
    }
    return kept.made;
  }

  /** Draw a frame. */
  async rendered(order: RenderOrder): Promise<PictureAnswer> {
    const portraits: Prepared[] = [];
    // in turns: they share a processor
    for (const source of order.portraits) portraits.push(await this.prepared(source, order.sharp));
    const together = portraits.length > 1 && order.passing === null;
    if (together) await this.#with((networks) => networks.load("frame-2"));
    const began = performance.now();
    const features = featuresOf(this.#space, order.base, order.units);
    const drawn: Float32Array[] = [];
    for (const views of together ? [portraits] : portraits.map((portrait) => [portrait])) {
      drawn.push(await this.#with((networks) => networks.render(views, features)));
    }
    const drawingMs = performance.now() - began;
    const [alone] = portraits;
    if (portraits.length === 1 && alone?.restored === false) {
      const picture = drawn[0] as Float32Array;
      void this.#knows(order.portraits[0] as PortraitSource, { portrait: alone, features, picture, drawingMs });
    }
    const rgba = toRgba(drawn[0] as Float32Array, drawn[1] ?? null, order.passing ?? 0);
    const sharp = portraits.every(({ restored }) => restored);
    const around = await this.#around(order.scene, rgba);
    return { kind: "picture", id: order.id, rgba, drawingMs, sharp, around };
  }

  /** Fit a square into its scene: one that can't be decoded leaves the picture before it. */
  async #around(source: SceneSource | null, rgba: Uint8ClampedArray<ArrayBuffer>): Promise<Around | null> {
    if (source === null) return null;
    const { key, place } = source;
    const isNew = key !== this.#scene?.key;
    if (isNew) {
      const found = await sceneOf(source, this.#decode).catch(() => this.#scene?.found ?? null);
      this.#scene = { key, place: found === this.#scene?.found ? (this.#scene?.place ?? place) : place, found };
    }
    const { found, place: where } = this.#scene as SceneAtHand;
    if (found === null) return null;
    found.fit(rgba, SIZE_PX);
    return { place: where, image: isNew ? found.image : null };
  }

  /** Try the graphics processor, once, on a frame that has just been drawn; what is asked for meanwhile is drawn as before. */
  async #knows(source: PortraitSource, frame: Omit<Known, "rgb">): Promise<void> {
    if (this.#tried) return;
    this.#tried = true;
    const rgb = await pictureOf(source, PORTRAIT_PX, this.#decode).catch(() => null); // it was decoded a moment ago
    const found = rgb === null ? null : await this.#onGraphics({ ...frame, rgb });
    if (typeof found === "string") this.drawing(`${this.how}; WebGPU ${found}`);
    else if (found !== null) {
      this.#networks = found;
      this.drawing(`WebGPU, portraits by ${this.decoder}`);
    }
  }

  /** Use what draws; WebAssembly again where the graphics processor fails, as one does that is taken away. */
  async #with<T>(act: (networks: Networks) => Promise<T>): Promise<T> {
    const used = this.#networks;
    try {
      return await act(used);
    } catch (error) {
      if (used === this.#own) throw error;
      this.#networks = this.#own;
      this.drawing(`${this.how}; WebGPU failed: ${error instanceof Error ? error.message : String(error)}`);
      return act(this.#own);
    }
  }

  async #prepare(source: PortraitSource, sharp: boolean): Promise<Prepared> {
    const rgb = await pictureOf(source, PORTRAIT_PX, this.#decode);
    return this.#with((networks) => networks.prepare(rgb, featuresOf(this.#space, source.features), sharp));
  }
}
