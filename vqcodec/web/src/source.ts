/** Where a stream's bytes come from. */

import { UsageError } from "./errors.js";

/** Bytes that can be read from any place. */
export interface ByteSource {
  /** Bytes there are. */
  readonly size: number;
  /** Some bytes; fewer only where they end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What a stream can be opened from; all but a ReadableStream can be seeked. */
export type Input = Uint8Array | ArrayBuffer | Blob | ByteSource | ReadableStream<Uint8Array>;

const PIECE_BYTES = 65_536;

class Bytes implements ByteSource {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.#bytes.subarray(offset, offset + length));
  }
}

class BlobBytes implements ByteSource {
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  get size(): number {
    return this.#blob.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return new Uint8Array(await this.#blob.slice(offset, offset + length).arrayBuffer());
  }
}

/** An input as a source, or null if it only comes in order. */
export function seekable(input: Input): ByteSource | null {
  if (input instanceof Uint8Array) return new Bytes(input);
  if (input instanceof ArrayBuffer) return new Bytes(new Uint8Array(input));
  if (input instanceof Blob) return new BlobBytes(input);
  return "getReader" in input ? null : input;
}

async function* ofSource(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; at += PIECE_BYTES) yield await source.read(at, PIECE_BYTES);
}

async function* ofStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader(); // not every browser can iterate over a stream
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}

/** The bytes of an input, from its start on, in pieces. */
export function pieces(input: Input): AsyncGenerator<Uint8Array> {
  if (typeof input !== "object" || input === null) {
    throw new UsageError("a stream is opened from bytes, a Blob, a ByteSource or a ReadableStream");
  }
  if ("getReader" in input) return ofStream(input);
  return ofSource(seekable(input) as ByteSource);
}
