/** The worker that draws, as the page sees it: one order at a time. */

import type { Answer, Around, OpenOrder, Order } from "./messages.js";
import type { PortraitSource } from "./portraits.js";
import type { SceneImage } from "./scene.js";
import type { Picture, Surroundings } from "./schedule.js";
import type { Place, Timeline } from "./timeline.js";

/** What it tells. */
export interface ArtistListener {
  /** What draws from now on, for people. */
  drawing(how: string): void;
  /** @param tookS from asking to getting, null where portraits had to be made ready first. */
  drawn(picture: Picture, drawingMs: number, tookS: number | null): void;
  failed(why: string): void;
}

interface Asked {
  readonly id: number;
  readonly place: Place | null;
  readonly keys: readonly string[];
  readonly atMs: number;
  /** All portraits were ready. */
  readonly ready: boolean;
}

/** Draws frames of one stream in a worker. */
export class Artist {
  readonly #timeline: Timeline;
  readonly #listener: ArtistListener;
  readonly #worker: Worker;
  readonly #prepared = new Set<string>();
  readonly #sharp = new Set<string>();
  /** Portraits that can't be decoded. */
  readonly #lost = new Set<string>();
  /** Frames that couldn't be drawn: they aren't tried again. */
  readonly #refused = new Set<number>();
  #open = false;
  /** The last one that came: the worker sends it once. */
  #image: SceneImage | null = null;
  #asked: Asked | null = null;
  #count = 0;

  constructor(timeline: Timeline, order: OpenOrder, listener: ArtistListener) {
    this.#timeline = timeline;
    this.#listener = listener;
    this.#worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#answered(data);
    this.#worker.onerror = () => listener.failed("the part that draws can't be started: is the folder complete?");
    this.#send(order);
  }

  /** It can take an order. */
  get idle(): boolean {
    return this.#open && this.#asked === null;
  }

  close(): void {
    this.#worker.terminate();
  }

  /** Make a portrait ready and sharp, if it isn't; whether there was something to do. */
  prepare(source: PortraitSource): boolean {
    if (this.#sharp.has(source.key) || this.#lost.has(source.key)) return false;
    const id = this.#ask(null, [source.key]);
    this.#send({ kind: "prepare", id, portrait: source });
    return true;
  }

  /** Draw a frame; false where none of its portraits can be decoded, or it failed before. See RenderOrder for `sharp`. */
  draw(place: Place, sharp: boolean): boolean {
    const order = this.#timeline.order(place, this.#count + 1, sharp);
    const portraits = order.portraits.filter(({ key }) => !this.#lost.has(key));
    if (portraits.length === 0 || this.#refused.has(place.number)) return false;
    this.#ask(place, portraits.map(({ key }) => key));
    this.#send({ ...order, portraits });
    return true;
  }

  #whole(around: Around | null): Surroundings | null {
    this.#image = around?.image ?? this.#image;
    return around === null || this.#image === null ? null : { place: around.place, image: this.#image };
  }

  #ask(place: Place | null, keys: readonly string[]): number {
    const id = ++this.#count;
    this.#asked = { id, place, keys, atMs: performance.now(), ready: keys.every((key) => this.#prepared.has(key)) };
    return id;
  }

  #send(order: Order): void {
    this.#worker.postMessage(order);
  }

  #answered(answer: Answer): void {
    if (answer.kind === "ready") {
      this.#open = true;
      return;
    }
    if (answer.kind === "drawing") {
      this.#listener.drawing(answer.how);
      return;
    }
    const asked = this.#asked;
    if (asked !== null && asked.id === answer.id) this.#asked = null;
    if (answer.kind === "failed") {
      if (asked !== null) this.#blame(asked);
      this.#listener.failed(answer.why);
      return;
    }
    for (const key of asked?.keys ?? []) this.#prepared.add(key);
    if (answer.kind === "prepared" || answer.sharp) for (const key of asked?.keys ?? []) this.#sharp.add(key);
    if (answer.kind !== "picture" || asked?.place == null) return;
    const tookS = asked.ready ? (performance.now() - asked.atMs) / 1000 : null;
    const { rgba, sharp, drawingMs } = answer;
    this.#listener.drawn({ place: asked.place, rgba, sharp, around: this.#whole(answer.around) }, drawingMs, tookS);
  }

  /** Portraits that weren't ready may be the cause, else the frame is. */
  #blame({ place, keys, ready }: Asked): void {
    if (place !== null && ready) this.#refused.add(place.number);
    for (const key of keys) if (!this.#prepared.has(key)) this.#lost.add(key);
  }
}
