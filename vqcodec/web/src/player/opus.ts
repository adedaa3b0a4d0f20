/** Opus packets to samples: by WebCodecs, or by libav.js. */

import { Libav, type LibavDecoder } from "./libav.js";
import { AUDIO_RATE_HZ } from "../format.js";

/** Samples of a frame at 48 kHz by the configuration in a packet's first byte (RFC 6716, section 3.1). */
function frameSamples(configuration: number): number {
  if (configuration < 12) return [480, 960, 1920, 2880][configuration & 3] as number;
  if (configuration < 16) return [480, 960][configuration & 1] as number;
  return [120, 240, 480, 960][configuration & 3] as number;
}

/** Samples that a packet decodes to at 48 kHz. */
export function packetSamples(packet: Uint8Array): number {
  const [first = 0, second = 0] = packet;
  const frames = [1, 2, 2, second & 63][first & 3] as number;
  return frames * frameSamples(first >> 3);
}

/** Channels of samples in -1..1. */
export type Samples = readonly Float32Array[];

/** Decodes packets that follow each other. */
export interface OpusDecoder {
  /** Of each packet its samples. */
  decode(packets: readonly Uint8Array[]): Promise<Samples[]>;
  close(): void;
}

export type OpenOpus = (channels: number) => Promise<OpusDecoder>;

function configOf(numberOfChannels: number): AudioDecoderConfig {
  return { codec: "opus", sampleRate: AUDIO_RATE_HZ, numberOfChannels };
}

/** Whether the browser decodes Opus by WebCodecs. */
export async function decodesOpus(channels: number): Promise<boolean> {
  if (typeof AudioDecoder === "undefined") return false;
  const answer = await AudioDecoder.isConfigSupported(configOf(channels)).catch(() => null);
  return answer?.supported === true;
}

function samplesOf(data: AudioData): Samples {
  const channels = Array.from({ length: data.numberOfChannels }, (_, planeIndex) => {
    const plane = new Float32Array(data.numberOfFrames);
    data.copyTo(plane, { planeIndex, format: "f32-planar" });
    return plane;
  });
  data.close();
  return channels;
}

/** Each packet gives its samples without waiting for the next one, so that the decoder, which would forget, needs no flush. */
class WebCodecsOpus implements OpusDecoder {
  readonly #decoder: AudioDecoder;
  #got: Samples[] = [];
  #wanted = 0;
  #done: (() => void) | null = null;
  #failed: ((error: Error) => void) | null = null;
  #timestampUs = 0;

  constructor(channels: number) {
    this.#decoder = new AudioDecoder({
      output: (data) => {
        this.#got.push(samplesOf(data));
        if (this.#got.length === this.#wanted) this.#done?.();
      },
      error: (error) => this.#failed?.(error),
    });
    this.#decoder.configure(configOf(channels));
  }

  decode(packets: readonly Uint8Array[]): Promise<Samples[]> {
    this.#got = [];
    this.#wanted = packets.length;
    const finished = new Promise<void>((resolve, reject) => {
      [this.#done, this.#failed] = [resolve, reject];
    });
    for (const data of packets) {
      this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: this.#timestampUs, data }));
      this.#timestampUs += Math.round((packetSamples(data) * 1e6) / AUDIO_RATE_HZ);
    }
    return finished.then(() => this.#got);
  }

  close(): void {
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }
}

class LibavOpus implements OpusDecoder {
  readonly #decoder: LibavDecoder;
  readonly #channels: number;

  constructor(decoder: LibavDecoder, channels: number) {
    this.#decoder = decoder;
    this.#channels = channels;
  }

  async decode(packets: readonly Uint8Array[]): Promise<Samples[]> {
    const frames = await this.#decoder.decode(packets);
    return frames.map(({ data }) => {
      if (Array.isArray(data)) return data;
      const together = data as Float32Array;
      return Array.from({ length: this.#channels }, (_, channel) => together.filter((_, i) => i % this.#channels === channel));
    });
  }

  close(): void {
    void this.#decoder.close();
  }
}

/**
 * What decodes Opus here.
 *
 * @param libav use libav.js even where the browser could.
 * @param folder where libav.js lies.
 */
export async function opusHere(channels: number, libav: boolean, folder: string): Promise<OpenOpus> {
  if (!libav && (await decodesOpus(channels))) return (count) => Promise.resolve(new WebCodecsOpus(count));
  const library = await Libav.load(folder);
  return async (count) => new LibavOpus(await library.open("libopus", count), count);
}
