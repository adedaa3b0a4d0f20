/** Structure of a portrait's AV1 unit, without decoding a picture (vqt.md, section 5a; AV1 5.3, 5.5, 5.9.2). */

import { Bits } from "./fields.js";
import { Fault } from "../errors.js";

/** Width and height. */
export type Size = readonly [number, number];

const SEQUENCE_HEADER = 1;
const FRAME = 6;
const KEY_FRAME = 0;
const INTER_FRAME = 1;
const LEB128_BYTES = 8;

export interface Obu {
  readonly type: number;
  readonly payload: Uint8Array;
}

function fault(why: string): Fault {
  return new Fault("bad-unit", why);
}

/** Bits of an OBU; what it lacks is a fault. */
class ObuBits {
  readonly #bits: Bits;

  constructor(payload: Uint8Array) {
    this.#bits = new Bits(payload);
  }

  get left(): number {
    return this.#bits.left;
  }

  read(width: number): number {
    if (width > this.#bits.left) throw fault("an OBU ends in its fields");
    return this.#bits.read(width);
  }

  /** A field that must have one value. */
  want(name: string, width: number, value: number): void {
    const found = this.read(width);
    if (found !== value) throw fault(`${name} is ${found} and must be ${value}`);
  }
}

/** obu_size: its value and where the payload begins. */
function leb128(unit: Uint8Array, at: number): readonly [number, number] {
  let value = 0;
  for (let i = 0, scale = 1; i < LEB128_BYTES; i++, scale *= 128) {
    const byte = unit[at + i];
    if (byte === undefined) throw fault("the unit ends in the size of an OBU");
    value += (byte & 0x7f) * scale; // rounds only where it is far above the unit's length
    if (byte < 0x80) return [value, at + i + 1];
  }
  throw fault("the size of an OBU has more than 8 bytes");
}

/** The OBUs of a unit, which they must fill. */
export function obus(unit: Uint8Array): Obu[] {
  const found: Obu[] = [];
  for (let at = 0; at < unit.length; ) {
    const header = new ObuBits(unit.subarray(at, at + 1));
    header.want("obu_forbidden_bit", 1, 0);
    const type = header.read(4);
    header.want("obu_extension_flag", 1, 0);
    header.want("obu_has_size_field", 1, 1);
    header.want("obu_reserved_1bit", 1, 0);
    const [size, start] = leb128(unit, at + 1);
    if (size > unit.length - start) throw fault("an OBU is longer than the unit");
    found.push({ type, payload: unit.subarray(start, start + size) });
    at = start + size;
  }
  return found;
}

/** operating_points and what stands before them. */
function operatingPoints(bits: ObuBits): void {
  bits.want("timing_info_present_flag", 1, 0);
  const delays = bits.read(1); // initial_display_delay_present_flag
  const points = bits.read(5) + 1;
  for (let i = 0; i < points; i++) {
    bits.read(12); // operating_point_idc
    if (bits.read(5) > 7) bits.read(1); // seq_level_idx, seq_tier
    if (delays && bits.read(1)) bits.read(4); // initial_display_delay_minus_1
  }
}

/** The frame's size, the same in both directions. */
function frameSize(bits: ObuBits, [widthPx, heightPx]: Size): void {
  const widthBits = bits.read(4) + 1;
  const heightBits = bits.read(4) + 1;
  bits.want("max_frame_width_minus_1", widthBits, widthPx - 1);
  bits.want("max_frame_height_minus_1", heightBits, heightPx - 1);
}

/** From use_128x128_superblock to enable_restoration: tools, all free, some there only with others. */
function tools(bits: ObuBits): void {
  bits.read(3); // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  bits.read(4); // enable_interintra_compound, _masked_compound, _warped_motion, _dual_filter
  const orderHint = bits.read(1);
  if (orderHint) bits.read(2); // enable_jnt_comp, enable_ref_frame_mvs
  const chosenByFrames = bits.read(1); // seq_choose_screen_content_tools
  const mayHaveScreenContent = chosenByFrames || bits.read(1);
  if (mayHaveScreenContent && !bits.read(1)) bits.read(1); // seq_choose_integer_mv, seq_force_integer_mv
  if (orderHint) bits.read(3); // order_hint_bits_minus_1
  bits.read(3); // enable_superres, enable_cdef, enable_restoration
}

/** color_config of profile 0. */
function colour(bits: ObuBits): void {
  bits.want("high_bitdepth", 1, 0);
  bits.want("mono_chrome", 1, 0);
  if (bits.read(1)) {
    const [primaries, transfer, matrix] = [bits.read(8), bits.read(8), bits.read(8)];
    if (primaries === 1 && transfer === 13 && matrix === 0) throw fault("the picture is 4:4:4");
  }
  bits.read(1 + 2 + 1); // color_range, chroma_sample_position, separate_uv_delta_q
}

function sequenceHeader(payload: Uint8Array, size: Size): void {
  const bits = new ObuBits(payload);
  bits.want("seq_profile", 3, 0);
  bits.want("still_picture", 1, 0);
  bits.want("reduced_still_picture_header", 1, 0);
  operatingPoints(bits);
  frameSize(bits, size);
  bits.want("frame_id_numbers_present_flag", 1, 0);
  tools(bits);
  colour(bits);
  bits.want("film_grain_params_present", 1, 0);
  bits.want("the first trailing bit", 1, 1);
  while (bits.left > 0) bits.want("a trailing bit", 1, 0);
}

/**
 * Check the unit of a portrait, or of a scene's picture.
 *
 * @param first whether it is number 0 of its sequence.
 * @param size width and height that the sequence must declare.
 * @throws Fault `bad-unit`.
 */
export function checkUnit(unit: Uint8Array, first: boolean, size: Size): void {
  const found = obus(unit);
  const types = first ? [SEQUENCE_HEADER, FRAME] : [FRAME];
  if (found.length !== types.length || found.some((obu, i) => obu.type !== types[i])) {
    throw fault(`OBUs of the types ${found.map((obu) => obu.type).join(", ")}, not ${types.join(", ")}`);
  }
  if (first) sequenceHeader((found[0] as Obu).payload, size);
  const frame = new ObuBits((found[found.length - 1] as Obu).payload);
  frame.want("show_existing_frame", 1, 0);
  frame.want("frame_type", 2, first ? KEY_FRAME : INTER_FRAME);
  frame.want("show_frame", 1, 1);
}
