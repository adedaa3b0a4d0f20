/** A stream opened for playing. */

import type { Head } from "./container/head.js";
import { UsageError } from "./errors.js";
import type { Item, Totals } from "./items.js";
import { type ReadOptions, StreamParser } from "./parser.js";
import { IndexedReader, indexOf, type StreamIndex } from "./seek.js";
import { type ByteSource, type Input, pieces, seekable } from "./source.js";

/** Items in the order of a stream, and what was read on the way. */
class Reading {
  readonly parser: StreamParser;
  readonly #pieces: AsyncGenerator<Uint8Array>;
  #items: Iterator<Item> = [].values();

  constructor(input: Input, options: ReadOptions) {
    this.parser = new StreamParser(options);
    this.#pieces = pieces(input);
  }

  /** Take pieces until HEAD has come. */
  async head(): Promise<Head> {
    while (this.parser.head === null) await this.#take();
    return this.parser.head;
  }

  /** Let the input go. */
  async close(): Promise<void> {
    await this.#pieces.return(undefined);
  }

  async *items(): AsyncGenerator<Item> {
    try {
      do {
        for (let next = this.#items.next(); !next.done; next = this.#items.next()) yield next.value;
      } while (await this.#take());
    } finally {
      await this.close(); // also when the caller has seen enough
    }
  }

  /** Take a piece; false at the end. Items behind HEAD, and the faults among them, wait for who asks. */
  async #take(): Promise<boolean> {
    const piece = await this.#pieces.next();
    if (piece.done) {
      this.parser.finish();
      return false;
    }
    const items = this.parser.push(piece.value);
    this.#items = this.parser.head === null ? begun(items) : items;
    if (this.parser.head === null) this.#items.next(); // throws what is wrong before HEAD
    return true;
  }
}

/** An iterator whose first step is taken now; what that gave or threw waits for the first call of `next`. */
function begun(items: Iterator<Item>): Iterator<Item> {
  let first: (() => IteratorResult<Item>) | null;
  try {
    const result = items.next();
    first = () => result;
  } catch (error) {
    first = () => {
      throw error;
    };
  }
  return {
    next: () => {
      const taken = first ?? (() => items.next());
      first = null;
      return taken();
    },
  };
}

/** An opened stream; see `openStream`. */
export class VqtStream {
  readonly head: Head;
  readonly #input: Input;
  readonly #source: ByteSource | null;
  readonly #options: ReadOptions;
  #fresh: Reading | null;
  #last: Reading;
  #index: Promise<StreamIndex> | null = null;

  constructor(input: Input, head: Head, reading: Reading, options: ReadOptions) {
    this.#input = input;
    this.#source = seekable(input);
    this.head = head;
    this.#fresh = reading;
    this.#last = reading;
    this.#options = options;
  }

  /** Whether `index` and `seek` can be used. */
  get seekable(): boolean {
    return this.#source !== null;
  }

  /** What the end says, once `items` has come there. */
  get totals(): Totals | null {
    return this.#last.parser.totals;
  }

  /** Types of the ancillary chunks that `items` has passed. */
  get ancillary(): readonly string[] {
    return this.#last.parser.ancillary;
  }

  /**
   * Everything, in the order of the stream; as often as wanted where the input can be seeked, else once.
   *
   * @throws VqtError at the first fault, when all before it has been given.
   * @throws UsageError a second time, of an input that only comes in order.
   */
  items(): AsyncGenerator<Item> {
    const reading = this.#fresh ?? (this.#source && new Reading(this.#input, this.#options));
    if (reading === null) throw new UsageError("this input can be read once: open its bytes or a Blob to read again");
    this.#fresh = null;
    this.#last = reading;
    return reading.items();
  }

  /**
   * The index; read once.
   *
   * @throws VqtError there is none, or it can't be true.
   */
  index(): Promise<StreamIndex> {
    this.#index ??= indexOf(this.#needSource(), this.head);
    return this.#index;
  }

  /**
   * Everything that is needed to show the stream from a tick on: portraits of the shot, the group that shows the tick (its
   * first frames may lie before it), the sound from a little before, and all behind them.
   *
   * @throws VqtError as `index` and `items`.
   * @throws UsageError the input only comes in order, or there is no such tick.
   */
  async *seek(tick: number): AsyncGenerator<Item> {
    if (!Number.isSafeInteger(tick) || tick < 0) throw new UsageError(`${tick} is no tick: take an integer from 0 on`);
    const reader = new IndexedReader(this.#needSource(), this.head, this.#options);
    yield* reader.from(await this.index(), tick);
  }

  #needSource(): ByteSource {
    if (this.#source === null) {
      throw new UsageError("a ReadableStream can't be seeked: open its bytes, a Blob or a ByteSource");
    }
    return this.#source;
  }
}

/**
 * Open a stream: read its HEAD.
 *
 * @throws VqtError the bytes don't begin as a stream, or it needs a newer decoder.
 */
export async function openStream(input: Input, options: ReadOptions = {}): Promise<VqtStream> {
  const reading = new Reading(input, options);
  try {
    return new VqtStream(input, await reading.head(), reading, options);
  } catch (error) {
    await reading.close();
    throw error;
  }
}
