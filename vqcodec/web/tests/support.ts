/** Where the specification lies, and what a decoder must say of a stream (conformance.md, Level A). */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { ChunkReader } from "../src/container/chunks.js";
import type { Head, Rational } from "../src/container/head.js";
import { VqtError } from "../src/errors.js";
import { type Item, MotionGroup, type SoundGroup } from "../src/items.js";
import { StreamParser } from "../src/parser.js";
import type { Portrait } from "../src/index.js";

export const SPEC = fileURLToPath(new URL("../../../../bitstream_spec/", import.meta.url));

/** Names of the vectors in a folder. */
export function names(folder: string): string[] {
  const files = readdirSync(`${SPEC}vectors/${folder}`).filter((file) => file.endsWith(".vqt"));
  return files.map((file) => file.slice(0, -4)).sort();
}

/** The bytes of a vector. */
export function vector(path: string): Uint8Array {
  return new Uint8Array(readFileSync(`${SPEC}vectors/${path}.vqt`));
}

/** A JSON file of the specification. */
export function json(path: string): unknown {
  return JSON.parse(readFileSync(`${SPEC}${path}.json`, "utf8"));
}

/** What was read of a stream: all of its items, and the error that ended it. */
export interface Read {
  readonly parser: StreamParser;
  readonly items: readonly Item[];
  readonly error: VqtError | null;
}

/** Read bytes in pieces of `step`. */
export function readAll(data: Uint8Array, step = 1 << 16): Read {
  const parser = new StreamParser();
  const items: Item[] = [];
  try {
    for (let at = 0; at < data.length; at += step) {
      for (const item of parser.push(data.subarray(at, at + step))) items.push(item);
    }
    parser.finish();
  } catch (error) {
    if (!(error instanceof VqtError)) throw error;
    return { parser, items, error };
  }
  return { parser, items, error: null };
}

type Json = Record<string, unknown>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const sha256 = (...parts: Uint8Array[]): string => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};
const ratio = ({ numerator, denominator }: Rational): string => `${numerator}/${denominator}`;

/** Numbers as big-endian unsigned ones of `size` bytes. */
function packed(values: Iterable<number>, size: number): Uint8Array {
  const bytes: number[] = [];
  for (const value of values) {
    for (let i = size - 1; i >= 0; i--) bytes.push(Math.floor(value / 256 ** i) % 256);
  }
  return Uint8Array.from(bytes);
}

const signed = (features: Int16Array): Uint8Array => packed([...features].map((v) => v & 0xffff), 2);

function ofHead(head: Head): Json {
  const model = ({ name, sha256: hash }: Head["renderer"]): Json => ({ name, sha256: hex(hash) });
  const { sound, crop } = head;
  return {
    version: head.version.join("."),
    synthetic: head.synthetic,
    coded_size_px: head.codedSizePx,
    layers: head.layers,
    time_base_s: ratio(head.timeBaseS),
    frame_rate_hz: ratio(head.frameRateHz),
    motion_space: model(head.motionSpace),
    renderer: model(head.renderer),
    audio: sound && {
      channels: sound.channels, pre_skip_samples: sound.preSkipSamples, extradata: hex(sound.extradata),
    },
    crop: crop && {
      source_width_px: crop.sourceWidthPx, source_height_px: crop.sourceHeightPx,
      x_px: crop.xPx, y_px: crop.yPx, side_px: crop.sidePx,
    },
  };
}

function ofMotion(groups: readonly MotionGroup[], head: Head): Json {
  const ticks = groups.flatMap((group) => group.ticks);
  const indices = groups.flatMap((group) => [...group.tokens.indices]);
  const a_frame = head.groups * head.layers;
  return {
    frames: ticks.length,
    groups: groups.length,
    low_confidence_frames: groups.flatMap((group) => [...group.lowConfidence]).filter((bit) => bit).length,
    first_tick: ticks[0],
    last_tick: ticks.at(-1),
    ticks_sha256: sha256(packed(ticks, 8)),
    token_sha256: sha256(packed(indices, 2)),
    first_tokens: indices.slice(0, a_frame),
    last_tokens: indices.slice(-a_frame),
    final_states: groups.at(-1)?.tokens.states.map((state) => [...state]),
    states_sha256: sha256(packed(groups.flatMap((group) => group.tokens.states.flat()), 4)),
  };
}

function ofPortraits(portraits: readonly Portrait[], groups: readonly MotionGroup[], head: Head): Json {
  if (head.version[0] === 1) {
    const key_frames = portraits.map(({ firstFrame, features, bytes }) => ({
      first_frame: firstFrame, features_sha256: sha256(signed(features)), still_sha256: sha256(bytes),
    }));
    return { key_frames };
  }
  const listed = portraits.map((portrait) => ({
    first_frame: portrait.firstFrame,
    shot: portrait.shot,
    number: portrait.number,
    depends_on: portrait.dependsOn?.number ?? null,
    continues: portrait.continues,
    features_sha256: sha256(signed(portrait.features)),
    unit_sha256: sha256(portrait.bytes),
  }));
  const shown = groups.flatMap((group) =>
    group.ticks.flatMap((_, at) => {
      const { portrait, other, share } = group.shown(at);
      return [portrait, other ?? 0xffff, ...share];
    }),
  );
  return { delay_ms: head.delayMs, portraits: listed, shown_sha256: sha256(packed(shown, 2)) };
}

function sizes(data: Uint8Array, motion: number, sound: number): Json {
  const chunks = new ChunkReader();
  chunks.push(data);
  let portrait = 0;
  for (let chunk = chunks.next(); chunk !== null; chunk = chunks.next()) {
    if (chunk.type === "KEYF" || chunk.type === "PORT") portrait += chunk.payload.length;
  }
  return { portrait, motion, audio: sound, container: data.length - portrait - motion - sound };
}

/** The JSON of a valid stream. */
export function describe(data: Uint8Array, { parser, items }: Read): Json {
  const head = parser.head as Head;
  const groups = items.filter((item): item is MotionGroup => item instanceof MotionGroup);
  const sounds = items.filter((item): item is SoundGroup => item.kind === "sound");
  const portraits = items.filter((item): item is Portrait => item.kind === "portrait");
  const packets = sounds.flatMap((group) => group.packets);
  const motionBytes = groups.reduce((sum, group) => sum + group.codedBytes, 0);
  const soundBytes = packets.reduce((sum, packet) => sum + packet.length, 0);
  return {
    ...ofHead(head),
    ...ofMotion(groups, head),
    ...ofPortraits(portraits, groups, head),
    end_tick: parser.totals?.endTick,
    audio_packets: packets.length,
    audio_sha256: sha256(...packets),
    end_trim_samples: sounds.at(-1)?.endTrimSamples ?? 0,
    ancillary: parser.ancillary,
    sizes: sizes(data, motionBytes, soundBytes),
  };
}
