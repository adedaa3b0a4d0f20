/** Portraits to pictures: the units of a path through an AV1 decoder, the browser's own or libav.js. */

import { av1Of } from "./avif.js";
import type { Libav } from "./libav.js";
import { type Plane, type Planes, toRgb } from "./rgb.js";
import { type Sequence, sequenceOf } from "./sequence.js";
import { Fault } from "../errors.js";

const CONFIG: VideoDecoderConfig = { codec: "av01.0.01M.08", optimizeForLatency: true };

/** A portrait with all that its picture needs. */
export interface PortraitSource {
  /** Names it within the stream. */
  readonly key: string;
  readonly coding: "avif" | "av1";
  /** Units along its path, or one AVIF file. */
  readonly units: readonly Uint8Array[];
  /** In the units of the motion space. */
  readonly features: Int16Array;
}

/** Gives the last picture of some units, fed to a new decoder. */
export type PathDecoder = (units: readonly Uint8Array[]) => Promise<Planes>;

function undecodable(why: string): Fault {
  return new Fault("bad-unit", `a portrait can't be decoded: ${why}`);
}

/** Whether the browser decodes AV1 by WebCodecs. */
export async function decodesAv1(): Promise<boolean> {
  if (typeof VideoDecoder === "undefined") return false;
  const answer = await VideoDecoder.isConfigSupported(CONFIG).catch(() => null);
  return answer?.supported === true;
}

async function planesOf(frame: VideoFrame): Promise<Planes> {
  const { format } = frame;
  if (format !== "I420" && format !== "NV12") throw undecodable(`its samples are ${format}, not 8-bit 4:2:0`);
  const bytes = new Uint8Array(frame.allocationSize());
  const layout = await frame.copyTo(bytes);
  const plane = (n: number, step: number, shift = 0): Plane => {
    const { offset, stride } = layout[n] as PlaneLayout;
    return { bytes, offset: offset + shift, stride, step };
  };
  const rect = frame.visibleRect;
  const colour = format === "I420" ? { blue: plane(1, 1), red: plane(2, 1) } : { blue: plane(1, 2), red: plane(1, 2, 1) };
  return { width: rect?.width ?? 0, height: rect?.height ?? 0, luma: plane(0, 1), ...colour };
}

/** By WebCodecs: a decoder that was flushed wants a key unit next, so each path gets a new one. */
export const webCodecsPath: PathDecoder = async (units) => {
  const shown: VideoFrame[] = [];
  let why = ""; // flush() then fails, too, and says less
  const decoder = new VideoDecoder({
    output: (frame) => shown.push(frame),
    error: ({ message }) => (why = message),
  });
  try {
    decoder.configure(CONFIG);
    units.forEach((data, i) => decoder.decode(new EncodedVideoChunk({ type: i === 0 ? "key" : "delta", timestamp: i, data })));
    await decoder.flush();
    if (shown.length !== units.length) throw undecodable(`${shown.length} pictures from ${units.length} units`);
    return await planesOf(shown.at(-1) as VideoFrame);
  } catch (error) {
    throw error instanceof Fault ? error : undecodable(why || String(error));
  } finally {
    for (const frame of shown) frame.close();
    if (decoder.state !== "closed") decoder.close();
  }
};

const YUV420P = [0, 12]; // libav's AV_PIX_FMT_YUV420P and YUVJ420P

/** By libav.js, whose pictures are the same: AV1 decoding is exact. */
export function libavPath(libav: Libav): PathDecoder {
  return async (units) => {
    const frames = await libav.decode("libaom-av1", units).catch((error: unknown) => {
      throw undecodable(String(error));
    });
    const frame = frames.at(-1);
    if (frame === undefined || frames.length !== units.length) {
      throw undecodable(`${frames.length} pictures from ${units.length} units`);
    }
    if (!YUV420P.includes(frame.format)) throw undecodable("its samples aren't 8-bit 4:2:0");
    const bytes = frame.data as Uint8Array;
    const plane = (n: number): Plane => ({ bytes, ...(frame.layout?.[n] ?? { offset: 0, stride: 0 }), step: 1 });
    return { width: frame.width ?? 0, height: frame.height ?? 0, luma: plane(0), blue: plane(1), red: plane(2) };
  };
}

/** The units of a portrait, and what the first says of their pictures: looked at before a decoder reserves memory for them. */
function checkedUnits(source: PortraitSource, sidePx: number): [readonly Uint8Array[], Sequence] {
  const units = source.coding === "avif" ? source.units.map(av1Of) : source.units;
  const sequence = sequenceOf(units[0] as Uint8Array);
  if (sequence === null) throw undecodable("it has no sequence header");
  if (sequence.width !== sidePx || sequence.height !== sidePx || sequence.largest > sidePx) {
    throw undecodable(`it may be ${sequence.width}x${sequence.height} or larger where ${sidePx}x${sidePx} is due`);
  }
  return [units, sequence];
}

/**
 * A portrait's picture.
 *
 * @param sidePx its width and height.
 * @returns 3 x sidePx x sidePx in 0..1.
 * @throws Fault it can't be decoded, or is of another size.
 */
export async function pictureOf(source: PortraitSource, sidePx: number, decode: PathDecoder): Promise<Float32Array> {
  const [units, sequence] = checkedUnits(source, sidePx);
  const planes = await decode(units);
  if (planes.width !== sidePx || planes.height !== sidePx) {
    throw undecodable(`${planes.width}x${planes.height} where ${sidePx}x${sidePx} is due`);
  }
  return toRgb(planes, sequence);
}
