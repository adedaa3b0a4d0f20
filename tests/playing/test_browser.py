"""The player's page in headless Chromium: it plays, seeks, ends, and says what went wrong."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from tests.support.browser import opened_browser, until
from vqcodec.config import DecodeOptions
from vqcodec.errors import BitstreamError
from vqcodec.media.out.sink import VideoSink
from vqcodec.playing.player import SOUND_TYPE, About, Player
from vqcodec.playing.server import PlayServer

pytest.importorskip("selenium")

STREAM = Path(__file__).resolve().parents[2] / "bitstream_spec/vectors/level_b/talking.vqt"
RATE_HZ, SIDE_PX, LEVELS = 10, 64, 50
LEVEL_OF_SHOWN = """
    const copy = document.createElement('canvas'), video = document.querySelector('video');
    copy.width = copy.height = 1;
    const pen = copy.getContext('2d', {willReadFrequently: true});
    pen.drawImage(video, 0, 0, 1, 1);
    return [pen.getImageData(0, 0, 1, 1).data[1], video.currentTime]"""


class Lamp:
    """A decoder of pictures that are as light as it is late, with sound.

    Attributes:
        starts: where it was asked to begin.
    """

    def __init__(self, seconds: int, size_px: tuple[int, int] = (SIDE_PX, SIDE_PX)) -> None:
        self.starts: list[float] = []
        self._seconds, self._size = seconds, size_px

    def __call__(self, path: Path, sink: BinaryIO, options: DecodeOptions) -> Any:
        self.starts.append(float(options.start_s))
        (width, height), rate = self._size, Fraction(RATE_HZ)
        with VideoSink(sink, frame_rate_hz=rate, channels=1, width=width, height=height) as video:
            for n in range(round((self._seconds - options.start_s) * RATE_HZ)):
                level = 40 + int((options.start_s + Fraction(n, RATE_HZ)) % LEVELS) * 4
                picture = np.full((height, width, 3), level, np.uint8)
                video.write_frame(picture, Fraction(n, RATE_HZ))
                video.write_audio(np.zeros(48_000 // RATE_HZ, np.int16))
        return self

    warnings: tuple[str, ...] = ()


class LampPlayer(Player):
    """Says that the stream is as long as the lamp burns."""

    def __init__(self, lamp: Any, seconds: float) -> None:
        super().__init__(STREAM, lamp, DecodeOptions())
        self._seconds = seconds

    def about(self) -> About:
        return dataclasses.replace(super().about(), seconds=self._seconds, type=SOUND_TYPE)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@contextmanager
def shown(browser: Any, player: Player) -> Iterator[None]:
    with PlayServer(player) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            browser.get(server.address)
            yield
            loud = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
            assert loud == []
        finally:
            browser.get("about:blank")
            server.shutdown()
            thread.join(10)


def of_video(browser: Any, what: str) -> Any:
    return browser.execute_script(f"return document.querySelector('video').{what}")


def status(browser: Any) -> str:
    return str(browser.execute_script("return document.querySelector('#told').textContent"))


def plays_at(browser: Any, seconds: float) -> None:
    """It goes on from there, and shows what belongs there."""
    until(lambda: of_video(browser, "currentTime") > seconds + 0.2, f"plays from {seconds} s")
    level, now = browser.execute_script(LEVEL_OF_SHOWN)
    assert seconds <= now < seconds + 30
    assert abs(level - (40 + int(now % LEVELS) * 4)) <= 6


def test_it_plays_and_seeks_where_nothing_was_rendered_yet(browser: Any) -> None:
    lamp = Lamp(120)
    with shown(browser, LampPlayer(lamp, 120)):
        plays_at(browser, 0)
        assert of_video(browser, "duration") == pytest.approx(120)
        assert browser.title == STREAM.name and lamp.starts == [0]
        for seconds in (100, 30):
            browser.execute_script(
                "document.querySelector('video').currentTime = arguments[0]", seconds
            )
            plays_at(browser, seconds)
            assert lamp.starts[-1] == pytest.approx(seconds, abs=0.01)


def test_it_ends_and_begins_again(browser: Any) -> None:
    with shown(browser, LampPlayer(Lamp(1), 1)):
        until(lambda: of_video(browser, "ended"), "it ends")
        browser.execute_script(
            "const v = document.querySelector('video'); v.currentTime = 0; return v.play()"
        )
        until(lambda: 0 < of_video(browser, "currentTime") < 0.9, "it begins again")


@pytest.mark.parametrize(("size", "shape"), [((320, 180), 320 / 180), ((64, 64), 1.0)])
def test_a_whole_picture_has_its_own_form(
    browser: Any, size: tuple[int, int], shape: float
) -> None:
    with shown(browser, LampPlayer(Lamp(2, size), 2)):
        until(lambda: of_video(browser, "currentTime") > 0, "it plays")
        width, height = (of_video(browser, name) for name in ("clientWidth", "clientHeight"))
        assert width / height == pytest.approx(shape, rel=0.02) and width >= size[0]


def test_what_goes_wrong_is_told_in_words(browser: Any) -> None:
    def damaged(path: Path, sink: BinaryIO, options: DecodeOptions) -> Any:
        raise BitstreamError("a chunk is damaged", code="crc", offset=99, hint="Use --recover.")

    with shown(browser, LampPlayer(damaged, 9)):
        until(lambda: "a chunk is damaged" in status(browser), "the error is told")
        assert "Use --recover." in status(browser)
        assert browser.execute_script("return document.querySelector('#told').matches('.wrong')")
