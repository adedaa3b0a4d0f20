/** Errors: each says what is wrong, where, and what that means (vqt.md, section 14). */

/** What a code means, in words for the one who wanted to see the stream. */
export const MEANING = {
  "bad-signature": "this is not a .vqt stream, or a transfer has changed it",
  truncated: "the stream is not complete: what came before its end can be played",
  "bad-type": "a chunk's type is not four letters: the stream is damaged",
  "bad-length": "a chunk's length is impossible: the stream is damaged",
  "bad-crc": "a chunk's bytes have changed: the stream is damaged",
  "bad-order": "a chunk stands where it must not",
  "bad-layout": "a chunk is shorter or longer than its fields",
  "bad-varint": "a number is too long or not in its shortest form",
  "bad-value": "a field is outside of its range",
  "bad-text": "a name is not text",
  "bad-frame": "frame numbers don't follow each other",
  "bad-time": "times don't follow each other, or are too late",
  "bad-layers": "a group has another number of layers than the stream",
  "bad-audio": "sound where there must be none, or out of order",
  "bad-portrait": "portraits don't follow each other, or one is missing",
  "bad-unit": "a portrait is not coded as it must be",
  "bad-payload": "motion that no encoder writes",
  "bad-index": "the index differs from the stream",
  "bad-total": "the end differs from the stream",
  "too-many": "more frames or groups than a stream may have",
  "trailing-data": "bytes follow the end of the stream",
  "unsupported-version": "the stream needs a newer player",
  "unsupported-chunk": "the stream has a part that needs a newer player",
  "unsupported-layout": "the stream's motion needs a newer player",
} as const;

/** The codes of vqt.md, section 14. */
export type ErrorCode = keyof typeof MEANING;

/** A stream that breaks a rule of the specification. */
export class VqtError extends Error {
  readonly code: ErrorCode;
  /** Byte of the stream, as section 14 says for the code. */
  readonly offset: number;

  constructor(code: ErrorCode, offset: number, why: string) {
    super(`${why} (${code} at byte ${offset}): ${MEANING[code]}`);
    this.name = "VqtError";
    this.code = code;
    this.offset = offset;
  }

  /** A sound stream that needs a newer decoder, and no damage. */
  get unsupported(): boolean {
    return this.code.startsWith("unsupported-");
  }
}

/** A broken rule whose place in the stream whoever reads the chunk knows. */
export class Fault extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, why: string) {
    super(why);
    this.name = "Fault";
    this.code = code;
  }

  /** The same at a byte of the stream. */
  at(offset: number): VqtError {
    return new VqtError(this.code, offset, this.message);
  }
}

/** Run what may find a fault in the chunk at `offset`; the error then says where. */
export function located<T>(offset: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Fault ? error.at(offset) : error;
  }
}

/** The library was called in a way that can't work; the message says what to do instead. */
export class UsageError extends Error {
  constructor(why: string) {
    super(why);
    this.name = "UsageError";
  }
}
