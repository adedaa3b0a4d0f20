/** The page: what is dropped on it, or named by ?src=, is played. */

import { Canvas } from "./canvas.js";
import { listen } from "./keys.js";
import { type Listener, Player, type Settings } from "./player.js";
import type { Picture } from "./schedule.js";
import { fetched } from "./tables.js";
import { clock, facts, rates, speeds } from "./words.js";
import { LiveConnection } from "../live/connection.js";

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page lacks #${id}`);
  return found as T;
}

const play = element<HTMLButtonElement>("play");
const mute = element<HTMLButtonElement>("mute");
const screen = element<HTMLButtonElement>("screen");
const speed = element<HTMLSelectElement>("speed");
const size = element<HTMLSelectElement>("size");
const seek = element<HTMLInputElement>("seek");
const file = element<HTMLInputElement>("file");
const stage = element("stage");
const canvas = element<HTMLCanvasElement>("picture");
const shown = new Canvas(canvas);
const settings = new URLSearchParams(location.search);
const gpu = settings.get("gpu");
const wanted: Settings = {
  libav: settings.get("codecs") === "libav",
  threads: Number.parseInt(settings.get("threads") ?? "0", 10) || 0,
  gpu: gpu === "always" || gpu === "never" ? gpu : "auto",
};
const FACTS_EVERY_MS = 500;

let player: Player | null = null;
let muted = false;
let newest = 0;
let factsAtMs = 0;

function tell(why: string): void {
  const wrong = element("wrong");
  const known = wrong.textContent?.split("\n").filter(Boolean) ?? [];
  wrong.textContent = why === "" ? "" : [...new Set([...known, why])].join("\n");
  wrong.hidden = why === "";
}

function busy(what: string): void {
  element("busy").textContent = what;
  element("busy").hidden = what === "";
}

function show(picture: Picture): void {
  shown.show(picture);
  Object.assign(canvas.dataset, { frame: picture.place.number, sharp: picture.sharp });
  busy("");
}

function showFacts(): void {
  if (player === null) return;
  const list = element("facts");
  list.replaceChildren(
    ...facts(player).flatMap(([name, value]) => {
      const [term, told] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, told.textContent] = [name, value];
      return [term, told];
    }),
  );
  element("speeds").textContent = speeds(player);
  const [now, words] = rates(player);
  element<HTMLMeterElement>("rate").value = now;
  element("rates").textContent = words;
}

function showState(): void {
  if (player === null) return;
  const { timeS, playing, timeline } = player;
  play.textContent = playing ? "❚❚" : "▶";
  play.setAttribute("aria-label", playing ? "Pause" : "Play");
  seek.max = String(timeline.endS);
  seek.value = String(timeS);
  seek.setAttribute("aria-valuetext", `${clock(timeS)} of ${clock(timeline.endS)}`);
  element("time").textContent = `${clock(timeS)} / ${clock(timeline.endS)}`;
}

function begin(opened: Player, name: string): void {
  player = opened;
  const { head } = opened.timeline;
  document.title = element("name").textContent = name;
  element("synthetic").hidden = !head.synthetic;
  mute.hidden = head.sound === null;
  for (const id of ["controls", "about"]) element(id).hidden = false;
  for (const control of [seek, speed]) control.disabled = opened.isLive;
  if (opened.sound) opened.sound.muted = muted;
  void opened.setSpeed(Number(speed.value));
  busy("Making ready…");
  showState();
  showFacts();
}

/** Play something in place of what is at hand. */
async function open(opening: (listener: Listener) => Promise<Player>, name: string): Promise<void> {
  const number = ++newest;
  player?.close();
  player = null;
  tell("");
  busy("Opening…");
  element("hint").hidden = true;
  shown.clear();
  delete canvas.dataset["frame"];
  const current = (act: () => void) => (): void => {
    if (number === newest) act();
  };
  try {
    const opened = await opening({
      picture: (picture) => current(() => show(picture))(),
      changed: current(() => (factsAtMs = 0)),
      failed: (why) => current(() => failed(why))(),
    });
    if (number === newest) begin(opened, name);
    else opened.close();
  } catch (error) {
    current(() => failed(error instanceof Error ? error.message : String(error)))();
  }
}

