"use strict";
(() => {
  document.documentElement.classList.add("js");
  const HARD_S = 0.2;    // further apart: jump
  const SOFT_S = 0.015;  // further apart: run a little faster or slower
  const FRAME_S = 0.04;

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const clock = (seconds) => {
    const whole = Math.floor(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}.${Math.floor((seconds % 1) * 10)}`;
  };
  const address = (text) => {
    const raw = atob(text.trim());
    const bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k += 1) bytes[k] = raw.charCodeAt(k);
    return URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  };

  class Clip {
    constructor(section) {
      this.section = section;
      this.find = (selector) => section.querySelector(selector);
      this.videos = [...section.querySelectorAll("video")];
      this.byName = new Map(this.videos.map((video) => [video.dataset.codec, video]));
      this.master = this.videos[0];
      this.limit = Number(section.dataset.seconds);
      this.playing = false;
      this.speed = 1;
      this.loaded = false;
      this.controls();
      this.wipe();
      new IntersectionObserver((entries, observer) => {
        if (entries.some((entry) => entry.isIntersecting)) { observer.disconnect(); this.load(); }
      }, { rootMargin: "400px" }).observe(section);
    }

    load() {
      if (this.loaded) return;
      this.loaded = true;
      for (const video of this.videos) {
        const film = this.find(`script.film[data-codec="${video.dataset.codec}"]`);
        video.src = address(film.textContent);
        film.textContent = "";
        video.muted = video !== this.master;
        for (const event of ["loadeddata", "seeked"]) video.addEventListener(event, () => this.show());
      }
      this.master.addEventListener("loadedmetadata", () => {
        this.find(".seek").max = String(this.end());
        this.show();
      });
    }

    end() {
      const known = this.videos.map((video) => video.duration).filter(Number.isFinite);
      return Math.min(this.limit, ...known);
    }

    controls() {
      this.find(".play").addEventListener("click", () => (this.playing ? this.pause() : this.play()));
      this.find(".back").addEventListener("click", () => this.step(-FRAME_S));
      this.find(".on").addEventListener("click", () => this.step(FRAME_S));
      this.find(".seek").addEventListener("input", (event) => this.seek(Number(event.target.value)));
      this.find(".speed").addEventListener("change", (event) => {
        this.speed = Number(event.target.value);
        for (const video of this.videos) video.playbackRate = this.speed;
      });
      const sound = this.find(".sound");
      if (sound) sound.addEventListener("change", () => { this.master.muted = !sound.checked; });
    }

    async play() {
      this.load();
      for (const other of clips) if (other !== this) other.pause();
      if (this.master.currentTime >= this.end() - 0.03) this.seek(0);
      this.playing = true;
      this.mark();
      try {
        await Promise.all(this.videos.map((video) => video.play()));
      } catch (error) {
        if (error.name !== "AbortError") this.pause();  // refused by the browser, say without a click
        return;
      }
      requestAnimationFrame(() => this.tick());
    }

    pause() {
      if (!this.playing) return;
      this.playing = false;
      for (const video of this.videos) video.pause();
      this.seek(this.master.currentTime);
      this.mark();
    }

    step(by) {
      this.pause();
      this.load();
      this.seek(this.master.currentTime + by);
    }

    seek(to) {
      const time = clamp(to, 0, Math.max(0, this.end() - 0.001));
      for (const video of this.videos) video.currentTime = time;
    }

    mark() {
      const button = this.find(".play");
      button.textContent = this.playing ? "Pause" : "Play";
      button.setAttribute("aria-pressed", String(this.playing));
    }

    tick() {
      if (!this.playing) return;
      const now = this.master.currentTime;
      if (this.master.ended || now >= this.end() - 0.01) {
        if (!this.find(".loop").checked) { this.pause(); this.show(); return; }
        this.seek(0);
      }
      for (const video of this.videos) {
        if (video.paused && !video.ended) video.play().catch(() => {});
        if (video === this.master || video.seeking || this.master.seeking || video.ended) continue;
        const drift = video.currentTime - now;
        if (Math.abs(drift) > HARD_S) video.currentTime = now;
        else video.playbackRate = Math.abs(drift) > SOFT_S ? this.speed * (1 - clamp(drift * 2, -0.2, 0.2)) : this.speed;
      }
      this.show();
      requestAnimationFrame(() => this.tick());
    }

    show() {
      const now = this.master.currentTime;
      const seek = this.find(".seek");
      if (document.activeElement !== seek || this.playing) seek.value = String(now);
      seek.setAttribute("aria-valuetext", `${now.toFixed(1)} s`);
      this.find(".clock").textContent = `${clock(now)} / ${clock(this.end())}`;
      this.paint();
    }

    wipe() {
      this.canvas = this.find("canvas");
      this.slider = this.find(".slider");
      this.left = this.find(".left");
      this.right = this.find(".right");
      for (const control of [this.left, this.right]) control.addEventListener("change", () => this.paint());
      this.slider.addEventListener("input", () => { this.load(); this.paint(); });
      let dragging = false;
      const follow = (event) => {
        const box = this.canvas.getBoundingClientRect();
        this.slider.value = String(clamp((100 * (event.clientX - box.left)) / box.width, 0, 100));
        this.paint();
      };
      this.canvas.addEventListener("pointerdown", (event) => {
        dragging = true;
        this.canvas.setPointerCapture(event.pointerId);
        this.load();
        follow(event);
      });
      this.canvas.addEventListener("pointermove", (event) => { if (dragging) follow(event); });
      for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => { dragging = false; });
    }

    paint() {
      const first = this.byName.get(this.left.value);
      const second = this.byName.get(this.right.value);
      const share = Number(this.slider.value) / 100;
      this.slider.setAttribute("aria-valuetext", `${Math.round(100 * share)} % ${this.name(this.left)}`);
      if (!first.videoWidth || !second.videoWidth) return;
      const { canvas } = this;
      const side = first.videoWidth;
      if (canvas.width !== side) { canvas.width = side; canvas.height = first.videoHeight; }
      const pen = canvas.getContext("2d");
      const edge = Math.round(share * side);
      pen.drawImage(first, 0, 0, side, canvas.height);
      pen.save();
      pen.beginPath();
      pen.rect(edge, 0, side - edge, canvas.height);
      pen.clip();
      pen.drawImage(second, 0, 0, side, canvas.height);
      pen.restore();
      this.paintEdge(pen, edge, side);
      canvas.dataset.edge = String(edge);
    }

    paintEdge(pen, edge, side) {
      const unit = side / 512;
      pen.fillStyle = "rgba(0, 0, 0, .55)";
      pen.fillRect(edge - 2 * unit, 0, 4 * unit, this.canvas.height);
      pen.fillStyle = "#fff";
      pen.fillRect(edge - unit, 0, 2 * unit, this.canvas.height);
      pen.beginPath();
      pen.arc(edge, this.canvas.height / 2, 9 * unit, 0, 2 * Math.PI);
      pen.fill();
      pen.font = `${15 * unit}px system-ui, sans-serif`;
      pen.textBaseline = "top";
      this.tag(pen, this.name(this.left), 10 * unit, unit, 0, edge);
      const text = this.name(this.right);
      this.tag(pen, text, side - pen.measureText(text).width - 10 * unit, unit, edge, side);
    }

    tag(pen, text, x, unit, from, to) {
      pen.save();
      pen.beginPath();
      pen.rect(from, 0, to - from, this.canvas.height);
      pen.clip();
      pen.fillStyle = "rgba(0, 0, 0, .6)";
      pen.fillRect(x - 5 * unit, 8 * unit, pen.measureText(text).width + 10 * unit, 24 * unit);
      pen.fillStyle = "#fff";
      pen.fillText(text, x, 12 * unit);
      pen.restore();
    }

    name(select) {
      return select.selectedOptions[0].textContent;
    }
  }

  const clips = [...document.querySelectorAll("section.clip[data-seconds]")].map((section) => new Clip(section));
})();
