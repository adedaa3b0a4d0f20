/** Packets and reports of a live stream (carriage.md, "WebRTC data channels"). */

import { Fields } from "../container/fields.js";
import { Fault } from "../errors.js";

export const NUMBERS = 65_536;
export const MAX_PACKET_BYTES = 16_384;
const MAX_PARTS = 16;

/** What a part holds; others are skipped. */
export const KIND = { motion: 1, copy: 2, sound: 3 } as const;

/** One part of a packet. */
export interface Part {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** A message that may be lost. */
export interface Packet {
  readonly number: number;
  readonly parts: readonly Part[];
}

/**
 * Read a packet.
 *
 * @throws Fault it is none.
 */
export function readPacket(bytes: Uint8Array): Packet {
  if (bytes.length > MAX_PACKET_BYTES) throw new Fault("bad-length", `a packet of ${bytes.length} bytes`);
  const fields = new Fields(bytes);
  const number = fields.uint("number", 2, [0, NUMBERS - 1]);
  const parts: Part[] = [];
  while (fields.left > 0) {
    if (parts.length === MAX_PARTS) throw new Fault("bad-length", "a packet of too many parts");
    const kind = fields.uint("kind", 1, [0, 255]);
    const length = fields.varint("length", [0, MAX_PACKET_BYTES]);
    parts.push({ kind, payload: fields.bytes("a part", length) });
  }
  return { number, parts };
}

/** How many packets `number` is ahead of another one, -32768 to 32767. */
export function ahead(number: number, of: number): number {
  return ((number - of + NUMBERS + NUMBERS / 2) % NUMBERS) - NUMBERS / 2;
}

/** What has come since the last report. */
export interface Report {
  readonly newest: number;
  readonly due: number;
  readonly come: number;
  readonly lateMs: number;
}

/** A report as it is sent. */
export function writeReport({ newest, due, come, lateMs }: Report): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(8));
  [newest, due, come, lateMs].forEach((value, i) => view.setUint16(2 * i, Math.min(Math.max(value, 0), NUMBERS - 1)));
  return new Uint8Array(view.buffer);
}
