/** The sound of a stream through WebAudio, and the clock that pictures follow. */

import { type OpenOpus, type OpusDecoder, packetSamples, type Samples } from "./opus.js";
import type { SoundFormat } from "../container/head.js";
import { AUDIO_RATE_HZ, PRE_ROLL_SAMPLES } from "../format.js";
import type { SoundGroup } from "../items.js";
import { lastNotAbove } from "./timeline.js";

/** Sound that is ready before it is heard. */
const AHEAD_S = 2;
const LOOK_EVERY_MS = 50;
/** From the first sound that is ready to the first that is heard. */
const LEAD_S = 0.05;

/** Tells the time of a stream that plays. */
export interface Clock {
  start(timeS: number, speed: number): Promise<void>;
  stop(): void;
  /** What is heard, or shown, now; any number while nothing plays. */
  now(): number;
}

/** For streams without sound. */
export class SilentClock implements Clock {
  #fromS = 0;
  #began = 0;
  #speed = 1;

  start(timeS: number, speed: number): Promise<void> {
    [this.#fromS, this.#began, this.#speed] = [timeS, performance.now(), speed];
    return Promise.resolve();
  }

  stop(): void {
    this.#began = performance.now();
  }

  now(): number {
    return this.#fromS + ((performance.now() - this.#began) / 1000) * this.#speed;
  }
}

/** One stretch of playing without a jump. */
interface Stretch {
  readonly fromS: number;
  /** When `fromS` is given to the sound card, in the context's time; Infinity until the first sound is ready. */
  began: number;
  readonly speed: number;
  readonly nodes: Set<AudioBufferSourceNode>;
  decoder: OpusDecoder | null;
  /** The next group. */
  next: number;
  /** first_sample of a group that continues the last one. */
  follows: number;
  busy: boolean;
}

/** Plays groups of packets as they are needed. */
export class Sound implements Clock {
  readonly #context: AudioContext;
  readonly #out: GainNode;
  readonly #format: SoundFormat;
  readonly #groups: readonly SoundGroup[];
  readonly #open: OpenOpus;
  readonly #failed: (why: string) => void;
  #stretch: Stretch | null = null;
  #timer = 0;

  /**
   * @param groups of the stream, more while it is read.
   * @param failed is told what can't be decoded; silence is heard then.
   */
  constructor(format: SoundFormat, groups: readonly SoundGroup[], open: OpenOpus, failed: (why: string) => void) {
    this.#context = new AudioContext({ sampleRate: AUDIO_RATE_HZ, latencyHint: "interactive" });
    this.#out = this.#context.createGain();
    this.#out.connect(this.#context.destination);
    this.#format = format;
    this.#groups = groups;
    this.#open = open;
    this.#failed = failed;
  }

  set muted(muted: boolean) {
    this.#out.gain.value = muted ? 0 : 1;
  }

