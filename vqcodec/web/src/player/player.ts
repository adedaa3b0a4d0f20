/** Plays a stream: reads it, keeps its time, asks for pictures and gives them when they are due. */

import { Artist } from "./artist.js";
import { type LiveSource, LiveTime } from "./live.js";
import type { GpuUse, OpenOrder } from "./messages.js";
import { opusHere } from "./opus.js";
import { type Picture, Schedule } from "./schedule.js";
import { type Clock, SilentClock, Sound } from "./sound.js";
import { hex } from "./tables.js";
import { type Place, Timeline } from "./timeline.js";
import type { Head } from "../container/head.js";
import { GROUP_DIMS } from "../format.js";
import { openStream, type VqtStream } from "../stream.js";

const PREPARED_AHEAD = 16;
/** Of a live stream's past. */
const KEPT_S = 60;
const FOLDERS = { models: "models/", runtime: "vendor/ort/", libav: "vendor/libav/" };

/** What the page is told. */
export interface Listener {
  /** Show it. */
  picture(picture: Picture): void;
  /** Something else has changed. */
  changed(): void;
  /** In words. */
  failed(why: string): void;
}

/** What was shown since playing began. */
export interface Counts {
  shown: number;
  passedOver: number;
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function address(folder: string): string {
  return new URL(folder, document.baseURI).href;
}

/** What the page's address may ask for. */
export interface Settings {
  /** Use libav.js even where the browser has decoders. */
  readonly libav: boolean;
  /** For drawing; 0: as many as are good. */
  readonly threads: number;
  readonly gpu: GpuUse;
}

function openOrder(head: Head, settings: Settings): OpenOrder {
  return {
    kind: "open",
    folders: { models: address(FOLDERS.models), runtime: address(FOLDERS.runtime), libav: address(FOLDERS.libav) },
    space: hex(head.motionSpace.sha256),
    spaceName: head.motionSpace.name,
    dims: GROUP_DIMS * head.groups,
    sidePx: head.codedSizePx,
    ...settings,
  };
}

/** What keeps a stream's time: its sound, if it has one. */
async function clockFor(timeline: Timeline, settings: Settings, listener: Listener): Promise<Clock> {
  const { sound } = timeline.head;
  if (sound === null) return new SilentClock();
  const opus = await opusHere(sound.channels, settings.libav, address(FOLDERS.libav));
  return new Sound(sound, timeline.sounds, opus, (why) => listener.failed(why));
}

/** One stream that is shown. */
export class Player {
  readonly timeline: Timeline;
  readonly counts: Counts = { shown: 0, passedOver: 0 };
  /** How it is drawn, for people; empty until it is known. */
  how = "";
  playing = false;
  /** All of it has been read. */
  whole = false;
  /** How long the last picture took to draw; 0 before the first. */
  drawingMs = 0;
  readonly #listener: Listener;
  readonly #schedule: Schedule;
  readonly #artist: Artist;
  readonly #clock: Clock;
  #speed = 1;
  #restS = 0;
  #shownNumber = -1;
  #shownSharp = false;
  #shownAtMs = 0;
  #closed = false;

  /** Of a live stream. */
  readonly #live: LiveTime | null;

