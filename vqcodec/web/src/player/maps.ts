/**
 * Landmarks drawn as pictures: where lips, mouth, eyes, brows and irises are.
 *
 * The networks have learned from pictures that another program drew, with soft edges. Here a pixel's value follows from its
 * distance to the edge, which gives the same on average; what is rendered from it differs by less than a level.
 */

import type { MapTables } from "./tables.js";

const WHITE = 255;
/** Positions are rounded to so many parts of a pixel. */
const SUBPIXELS = 64;
/** Distances to the edge in pixels, inside above zero, and the value there; straight lines between. */
const EDGE: readonly (readonly [number, number])[] = [
  [-1.85, 0], [-1.55, 2], [-1.35, 17], [-1.15, 32], [-0.95, 51], [-0.75, 89], [-0.55, 143], [-0.35, 204], [-0.15, 230],
  [0.05, 245], [0.35, 250], [0.55, 255],
];
const REACH_PX = 2;
const FAR = 9;
const STEPS = 64;

/** EDGE by distance, from -REACH_PX to REACH_PX. */
const SOFT = Float32Array.from({ length: 2 * REACH_PX * STEPS + 1 }, (_, i) => {
  const distance = i / STEPS - REACH_PX;
  const next = EDGE.findIndex(([at]) => at >= distance);
  if (next < 0) return WHITE;
  const [[to, high], [from, low]] = [EDGE[next] as [number, number], EDGE[Math.max(next - 1, 0)] as [number, number]];
  return to === from ? high : low + ((high - low) * (distance - from)) / (to - from);
});

type Point = readonly [number, number];

/** One map that is being drawn. */
class Layer {
  readonly #out: Float32Array;
  readonly #side: number;
  /** Of each pixel, how far the outline at hand is, up to FAR. */
  readonly #near: Float32Array;
  readonly #inside: Uint8Array;

  constructor(out: Float32Array, side: number) {
    this.#out = out;
    this.#side = side;
    this.#near = new Float32Array(side * side);
    this.#inside = new Uint8Array(side * side);
  }

  fill(ring: readonly Point[]): void {
    this.#near.fill(FAR);
    this.#inside.fill(0);
    ring.forEach((point, i) => this.#edge(point, ring[(i + 1) % ring.length] as Point));
    this.#cross(ring);
    this.#keep();
  }

  line(points: readonly Point[]): void {
    this.#near.fill(FAR);
    this.#inside.fill(0);
    for (let i = 1; i < points.length; i++) this.#edge(points[i - 1] as Point, points[i] as Point);
    this.#keep();
  }

  /** Rows or columns that a span of positions touches. */
  #span(a: number, b: number, reach: number): [number, number] {
    return [Math.max(Math.ceil(Math.min(a, b) - reach), 0), Math.min(Math.floor(Math.max(a, b) + reach), this.#side - 1)];
  }

  /** Distances to a straight piece. */
  #edge([ax, ay]: Point, [bx, by]: Point): void {
    const [dx, dy] = [bx - ax, by - ay];
    const length = Math.max(dx * dx + dy * dy, 1e-9);
    const [left, right] = this.#span(ax, bx, REACH_PX);
    const [top, bottom] = this.#span(ay, by, REACH_PX);
    for (let y = top; y <= bottom; y++) {
      for (let x = left, at = y * this.#side + left; x <= right; x++, at++) {
        const share = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length, 0), 1);
        const away = Math.hypot(x - ax - share * dx, y - ay - share * dy);
        if (away < (this.#near[at] as number)) this.#near[at] = away;
      }
    }
  }

  /** Which pixels lie inside: an odd number of edges to their left. */
  #cross(ring: readonly Point[]): void {
    ring.forEach(([ax, ay], i) => {
      const [bx, by] = ring[(i + 1) % ring.length] as Point;
      const [top, bottom] = this.#span(ay, by, 0);
      for (let y = top; y <= bottom; y++) {
        if (ay <= y === by <= y) continue;
        const from = Math.max(Math.floor(ax + ((y - ay) * (bx - ax)) / (by - ay)) + 1, 0);
        for (let at = y * this.#side + from; at < (y + 1) * this.#side; at++) this.#inside[at] = 1 - (this.#inside[at] as number);
      }
    });
  }

  #keep(): void {
    for (let at = 0; at < this.#near.length; at++) {
      const near = Math.min(this.#near[at] as number, REACH_PX);
      const distance = this.#inside[at] ? near : -near;
      const value = Math.round(SOFT[Math.round((distance + REACH_PX) * STEPS)] as number) / WHITE;
      if (value > (this.#out[at] as number)) this.#out[at] = value;
    }
  }
}

/** 8 x side x side in 0..1, from 956 coordinates in 0..1 of the picture. */
export function drawMaps(landmarks: Float32Array, tables: MapTables): Float32Array {
  const { side, filled, lines } = tables;
  const maps = new Float32Array((filled.length + 1) * side * side);
  const place = (value: number): number =>
    Math.round((Math.min(Math.max(value, -1), 2) * side - 0.5) * SUBPIXELS) / SUBPIXELS;
  const points = (ring: readonly number[]): Point[] =>
    ring.map((k) => [place(landmarks[2 * k] as number), place(landmarks[2 * k + 1] as number)]);
  const layer = (n: number): Layer => new Layer(maps.subarray(n * side * side, (n + 1) * side * side), side);
  filled.forEach((rings, n) => {
    const drawn = layer(n);
    for (const ring of rings) drawn.fill(points(ring));
  });
  const last = layer(filled.length);
  for (const line of lines) last.line(points(line));
  return maps;
}
