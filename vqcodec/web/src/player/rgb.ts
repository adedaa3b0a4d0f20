/** Planes of a decoded picture to RGB. */

import { lumaWeights, type Sequence } from "./sequence.js";

/** One plane: samples that lie `step` apart, in rows `stride` apart. */
export interface Plane {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly stride: number;
  readonly step: number;
}

/** Luma, and two planes of colour with half as many samples each way. */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly luma: Plane;
  readonly blue: Plane;
  readonly red: Plane;
}

/** Half as many samples -> full size, between -0.5 and 0.5 about; samples lie in the middle of four pixels. */
function enlarged(plane: Plane, width: number, height: number): Float32Array {
  const [columns, rows] = [(width + 1) >> 1, (height + 1) >> 1];
  const sample = (x: number, y: number): number => plane.bytes[plane.offset + y * plane.stride + x * plane.step] as number;
  const out = new Float32Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const near = y >> 1;
    const far = Math.min(Math.max(near + (y & 1 ? 1 : -1), 0), rows - 1);
    for (let x = 0; x < width; x++, at++) {
      const own = x >> 1;
      const beside = Math.min(Math.max(own + (x & 1 ? 1 : -1), 0), columns - 1);
      const upper = 3 * sample(own, near) + sample(beside, near);
      const lower = 3 * sample(own, far) + sample(beside, far);
      out[at] = (3 * upper + lower) / 16 - 128;
    }
  }
  return out;
}

/** 3 x height x width in 0..1. */
export function toRgb(planes: Planes, colours: Pick<Sequence, "matrix" | "fullRange">): Float32Array {
  const { width, height, luma } = planes;
  const [kr, kb] = lumaWeights(colours.matrix);
  const [black, span, chroma] = colours.fullRange ? [0, 255, 255] : [16, 219, 224];
  const [blue, red] = [enlarged(planes.blue, width, height), enlarged(planes.red, width, height)];
  const size = width * height;
  const out = new Float32Array(3 * size);
  const put = (at: number, value: number): void => {
    out[at] = Math.round(Math.min(Math.max(value, 0), 1) * 255) / 255; // levels, as the networks have learned from
  };
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const light = ((luma.bytes[luma.offset + y * luma.stride + x * luma.step] as number) - black) / span;
      const r = (2 * (1 - kr) * (red[at] as number)) / chroma;
      const b = (2 * (1 - kb) * (blue[at] as number)) / chroma;
      put(at, light + r);
      put(at + size, light - (kr * r + kb * b) / (1 - kr - kb));
      put(at + 2 * size, light + b);
    }
  }
  return out;
}
