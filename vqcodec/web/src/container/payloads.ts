/** The payloads of KEYF, PORT, MOTN, AUDO, INDX and IEND, field by field (vqt.md, sections 5 to 9). */

import { checkUnit } from "./av1.js";
import { Fields, type Range } from "./fields.js";
import type { Head } from "./head.js";
import { type Run, readRuns } from "./runs.js";
import { Fault } from "../errors.js";
import * as format from "../format.js";

/** KEYF. */
export interface RawKeyFrame {
  readonly firstFrame: number;
  readonly features: Int16Array;
  readonly still: Uint8Array;
}

/** PORT; features are relative to those of the shot's number 0, but for number 0. */
export interface RawPortrait {
  readonly firstFrame: number;
  readonly shot: number;
  readonly number: number;
  readonly continues: boolean;
  readonly dependsOn: number | null;
  readonly features: readonly number[];
  readonly unit: Uint8Array;
}

/** MOTN, its layers still coded. */
export interface RawMotion {
  readonly firstFrame: number;
  readonly ticks: readonly number[];
  readonly lowConfidence: Uint8Array;
  /** The layers, coarse first. */
  readonly payloads: readonly Uint8Array[];
  /** Major version 2; null in 1. */
  readonly shot: number | null;
  readonly runs: readonly Run[];
}

/** AUDO. */
export interface RawSound {
  readonly firstSample: number;
  readonly endTrimSamples: number;
  readonly packets: readonly Uint8Array[];
}

/** IEND. */
export interface RawEnd {
  readonly frames: number;
  readonly endTick: bigint;
  readonly indexChunkBytes: number;
  readonly chainCrc: Uint8Array;
}

const UINT32: Range = [0, format.MAX_UINT32];
const POSITION: Range = [0, format.MAX_POSITION];
const KEY_FEATURES = 48;

/** Read KEYF. */
export function readKeyFrame(payload: Uint8Array): RawKeyFrame {
  const fields = new Fields(payload);
  const firstFrame = fields.varint("first_frame", UINT32);
  const coded = fields.bytes("features", 2 * KEY_FEATURES);
  const view = new DataView(coded.buffer, coded.byteOffset, coded.length);
  const features = Int16Array.from({ length: KEY_FEATURES }, (_, d) => view.getInt16(2 * d));
  return { firstFrame, features, still: fields.rest("still", [1, format.MAX_STILL_BYTES]) };
}

/** Read PORT, the structure of its unit included. */
export function readPortrait(payload: Uint8Array, head: Head): RawPortrait {
  const fields = new Fields(payload);
  const firstFrame = fields.varint("first_frame", UINT32);
  const shot = fields.varint("shot", UINT32);
  const number = fields.varint("number", [0, format.MAX_PORTRAITS - 1]);
  const continues = fields.uint("form", 1, [0, 1]) === 1;
  const dependsOn = number > 0 ? fields.varint("depends_on", [0, number - 1]) : null;
  const count = format.GROUP_DIMS * head.groups;
  const range: Range = [0, 2 * format.FEATURE_OFFSET - 1];
  const coded = fields.packed("features", count, range, format.MAX_FEATURE_WIDTH_BITS);
  const features = coded.map((element) => element - format.FEATURE_OFFSET);
  const unit = fields.rest("unit", [1, format.MAX_UNIT_BYTES]);
  checkUnit(unit, number === 0, [head.codedSizePx, head.codedSizePx]);
  return { firstFrame, shot, number, continues, dependsOn, features, unit };
}

/** The ticks of a group from the first one and the steps. */
function ticksOf(first: number, steps: readonly number[]): number[] {
  const ticks = [first];
  let tick = first;
  for (const step of steps) {
    tick += step; // may round above 2^53, but not to below it
    if (tick > format.MAX_POSITION) throw new Fault("bad-time", "a tick is above the greatest one");
    ticks.push(tick);
  }
  return ticks;
}

function lowConfidenceOf(fields: Fields, present: boolean, frames: number): Uint8Array {
  if (!present) return new Uint8Array(frames);
  const bits = fields.bitmap("low_confidence", frames);
  if (!bits.includes(1)) throw new Fault("bad-value", "low_confidence is there and says nothing");
  return bits;
}

function layersOf(fields: Fields, layers: number): Uint8Array[] {
  const sizes: Range = [0, format.MAX_LAYER_BYTES];
  const lengths = Array.from({ length: layers - 1 }, () => fields.varint("layer_bytes", sizes));
  const payloads = lengths.map((length) => fields.bytes("a layer", length));
  return [...payloads, fields.rest("the last layer", sizes)];
}

/**
 * Read MOTN; its layers aren't decoded.
 *
 * @param layers that it must have; null: as many as it likes.
 */
export function readMotion(payload: Uint8Array, head: Head, layers: number | null = head.layers): RawMotion {
  const two = head.version[0] >= 2;
  const fields = new Fields(payload);
  const firstFrame = fields.varint("first_frame", UINT32);
  const frames = fields.uint("frame_count", 1, [1, format.MAX_GROUP_FRAMES]);
  const form = fields.uint("form", 1, [0, two ? 15 : 7]);
  const firstTick = fields.varint("first_tick", POSITION);
  const range: Range = [1, format.MAX_STEP_TICKS];
  const steps = fields.packed("steps", frames - 1, range, format.MAX_STEP_WIDTH_BITS);
  const lowConfidence = lowConfidenceOf(fields, (form & 1) !== 0, frames);
  const shot = two ? fields.varint("shot", UINT32) : null;
  const runs = readRuns(fields, (form & 8) !== 0, frames);
  const payloads = layersOf(fields, ((form >> 1) & 3) + 1);
  if (layers !== null && payloads.length !== layers) {
    throw new Fault("bad-layers", `${payloads.length} layers in a stream of ${layers}`);
  }
  return { firstFrame, ticks: ticksOf(firstTick, steps), lowConfidence, payloads, shot, runs };
}

/** Read AUDO. */
export function readSound(payload: Uint8Array): RawSound {
  const fields = new Fields(payload);
  const firstSample = fields.varint("first_sample", POSITION);
  const count = fields.varint("packet_count", [1, format.MAX_PACKETS]);
  const endTrimSamples = fields.varint("end_trim_samples", [0, format.MAX_END_TRIM_SAMPLES]);
  const range: Range = [1, format.MAX_PACKET_BYTES];
  const lengths = fields.packed("packet_bytes", count, range, format.MAX_PACKET_WIDTH_BITS);
  const together = lengths.reduce((sum, length) => sum + length, 0);
  if (together > format.MAX_GROUP_AUDIO_BYTES) throw new Fault("bad-value", `packets of ${together} bytes`);
  const packets = lengths.map((length) => fields.bytes("a packet", length));
  fields.end();
  return { firstSample, endTrimSamples, packets };
}

/** Read IEND. */
export function readEnd(payload: Uint8Array): RawEnd {
  const fields = new Fields(payload);
  const frames = fields.uint("frames", 4, UINT32);
  const endTick = fields.uint64("end_tick");
  const indexChunkBytes = fields.uint("index_chunk_bytes", 4, UINT32);
  const chainCrc = fields.bytes("chain_crc32", 4);
  fields.end();
  return { frames, endTick, indexChunkBytes, chainCrc };
}
