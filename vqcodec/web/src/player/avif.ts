/** The AV1 data of an AVIF still: portraits of major version 1 go the same way to a picture as those of version 2. */

import { Fault } from "../errors.js";

const MAX_BOXES = 4096;
const decoder = new TextDecoder("latin1");

interface Box {
  readonly type: string;
  readonly body: DataView;
}

function fault(why: string): Fault {
  return new Fault("bad-unit", `the portrait's AVIF file ${why}`);
}

function part(view: DataView, from: number, to = view.byteLength): DataView {
  if (from > to || to > view.byteLength) throw fault("is cut off");
  return new DataView(view.buffer, view.byteOffset + from, to - from);
}

function typeAt(view: DataView, at: number): string {
  const letters = part(view, at, at + 4);
  return decoder.decode(new Uint8Array(letters.buffer, letters.byteOffset, 4));
}

function* boxes(view: DataView): Generator<Box> {
  for (let at = 0, count = 0; at < view.byteLength; count++) {
    if (count > MAX_BOXES) throw fault("has too many boxes");
    const size = part(view, at, at + 8).getUint32(0) || view.byteLength - at;
    if (size < 8) throw fault("has a box of an unknown size");
    yield { type: typeAt(view, at + 4), body: part(view, at + 8, at + size) };
    at += size;
  }
}

function only(found: readonly Box[], type: string): DataView {
  const [box, second] = found.filter((each) => each.type === type);
  if (box === undefined || second !== undefined) throw fault(`has not one box ${type}`);
  return box.body;
}

/** Reads big-endian numbers one after the other. */
class Numbers {
  readonly #view: DataView;
  #at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  next(bytes: number): number {
    const piece = part(this.#view, this.#at, this.#at + bytes);
    this.#at += bytes;
    let value = 0;
    for (let i = 0; i < bytes; i++) value = 256 * value + piece.getUint8(i);
    return value;
  }
}

/** Number of the item that is the picture. */
function primary(meta: readonly Box[]): number {
  const item = only(meta, "pitm");
  return new Numbers(item, 4).next(part(item, 0, 1).getUint8(0) === 0 ? 2 : 4);
}

function checkType(meta: readonly Box[], wanted: number): void {
  const items = only(meta, "iinf");
  const skipped = part(items, 0, 1).getUint8(0) === 0 ? 6 : 8;
  for (const { body } of boxes(part(items, skipped))) {
    const form = part(body, 0, 1).getUint8(0);
    const width = form === 2 ? 2 : 4;
    if (new Numbers(body, 4).next(width) === wanted && typeAt(body, 4 + width + 2) === "av01") return;
  }
  throw fault("holds no single AV1 picture");
}

/** Where an item's only piece lies: offset and length. */
function place(meta: readonly Box[], wanted: number): [number, number] {
  const list = only(meta, "iloc");
  const version = part(list, 0, 1).getUint8(0);
  const sizes = new Numbers(list, 4).next(2);
  const [offsetSize, lengthSize, baseSize, indexSize] = [12, 8, 4, 0].map((shift) => (sizes >> shift) & 15) as [
    number, number, number, number,
  ];
  const numbers = new Numbers(list, 6);
  const idWidth = version < 2 ? 2 : 4;
  for (let left = numbers.next(idWidth); left > 0; left--) {
    const id = numbers.next(idWidth);
    const method = version > 0 ? numbers.next(2) & 15 : 0;
    numbers.next(2);
    const base = numbers.next(baseSize);
    const extents = Array.from({ length: Math.min(numbers.next(2), MAX_BOXES) }, (): [number, number] => {
      if (version > 0) numbers.next(indexSize);
      return [base + numbers.next(offsetSize), numbers.next(lengthSize)];
    });
    if (id !== wanted) continue;
    if (method !== 0 || extents.length !== 1) throw fault("is of a kind that isn't read here");
    return extents[0] as [number, number];
  }
  throw fault("doesn't say where its picture is");
}

/**
 * The OBUs of the picture.
 *
 * @throws Fault the file is damaged, or more than one AV1 picture.
 */
export function av1Of(still: Uint8Array): Uint8Array {
  const file = new DataView(still.buffer, still.byteOffset, still.byteLength);
  const top = [...boxes(file)];
  if (top.some(({ type }) => type === "moov")) throw fault("is a video");
  const meta = [...boxes(part(only(top, "meta"), 4))];
  const item = primary(meta);
  checkType(meta, item);
  const [offset, length] = place(meta, item);
  if (length === 0 || offset + length > still.length) throw fault("is cut off");
  return still.subarray(offset, offset + length);
}
