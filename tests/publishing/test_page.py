"""The page in headless Chromium, as any server would give it: pictures, sound, seeking, words for what goes wrong."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.browser import opened_browser, until
from tests.support.hosting import hosted
from tests.support.sounding import sounding_stream
from tests.support.spec import vector
from tests.support.surrounded import HEIGHT, LEFT, PLACE, SIDE, TOP, WIDTH, surrounded_stream
from tests.support.web import page
from vqcodec import Codec
from vqcodec.container import Reader
from vqcodec.decoding.scenes import SceneFiller
from vqcodec.evaluation.conformance import compare
from vqcodec.publishing.folder import write_folder
from vqcodec.types import ScenePicture

pytest.importorskip("selenium")
pytest.importorskip("onnx", reason="the extra [web] is not installed")

STREAMS = Path(__file__).resolve().parents[2] / "bitstream_spec/vectors"
TALKING = STREAMS / "level_b/talking.vqt"
TIMES, FRAMES = 4, 96
SECOND_FROM = 12
MIN_PSNR_DB = 45.0
"""Of 256 x 256 pictures against the Python decoder's in float32; 50 to 56 are reached."""
MOST_APART_S = 0.04
PATIENCE_S = 240
"""Two busy cores take a second a picture, and several to begin."""
NOWHERE_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
PIXELS = """
    const canvas = document.querySelector('#picture');
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let text = '';
    for (let i = 0; i < data.length; i += 4096) text += String.fromCharCode(...data.subarray(i, i + 4096));
    return btoa(text)"""