  async start(timeS: number, speed: number): Promise<void> {
    this.stop();
    await this.#context.resume();
    const sample = Math.round(timeS * AUDIO_RATE_HZ) + this.#format.preSkipSamples - PRE_ROLL_SAMPLES;
    const next = Math.max(lastNotAbove(this.#groups.length, (i) => this.#groups[i]?.firstSample ?? 0, sample), 0);
    const nodes = new Set<AudioBufferSourceNode>();
    const stretch = { fromS: timeS, began: Infinity, speed, nodes, decoder: null, next, follows: -1, busy: false };
    this.#stretch = stretch;
    this.#timer = setInterval(() => void this.#fill(stretch), LOOK_EVERY_MS) as unknown as number;
    void this.#fill(stretch);
  }

  stop(): void {
    clearInterval(this.#timer);
    const stretch = this.#stretch;
    this.#stretch = null;
    for (const node of stretch?.nodes ?? []) node.stop();
    stretch?.decoder?.close();
  }

  now(): number {
    const stretch = this.#stretch;
    if (stretch === null) return 0;
    const context = this.#context;
    if (stretch.began === Infinity) return stretch.fromS;
    const latency = context.outputLatency || context.baseLatency || 0;
    return stretch.fromS + Math.max(context.currentTime - stretch.began - latency, 0) * stretch.speed;
  }

  async close(): Promise<void> {
    this.stop();
    await this.#context.close();
  }

  /** Decode groups until enough is ready. */
  async #fill(stretch: Stretch): Promise<void> {
    if (stretch.busy) return;
    stretch.busy = true;
    try {
      while (stretch === this.#stretch && this.#isDue(stretch)) {
        await this.#play(stretch, this.#groups[stretch.next++] as SoundGroup);
      }
    } catch (error) {
      if (stretch === this.#stretch) this.#failed(`a part of the sound can't be decoded: ${String(error)}`);
      stretch.decoder?.close();
      stretch.decoder = null;
    }
    this.#begin(stretch); // also where nothing is to be heard
    stretch.busy = false;
  }

  #begin(stretch: Stretch): void {
    // whole samples, so that blocks meet
    const soon = Math.ceil((this.#context.currentTime + LEAD_S) * AUDIO_RATE_HZ) / AUDIO_RATE_HZ;
    if (stretch.began === Infinity) stretch.began = soon;
  }

  #isDue(stretch: Stretch): boolean {
    const group = this.#groups[stretch.next];
    return group !== undefined && this.#heardS(group.firstSample) < this.now() + AHEAD_S * stretch.speed;
  }

  #heardS(sample: number): number {
    return (sample - this.#format.preSkipSamples) / AUDIO_RATE_HZ;
  }

  async #play(stretch: Stretch, group: SoundGroup): Promise<void> {
    if (group.firstSample !== stretch.follows) {
      stretch.decoder?.close();
      stretch.decoder = null;
    }
    stretch.decoder ??= await this.#open(this.#format.channels);
    const lengths = group.packets.map(packetSamples);
    const total = lengths.reduce((a, b) => a + b, 0);
    stretch.follows = group.firstSample + total;
    const decoded = await stretch.decoder.decode(group.packets);
    if (stretch !== this.#stretch) return;
    this.#schedule(stretch, decoded, group.firstSample + total, group.endTrimSamples);
  }

  /** Blocks that end at a sample, less what is trimmed there: decoders may leave out samples at their start. */
  #schedule(stretch: Stretch, decoded: readonly Samples[], end: number, trim: number): void {
    const length = decoded.reduce((sum, block) => sum + (block[0]?.length ?? 0), 0);
    const first = end - length;
    const heardFrom = Math.round(stretch.fromS * AUDIO_RATE_HZ) + this.#format.preSkipSamples;
    const skip = Math.max(heardFrom - first, 0);
    const kept = length - skip - trim;
    if (kept <= 0) return;
    const buffer = this.#context.createBuffer(this.#format.channels, kept, AUDIO_RATE_HZ);
    for (let channel = 0; channel < this.#format.channels; channel++) {
      const whole = new Float32Array(length);
      let at = 0;
      for (const block of decoded) {
        const samples = block[channel] ?? (block[0] as Float32Array);
        whole.set(samples, at);
        at += samples.length;
      }
      buffer.copyToChannel(whole.subarray(skip, skip + kept), channel);
    }
    const node = new AudioBufferSourceNode(this.#context, { buffer, playbackRate: stretch.speed });
    node.connect(this.#out);
    stretch.nodes.add(node);
    node.onended = () => stretch.nodes.delete(node);
    this.#begin(stretch);
    const when = stretch.began + (this.#heardS(first + skip) - stretch.fromS) / stretch.speed;
    const late = this.#context.currentTime - when; // decoding was too slow: go on where it should be
    if (late <= 0) node.start(when);
    else node.start(0, late * stretch.speed);
  }
}
