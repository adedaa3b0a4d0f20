/** A stream as its bytes arrive: chunks to items, every rule checked (vqt.md, sections 3 and 10). */

import { type Chunk, ChunkReader } from "./container/chunks.js";
import { type Head, readHead } from "./container/head.js";
import { readEnd, readKeyFrame, readMotion, readPortrait, readSound } from "./container/payloads.js";
import { Account, entryOf, Sequence } from "./container/rules.js";
import { type ScenePicture, SceneSequence } from "./container/scenes.js";
import { Fault, located, UsageError, VqtError } from "./errors.js";
import { isAncillary, MAX_LAYERS, PAYLOAD_LIMITS } from "./format.js";
import { type Item, MotionGroup, type Totals } from "./items.js";

const SCENE = "sCNe";

/** How a stream is read. */
export interface ReadOptions {
  /** Decode only so many layers of each group; the others aren't checked then. All by default. */
  readonly layers?: number;
  /** false: tokens are decoded when they are asked for, so that a bad layer is found only then. */
  readonly decode?: boolean;
  /** Give the pictures of the scene around the square, too; those that can't be used are left out. */
  readonly scenes?: boolean;
  /** Bytes behind the end of the stream are no error. */
  readonly ignoreTrailing?: boolean;
}

/** @throws UsageError */
export function checkLayers(layers: number | undefined): void {
  if (layers !== undefined && !(Number.isInteger(layers) && layers >= 1)) {
    throw new UsageError(`can't decode ${layers} layers: take 1 to ${MAX_LAYERS}, or leave it out for all`);
  }
}

/**
 * Step 5 of section 3: whether a chunk is to be read.
 *
 * @throws Fault it is of a type that mustn't be there.
 */
function isWanted(type: string, major: number, closed: boolean): boolean {
  if (!PAYLOAD_LIMITS.has(type) || (type === "PORT" && major === 1)) {
    if (!isAncillary(type)) throw new Fault("unsupported-chunk", `a chunk ${type} can't be left out and isn't known`);
    if (closed) throw new Fault("bad-order", "a chunk stands behind the index");
    return false;
  }
  if (type === "HEAD" || (type === "KEYF" && major >= 2)) throw new Fault("bad-order", `${type} can't stand here`);
  if (closed !== (type === "IEND")) throw new Fault("bad-order", `${type} stands on the wrong side of the index`);
  return true;
}

/** A chunk of motion, sound or a portrait as an item, checked against those before it; its position for the index. */
export function readItem(chunk: Chunk, head: Head, sequence: Sequence, options: ReadOptions): [Item, number] {
  sequence.place(chunk.type);
  if (chunk.type === "KEYF") {
    const portrait = sequence.keyFrame(readKeyFrame(chunk.payload));
    return [portrait, portrait.firstFrame];
  }
  if (chunk.type === "PORT") {
    const portrait = sequence.portrait(readPortrait(chunk.payload, head));
    return [portrait, portrait.firstFrame];
  }
  if (chunk.type === "AUDO") {
    const raw = readSound(chunk.payload);
    sequence.sound(raw);
    return [{ kind: "sound", ...raw }, raw.firstSample];
  }
  const raw = readMotion(chunk.payload, head);
  const coding = { offset: chunk.offset, groups: head.groups, layers: options.layers };
  const group = new MotionGroup(raw, sequence.motion(raw), coding);
  if (options.decode ?? true) void group.tokens;
  return [group, raw.ticks[0] as number];
}

/** Reads a stream in order, from bytes in pieces of any size. */
export class StreamParser {
  readonly #chunks = new ChunkReader();
  readonly #options: ReadOptions;
  readonly #account = new Account();
  #head: Head | null = null;
  #sequence: Sequence | null = null;
  #totals: Totals | null = null;
  readonly #ancillary: string[] = [];
  readonly #scenes = new SceneSequence();

  /** @throws UsageError `layers` is no number of layers. */
  constructor(options: ReadOptions = {}) {
    checkLayers(options.layers);
    this.#options = options;
  }

  /** HEAD, once it has come. */
  get head(): Head | null {
    return this.#head;
  }

  /** What IEND says, once it has come. */
  get totals(): Totals | null {
    return this.#totals;
  }

  /** Types of the ancillary chunks so far. */
  get ancillary(): readonly string[] {
    return this.#ancillary;
  }

  /**
   * Take more bytes and give what is whole now.
   *
   * @throws VqtError at the first fault, when all before it has been given.
   */
  *push(bytes: Uint8Array): Generator<Item> {
    this.#chunks.push(bytes);
    for (;;) {
      if (this.#totals) return this.#checkTrailing();
      const chunk = this.#chunks.next();
      if (chunk === null) return;
      const item = located(chunk.offset, () => this.#take(chunk));
      if (item) yield item;
    }
  }

  /**
   * No more bytes come.
   *
   * @throws VqtError `truncated`.
   */
  finish(): void {
    if (this.#totals === null) throw this.#chunks.truncated();
  }

  #checkTrailing(): void {
    if (this.#chunks.waiting > 0 && !this.#options.ignoreTrailing) {
      throw new VqtError("trailing-data", this.#chunks.offset, "bytes behind the end of the stream");
    }
  }

  #take(chunk: Chunk): Item | null {
    if (this.#head === null || this.#sequence === null) {
      if (chunk.type !== "HEAD") throw new Fault("bad-order", "the first chunk is not HEAD");
      this.#head = readHead(chunk.payload);
      this.#sequence = new Sequence(this.#head);
      this.#account.chunk(chunk);
      return null;
    }
    const wanted = isWanted(chunk.type, this.#head.version[0], this.#account.closed);
    if (chunk.type === "IEND") return this.#end(chunk, this.#sequence);
    this.#account.chunk(chunk);
    if (!wanted) {
      this.#ancillary.push(chunk.type);
      return this.#scene(chunk);
    }
    if (chunk.type === "INDX") {
      this.#sequence.place(chunk.type);
      this.#account.index(chunk);
      return null;
    }
    const [item, position] = readItem(chunk, this.#head, this.#sequence, this.#options);
    this.#account.item(entryOf(chunk, { position, ...(item.kind === "portrait" && { number: item.number }) }));
    return item;
  }

  #scene({ type, payload }: Chunk): ScenePicture | null {
    return type === SCENE && this.#options.scenes === true ? this.#scenes.take(payload) : null;
  }

  #end(chunk: Chunk, sequence: Sequence): null {
    const raw = readEnd(chunk.payload);
    const endTick = sequence.end(raw);
    this.#account.end(raw, sequence.frames);
    this.#totals = { frames: raw.frames, endTick };
    return null;
  }
}
