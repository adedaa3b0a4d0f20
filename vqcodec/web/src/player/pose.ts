/** Motion to what the networks take: features, landmarks, similarities, the sum of a field. */

import type { Models, Space } from "./tables.js";

/** Landmark coefficients: the first dimensions of every motion space. */
const LANDMARK_DIMS = 36;
const LEARNED = 12;
/** What the networks see of motion: landmarks and all learned numbers. */
export const CONDITION_DIMS = LANDMARK_DIMS + LEARNED;
/** Dimensions before the field. */
const BASE_DIMS = 48;
/** Half of the side of the picture that surroundings are told for. */
const RADIUS_PX = 128;
const SURROUND_PARTS = 2;
const NUMBERS = 4;
const FLAT = 1e-3;

/** Features f = units x size: of a portrait, or of a frame with the portrait that its motion counts from. */
export function featuresOf(space: Space, base: Int16Array, motion?: Int16Array): Float32Array {
  return Float32Array.from(base, (value, d) => {
    const unit = space.units[d] as number;
    return Math.fround(value * unit) + Math.fround((motion?.[d] ?? 0) * unit);
  });
}

/** 956 coordinates in 0..1 of the picture. */
export function landmarksOf(space: Space, features: Float32Array): Float32Array {
  const points = Float64Array.from(space.mean);
  for (let c = 0, at = 0; c < LANDMARK_DIMS; c++) {
    const share = features[c] as number;
    for (let i = 0; i < points.length; i++, at++) points[i] = (points[i] as number) + share * (space.components[at] as number);
  }
  return Float32Array.from(points);
}

/** 0..1 of the picture -> -1..1. */
export function centred(landmarks: Float32Array): Float32Array {
  return landmarks.map((value) => 2 * value - 1);
}

function condition(space: Space, values: Float32Array, spread: number): Float32Array {
  const row = new Float32Array(CONDITION_DIMS);
  for (let d = 0; d < LANDMARK_DIMS; d++) row[d] = (values[d] as number) / ((space.units[d] as number) * spread);
  space.learned.forEach((place, i) => {
    row[LANDMARK_DIMS + place] = values[LANDMARK_DIMS + space.surround + i] as number;
  });
  return row;
}

/** How a frame differs from a portrait, as the networks see it: `delta` and `state`. */
export function conditions(models: Models, space: Space, own: Float32Array, frame: Float32Array): [Float32Array, Float32Array] {
  const away = frame.map((value, d) => value - (own[d] as number));
  return [condition(space, away, models.spread.motion), condition(space, own, models.spread.state)];
}

/** [c, s, tx, ty] of x' = c x - s y + tx, y' = s x + c y + ty, on -1..1. */
function similarity(numbers: Float32Array): [number, number, number, number] {
  const [tx = 0, ty = 0, a = 0, b = 0] = Array.from(numbers, (value) => value / RADIUS_PX);
  return [1 + a, b, tx, ty];
}

/** The map from a frame back to its portrait, as a 3 x 3 matrix; exactly the identity where nothing moved. */
function back(own: Float32Array, frame: Float32Array): number[] {
  const [c, s, x, y] = similarity(frame);
  const [pc, ps, px, py] = similarity(own);
  const size = c * c + s * s;
  // a made-up stream may say that everything shrank to nothing: that can't be undone
  if (size < FLAT || own.every((value, i) => value === frame[i])) return [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const [ic, is] = [c / size, -s / size];
  const [ix, iy] = [-(ic * x - is * y), -(is * x + ic * y)];
  const [rc, rs] = [pc * ic - ps * is, ps * ic + pc * is];
  return [rc, -rs, pc * ix - ps * iy + px, rs, rc, ps * ix + pc * iy + py, 0, 0, 1];
}

/** 2 x 3 x 3: maps of background and torso from a frame to a portrait. */
export function aroundOf(space: Space, own: Float32Array, frame: Float32Array): Float32Array {
  const parts = Array.from({ length: SURROUND_PARTS }, (_, part) => {
    const from = LANDMARK_DIMS + part * NUMBERS;
    const numbers = (features: Float32Array): Float32Array =>
      space.surround > 0 ? features.subarray(from, from + NUMBERS) : new Float32Array(NUMBERS);
    return back(numbers(own), numbers(frame));
  });
  return Float32Array.from(parts.flat());
}

/** 2 x 64 x 64: what the field adds to the flow from a frame to a portrait. */
export function fieldOf(space: Space, own: Float32Array, frame: Float32Array, size: number): Float32Array {
  const flow = new Float32Array(size);
  for (let k = 0; k * size < space.flows.length; k++) {
    const share = (frame[BASE_DIMS + k] as number) - (own[BASE_DIMS + k] as number);
    if (share === 0) continue;
    const from = k * size;
    for (let i = 0; i < size; i++) flow[i] = (flow[i] as number) + share * (space.flows[from + i] as number);
  }
  return flow;
}
