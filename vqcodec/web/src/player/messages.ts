/** What the page and the worker that draws say to each other. */

import type { PortraitSource } from "./portraits.js";
import type { SceneImage, SceneSource } from "./scene.js";
import type { ScenePlace } from "../container/scenes.js";

/** Whether the graphics processor draws: where it has shown that it draws well and sooner, also where it is slower, or never. */
export type GpuUse = "auto" | "always" | "never";

/** Begin with a stream. */
export interface OpenOrder {
  readonly kind: "open";
  /** Addresses that end in a slash. */
  readonly folders: { readonly models: string; readonly runtime: string; readonly libav: string };
  /** SHA-256 of the motion space, hexadecimal, and its name for people. */
  readonly space: string;
  readonly spaceName: string;
  readonly dims: number;
  readonly sidePx: number;
  /** Use libav.js even where the browser has decoders. */
  readonly libav: boolean;
  /** 0: as many as are good. */
  readonly threads: number;
  readonly gpu: GpuUse;
}

/** Make a portrait ready, and sharp, before it is needed. */
export interface PrepareOrder {
  readonly kind: "prepare";
  readonly id: number;
  readonly portrait: PortraitSource;
}

/** Draw a frame. */
export interface RenderOrder {
  readonly kind: "render";
  readonly id: number;
  /** Motion, and the features that it counts from. */
  readonly units: Int16Array;
  readonly base: Int16Array;
  readonly portraits: readonly PortraitSource[];
  /** Of two portraits: the share of the second one's own picture; null to show each place from what suits it. */
  readonly passing: number | null;
  /** Give the portraits' detail back before, however long that takes. */
  readonly sharp: boolean;
  /** What is around the square; null in a stream without. */
  readonly scene: SceneSource | null;
}

export type Order = OpenOrder | PrepareOrder | RenderOrder;

/** Around a frame's square. */
export interface Around {
  readonly place: ScenePlace;
  /** With the first frame that it is shown with; then the page has it. */
  readonly image: SceneImage | null;
}

/** A frame, 4 x 256 x 256 levels. */
export interface PictureAnswer {
  readonly kind: "picture";
  readonly id: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  /** How long drawing took, without what its portraits needed. */
  readonly drawingMs: number;
  /** All of its portraits have their detail. */
  readonly sharp: boolean;
  /** The square is drawn over it; null in a stream without a scene. */
  readonly around: Around | null;
}

export type Answer =
  | PictureAnswer
  | { readonly kind: "ready" }
  /** What draws from now on, and what was tried and isn't used, for people. */
  | { readonly kind: "drawing"; readonly how: string }
  | { readonly kind: "prepared"; readonly id: number }
  /** Without a number nothing can be drawn at all. */
  | { readonly kind: "failed"; readonly id: number | null; readonly why: string };