function openFile(blob: Blob, name: string): Promise<void> {
  return open((listener) => Player.open(blob, wanted, listener), name);
}

/** The stream that this page's server sends live; it begins by itself where the browser lets sound do so. */
async function openLive(): Promise<void> {
  await open(async (listener) => {
    const source = await LiveConnection.open(new URL("offer", location.href).href, (why) => listener.failed(why));
    return Player.follow(source, wanted, listener);
  }, "Live");
  void player?.play();
}

function failed(why: string): void {
  busy("");
  tell(why);
}

/** The stream that the address names, of this server only. */
async function openNamed(src: string): Promise<void> {
  try {
    const address = new URL(src, location.href);
    if (address.origin !== location.origin) throw new Error("?src= names a file of another server: only this one's are played");
    busy("Fetching…");
    element("hint").hidden = true;
    await openFile(await (await fetched(address.href)).blob(), decodeURIComponent(address.pathname.split("/").at(-1) ?? src));
  } catch (error) {
    failed(error instanceof Error ? error.message : String(error));
  }
}

function tick(now: number): void {
  if (player !== null) {
    player.tick();
    if (document.activeElement !== seek || player.playing) showState();
    if (now - factsAtMs > FACTS_EVERY_MS) {
      factsAtMs = now;
      showFacts();
    }
  }
  requestAnimationFrame(tick);
}

function seekTo(timeS: number): void {
  if (player !== null && !player.isLive) void player.seek(timeS);
}

function toggle(): void {
  if (player?.playing) player.pause();
  else void player?.play();
}

function setMuted(): void {
  muted = !muted;
  mute.setAttribute("aria-pressed", String(muted));
  mute.textContent = muted ? "Muted" : "Mute";
  if (player?.sound) player.sound.muted = muted;
}

function setScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else if (document.fullscreenEnabled) void element("player").requestFullscreen();
}

function faster(steps: number): void {
  if (player?.isLive) return;
  speed.selectedIndex = Math.min(Math.max(speed.selectedIndex + steps, 0), speed.options.length - 1);
  void player?.setSpeed(Number(speed.value));
}

function takeFile(chosen: File | null | undefined): void {
  if (chosen) void openFile(chosen, chosen.name);
}

function listenToControls(): void {
  play.addEventListener("click", toggle);
  mute.addEventListener("click", setMuted);
  screen.addEventListener("click", setScreen);
  screen.hidden = !document.fullscreenEnabled;
  speed.addEventListener("change", () => faster(0));
  size.addEventListener("change", () => (stage.className = `size-${size.value}`));
  seek.addEventListener("input", () => seekTo(Number(seek.value)));
  file.addEventListener("change", () => takeFile(file.files?.[0]));
  canvas.addEventListener("click", toggle);
  listen({
    toggle,
    jump: (seconds) => seekTo((player?.timeS ?? 0) + seconds),
    step: (frames) => player?.step(frames),
    toStart: () => seekTo(0),
    toEnd: () => seekTo(player?.timeline.endS ?? 0),
    faster,
    mute: setMuted,
    screen: setScreen,
    open: () => file.click(),
  });
}

function listenToDrops(): void {
  const { classList } = document.body;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.add("dropping");
  });
  document.addEventListener("dragleave", () => classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    classList.remove("dropping");
    takeFile(event.dataTransfer?.files[0]);
  });
}

listenToControls();
listenToDrops();
requestAnimationFrame(tick);
const named = settings.get("src");
if (named !== null) void openNamed(named);
else if (settings.has("live")) void openLive();
