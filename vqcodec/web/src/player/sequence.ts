/** An AV1 sequence header as far as a picture's size and colours stand in it (AV1 specification, 5.5). */

import { obus } from "../container/av1.js";
import { Bits } from "../container/fields.js";
import { Fault } from "../errors.js";

const SEQUENCE_HEADER = 1;
const CHOSEN_BY_FRAMES = 1;
const SRGB = [1, 13, 0];
const BT709 = 1;
const BT601 = 6;
const UNKNOWN = 2;

/** What the sequence says of its pictures. */
export interface Sequence {
  readonly width: number;
  readonly height: number;
  /** The longest side that a frame may declare in place of these. */
  readonly largest: number;
  /** H.273 matrix coefficients. */
  readonly matrix: number;
  readonly fullRange: boolean;
}

/** Timing and operating points of a header that isn't reduced. */
function skipPoints(bits: Bits): void {
  if (bits.read(1)) throw new Fault("bad-unit", "a portrait with timing");
  const delays = bits.read(1);
  const points = bits.read(5) + 1;
  for (let i = 0; i < points; i++) {
    bits.read(12);
    if (bits.read(5) > 7) bits.read(1);
    if (delays && bits.read(1)) bits.read(4);
  }
}

/** From use_128x128_superblock to enable_restoration. */
function skipTools(bits: Bits, reduced: boolean): void {
  bits.read(3);
  if (!reduced) {
    bits.read(4);
    const orderHint = bits.read(1);
    if (orderHint) bits.read(2);
    const screen = bits.read(1) || bits.read(1);
    if (screen && !bits.read(1)) bits.read(1);
    if (orderHint) bits.read(3);
  }
  bits.read(3);
}

function colours(bits: Bits, profile: number): Pick<Sequence, "matrix" | "fullRange"> {
  if (bits.read(1)) throw new Fault("bad-unit", "a portrait of more than 8 bits");
  const grey = profile !== 1 && bits.read(1);
  const told = bits.read(1) ? [bits.read(8), bits.read(8), bits.read(8)] : [UNKNOWN, UNKNOWN, UNKNOWN];
  const matrix = told[2] === UNKNOWN ? BT601 : (told[2] as number);
  if (!grey && SRGB.every((value, i) => value === told[i])) return { matrix, fullRange: true };
  return { matrix, fullRange: bits.read(1) === CHOSEN_BY_FRAMES };
}

function read(payload: Uint8Array): Sequence {
  const bits = new Bits(payload.length < 64 ? Uint8Array.of(...payload, ...new Uint8Array(64)) : payload);
  const profile = bits.read(3);
  bits.read(1); // still_picture
  const reduced = bits.read(1) === 1;
  if (reduced) bits.read(5);
  else skipPoints(bits);
  const [widthBits, heightBits] = [bits.read(4) + 1, bits.read(4) + 1];
  const [width, height] = [bits.read(widthBits) + 1, bits.read(heightBits) + 1];
  if (!reduced && bits.read(1)) bits.read(4 + 3);
  skipTools(bits, reduced);
  // half of what the fields can hold, as frames may use them
  const largest = Math.max(width, height, 2 ** (widthBits - 1), 2 ** (heightBits - 1));
  return { width, height, largest, ...colours(bits, profile) };
}

/** The sequence header of a unit, or null without one. */
export function sequenceOf(unit: Uint8Array): Sequence | null {
  const header = obus(unit).find(({ type }) => type === SEQUENCE_HEADER);
  return header ? read(header.payload) : null;
}

/** Weights of red and blue in luma. */
export function lumaWeights(matrix: number): readonly [number, number] {
  if (matrix === BT709) return [0.2126, 0.0722];
  if (matrix === 9 || matrix === 10) return [0.2627, 0.0593];
  return [0.299, 0.114];
}