  private constructor(clock: Clock, timeline: Timeline, settings: Settings, listener: Listener, live: LiveTime | null) {
    this.timeline = timeline;
    this.#live = live;
    this.#listener = listener;
    this.#clock = clock;
    this.#schedule = new Schedule(timeline);
    this.#artist = new Artist(timeline, openOrder(timeline.head, settings), {
      drawing: (how) => this.#drawing(how),
      drawn: (...drawn) => this.#drawn(...drawn),
      failed: (why) => listener.failed(why),
    });
  }

  /**
   * Open a stream, to be shown from its first frame on.
   *
   * @throws VqtError it doesn't begin as a stream, or needs a newer player.
   */
  static async open(file: Blob, settings: Settings, listener: Listener): Promise<Player> {
    const stream = await openStream(file, { scenes: true });
    const timeline = new Timeline(stream.head);
    const clock = await clockFor(timeline, settings, listener);
    const player = new Player(clock, timeline, settings, listener, null);
    void player.#read(stream);
    return player;
  }

  /** Show a live stream, whose HEAD has come. */
  static async follow(source: LiveSource, settings: Settings, listener: Listener): Promise<Player> {
    const timeline = new Timeline(source.receiver.head as Head);
    const clock = await clockFor(timeline, settings, listener);
    return new Player(clock, timeline, settings, listener, new LiveTime(source));
  }

  /** It is shown while it is made: there is nothing to seek to. */
  get isLive(): boolean {
    return this.#live !== null;
  }

  /** The time that is heard, or rested at. */
  get timeS(): number {
    const now = this.playing ? this.#clock.now() : this.#restS;
    return Math.min(Math.max(now, 0), this.timeline.endS);
  }

  get speed(): number {
    return this.#speed;
  }

  /** null for a stream without sound. */
  get sound(): Sound | null {
    return this.#clock instanceof Sound ? this.#clock : null;
  }

  async play(): Promise<void> {
    if (this.playing) return;
    if (this.whole && this.#restS >= this.timeline.endS) this.#go(0);
    [this.counts.shown, this.counts.passedOver] = [0, 0];
    if (this.#live !== null) this.#go(this.#live.wantedS(this.#schedule.expectedS) ?? 0);
    await this.#clock.start(this.#restS, this.#speed);
    this.playing = true;
    this.#shownAtMs = performance.now();
    this.#listener.changed();
  }

  pause(): void {
    if (!this.playing) return;
    this.#restS = this.timeS;
    this.playing = false;
    this.#clock.stop();
    this.#schedule.reset();
    this.#listener.changed();
  }

  /** Go to a time. */
  async seek(timeS: number): Promise<void> {
    this.#go(timeS);
    if (this.playing) await this.#clock.start(this.#restS, this.#speed);
    this.#listener.changed();
  }

  /** Rest, and go to the next frame, or the one before. */
  step(frames: number): void {
    const now = this.timeline.at(this.timeS);
    this.pause();
    const place = now && this.timeline.numbered(now.number + frames);
    if (place) this.#go(place.timeS);
    this.#listener.changed();
  }

  async setSpeed(speed: number): Promise<void> {
    const now = this.timeS;
    this.#speed = speed;
    if (this.playing) await this.seek(now);
  }

  /** To be called whenever the page is drawn. */
  tick(): void {
    if (this.#live !== null) this.#follow(this.#live);
    const now = this.timeS;
    if (this.playing && this.whole && now >= this.timeline.endS) this.pause();
    const due = this.playing ? this.#schedule.due(now, (performance.now() - this.#shownAtMs) / 1000) : null;
    if (due !== null) this.#show(due);
    if (this.#artist.idle) this.#ask(now);
  }

  close(): void {
    this.#closed = true;
    this.playing = false;
    this.#live?.close();
    this.#artist.close();
    this.#clock.stop();
    void this.sound?.close();
  }

  /** Take what has come, and stay where the sender is. */
  #follow(live: LiveTime): void {
    const drawingS = this.#schedule.expectedS;
    for (const item of live.items(drawingS)) this.timeline.add(item);
    this.timeline.forget(this.timeline.endS - KEPT_S);
    if (live.over && !this.whole) {
      this.whole = true;
      this.timeline.endsHere();
      this.#listener.changed();
    }
    if (!this.playing || this.whole) return;
    const to = live.jump(this.#clock.now(), drawingS);
    if (to !== null) void this.seek(to);
  }

  #go(timeS: number): void {
    const most = this.#live === null || this.whole ? this.timeline.endS : Infinity;
    this.#restS = Math.min(Math.max(timeS, 0), most);
    this.#shownNumber = -1;
    this.#schedule.reset();
  }

  /** The next order for the worker: what is shown now or next, else a portrait that will be needed. */
  #ask(now: number): void {
    if (this.playing) {
      const place = this.#schedule.next(now, this.#speed);
      if (place !== null && this.#draw(place, false)) return;
      if (!this.#schedule.ahead) return;
    } else {
      // at once, and then as it should be
      const place = this.timeline.at(now);
      const shown = place?.number === this.#shownNumber;
      if (place !== null && !(shown && this.#shownSharp) && this.#draw(place, shown)) return;
    }
    this.timeline.portraitsFrom(now, PREPARED_AHEAD).some((source) => this.#artist.prepare(source));
  }

  #draw(place: Place, sharp: boolean): boolean {
    this.#schedule.asked(place);
    return this.#artist.draw(place, sharp);
  }

  #show(picture: Picture): void {
    const { number } = picture.place;
    this.counts.shown += 1;
    if (this.#shownNumber >= 0) this.counts.passedOver += Math.max(number - this.#shownNumber - 1, 0);
    [this.#shownNumber, this.#shownSharp, this.#shownAtMs] = [number, picture.sharp, performance.now()];
    this.#listener.picture(picture);
  }

  #drawn(picture: Picture, drawingMs: number, tookS: number | null): void {
    this.drawingMs = drawingMs;
    this.#schedule.took(tookS ?? drawingMs / 1000);
    if (this.playing) this.#schedule.add(picture);
    else if (this.timeline.at(this.timeS)?.number === picture.place.number) this.#show(picture);
    this.#listener.changed();
  }

  #drawing(how: string): void {
    this.how = how;
    this.#listener.changed();
  }

  /** Read all of the stream; what comes before a fault can be played. */
  async #read(stream: VqtStream): Promise<void> {
    const ends = (tick?: number): void => {
      if (tick !== undefined) this.timeline.endAt(tick);
    };
    try {
      await stream.index().then(({ totals }) => ends(totals.endTick), () => undefined); // one without is read all the same
      for await (const item of stream.items()) {
        if (this.#closed) return;
        this.timeline.add(item);
      }
      ends(stream.totals?.endTick);
    } catch (error) {
      this.timeline.endsHere();
      this.#listener.failed(words(error));
    }
    this.whole = true;
    this.#listener.changed();
  }
}
