/** Reading a damaged stream: everything that is intact, in order (vqt.md, section 18). */

import type { Chunk } from "../container/chunks.js";
import { type Head, type Rational, readHead } from "../container/head.js";
import { readIndex } from "../container/index_chunk.js";
import { type RawMotion, readEnd, readKeyFrame, readMotion, readPortrait, readSound } from "../container/payloads.js";
import { checkSpan, longerThan } from "../container/rules.js";
import type { Shot } from "../container/portraits.js";
import { decodeTokens, type Tokens } from "../entropy/decode.js";
import { Fault, VqtError } from "../errors.js";
import { AUDIO_RATE_HZ, isAncillary, MAX_STREAM_S, MIN_PACKET_SAMPLES, SIGNATURE } from "../format.js";
import { type Item, MotionGroup, type SoundGroup, type Totals } from "../items.js";
import { checkLayers, type ReadOptions } from "../parser.js";
import { type Damage, Ledger } from "./damage.js";
import { Line } from "./line.js";
import { KeyFrames, Units } from "./portraits.js";
import { type Gap, type Piece, Scanner } from "./scan.js";

/** The longest Opus packet: 120 ms. */
const MAX_PACKET_SAMPLES = 5_760;
const SAMPLE_S: Rational = { numerator: 1, denominator: AUDIO_RATE_HZ };

/** A group as it was found. */
interface Found {
  readonly raw: RawMotion;
  readonly offset: number;
}

/** A group that decodes. */
interface Usable extends Found {
  readonly tokens: Tokens;
}

function nothing(why: string): VqtError {
  return new VqtError("bad-order", 0, `nothing can be recovered: ${why}`);
}

