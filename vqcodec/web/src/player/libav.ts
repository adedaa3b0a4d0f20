/** libav.js, where the browser decodes no AV1 or no Opus: loaded only then. */

/** A packet as libav.js takes it. */
interface Packet {
  readonly data: Uint8Array;
  readonly pts: number;
  readonly dts: number;
}

/** A frame as libav.js gives it. */
export interface LibavFrame {
  /** Of pictures all planes, of sound a plane of each channel. */
  readonly data: Uint8Array | Float32Array | Float32Array[];
  readonly format: number;
  readonly layout?: readonly { readonly offset: number; readonly stride: number }[];
  readonly width?: number;
  readonly height?: number;
  readonly channels?: number;
}

/** What is used of it. */
interface Library {
  av_log_set_level(level: number): Promise<void>;
  ff_init_decoder(name: string, config?: object): Promise<[number, number, number, number]>;
  ff_decode_multi(
    context: number, packet: number, frame: number, packets: readonly Packet[], last: boolean,
  ): Promise<LibavFrame[]>;
  ff_free_decoder(context: number, packet: number, frame: number): Promise<void>;
}

interface Module {
  readonly default: { LibAV(options: { base: string; noworker: boolean }): Promise<Library> };
}

const QUIET = -8; // AV_LOG_QUIET
const FILE = "libav-av1-opus.mjs";

/** A decoder that keeps its state from call to call. */
export interface LibavDecoder {
  decode(packets: readonly Uint8Array[], last?: boolean): Promise<LibavFrame[]>;
  close(): Promise<void>;
}

/** The library, in the thread that calls it. */
export class Libav {
  readonly #library: Library;

  private constructor(library: Library) {
    this.#library = library;
  }

  /** @param folder where the library lies; its address ends in a slash. */
  static async load(folder: string): Promise<Libav> {
    const module = (await import(`${folder}${FILE}`)) as Module;
    const library = await module.default.LibAV({ base: folder.replace(/\/$/, ""), noworker: true });
    await library.av_log_set_level(QUIET); // what fails is thrown
    return new Libav(library);
  }

  /** All frames of some packets, from a new decoder. */
  async decode(name: string, packets: readonly Uint8Array[]): Promise<LibavFrame[]> {
    const decoder = await this.open(name);
    try {
      return await decoder.decode(packets, true);
    } finally {
      await decoder.close();
    }
  }

  async open(name: string, channels?: number): Promise<LibavDecoder> {
    const library = this.#library;
    const config = channels === undefined ? {} : { codecpar: soundParameters(channels) };
    const [, context, packet, frame] = await library.ff_init_decoder(name, config);
    let count = 0;
    return {
      decode: (packets, last = false) => {
        const given = packets.map((data) => ({ data, pts: count, dts: count++ }));
        return library.ff_decode_multi(context, packet, frame, given, last);
      },
      close: () => library.ff_free_decoder(context, packet, frame),
    };
  }
}

const AUDIO = 1; // AVMEDIA_TYPE_AUDIO
const OPUS = 86076; // AV_CODEC_ID_OPUS
const RATE_HZ = 48_000;

function soundParameters(channels: number): object {
  const layout = channels === 1 ? 4 : 3; // front centre, or left and right
  return { codec_type: AUDIO, codec_id: OPUS, sample_rate: RATE_HZ, channels, channel_layoutmask: layout, format: 0 };
}