WATCH = """
    window.heard = []; window.seen = [];
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (when, offset = 0) {
      const { context } = this;
      window.context = context;
      const samples = Array.from(this.buffer.getChannelData(0).slice(0, 9600)), late = when === 0;
      window.heard.push({ when: late ? context.currentTime - offset : when, late, samples });
      return start.call(this, when, offset);
    };
    const put = CanvasRenderingContext2D.prototype.putImageData;
    CanvasRenderingContext2D.prototype.putImageData = function (...given) {
      const { context } = window, at = context ? context.currentTime - (context.outputLatency || context.baseLatency || 0) : null;
      queueMicrotask(() => window.seen.push({ at, wall: performance.now(), frame: Number(this.canvas.dataset.frame) }));
      return put.apply(this, given);
    };"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page()
    folder = tmp_path_factory.mktemp("site") / "page"
    write_folder(folder)
    sounding = sounding_stream(TALKING, TIMES)
    (folder / "sounding.vqt").write_bytes(sounding)
    (folder / "damaged.vqt").write_bytes(sounding[:14_000] + b"\xff" + sounding[14_001:])
    (folder / "cut.vqt").write_bytes(sounding[:-100])
    (folder / "hostile.vqt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (folder / "stranger.vqt").write_bytes(vector("valid", "2-smallest"))
    (folder / "older.vqt").write_bytes((STREAMS / "older/renderer-1.vqt").read_bytes())
    (folder / "surrounded.vqt").write_bytes(surrounded_stream(TALKING, SECOND_FROM))
    (folder / "two.vqt").write_bytes((STREAMS / "level_b/two-portraits.vqt").read_bytes())
    return folder


@pytest.fixture(scope="module")
def browser(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with opened_browser(tmp_path_factory.mktemp("profile"), NOWHERE_ELSE) as opened:
        opened.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        yield opened


@contextmanager
def shown(browser: Any, site: Path, query: str, *, isolated: bool = True) -> Iterator[None]:
    """The page of a server; whatever it asks of others, or complains of, is a fault."""
    with hosted(site, isolated=isolated) as address:
        browser.get(f"{address}index.html?{query}")
        yield
        loud = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        asked = browser.execute_script(
            "return performance.getEntriesByType('resource').map((entry) => entry.name)"
        )
        browser.get("about:blank")
        assert loud == []
        assert asked and all(name.startswith((address, "data:")) for name in asked)


def said(browser: Any, selector: str) -> str:
    return str(browser.execute_script(f"return document.querySelector('{selector}').textContent"))


def resting(browser: Any) -> tuple[str | None, str | None]:
    """Number of the frame that is shown, and whether it is as it should be."""
    frame, sharp = browser.execute_script(
        "const { frame, sharp } = document.querySelector('#picture').dataset; return [frame, sharp]"
    )
    return frame, sharp


def seek(browser: Any, seconds: float) -> None:
    browser.execute_script(
        "const bar = document.querySelector('#seek'); bar.value = arguments[0];"
        "bar.dispatchEvent(new Event('input'))",
        seconds,
    )


def pixels(browser: Any) -> np.ndarray:
    """(n, 3) uint8 of all that is shown."""
    found = np.frombuffer(base64.b64decode(browser.execute_script(PIXELS)), np.uint8)
    return found.reshape(-1, 4)[:, :3]


def agrees(browser: Any, number: int, stream: Path) -> None:
    """The picture is that of the Python decoder."""
    until(lambda: resting(browser) == (str(number), "true"), f"frame {number}", PATIENCE_S)
    found = pixels(browser)
    with codec().open(stream) as opened:
        wanted = opened.frame_at((number + 0.5) / 25, size_px=256).rgb
    assert compare(found.reshape(256, 256, 3), wanted)[0] >= MIN_PSNR_DB


@lru_cache(maxsize=1)
def codec() -> Codec:
    return Codec(device="cpu", precision="fp32")


def stream_time(samples: np.ndarray, sound: np.ndarray) -> float:
    """When a piece of sound stands in all of it, by correlation."""
    size = len(sound) + len(samples)
    both = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(samples, size))
    return int(np.argmax(np.fft.irfft(both, size)[: len(sound)])) / 48_000


@pytest.mark.slow
def test_it_plays_to_the_end_in_time_with_the_sound(browser: Any, site: Path) -> None:
    with shown(browser, site, "src=sounding.vqt"):
        agrees(browser, 0, site / "sounding.vqt")
        assert browser.find_element("id", "synthetic").is_displayed()
        assert "0:03" in said(browser, "#time")
        browser.execute_script("window.seen = []; document.querySelector('#play').click()")
        until(lambda: resting(browser)[0] == str(FRAMES - 1), "it plays to the end", PATIENCE_S)
        heard, seen = browser.execute_script("return [window.heard, window.seen]")
        assert said(browser, "#wrong") == ""
        play = browser.find_element("id", "play")
        until(lambda: play.get_attribute("aria-label") == "Play", "it rests at the end")
    with codec().open(site / "sounding.vqt") as opened:
        sound = np.concatenate(list(opened.sound()))[:, 0] / 32768
    began = [entry["when"] - stream_time(np.array(entry["samples"]), sound) for entry in heard[:-1]]
    on_time = [time_s for entry, time_s in zip(heard, began, strict=False) if not entry["late"]]
    assert on_time[0] == began[0] and np.ptp(on_time) < 0.001
    quick = [
        b for a, b in pairwise(seen) if b["wall"] - a["wall"] < 900 and b["frame"] < FRAMES - 1
    ]
    apart = [entry["at"] - began[0] - entry["frame"] / 25 for entry in quick]
    assert all(abs(seconds) <= MOST_APART_S for seconds in apart), apart


@pytest.mark.slow
def test_seeking_lands_on_the_frame_also_before_damage(browser: Any, site: Path) -> None:
    with shown(browser, site, "src=cut.vqt&threads=2"):
        for number in (60, 7):
            until(lambda: resting(browser)[0] is not None, "a picture", PATIENCE_S)
            seek(browser, number / 25 + 0.02)
            agrees(browser, number, site / "sounding.vqt")
        assert "on 2 threads" in said(browser, "#facts")
        browser.find_element("tag name", "body").send_keys(".")
        until(lambda: resting(browser)[0] == "8", "a key goes one frame on", PATIENCE_S)
        assert "what came before its end can be played" in said(browser, "#wrong")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "query", "number"),
    [("older", "", 0), ("two", "&codecs=libav", 13)],
    ids=["an AVIF still", "libav.js"],
)
def test_without_threads_and_by_other_ways_to_a_portrait(
    browser: Any, site: Path, name: str, query: str, number: int
) -> None:
    with shown(browser, site, f"src={name}.vqt{query}", isolated=False):
        until(lambda: resting(browser)[0] is not None, "a picture", PATIENCE_S)
        seek(browser, number / 25 + 0.02)
        agrees(browser, number, site / f"{name}.vqt")
        assert said(browser, "#wrong") == ""
        assert "one thread" in said(browser, "#facts")
        assert ("libav.js" in said(browser, "#facts")) == bool(query)


@pytest.mark.slow
def test_the_square_is_shown_in_its_scene(browser: Any, site: Path) -> None:
    """As the Python decoder shows it, but for the last bit of blending."""
    stream = site / "surrounded.vqt"
    with stream.open("rb") as file:
        reader = Reader(file, scenes=True)
        filler = SceneFiller(reader.head, PLACE)
        scenes = [item for item in reader if isinstance(item, ScenePicture)]
    wanted = []
    with codec().open(stream) as opened:
        for scene, number in zip(scenes, (0, SECOND_FROM), strict=True):
            filler.show(scene)
            wanted.append(filler.frame(opened.frame_at((number + 0.5) / 25, size_px=256).rgb))
    with shown(browser, site, "src=surrounded.vqt"):
        for number, right in zip((0, SECOND_FROM), wanted, strict=True):
            seek(browser, number / 25 + 0.02)
            until(lambda n=number: resting(browser) == (str(n), "true"), "a frame", PATIENCE_S)  # type: ignore[misc]
            found = pixels(browser).reshape(HEIGHT, WIDTH, 3)
            outside = np.ones((HEIGHT, WIDTH), bool)
            outside[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = False
            assert compare(found[outside][None], right[outside][None])[0] > 45
            inside = (slice(TOP, TOP + SIDE), slice(LEFT, LEFT + SIDE))
            assert compare(found[inside], right[inside])[0] > 45
        assert "scene" in said(browser, "#facts") and said(browser, "#wrong") == ""


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("src=damaged.vqt", "a chunk's bytes have changed: the stream is damaged"),
        ("src=hostile.vqt", "this is not a .vqt stream"),
        ("src=stranger.vqt", "which this page lacks"),
        ("src=http%3A%2F%2F192.0.2.1%2Fa.vqt", "of another server"),
    ],
)
def test_what_goes_wrong_is_told(browser: Any, site: Path, query: str, words: str) -> None:
    with shown(browser, site, query):
        until(lambda: words in said(browser, "#wrong"), words, PATIENCE_S)
        assert browser.find_element("id", "wrong").get_attribute("role") == "alert"


def test_it_is_usable_on_a_phone(browser: Any, site: Path) -> None:
    phone = dict(width=390, height=844, deviceScaleFactor=1, mobile=True)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        with shown(browser, site, "src=sounding.vqt"):
            until(lambda: not said(browser, "#busy").startswith("Fetching"), "it opens", PATIENCE_S)
            until(lambda: browser.find_element("id", "play").is_displayed(), "controls", PATIENCE_S)
            time.sleep(0.2)
            widths = browser.execute_script(
                "return [document.documentElement.scrollWidth, innerWidth,"
                "...[...document.querySelectorAll('button, input, select')].filter((e) => e.checkVisibility())"
                ".map((e) => e.getBoundingClientRect().right)]"
            )
            assert max(widths) <= 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def drawn_by(browser: Any) -> str:
    return str(
        browser.execute_script(
            "const all = [...document.querySelectorAll('#facts dt')];"
            "return all.find((name) => name.textContent === 'Drawn by').nextElementSibling.textContent"
        )
    )


@pytest.mark.skipif(
    os.environ.get("VQCODEC_WEBGPU") != "1",
    reason="minutes on a processor that stands in for a graphics one: VQCODEC_WEBGPU=1 runs it",
)
def test_a_graphics_processor_draws_once_it_has_shown_that_it_can(
    site: Path, tmp_path: Path
) -> None:
    """A stand-in for one, on the processor: as a real one it is tried on a frame."""
    stand_in = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
    with (
        opened_browser(tmp_path, NOWHERE_ELSE, *stand_in) as browser,
        shown(browser, site, "src=sounding.vqt&gpu=always"),
    ):
        agrees(browser, 0, site / "sounding.vqt")
        until(lambda: "WebGPU" in drawn_by(browser), "WebGPU", 3 * PATIENCE_S)
        assert drawn_by(browser).startswith("WebGPU, portraits by"), drawn_by(browser)
        seek(browser, 1.0)
        agrees(browser, 25, site / "sounding.vqt")
