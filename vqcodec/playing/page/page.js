"use strict";

// The video element plays what is appended to a SourceBuffer; a seek to where nothing is begins another rendering there.
const AHEAD_S = 20; // rendered beyond the place shown; more would only warm the room
const BEHIND_S = 60;
const LOOK_EVERY_MS = 100;

const video = document.querySelector("#video");
const told = document.querySelector("#told");
let media, buffer, about;
let newest = null; // the rendering that is being fetched

function tell(text, wrong = false) {
  told.textContent = text;
  told.classList.toggle("wrong", wrong);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const event = (target, name) =>
  new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));

async function json(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response.json();
}

async function idle() {
  while (buffer.updating) await event(buffer, "updateend");
}

function aheadS() {
  for (let n = 0; n < buffer.buffered.length; n++) {
    const end = buffer.buffered.end(n);
    if (buffer.buffered.start(n) <= video.currentTime + 0.5 && video.currentTime <= end)
      return end - video.currentTime;
  }
  return 0;
}

async function append(bytes) {
  await idle();
  if (video.currentTime > 2 * BEHIND_S) {
    buffer.remove(0, video.currentTime - BEHIND_S);
    await idle();
  }
  buffer.appendBuffer(bytes);
  await idle();
}

async function taken(rendering, start) {
  const response = await fetch(`video?start=${start.toFixed(3)}`, { signal: rendering.signal });
  const reader = response.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done || rendering !== newest) return;
    while (aheadS() > AHEAD_S && rendering === newest) await pause(LOOK_EVERY_MS);
    if (rendering !== newest) return;
    await append(value);
  }
}

async function ended(rendering) {
  let outcome = await json("outcome.json");
  while (outcome.state === "going on" && rendering === newest) {
    await pause(LOOK_EVERY_MS);
    outcome = await json("outcome.json");
  }
  if (rendering !== newest) return;
  if (outcome.error) tell(`${outcome.error}. ${outcome.hint}`, true);
  else tell((outcome.warnings || []).join(" "));
  await idle();
  if (media.readyState === "open") media.endOfStream();
}

async function show(start) {
  if (newest) newest.abort();
  const rendering = (newest = new AbortController());
  tell("Rendering…");
  try {
    await idle();
    if (buffer.buffered.length) {
      buffer.remove(0, Infinity);
      await idle();
    }
    if (rendering !== newest) return;
    buffer.timestampOffset = start;
    await taken(rendering, start);
    if (rendering === newest) await ended(rendering);
  } catch (error) {
    if (rendering === newest) tell(`The player failed: ${error.message}`, true);
  }
}

function isThere(time) {
  const ranges = video.buffered;
  for (let n = 0; n < ranges.length; n++)
    if (ranges.start(n) - 0.1 <= time && time < ranges.end(n)) return true;
  return false;
}

function describe() {
  document.title = about.name;
  document.querySelector("#name").textContent = about.name;
  document.querySelector("#synthetic").hidden = !about.synthetic;
  const list = document.querySelector("#facts");
  for (const [name, value] of Object.entries(about.facts)) {
    list.append(document.createElement("dt"), document.createElement("dd"));
    list.children[list.children.length - 2].textContent = name;
    list.lastElementChild.textContent = value;
  }
}

async function begin() {
  about = await json("about.json");
  if (about.error) return tell(`${about.error}. ${about.hint}`, true);
  describe();
  if (!("MediaSource" in window) || !MediaSource.isTypeSupported(about.type))
    return tell("This browser can't play H.264 that comes in parts; use `vqcodec decode`.", true);
  media = new MediaSource();
  video.src = URL.createObjectURL(media);
  await event(media, "sourceopen");
  media.duration = about.seconds === null ? Infinity : about.seconds;
  buffer = media.addSourceBuffer(about.type);
  video.addEventListener("seeking", () => {
    if (!isThere(video.currentTime)) show(video.currentTime);
  });
  video.addEventListener("playing", () => tell(""));
  video.addEventListener("resize", () => {
    video.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
    if (video.videoWidth !== video.videoHeight) video.style.maxWidth = `${video.videoWidth}px`;
  });
  await show(0);
}

begin().catch((error) => tell(`The player failed: ${error.message}`, true));
