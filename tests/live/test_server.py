"""Viewers get what is on air through real connections; nobody without the token, and no more than there is room for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.live import FRAMES, frames_of, live_stream, moments
from vqcodec.container.reader import Item
from vqcodec.errors import MediaError
from vqcodec.live.programme import Moment

aiohttp = pytest.importorskip("aiohttp")
yarl = pytest.importorskip("yarl")
ice = pytest.importorskip("aioice.ice")
if not ice.get_host_addresses(True, True):
    pytest.skip("no address but the loopback's", allow_module_level=True)

from vqcodec.live.client import Watch  # noqa: E402
from vqcodec.live.feed import Feed  # noqa: E402
from vqcodec.live.ladder import STEPS  # noqa: E402
from vqcodec.live.server import BUSY_S, LiveServer  # noqa: E402
from vqcodec.live.viewer import Viewer  # noqa: E402
from vqcodec.live.wire import Report, build_report  # noqa: E402

MADE = moments(live_stream())
EVERY_S = 0.03


@asynccontextmanager
async def serving(folder: Path, most: int = 3) -> AsyncIterator[tuple[LiveServer, str]]:
    async def page() -> Path:
        return folder

    server = LiveServer("a talk", most, page)
    port = await server.start("127.0.0.1", 0)
    try:
        yield server, f"http://127.0.0.1:{port}/{server.token}/"
    finally:
        await server.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<p>the page")
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "page.mjs").write_text("1")
    (tmp_path.parent / "secret.txt").write_text("nobody's")
    return tmp_path


async def send(server: LiveServer, made: list[Moment]) -> None:
    for moment in made:
        server.give(moment)
        await asyncio.sleep(EVERY_S)


async def given(watch: Watch, until_over: bool = True) -> list[Item]:
    items: list[Item] = []
    end_s = time.monotonic() + 20
    while not (watch.receiver.over and until_over) and time.monotonic() < end_s:
        items += watch.receiver.due(time.monotonic())
        await asyncio.sleep(0.01)
    watch.check()
    return items + watch.receiver.rest()


def test_viewers_get_all_also_those_who_come_late(folder: Path) -> None:
    async def run() -> None:
        async with serving(folder) as (server, address):
            server.give(MADE[0])
            async with Watch(address) as first:
                while first.receiver.head is None:
                    await asyncio.sleep(0.01)
                await send(server, MADE[1:8])
                async with Watch(address) as second:
                    while second.receiver.head is None:
                        await asyncio.sleep(0.01)
                    await send(server, MADE[8:])
                    seen, late = await given(first), await given(second)
        assert first.receiver.tally.lost == 0
        assert sorted(frames_of(seen)) == list(range(FRAMES - 3))
        assert first.receiver.tally.exact == FRAMES - 3
        assert sorted(frames_of(late)) == list(range(FRAMES - 24))

    asyncio.run(asyncio.wait_for(run(), 60))


def test_one_more_than_there_is_room_for_is_told_why(folder: Path) -> None:
    async def run() -> None:
        async with serving(folder, most=1) as (server, address):
            server.give(MADE[0])
            async with Watch(address):
                with pytest.raises(MediaError, match="All 1 places are taken"):
                    await Watch(address).__aenter__()
            while server.viewers:
                await asyncio.sleep(0.05)
            server._late_s = 2 * BUSY_S
            with pytest.raises(MediaError, match="too busy"):
                await Watch(address).__aenter__()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_what_was_made_late_is_no_fault_of_the_line() -> None:
    async def run() -> None:
        for own_ms, step in ((0, 1), (850, 0)):
            viewer = Viewer(lambda: None, lambda gone: None, lambda own_ms=own_ms: own_ms)
            viewer._feed = Feed(b"", 12)
            viewer._told(build_report(Report(9, 10, 10, 900)))
            assert viewer._feed.ladder.step == STEPS[step]
            viewer._told("no report")
            await viewer.close()

    asyncio.run(run())


def test_nobody_gets_in_without_the_token_nor_at_anything_else(folder: Path) -> None:
    async def run() -> None:
        async with serving(folder) as (server, address), aiohttp.ClientSession() as session:
            base = address.removesuffix(f"{server.token}/")

            async def status(method: str, url: str, **more: object) -> int:
                async with session.request(method, yarl.URL(url, encoded=True), **more) as told:
                    return told.status

            for wrong in ("", "x" * 22, server.token[:-1], "%2e%2e", "offer"):
                assert await status("GET", f"{base}{wrong}") == 404
                assert await status("POST", f"{base}{wrong}/offer", json={}) == 404
            for name in ("%2e%2e/secret.txt", "js/%2e%2e/%2e%2e/secret.txt", "js", "none"):
                assert await status("GET", address + name) == 404
            assert await status("POST", f"{address}offer", data=b"no json") == 400
            assert await status("POST", f"{address}offer", json={"sdp": "v=0"}) == 400
            assert await status("POST", f"{address}offer", json=[1]) == 400
            assert await status("POST", f"{address}offer", data=bytes(100_000)) == 413
            assert await status("DELETE", address) == 405
            other = {"Sec-Fetch-Site": "cross-site"}
            assert await status("POST", f"{address}offer", headers=other) == 403
            assert not server.viewers
            async with session.get(address) as told:
                assert "the page" in await told.text()
                assert told.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            async with session.get(f"{address}js/page.mjs") as told:
                assert told.content_type == "text/javascript"
            async with session.get(f"{address}live.json") as told:
                assert await told.json() == {"name": "a talk", "on_air": False}

    asyncio.run(asyncio.wait_for(run(), 60))
