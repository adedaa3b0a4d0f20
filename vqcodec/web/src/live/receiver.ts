/**
 * What a viewer makes of what comes: the items of a stream, each at its time, whatever was lost.
 *
 * What must arrive (HEAD, portraits) comes whole and in order. Of packets the best of each group is given, in the order of the
 * ticks; what comes too late isn't. Frames are numbered as they are given, so that what shows a stream need not know of losses.
 */

import { Playout } from "./playout.js";
import { ahead, KIND, NUMBERS, readPacket, type Packet, type Report } from "./wire.js";
import { ChunkReader } from "../container/chunks.js";
import { type Head, readHead } from "../container/head.js";
import { readMotion, readPortrait, readSound, type RawMotion } from "../container/payloads.js";
import { fromUnit, Shot } from "../container/portraits.js";
import type { Run } from "../container/runs.js";
import { Fault, located, VqtError } from "../errors.js";
import { type Item, MotionGroup, type SoundGroup } from "../items.js";

/** Groups that wait: some seconds. */
const MOST_WAITING = 64;

/** What has come. */
export interface Tally {
  packets: number;
  lost: number;
  refused: number;
  /** Frames given with their own tokens, and with those of a copy. */
  exact: number;
  coarse: number;
}

interface Waiting {
  readonly raw: RawMotion;
  readonly own: boolean;
}

/** One viewer's end. */
export class LiveReceiver {
  readonly playout = new Playout();
  readonly tally: Tally = { packets: 0, lost: 0, refused: 0, exact: 0, coarse: 0 };
  /** Nothing more comes. */
  over = false;
  #head: Head | null = null;
  readonly #chunks = new ChunkReader();
  #shots = new Map<number, Shot>();
  readonly #groups = new Map<number, Waiting>();
  readonly #sounds = new Map<number, SoundGroup>();
  #portraits: Item[] = [];
  #newest: number | null = null;
  /** Numbers of the last packets. */
  #come = new Set<number>();
  #frames = 0;
  #lastTick = -1;
  #nextFrame = -1;
  #lastSample = -1;
  #told = { packets: 0, lost: 0, atS: 0 };

  /** HEAD, once it has come. */
  get head(): Head | null {
    return this.#head;
  }