/** The first HEAD that can be used, and its payload. */
function findHead(pieces: Iterator<Piece>, ledger: Ledger): [Head, Uint8Array] {
  let met: VqtError | null = null;
  let anyChunk = false;
  for (let next = pieces.next(); !next.done; next = pieces.next()) {
    const piece = next.value;
    if (piece.kind === "gap") {
      ledger.damage.skippedBytes += piece.size;
      anyChunk ||= piece.types.size > 0;
    } else if (piece.kind === "chunk" && piece.chunk.type === "HEAD") {
      try {
        return [readHead(piece.chunk.payload), piece.chunk.payload];
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        met ??= error.at(piece.chunk.offset);
      }
    } else if (piece.kind === "chunk") {
      anyChunk = true;
      ledger.damage.foreignChunks++;
    }
  }
  if (met) throw met;
  if (anyChunk) throw new VqtError("bad-order", SIGNATURE.length, "HEAD, which says how to read the rest, is lost");
  throw new VqtError("bad-signature", 0, "there is no stream in the bytes");
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Reads what is left of a stream, once. */
export class Recovery {
  readonly head: Head;
  readonly #pieces: Iterator<Piece>;
  readonly #payload: Uint8Array;
  readonly #options: ReadOptions;
  readonly #ledger = new Ledger();
  readonly #portraits: KeyFrames | Units;
  readonly #motion = new Line((group: Found) => this.#useMotion(group));
  readonly #sound = new Line((group: SoundGroup) => this.#useSound(group));
  #lastSample = 0;
  /** Items that wait for the first portrait. */
  #held: (Usable | SoundGroup)[] | null = [];
  #foreign = false;
  #afterIndex = false;
  #ended = false;
  #totals: Totals | null = null;

  /**
   * Find HEAD.
   *
   * @throws VqtError there is none that can be read, so that nothing can be recovered.
   */
  constructor(bytes: Uint8Array, options: ReadOptions = {}) {
    checkLayers(options.layers);
    this.#options = options;
    this.#pieces = new Scanner(bytes).pieces();
    [this.head, this.#payload] = findHead(this.#pieces, this.#ledger);
    this.#portraits = this.head.version[0] === 1 ? new KeyFrames(this.#ledger) : new Units(this.#ledger);
  }

  /** What was lost so far. */
  get damage(): Readonly<Damage> {
    return this.#ledger.damage;
  }

  /** The end of the whole stream, when `items` has ended and it is known. */
  get totals(): Totals | null {
    return this.#totals;
  }

  /**
   * Everything intact: portraits before the groups that they are for, groups and sound each in order of time. Holes show in
   * the numbers of frames and samples.
   *
   * @throws VqtError there is no motion, or no portrait.
   */
  *items(): Generator<Item> {
    for (let next = this.#pieces.next(); !next.done && !this.#ended; next = this.#pieces.next()) {
      yield* this.#piece(next.value);
    }
    for (const group of this.#counted(this.#motion, () => this.#motion.flush())) yield* this.#giveMotion(group);
    for (const group of this.#counted(this.#sound, () => this.#sound.flush())) yield* this.#giveSound(group);
    if (this.damage.groupsRead === 0) throw nothing("not one group of motion can be read");
    if (this.#held !== null) yield* this.#givePortraits(0);
    if (this.#held !== null) throw nothing("no portrait can be read");
    yield* this.#portraits.rest();
    this.#totals = this.#ledger.settle(this.head.version[0], this.head.timeBaseS);
  }

  *#piece(piece: Piece): Generator<Item> {
    if (piece.kind === "signature") this.#foreign = true; // until a HEAD like ours shows that it is the same stream
    else if (piece.kind === "gap") this.#gap(piece);
    else if (piece.chunk.type === "HEAD") this.#secondHead(piece.chunk);
    else if (this.#foreign) this.#ledger.damage.foreignChunks++;
    else yield* this.#chunk(piece.chunk);
  }

  #gap(gap: Gap): void {
    this.#ledger.gap(gap);
    this.#afterIndex = false; // an end behind it may belong to something else
  }

  #secondHead(chunk: Chunk): void {
    this.#foreign = !same(chunk.payload, this.#payload);
    if (this.#foreign) this.#ledger.damage.foreignChunks++;
    else this.#ledger.damage.droppedChunks++;
  }

  *#chunk(chunk: Chunk): Generator<Item> {
    try {
      yield* this.#read(chunk);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#ledger.damage.droppedChunks++;
    }
  }

  *#read({ type, payload, offset }: Chunk): Generator<Item> {
    const portraits = this.#portraits;
    if (type === "KEYF" && portraits instanceof KeyFrames) this.#wanted(portraits.add(readKeyFrame(payload)));
    else if (type === "PORT" && portraits instanceof Units) this.#wanted(portraits.add(readPortrait(payload, this.head)));
    else if (type === "MOTN") yield* this.#findMotion(readMotion(payload, this.head), offset);
    else if (type === "AUDO") yield* this.#findSound({ kind: "sound", ...readSound(payload) });
    else if (type === "INDX") {
      this.#afterIndex = true;
      this.#ledger.index(readIndex(payload, this.head.version[0]));
    } else if (type === "IEND") {
      const end = readEnd(payload);
      this.#ledger.end(end);
      this.#ended = this.#afterIndex && end.frames === this.#ledger.frames;
    } else this.#wanted(isAncillary(type));
  }

  #wanted(wanted: boolean): void {
    if (!wanted) this.#ledger.damage.droppedChunks++;
  }

  *#findMotion(raw: RawMotion, offset: number): Generator<Item> {
    const sure = this.#near(raw.ticks[0] as number, this.#ledger.lastTick, this.head.timeBaseS);
    if (!sure && raw.firstFrame !== this.#ledger.frames) return this.#wanted(false); // else the recording paused
    const end = raw.firstFrame + raw.ticks.length;
    const placed = { value: { raw, offset }, first: raw.firstFrame, leastEnd: end, mostEnd: end, sure };
    for (const group of this.#counted(this.#motion, () => this.#motion.push(placed))) yield* this.#giveMotion(group);
  }

  *#findSound(group: SoundGroup): Generator<Item> {
    const { firstSample: first, packets } = group;
    if (this.head.sound === null || !this.#near(first, this.#lastSample, SAMPLE_S)) return this.#wanted(false);
    const [leastEnd, mostEnd] = [MIN_PACKET_SAMPLES, MAX_PACKET_SAMPLES].map((each) => first + each * packets.length);
    const placed = { value: group, first, leastEnd: leastEnd as number, mostEnd: mostEnd as number, sure: true };
    for (const used of this.#counted(this.#sound, () => this.#sound.push(placed))) yield* this.#giveSound(used);
  }

  /** Whether no absurd hole lies before something. */
  #near(at: number, last: number, unitS: Rational): boolean {
    const late = this.head.version[0] >= 2 && longerThan(at, unitS, MAX_STREAM_S);
    return !late && this.#ledger.inReach(at - last, unitS);
  }

  #counted<T, R>(line: Line<T, R>, ask: () => R[]): R[] {
    const before = line.dropped;
    const given = ask();
    this.#ledger.damage.droppedChunks += line.dropped - before;
    return given;
  }

  #useSound(group: SoundGroup): SoundGroup {
    this.#lastSample = group.firstSample + MIN_PACKET_SAMPLES * group.packets.length;
    this.#ledger.sounds++;
    return group;
  }

  #useMotion({ raw, offset }: Found): Usable | null {
    const [first, last] = [raw.ticks[0] as number, raw.ticks[raw.ticks.length - 1] as number];
    if (first <= this.#ledger.lastTick) return null;
    try {
      checkSpan(raw, this.head.timeBaseS);
    } catch (error) {
      if (error instanceof Fault) return null;
      throw error;
    }
    const tokens = this.#decoded(raw);
    if (tokens === null) return null;
    this.#ledger.group(raw.firstFrame, raw.ticks.length, last);
    return { raw, offset, tokens };
  }

  /** As many layers as decode; null when not even the first one does. */
  #decoded(raw: RawMotion): Tokens | null {
    const most = Math.min(this.#options.layers ?? this.head.layers, this.head.layers);
    for (let layers = most; layers > 0; layers--) {
      try {
        const tokens = decodeTokens(raw.payloads.slice(0, layers), raw.ticks.length, this.head.groups);
        if (layers < most) this.#ledger.damage.groupsThinned++;
        return tokens;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
    }
    return null;
  }

  *#giveMotion(group: Usable): Generator<Item> {
    yield* this.#givePortraits(group.raw.firstFrame);
    if (this.#held === null) yield this.#shown(group);
    else this.#held.push(group);
  }

  *#giveSound(group: SoundGroup): Generator<Item> {
    if (this.#held === null) yield group;
    else this.#held.push(group);
  }

  /** The portraits of a frame; behind the first ones all that has waited for one. */
  *#givePortraits(firstFrame: number): Generator<Item> {
    for (const portraits of this.#portraits.due(firstFrame)) {
      yield* portraits;
      const held = this.#held ?? [];
      this.#held = null;
      for (const item of held) yield "raw" in item ? this.#shown(item) : item;
    }
  }

  #shown({ raw, offset, tokens }: Usable): MotionGroup {
    const runs = this.#portraits.runs(raw);
    const coding = { offset, groups: this.head.groups, tokens };
    return new MotionGroup({ ...raw, runs }, this.#portraits.shot as Shot, coding);
  }
}

/**
 * Read what is left of a damaged stream.
 *
 * @throws VqtError HEAD is lost, so that nothing can be recovered.
 */
export function recoverStream(bytes: Uint8Array, options: ReadOptions = {}): Recovery {
  return new Recovery(bytes, options);
}
