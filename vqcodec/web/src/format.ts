/** Every number of the format once; vqt.md, section 13. */

export const SIGNATURE = Uint8Array.of(0xd6, 0x56, 0x51, 0x54, 0x0d, 0x0a, 0x1a, 0x0a);
export const MAJOR_VERSION = 2;
/** Of both major versions: a stream of a greater one may have more flags, and fields at the end of HEAD. */
export const MINOR_VERSION = 0;

export const MAX_VARINT_BYTES = 8;
export const MAX_POSITION = 9_007_199_254_740_991;
export const MAX_FRAMES = 4_294_967_295;
export const MIN_CODED_SIZE_PX = 16;
export const MAX_CODED_SIZE_PX = 4_096;
export const MAX_RATIONAL_PART = 4_294_967_295;
export const MAX_TIME_BASE_S = 1;
export const MAX_FRAME_RATE_HZ = 240;
export const MAX_MODEL_NAME_BYTES = 64;
export const SHA256_BYTES = 32;
export const MAX_CHANNELS = 2;
export const MAX_PRE_SKIP_SAMPLES = 65_535;
export const MAX_EXTRADATA_BYTES = 255;
export const MAX_SOURCE_PX = 65_535;
export const MAX_CROP_SIDE_PX = 131_070;
export const MAX_STILL_BYTES = 1_048_576;
export const MAX_UNIT_BYTES = 1_048_576;
export const MAX_PORTRAITS = 4_096;
export const MAX_PATH_UNITS = 8;
export const MAX_STREAM_S = 1_048_576;
export const MAX_SHOT_S = 60;
export const FEATURE_OFFSET = 32_768;
export const MAX_FEATURE_WIDTH_BITS = 16;
export const MAX_GROUPS = 32;
export const SHARE_PARTS = 16;
// of the scene around the square
export const MIN_SCENE_PX = 16;
export const MAX_SCENE_PX = 2_048;
export const MAX_SCENE_SQUARE = 2;
export const SCENE_PARTS = 16;
export const MAX_DELAY_MS = 65_535;
export const MAX_GROUP_FRAMES = 240;
export const MAX_GROUP_SPAN_S = 2;
export const MAX_LAYER_BYTES = 65_535;
export const MAX_STEP_TICKS = 8_589_934_592;
export const MAX_STEP_WIDTH_BITS = 34;
export const MAX_PACKETS = 800;
export const MAX_PACKET_BYTES = 8_191;
export const MAX_PACKET_WIDTH_BITS = 13;
export const MAX_GROUP_AUDIO_BYTES = 262_144;
export const MAX_END_TRIM_SAMPLES = 5_760;
export const MIN_PACKET_SAMPLES = 120;
export const AUDIO_RATE_HZ = 48_000;
export const PRE_ROLL_SAMPLES = 3_840;
export const MAX_INDEX_ENTRIES = 1_048_576;
export const IEND_CHUNK_BYTES = 29;
export const MAX_UNKNOWN_CHUNK_BYTES = 1_049_600;

/** Groups of dimensions in major version 1, and the fewest in major version 2. */
export const MIN_GROUPS = 12;
export const GROUP_DIMS = 4;
export const LEVELS = 5;
export const MAX_LAYERS = 4;
export const MAX_UINT32 = 4_294_967_295;

/** Greatest payload of each chunk type that this version knows. */
export const PAYLOAD_LIMITS: ReadonlyMap<string, number> = new Map([
  ["HEAD", 1_024],
  ["KEYF", 1_049_600],
  ["PORT", 1_049_600],
  ["MOTN", 266_240],
  ["AUDO", 266_240],
  ["INDX", 16_777_216],
  ["IEND", 20],
]);

/** The most bytes a payload of a type may have. */
export function payloadLimit(type: string): number {
  return PAYLOAD_LIMITS.get(type) ?? MAX_UNKNOWN_CHUNK_BYTES;
}

/** Whether a chunk of this type may be skipped by who doesn't know it: its first letter is small. */
export function isAncillary(type: string): boolean {
  return (type.charCodeAt(0) & 0x20) !== 0;
}
