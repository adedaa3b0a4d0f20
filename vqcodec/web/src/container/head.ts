/** HEAD: all that must be known before the first group (vqt.md, section 4). */

import { Fields, type Range } from "./fields.js";
import { Fault } from "../errors.js";
import * as format from "../format.js";

/** An exact ratio in lowest terms. */
export interface Rational {
  readonly numerator: number;
  readonly denominator: number;
}

/** A model, known by its weights. */
export interface ModelName {
  /** For people only: it must not become a path, an address or a command. */
  readonly name: string;
  readonly sha256: Uint8Array;
}

/** How the sound is coded. */
export interface SoundFormat {
  readonly channels: number;
  readonly preSkipSamples: number;
  /** OpusHead, or nothing. */
  readonly extradata: Uint8Array;
}

/** Where the coded square lay in the picture. */
export interface Crop {
  readonly sourceWidthPx: number;
  readonly sourceHeightPx: number;
  readonly xPx: number;
  readonly yPx: number;
  readonly sidePx: number;
}

/** The HEAD chunk. */
export interface Head {
  readonly version: readonly [number, number];
  /** The motion was made from sound or text; players show it. */
  readonly synthetic: boolean;
  readonly codedSizePx: number;
  readonly timeBaseS: Rational;
  /** Nominal. */
  readonly frameRateHz: Rational;
  /** Groups of four dimensions. */
  readonly groups: number;
  readonly layers: number;
  readonly motionSpace: ModelName;
  readonly renderer: ModelName;
  readonly sound: SoundFormat | null;
  readonly crop: Crop | null;
  /** Of a live stream: how late a frame may be. */
  readonly delayMs: number | null;
}

const BYTE: Range = [0, 255];
const FLAGS = { synthetic: 1, sound: 2, crop: 4, live: 8 };

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function rational(fields: Fields, name: string, most: number): Rational {
  const part: Range = [1, format.MAX_RATIONAL_PART];
  const numerator = fields.uint(`${name}, numerator`, 4, part);
  const denominator = fields.uint(`${name}, denominator`, 4, part);
  if (gcd(numerator, denominator) !== 1) throw new Fault("bad-value", `${name} is not in lowest terms`);
  if (numerator > most * denominator) throw new Fault("bad-value", `${name} is above ${most}`);
  return { numerator, denominator };
}

function model(fields: Fields, name: string): ModelName {
  const text = fields.text(name, [1, format.MAX_MODEL_NAME_BYTES]);
  return { name: text, sha256: fields.bytes(name, format.SHA256_BYTES).slice() };
}

function version(fields: Fields): readonly [number, number] {
  const major = fields.uint("major", 1, [1, 255]);
  if (major > format.MAJOR_VERSION) throw new Fault("unsupported-version", `version ${major}`);
  return [major, fields.uint("minor", 1, BYTE)];
}

/** Flags that this version knows; in a stream of a greater minor version the others are ignored. */
function flags(fields: Fields, [major, minor]: readonly [number, number]): number {
  const known = major === 1 ? 0b0111 : 0b1111;
  const found = fields.uint("flags", 1, BYTE);
  if (minor <= format.MINOR_VERSION && found & ~known) throw new Fault("bad-value", "a reserved flag is set");
  return found & known;
}

/** `groups`, `group_dims`, `levels`: how many groups. */
function layout(fields: Fields, major: number): number {
  const groups = fields.uint("groups", 1, BYTE);
  const dims = fields.uint("group_dims", 1, BYTE);
  const levels = fields.uint("levels", 1, BYTE);
  const most = major === 1 ? format.MIN_GROUPS : format.MAX_GROUPS;
  const known = groups >= format.MIN_GROUPS && groups <= most;
  if (!known || dims !== format.GROUP_DIMS || levels !== format.LEVELS) {
    throw new Fault("unsupported-layout", `${groups} groups of ${dims} dimensions in ${levels} levels`);
  }
  return groups;
}

function sound(fields: Fields): SoundFormat {
  return {
    channels: fields.uint("channels", 1, [1, format.MAX_CHANNELS]),
    preSkipSamples: fields.uint("pre_skip_samples", 2, [0, format.MAX_PRE_SKIP_SAMPLES]),
    extradata: fields.counted("extradata", [0, format.MAX_EXTRADATA_BYTES]).slice(),
  };
}

function crop(fields: Fields): Crop {
  const far = format.MAX_CROP_SIDE_PX;
  return {
    sourceWidthPx: fields.uint("source_width_px", 2, [1, format.MAX_SOURCE_PX]),
    sourceHeightPx: fields.uint("source_height_px", 2, [1, format.MAX_SOURCE_PX]),
    xPx: fields.int32("x_px", [-far, far]),
    yPx: fields.int32("y_px", [-far, far]),
    sidePx: fields.uint("side_px", 4, [1, far]),
  };
}

/** Read the payload of HEAD. */
export function readHead(payload: Uint8Array): Head {
  const fields = new Fields(payload);
  const numbers = version(fields);
  const [major, minor] = numbers;
  const set = flags(fields, numbers);
  const sizes: Range = [format.MIN_CODED_SIZE_PX, format.MAX_CODED_SIZE_PX];
  const head: Head = {
    version: numbers,
    synthetic: (set & FLAGS.synthetic) !== 0,
    codedSizePx: fields.uint("coded_size_px", 2, sizes),
    timeBaseS: rational(fields, "time_base_s", format.MAX_TIME_BASE_S),
    frameRateHz: rational(fields, "frame_rate_hz", format.MAX_FRAME_RATE_HZ),
    groups: layout(fields, major),
    layers: fields.uint("layers", 1, [1, format.MAX_LAYERS]),
    motionSpace: model(fields, "motion_space"),
    renderer: model(fields, "renderer"),
    sound: set & FLAGS.sound ? sound(fields) : null,
    crop: set & FLAGS.crop ? crop(fields) : null,
    delayMs: set & FLAGS.live ? fields.uint("delay_ms", 2, [1, format.MAX_DELAY_MS]) : null,
  };
  if (minor <= format.MINOR_VERSION) fields.end(); // a newer minor version may have more fields
  return head;
}
