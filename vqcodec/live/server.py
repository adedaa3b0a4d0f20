"""The page of a live stream, and one request by which a viewer gets connected; behind a random token.

    GET  /TOKEN/          the page that `vqcodec web` writes, and its files; opened with ?live it asks for the stream
    GET  /TOKEN/live.json what is on air, for people
    POST /TOKEN/offer     the viewer's session description, answered by this side's

Anything else is 404, and so is everything without the token; a request that another site's page makes is 403. Sound and
pictures go through WebRTC, whose connection only this answer makes possible.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from vqcodec.format import GROUPS, LAYERS
from vqcodec.live.feed import Feed
from vqcodec.live.playout import Playout
from vqcodec.live.programme import Moment
from vqcodec.live.viewer import Viewer
from vqcodec.playing.private import headers, is_token, new_token

MOST_OFFER_BYTES = 65_536
BUSY_S = 0.1
"""This late on average the machine has no room for another viewer."""
REPORTED_S = 5.0
"""What a report is about was sent since then."""
_LOOK_EVERY_S = 0.25
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
}
_HEADERS = {
    **headers(
        "script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class LiveServer:
    """Shows one live stream to a number of viewers; all calls but `give` are made in its loop.

    Args:
        name: of the stream, for people.
        most: viewers at a time.
        page: gives the page's folder, once it is made.

    Attributes:
        token: what addresses must hold.
        viewers: connected, or about to be.
    """

    def __init__(self, name: str, most: int, page: Callable[[], Awaitable[Path]]) -> None:
        self.token = new_token()
        self.viewers: set[Viewer] = set()
        self._name, self._most, self._page = name, most, page
        self._files: Mapping[str, Path] | None = None
        self._joining = b""
        self._form = GROUPS, LAYERS
        self._sent = Playout()
        self._late_s = 0.0
        self._runner: web.AppRunner | None = None
        self._watch: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self, host: str, port: int) -> int:
        """Serve; returns the port, which 0 leaves to the system.

        Raises:
            OSError: the port is taken, or there is no such host.
        """
        self._loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=MOST_OFFER_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._watch = asyncio.create_task(self._look())
        return int(self._runner.addresses[0][1])

    def give(self, moment: Moment) -> None:
        """Send the next moment to all viewers, from whichever thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._give, moment)

    async def close(self) -> None:
        """Let the viewers have the rest, and end."""
        await asyncio.wait(
            [asyncio.create_task(viewer.drained()) for viewer in self.viewers]
            or [asyncio.create_task(asyncio.sleep(0))],
            timeout=5,
        )
        for viewer in list(self.viewers):
            await viewer.close()
        if self._watch is not None:
            self._watch.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    def _give(self, moment: Moment) -> None:
        self._joining = moment.joining
        self._form = moment.token_groups, moment.layers
        for group in moment.groups:
            first_s, last_s = (int(group.ticks[n]) * moment.time_base_s for n in (0, -1))
            self._sent.arrived(first_s, last_s, time.monotonic(), 0)
        for viewer in list(self.viewers):
            viewer.take(moment)

    def _late_ms(self) -> int:
        """How much later than the fastest of the last moments the slowest one was made that a report may be about."""
        return self._sent.late_ms(time.monotonic() - REPORTED_S)

    def _feed(self) -> Feed | None:
        return Feed(self._joining, *self._form) if self._joining else None

    async def _look(self) -> None:
        """How late this loop is, which has to send everything in time."""
        loop = asyncio.get_running_loop()
        while True:
            from_s = loop.time()
            await asyncio.sleep(_LOOK_EVERY_S)
            self._late_s += (loop.time() - from_s - _LOOK_EVERY_S - self._late_s) / 8

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        token, _, name = request.match_info["path"].partition("/")
        if not is_token(token, self.token):
            return _told(404, "There is nothing here: the address must be whole.")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return _told(403, "Another site's page can't ask for this.")
        if request.method == "POST" and name == "offer":
            return await self._offer(request)
        if request.method != "GET":
            return _told(405, "This can only be read.")
        if name == "live.json":
            return _json(200, {"name": self._name, "on_air": bool(self._joining)})
        return await self._file(name or "index.html")

    async def _offer(self, request: web.Request) -> web.Response:
        try:
            offer = str(json.loads(await request.text())["sdp"])
        except (ValueError, KeyError, TypeError):
            return _told(400, "This is no offer of a data channel.")
        if len(self.viewers) >= self._most:
            return _told(
                503, f"All {self._most} places are taken: try again when somebody has left."
            )
        if self._late_s > BUSY_S:
            return _told(503, "The machine that sends this is too busy for another viewer.")
        viewer = Viewer(self._feed, self.viewers.discard, self._late_ms)
        self.viewers.add(viewer)
        try:
            answer = await viewer.answer(offer)
        except ValueError:
            return _told(400, "This is no offer of a data channel.")
        return _json(200, {"type": "answer", "sdp": answer})

    async def _file(self, name: str) -> web.StreamResponse:
        if self._files is None:
            folder = await self._page()
            self._files = {
                path.relative_to(folder).as_posix(): path
                for path in folder.rglob("*")
                if path.is_file()
            }
        path = self._files.get(name)
        if path is None:
            return _told(404, "There is no such file.")
        kind = _KINDS.get(path.suffix, "application/octet-stream")
        return web.FileResponse(path, headers={**_HEADERS, "Content-Type": kind})


def _json(status: int, content: dict[str, Any]) -> web.Response:
    return web.json_response(content, status=status, headers=_HEADERS)


def _told(status: int, why: str) -> web.Response:
    return _json(status, {"error": why})
