/**
 * Intact chunks of damaged bytes, and what lies between them (vqt.md, section 18, "Finding chunks").
 *
 *     ... MOTN | AUDO | ?????????????????? | AUDO | MOTN ...
 *         chunk  chunk        gap            chunk  chunk
 */

import { type Chunk, chunkStart, chunkType, crcNumber } from "../container/chunks.js";
import { crc32, PrefixCrcs } from "../container/crc32.js";
import { PAYLOAD_LIMITS, SIGNATURE } from "../format.js";

/** Bytes that belong to no intact chunk. */
export interface Gap {
  readonly kind: "gap";
  readonly offset: number;
  readonly size: number;
  /** How often the type of each kind of chunk was seen among them: what probably was lost. */
  readonly types: ReadonlyMap<string, number>;
}

/** A part of the bytes; parts lie next to each other and cover all of them. */
export type Piece =
  | Gap
  | { readonly kind: "signature"; readonly size: number }
  | { readonly kind: "chunk"; readonly chunk: Chunk };

const FIRST_LETTERS = new Set([...PAYLOAD_LIMITS.keys()].map((type) => type.charCodeAt(0)));

function isSignature(bytes: Uint8Array, at: number): boolean {
  return SIGNATURE.every((byte, i) => bytes[at + i] === byte);
}

/** Cuts bytes into pieces, in time linear in their number, whatever they are. */
export class Scanner {
  readonly #bytes: Uint8Array;
  /** Made where the first damage is, since a search tries ranges that overlap. */
  #crcs: PrefixCrcs | null = null;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  *pieces(): Generator<Piece> {
    for (let at = 0; at < this.#bytes.length; ) {
      const piece = this.#intact(at) ?? this.#gap(at);
      yield piece;
      at += piece.kind === "chunk" ? piece.chunk.size : piece.size;
    }
  }

  /** The signature or the intact chunk that begins here. */
  #intact(at: number): Piece | null {
    if (isSignature(this.#bytes, at)) return { kind: "signature", size: SIGNATURE.length };
    const start = chunkStart(this.#bytes, at);
    if (start === null || typeof start === "string") return null;
    const { type, payloadBytes } = start;
    const from = at + start.bytes;
    const stop = from + payloadBytes;
    const crcField = this.#bytes.slice(stop, stop + 4);
    if (crcField.length < 4 || this.#crc(at, stop) !== crcNumber(crcField)) return null;
    const payload = this.#bytes.slice(from, stop);
    return { kind: "chunk", chunk: { type, offset: at, payload, crcField, size: stop + 4 - at } };
  }

  #crc(from: number, to: number): number {
    return this.#crcs?.of(from, to) ?? crc32(this.#bytes.subarray(from, to));
  }

  /** The bytes up to the next intact chunk of a known type, the next signature, or the end. */
  #gap(offset: number): Gap {
    this.#crcs ??= new PrefixCrcs(this.#bytes);
    const types = new Map<string, number>();
    let at = offset;
    for (; at < this.#bytes.length; at++) {
      const first = this.#bytes[at] as number;
      const type = FIRST_LETTERS.has(first) ? chunkType(this.#bytes, at) : null;
      const known = type !== null && PAYLOAD_LIMITS.has(type);
      if (at > offset && (known || first === SIGNATURE[0]) && this.#intact(at) !== null) break;
      if (known) types.set(type, (types.get(type) ?? 0) + 1);
    }
    return { kind: "gap", offset, size: at - offset, types };
  }
}
