"""The page follows a live stream in headless Chromium: pictures come, in time with each other, and refusals are told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import opened_browser, until
from tests.support.live import moments
from tests.support.sounding import sounding_stream
from tests.support.web import page
from vqcodec.live.programme import Moment
from vqcodec.publishing.folder import write_folder

pytest.importorskip("selenium")
pytest.importorskip("onnx", reason="the extra [web] is not installed")
pytest.importorskip("aiortc", reason="the extra [live] is not installed")

from vqcodec.live.server import LiveServer

TALKING = Path(__file__).resolve().parents[2] / "bitstream_spec/vectors/level_b/talking.vqt"
TIMES = 60
PATIENCE_S = 240
"""Two busy cores take a second a picture, and several to begin."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page()
    folder = tmp_path_factory.mktemp("site") / "page"
    write_folder(folder)
    return folder


@pytest.fixture(scope="module")
def made() -> list[Moment]:
    """A talk with sound, a minute."""
    return moments(sounding_stream(TALKING, TIMES))


@contextmanager
def on_air(site: Path, made: list[Moment], most: int = 2) -> Iterator[str]:
    """The address of a server that sends the talk at its own pace once somebody watches."""
    found: list[str] = []
    begun, over = threading.Event(), threading.Event()

    async def run() -> None:
        async def folder() -> Path:
            return site

        server = LiveServer("a talk", most, folder)
        port = await server.start("127.0.0.1", 0)
        found.append(f"http://127.0.0.1:{port}/{server.token}/?live")
        server.give(made[0])
        begun.set()
        while not any(viewer._feed for viewer in server.viewers) and not over.is_set():
            await asyncio.sleep(0.05)
        for moment in made[1:-1]:
            server.give(moment)
            await asyncio.sleep(sum(len(group.ticks) for group in moment.groups) / 25)
        while not over.is_set():
            await asyncio.sleep(0.05)
        await server.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert begun.wait(20)
    try:
        yield found[0]
    finally:
        over.set()
        thread.join(20)


def frame(browser: Any) -> int:
    shown = browser.execute_script("return document.querySelector('#picture').dataset.frame")
    return -1 if shown is None else int(shown)


def wrong(browser: Any) -> str:
    return str(browser.execute_script("return document.querySelector('#wrong').textContent"))


def test_pictures_come_and_refusals_are_told(
    site: Path, made: list[Moment], tmp_path: Path
) -> None:
    with opened_browser(tmp_path / "profile") as browser:
        with on_air(site, made) as address:
            browser.get(address)
            until(lambda: frame(browser) > 0, "a picture comes", PATIENCE_S)
            first = frame(browser)
            until(lambda: frame(browser) > first, "another one comes", PATIENCE_S)
            assert wrong(browser) == ""
            assert browser.execute_script("return document.querySelector('#seek').disabled")
            assert browser.title == "Live"
        until(lambda: "lost" in wrong(browser), "the end of the connection is told", 60)
        with on_air(site, made, most=0) as address:
            browser.get(address)
            until(lambda: "places are taken" in wrong(browser), "a refusal is told", 60)
