/** The networks in ONNX Runtime: a portrait once, then pictures of 256 x 256. */

import type * as Ort from "onnxruntime-web";
import { aroundOf, centred, conditions, fieldOf, landmarksOf } from "./pose.js";
import { drawMaps } from "./maps.js";
import { fetched, type Models, type NetworkName, type Space } from "./tables.js";

/** Side of the pictures. */
export const SIZE_PX = 256;
/** Side of the portraits that the networks were made for. */
export const PORTRAIT_PX = 512;
const FLOW: readonly number[] = [1, 2, 64, 64];
const LANDMARKS = 478;

type Runtime = typeof Ort;
/** Numbers and their shape: a tensor of no runtime in particular. */
export interface Values {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

type Feeds = Record<string, Values>;

/** What computes: the processor, or the graphics processor. */
export type Provider = "wasm" | "webgpu";
const MODULES: Record<Provider, string> = { wasm: "ort.wasm.min.mjs", webgpu: "ort.webgpu.min.mjs" };

/** A portrait made ready. */
export interface Prepared {
  readonly features: Float32Array;
  /** Its detail was given back; else it was only made smaller. */
  readonly restored: boolean;
  /** What the networks take of it. */
  readonly tensors: Readonly<Feeds>;
}

/** 3 x side x side at half of its size, each pixel the mean of four. */
function halved(rgb: Float32Array, side: number): Float32Array {
  const half = side / 2;
  return Float32Array.from({ length: 3 * half * half }, (_, at) => {
    const from = 2 * (Math.floor(at / half) * side + (at % half));
    const four = [rgb[from], rgb[from + 1], rgb[from + side], rgb[from + side + 1]] as [number, number, number, number];
    return (four[0] + four[1] + four[2] + four[3]) / 4;
  });
}

/** ONNX Runtime, on so many threads. */
export async function loadRuntime(folder: string, threads: number, provider: Provider = "wasm"): Promise<Runtime> {
  const runtime = (await import(`${folder}${MODULES[provider]}`)) as Runtime;
  runtime.env.wasm.wasmPaths = folder;
  runtime.env.wasm.numThreads = threads;
  runtime.env.logLevel = "error";
  return runtime;
}

/** The networks of the page, for streams of one motion space. */
export class Networks {
  readonly #runtime: Runtime;
  readonly #models: Models;
  readonly #space: Space;
  readonly #provider: Provider;
  readonly #sessions = new Map<NetworkName, Promise<Ort.InferenceSession>>();

  constructor(runtime: Runtime, models: Models, space: Space, provider: Provider = "wasm") {
    this.#runtime = runtime;
    this.#models = models;
    this.#space = space;
    this.#provider = provider;
  }

  /** Load what a picture needs, if it isn't there yet. */
  async load(...names: NetworkName[]): Promise<void> {
    if (this.#provider === "wasm") await Promise.all(names.map((name) => this.#session(name)));
    else for (const name of names) await this.#session(name); // ONNX Runtime makes one at a time for WebGPU
  }

  /**
   * Make a portrait ready.
   *
   * @param rgb 3 x 512 x 512 in 0..1.
   * @param features the portrait's own.
   * @param restore give its detail back, which takes ten times longer than all else.
   */
  async prepare(rgb: Float32Array, features: Float32Array, restore: boolean): Promise<Prepared> {
    const pose = this.#pose(features);
    const small = restore ? await this.#restored(rgb) : { data: halved(rgb, PORTRAIT_PX), dims: [1, 3, SIZE_PX, SIZE_PX] };
    const made = await this.#run("encode", { small, maps: pose["maps"] as Values });
    return { features, restored: restore, tensors: { small, ...made, ...pose } };
  }

  /**
   * A picture from one portrait, or from two of which each place shows what suits it.
   *
   * @returns 3 x 256 x 256, about 0..1.
   */
  async render(portraits: readonly Prepared[], features: Float32Array): Promise<Float32Array> {
    const feeds = this.#pose(features);
    portraits.forEach((portrait, n) => {
      const view = { ...portrait.tensors, ...this.#difference(portrait.features, features) };
      for (const [name, tensor] of Object.entries(view)) feeds[`${name}${n}`] = tensor;
    });
    const { picture } = await this.#run(portraits.length > 1 ? "frame-2" : "frame-1", feeds);
    return (picture as Values).data;
  }

  async #restored(rgb: Float32Array): Promise<Values> {
    const { small } = await this.#run("restore", { rgb: { data: rgb, dims: [1, 3, PORTRAIT_PX, PORTRAIT_PX] } });
    return small as Values;
  }

  #pose(features: Float32Array): Feeds {
    const landmarks = landmarksOf(this.#space, features);
    const { maps } = this.#models;
    return {
      maps: { data: drawMaps(landmarks, maps), dims: [1, maps.filled.length + 1, maps.side, maps.side] },
      landmarks: { data: centred(landmarks), dims: [1, LANDMARKS, 2] },
    };
  }

  #difference(own: Float32Array, features: Float32Array): Feeds {
    const [delta, state] = conditions(this.#models, this.#space, own, features);
    const size = FLOW.reduce((a, b) => a * b, 1);
    return {
      delta: { data: delta, dims: [1, delta.length] },
      state: { data: state, dims: [1, state.length] },
      around: { data: aroundOf(this.#space, own, features), dims: [1, 2, 3, 3] },
      field: { data: fieldOf(this.#space, own, features, size), dims: FLOW },
    };
  }

  /** Numbers in, numbers out, wherever they are computed. */
  async #run(name: NetworkName, feeds: Feeds): Promise<Feeds> {
    const session = await this.#session(name);
    const given = Object.entries(feeds).map(([key, { data, dims }]) => [key, new this.#runtime.Tensor("float32", data, dims)]);
    const made = Object.entries(await session.run(Object.fromEntries(given)));
    const read = made.map(async ([key, tensor]) => [key, { data: (await tensor.getData()) as Float32Array, dims: tensor.dims }]);
    return Object.fromEntries(await Promise.all(read)) as Feeds;
  }

  #session(name: NetworkName): Promise<Ort.InferenceSession> {
    const known = this.#sessions.get(name);
    if (known) return known;
    const made = this.#made(name);
    this.#sessions.set(name, made);
    made.catch(() => this.#sessions.delete(name)); // a server that was away may be back
    return made;
  }

  async #made(name: NetworkName): Promise<Ort.InferenceSession> {
    const { folder, networks } = this.#models;
    const bytes = new Uint8Array(await (await fetched(`${folder}${networks[name]}`)).arrayBuffer());
    return this.#runtime.InferenceSession.create(bytes, { executionProviders: [this.#provider] });
  }
}
