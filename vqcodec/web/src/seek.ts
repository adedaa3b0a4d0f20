/** Random access by the index (vqt.md, sections 8 and 11). */

import { type Chunk, ChunkReader } from "./container/chunks.js";
import type { Head } from "./container/head.js";
import { type IndexEntry, KIND, readIndex } from "./container/index_chunk.js";
import { readEnd, type RawEnd } from "./container/payloads.js";
import { entryOf, Sequence } from "./container/rules.js";
import { Fault, located, VqtError } from "./errors.js";
import * as format from "./format.js";
import type { Item, Totals } from "./items.js";
import { type ReadOptions, readItem } from "./parser.js";
import type { ByteSource } from "./source.js";

/** The most bytes of a chunk beside its payload. */
const FRAME_BYTES = 4 + format.MAX_VARINT_BYTES + 4;

/** What INDX and IEND say, read without the chunks before them. */
export interface StreamIndex {
  readonly entries: readonly IndexEntry[];
  readonly totals: Totals;
  /** Where INDX begins. */
  readonly offset: number;
}

/** The whole chunk at an offset; null if the bytes there end too soon. */
async function chunkAt(source: ByteSource, offset: number, most: number): Promise<Chunk | null> {
  const reader = new ChunkReader(offset);
  reader.push(await source.read(offset, most));
  return reader.next();
}

/** null where an error says that no chunk begins there at all. */
function noChunk(error: unknown): null {
  if (error instanceof VqtError && (error.code === "bad-type" || error.code === "bad-length")) return null;
  throw error;
}

/** IEND, with its offset. */
async function endOf(source: ByteSource): Promise<[RawEnd, number]> {
  const offset = source.size - format.IEND_CHUNK_BYTES;
  try {
    const chunk = offset > 0 ? await chunkAt(source, offset, format.IEND_CHUNK_BYTES) : null;
    if (chunk?.type === "IEND") return [readEnd(chunk.payload), offset];
  } catch (error) {
    if (!(error instanceof VqtError || error instanceof Fault)) throw error;
  }
  throw new VqtError("truncated", source.size, "the stream has no end, and so no index");
}

function checkEntries(entries: readonly IndexEntry[], head: Head, end: RawEnd): number {
  const first = entries.find(({ kind }) => kind !== KIND.sound);
  const last = entries.findLast(({ kind }) => kind === KIND.motion);
  if (first?.kind !== KIND.firstPortrait || !last) throw new Fault("bad-order", "no portrait before the first motion");
  const rules = new Sequence(head, { shot: 0, shotFirstTick: 0 });
  const endTick = rules.end(end);
  if (endTick <= last.position) throw new Fault("bad-time", `the stream ends at tick ${endTick}`);
  return endTick;
}

/**
 * Read INDX from the end of a source.
 *
 * @throws VqtError it isn't there, or can't be true.
 */
export async function indexOf(source: ByteSource, head: Head): Promise<StreamIndex> {
  const [end, endOffset] = await endOf(source);
  const offset = endOffset - end.indexChunkBytes;
  const chunk = offset > 0 ? await chunkAt(source, offset, end.indexChunkBytes).catch(noChunk) : null;
  if (chunk?.type !== "INDX" || chunk.size !== end.indexChunkBytes) {
    throw new VqtError("bad-total", endOffset, "the index isn't where the end says");
  }
  const entries = located(offset, () => readIndex(chunk.payload, head.version[0]));
  if ((entries.at(-1)?.offset ?? 0) >= offset) throw new VqtError("bad-index", offset, "an entry lies behind the index");
  const endTick = located(endOffset, () => checkEntries(entries, head, end));
  return { entries, totals: { frames: end.frames, endTick }, offset };
}

/** Whether a sample is heard at or before a tick, with time for the sound decoder to settle. */
function heardBy(sample: number, tick: number, head: Head): boolean {
  const { numerator, denominator } = head.timeBaseS;
  const extra = (head.sound?.preSkipSamples ?? 0) - format.PRE_ROLL_SAMPLES;
  const before = BigInt(sample) - BigInt(extra);
  return before * BigInt(denominator) <= BigInt(format.AUDIO_RATE_HZ) * BigInt(tick) * BigInt(numerator);
}

/** Numbers of the entries to read for playing from `tick` on, in order, and of the shot's portrait 0 among them. */
export function entriesFrom(index: StreamIndex, tick: number, head: Head): readonly [number[], number] {
  const { entries } = index;
  const lastOf = (wanted: number, fits: (entry: IndexEntry, i: number) => boolean): number => {
    const found = entries.findLastIndex((entry, i) => entry.kind === wanted && fits(entry, i));
    return found >= 0 ? found : entries.findIndex(({ kind }) => kind === wanted);
  };
  const motion = lastOf(KIND.motion, ({ position }) => position <= tick);
  const portrait = lastOf(KIND.firstPortrait, (_, i) => i < motion);
  const sound = lastOf(KIND.sound, ({ position }) => heardBy(position, tick, head));
  const from = { [KIND.motion]: motion, [KIND.sound]: sound } as Record<number, number>;
  const wanted = entries.flatMap(({ kind }, i) => (i >= (from[kind] ?? portrait) ? [i] : []));
  return [wanted, portrait];
}

/** Reads the chunks that entries point at, and checks that they are those. */
export class IndexedReader {
  readonly #source: ByteSource;
  readonly #head: Head;
  readonly #options: ReadOptions;

  constructor(source: ByteSource, head: Head, options: ReadOptions) {
    this.#source = source;
    this.#head = head;
    this.#options = options;
  }

  /**
   * Items from the group that shows `tick`, or the first one, on: the portraits of its shot first.
   *
   * @throws VqtError at the first fault, when all before it has been given.
   */
  async *from(index: StreamIndex, tick: number): AsyncGenerator<Item> {
    const [wanted, portrait] = entriesFrom(index, tick, this.#head);
    const { entries, totals } = index;
    const before = entries.slice(0, portrait);
    const sequence = new Sequence(this.#head, {
      shot: before.filter(({ kind }) => kind === KIND.firstPortrait).length,
      shotFirstTick: entries.find(({ kind }, i) => i > portrait && kind === KIND.motion)?.position ?? 0,
    });
    for (const i of wanted) {
      const end = entries[i + 1]?.offset ?? index.offset;
      yield await this.#item(entries[i] as IndexEntry, end, sequence);
    }
    const last = sequence.lastTick;
    if (sequence.frames !== totals.frames || last >= totals.endTick) {
      throw new VqtError("bad-total", index.offset, "the end differs from the stream");
    }
  }

  async #item(entry: IndexEntry, end: number, sequence: Sequence): Promise<Item> {
    const { offset } = entry;
    const most = Math.min(end - offset, format.MAX_UNKNOWN_CHUNK_BYTES + FRAME_BYTES);
    const chunk = await chunkAt(this.#source, offset, most);
    return located(offset, () => {
      const items = this.#head.version[0] === 1 ? ["KEYF", "MOTN", "AUDO"] : ["PORT", "MOTN", "AUDO"];
      if (chunk === null || !items.includes(chunk.type)) throw new Fault("bad-index", "an entry points at something else");
      const [item, position] = readItem(chunk, this.#head, sequence, this.#options);
      const found = entryOf(chunk, { position, ...(item.kind === "portrait" && { number: item.number }) });
      if (found.kind !== entry.kind || position !== entry.position) {
        throw new Fault("bad-index", "an entry says something else than its chunk");
      }
      return item;
    });
  }
}
