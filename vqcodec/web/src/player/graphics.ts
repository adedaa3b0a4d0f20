/** The graphics processor by WebGPU: it draws in place of WebAssembly once it has drawn a known frame alike, and sooner. */

import type { GpuUse, OpenOrder } from "./messages.js";
import { loadRuntime, Networks, type Prepared, type Values } from "./networks.js";
import type { Models, Space } from "./tables.js";

/** Of a picture on both; the same arithmetic in another order gives 60 and more. */
const ALIKE_DB = 45;
/** Of a restored portrait beside what it was, of a picture from a portrait twice beside the one from it: nearly the same. */
const RESTORED_DB = 24;

/** A frame that WebAssembly has drawn from one portrait that isn't sharp. */
export interface Known {
  /** 3 x 512 x 512 of the portrait. */
  readonly rgb: Float32Array;
  readonly portrait: Prepared;
  readonly features: Float32Array;
  readonly picture: Float32Array;
  readonly drawingMs: number;
}

/** What is tried. */
export type Draws = Pick<Networks, "prepare" | "render">;

/** Runs something while nothing else is done. */
export type Alone = <T>(act: () => Promise<T>) => Promise<T>;

interface Adapter {
  readonly info?: { readonly isFallbackAdapter?: boolean };
}

/** Peak signal to noise of two pictures in 0..1; -Infinity where one isn't finite. */
export function psnrDb(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) return -Infinity;
  const squares = one.reduce((sum, value, at) => sum + (value - (other[at] as number)) ** 2, 0);
  return Number.isFinite(squares) ? -10 * Math.log10(squares / one.length + 1e-12) : -Infinity;
}

/** Whether there is one worth trying: a browser's stand-in for it is slower than WebAssembly. */
async function isHere(use: GpuUse): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } };
  if (use === "never" || gpu === undefined) return false;
  const adapter = await gpu.requestAdapter().catch(() => null);
  return adapter !== null && (use === "always" || adapter.info?.isFallbackAdapter !== true);
}

/** Why networks aren't to be used; null where they draw as they should. */
export async function faultOf(networks: Draws, known: Known, use: GpuUse): Promise<string | null> {
  const own = known.portrait.features;
  const sharp = await networks.prepare(known.rgb, own, true);
  const restoredDb = psnrDb((sharp.tensors["small"] as Values).data, (known.portrait.tensors["small"] as Values).data);
  if (!(restoredDb >= RESTORED_DB)) return `restores portraits wrongly (${restoredDb.toFixed(0)} dB)`;
  const portrait = await networks.prepare(known.rgb, own, false);
  const picture = await networks.render([portrait], known.features);
  const alikeDb = psnrDb(picture, known.picture);
  if (!(alikeDb >= ALIKE_DB)) return `draws wrongly (${alikeDb.toFixed(0)} dB)`;
  const pair = psnrDb(await networks.render([portrait, portrait], known.features), known.picture);
  if (!(pair >= RESTORED_DB)) return `draws wrongly from two portraits (${pair.toFixed(0)} dB)`;
  const began = performance.now();
  await networks.render([portrait], known.features);
  const tookMs = performance.now() - began;
  const slower = use === "auto" && tookMs >= known.drawingMs;
  return slower ? `is slower (${tookMs.toFixed(0)} ms a picture)` : null;
}

/**
 * Networks on the graphics processor.
 *
 * @param alone does something while nothing else is drawn: WebAssembly would be timed as well.
 * @returns them; or why they aren't used, for people; or null where there is no such processor.
 */
export async function onGraphics(
  order: OpenOrder,
  models: Models,
  space: Space,
  known: Known,
  alone: Alone,
): Promise<Networks | string | null> {
  if (!(await isHere(order.gpu))) return null;
  try {
    const networks = new Networks(await loadRuntime(order.folders.runtime, 1, "webgpu"), models, space, "webgpu");
    await networks.load("restore", "encode", "frame-1", "frame-2");
    return (await alone(() => faultOf(networks, known, order.gpu))) ?? networks;
  } catch (error) {
    return `can't be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}