  /**
   * Take a message of the reliable channel.
   *
   * @throws VqtError it is no part of a stream.
   */
  whole(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    for (let chunk = this.#chunks.next(); chunk !== null; chunk = this.#chunks.next()) {
      const { type, payload, offset } = chunk;
      located(offset, () => this.#take(type, payload));
    }
  }

  /** Take a message of the unreliable channel; one that can't be read is as good as lost. */
  packet(bytes: Uint8Array, nowS: number): void {
    const head = this.#head;
    if (head === null) return;
    try {
      const packet = readPacket(bytes);
      const groups = motionOf(packet, head);
      const sounds = soundOf(packet);
      const lost = this.#count(packet.number);
      if (lost === null) return;
      for (const waiting of groups) this.#add(waiting);
      for (const sound of sounds) if (sound.firstSample > this.#lastSample) this.#sounds.set(sound.firstSample, sound);
      this.#noteTimes(groups, nowS, lost);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.tally.refused += 1;
    }
  }

  /** What can be given at a time of the stream: what follows what was given, and what is due. */
  due(timeS: number): Item[] {
    if (this.#head === null) return [];
    const given: Item[] = [];
    for (let tick = least(this.#groups); tick !== null; tick = least(this.#groups)) {
      const { raw, own } = this.#groups.get(tick) as Waiting;
      const shot = this.#shots.get(raw.shot ?? 0);
      const late = tick <= this.#lastTick;
      const wanted = this.#seconds(tick) <= timeS || (own && raw.firstFrame === this.#nextFrame);
      if (!late && (!wanted || (shot === undefined && this.#seconds(raw.ticks.at(-1) ?? tick) >= timeS))) break;
      this.#groups.delete(tick);
      if (!late && shot !== undefined) given.push(...this.#given(raw, own, shot));
    }
    return [...given, ...this.#heard()];
  }

  /** What has come since the last report. */
  report(nowS: number): Report {
    const { packets, lost, atS } = this.#told;
    this.#told = { packets: this.tally.packets, lost: this.tally.lost, atS: nowS };
    const come = this.tally.packets - packets;
    const due = come + Math.max(this.tally.lost - lost, 0);
    return { newest: this.#newest ?? 0, due, come, lateMs: this.playout.lateMs(atS) };
  }

  #take(type: string, payload: Uint8Array): void {
    if (type === "HEAD") this.#head = readHead(payload);
    if (type === "IEND") this.over = true;
    if (type !== "PORT" || this.#head === null) return;
    const raw = readPortrait(payload, this.#head);
    let shot = this.#shots.get(raw.shot);
    if (shot === undefined) {
      shot = new Shot(raw.shot);
      this.#shots = new Map([...[...this.#shots].slice(-1), [raw.shot, shot]]);
    }
    const portrait = fromUnit(raw, shot);
    shot.add(portrait);
    this.#portraits.push(portrait);
  }

  /** Note a packet; how many are missing before it, null for one that came before. */
  #count(number: number): number | null {
    const newest = this.#newest ?? (number + NUMBERS - 1) % NUMBERS;
    const step = ahead(number, newest);
    if (this.#come.has(number) || step <= -MOST_WAITING) return null;
    this.#come.add(number);
    this.tally.packets += 1;
    if (step <= 0) {
      this.tally.lost = Math.max(this.tally.lost - 1, 0);
      return 0;
    }
    this.#newest = number;
    this.tally.lost += step - 1;
    this.#come = new Set([...this.#come].filter((each) => ahead(each, number) > -MOST_WAITING));
    return step - 1;
  }

  #add(waiting: Waiting): void {
    const tick = waiting.raw.ticks[0] as number;
    const known = this.#groups.get(tick);
    const better = known === undefined || (waiting.own && !known.own);
    if (tick > this.#lastTick && better) this.#groups.set(tick, waiting);
    if (this.#groups.size > MOST_WAITING) this.#groups.delete(Math.max(...this.#groups.keys()));
  }

  #noteTimes(groups: readonly Waiting[], nowS: number, lost: number): void {
    const own = groups.filter((waiting) => waiting.own).at(-1);
    if (own === undefined) return;
    const [first, last] = [own.raw.ticks[0] as number, own.raw.ticks.at(-1) as number];
    this.playout.arrived(this.#seconds(first), this.#seconds(last), nowS, lost);
  }

  /** Portraits that have come, then the group; nothing where it doesn't decode. */
  #given(raw: RawMotion, own: boolean, shot: Shot): Item[] {
    const { groups } = this.#head as Head;
    const runs = raw.runs.map((run) => among(run, shot.highest));
    const group = new MotionGroup({ ...raw, firstFrame: this.#frames, runs }, shot, { offset: 0, groups });
    try {
      void group.tokens;
    } catch (error) {
      if (!(error instanceof VqtError)) throw error;
      return [];
    }
    this.#frames += raw.ticks.length;
    this.#lastTick = raw.ticks.at(-1) as number;
    this.#nextFrame = raw.firstFrame + raw.ticks.length;
    this.tally[own ? "exact" : "coarse"] += raw.ticks.length;
    const items = [...this.#portraits, group];
    this.#portraits = [];
    return items;
  }

  /** Sound in order: a piece that is missing isn't waited for, since those behind it come with their frames. */
  #heard(): SoundGroup[] {
    const ready = [...this.#sounds.values()].sort((a, b) => a.firstSample - b.firstSample);
    this.#sounds.clear();
    const last = ready.at(-1);
    if (last !== undefined) this.#lastSample = last.firstSample;
    return ready;
  }

  #seconds(tick: number): number {
    const { numerator, denominator } = (this.#head as Head).timeBaseS;
    return (tick * numerator) / denominator;
  }
}

/** The least key. */
function least(map: ReadonlyMap<number, unknown>): number | null {
  return map.size === 0 ? null : Math.min(...map.keys());
}

/** A run shown from portraits that have come: the newest stands in for those that haven't. */
function among(run: Run, highest: number): Run {
  const portrait = Math.min(run.portrait, highest);
  const other = run.other === null ? null : Math.min(run.other, highest);
  return other === portrait || other === null ? { ...run, portrait, other: null, weight: 0 } : { ...run, portrait, other };
}

function motionOf(packet: Packet, head: Head): Waiting[] {
  return packet.parts
    .filter(({ kind }) => kind === KIND.motion || kind === KIND.copy)
    .map(({ kind, payload }) => ({ raw: readMotion(payload, head, null), own: kind === KIND.motion }));
}

function soundOf(packet: Packet): SoundGroup[] {
  return packet.parts
    .filter(({ kind }) => kind === KIND.sound)
    .map(({ payload }) => ({ kind: "sound" as const, ...readSound(payload) }));
}
