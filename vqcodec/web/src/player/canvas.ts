/** Shows pictures in the page's canvas: squares alone, or before the scene around them. */

import { SIZE_PX } from "./networks.js";
import type { SceneImage } from "./scene.js";
import type { Picture } from "./schedule.js";
import { SCENE_PARTS } from "../format.js";

/** A canvas that isn't in the page. */
function sheet(width: number, height: number): CanvasRenderingContext2D {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  return canvas.getContext("2d") as CanvasRenderingContext2D;
}

/** The page's canvas. */
export class Canvas {
  readonly #canvas: HTMLCanvasElement;
  readonly #pen: CanvasRenderingContext2D;
  readonly #square = sheet(SIZE_PX, SIZE_PX);
  /** What is around the square, drawn once. */
  #around: { readonly image: SceneImage; readonly sheet: CanvasRenderingContext2D } | null = null;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
  }

  clear(): void {
    this.#around = null;
    this.#pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  show({ rgba, around }: Picture): void {
    const square = new ImageData(rgba, SIZE_PX, SIZE_PX);
    if (around === null) {
      this.#fit(SIZE_PX, SIZE_PX);
      this.#pen.putImageData(square, 0, 0);
      return;
    }
    const { image, place } = around;
    const { widthPx, heightPx, rgba: levels } = image;
    this.#fit(widthPx, heightPx);
    if (this.#around?.image !== image) {
      this.#around = { image, sheet: sheet(widthPx, heightPx) };
      this.#around.sheet.putImageData(new ImageData(levels, widthPx, heightPx), 0, 0);
    }
    this.#square.putImageData(square, 0, 0);
    const [x, y, side] = [place.x, place.y, place.side].map((parts) => parts / SCENE_PARTS) as [number, number, number];
    this.#pen.drawImage(this.#around.sheet.canvas, 0, 0);
    this.#pen.imageSmoothingQuality = "high";
    this.#pen.drawImage(this.#square.canvas, x, y, side, side);
  }

  /** Setting a canvas' size clears it. */
  #fit(width: number, height: number): void {
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    Object.assign(this.#canvas, { width, height });
    this.#canvas.parentElement?.style.setProperty("--ratio", `${width / height}`);
  }
}
