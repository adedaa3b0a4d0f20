/**
 * A decoder of .vqt streams: container, tokens, recovery. Pictures and sound are for others to make.
 *
 *     const stream = await openStream(file);
 *     for await (const item of stream.items()) {
 *       if (item.kind === "portrait") ...        // an AV1 unit or an AVIF file: pathOf(item) is what a decoder is fed
 *       else if (item.kind === "motion") for (const frame of item.frames()) ...   // tick, units, shown
 *       else ...                                 // Opus packets
 *     }
 */

export type { Crop, Head, ModelName, Rational, SoundFormat } from "./container/head.js";
export { type IndexEntry, KIND } from "./container/index_chunk.js";
export { pathOf, type Portrait, Shot } from "./container/portraits.js";
export type { Run, Shown } from "./container/runs.js";
export type { Tokens } from "./entropy/decode.js";
export type { CoderState } from "./entropy/range_decoder.js";
export { type ErrorCode, MEANING, UsageError, VqtError } from "./errors.js";
export { type Frame, type Item, MotionGroup, type SoundGroup, type Totals } from "./items.js";
export { type ReadOptions, StreamParser } from "./parser.js";
export type { Damage } from "./recovery/damage.js";
export { missingTicks } from "./recovery/missing.js";
export { type Recovery, recoverStream } from "./recovery/recover.js";
export type { StreamIndex } from "./seek.js";
export type { ByteSource, Input } from "./source.js";
export { openStream, type VqtStream } from "./stream.js";
