"""The page of a player over HTTP, on the loopback address, at a random port, behind a random token.

    /TOKEN/              the page; page.js, page.css
    /TOKEN/about.json    what the stream says about itself
    /TOKEN/video?start=S MP4 in fragments from S seconds on
    /TOKEN/outcome.json  how the newest rendering ended

Nothing else is served: other paths are 404, other methods 501, and a request that names another host than the loopback
address, or that another site's page makes, is 403, so that no page from elsewhere gets at the stream.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import asdict
from fractions import Fraction
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

from vqcodec.errors import VqcodecError
from vqcodec.playing.player import Player
from vqcodec.playing.private import headers, is_token, new_token

LOOPBACK = "127.0.0.1"
_PAGE = {
    "": ("index.html", "text/html; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
}
_HEADERS = headers(
    "script-src 'self'; style-src 'self'; img-src data:; media-src blob:; connect-src 'self'"
)
_LONGEST_START = 24
"""Characters of a start: a time, not a novel."""


class PlayServer(ThreadingHTTPServer):
    """Serves one player until `shutdown`.

    Args:
        player: what is watched.

    Attributes:
        player: the same.
        token: what the address must hold.
    """

    daemon_threads = True

    def __init__(self, player: Player) -> None:
        self.player, self.token = player, new_token()
        super().__init__((LOOPBACK, 0), _Handler)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that has left is no fault."""

    def server_close(self) -> None:
        """Close, and end the rendering that goes on."""
        self.player.stop()
        super().server_close()


class _Response:
    """The body of a response as a file object that another thread can cut."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._connection = handler.connection
        self._cut = False

    def write(self, data: bytes) -> int:
        if self._cut:
            raise BrokenPipeError("another rendering has begun")
        self._connection.sendall(data)
        return len(data)

    def flush(self) -> None:
        """All was sent."""

    def cut(self) -> None:
        self._cut = True
        with suppress(OSError):  # the browser may be faster
            self._connection.shutdown(socket.SHUT_RDWR)  # wakes a write that waits for room


class _Handler(BaseHTTPRequestHandler):
    server: PlayServer
    server_version = "vqcodec"
    sys_version = ""

    def do_GET(self) -> None:
        if not self._is_welcome():
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        asked = urlsplit(self.path)
        _, token, *rest = [*asked.path.split("/", 2), "", ""]
        if not is_token(token, self.server.token):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        name = rest[0]
        if name in _PAGE:
            file, kind = _PAGE[name]
            page = resources.files("vqcodec.playing").joinpath("page", file).read_bytes()
            self._send(page, kind)
        elif name == "about.json":
            self._about()
        elif name == "outcome.json":
            self._send_json(self.server.player.outcome())
        elif name == "video":
            self._video(parse_qs(asked.query).get("start", ["0"])[0])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _is_welcome(self) -> bool:
        """Asked for at this very address, and not by a page of another site."""
        own = f"{LOOPBACK}:{self.server.server_port}"
        site = self.headers.get("Sec-Fetch-Site", "none")
        return self.headers.get("Host") == own and site in ("none", "same-origin")

    def _about(self) -> None:
        try:
            self._send_json(asdict(self.server.player.about()))
        except VqcodecError as error:
            self._send_json({"error": str(error), "hint": error.hint})

    def _video(self, start: str) -> None:
        try:
            start_s = Fraction(start) if len(start) <= _LONGEST_START else Fraction(-1)
        except (ValueError, ZeroDivisionError):
            start_s = Fraction(-1)
        if start_s < 0:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        self._begin("video/mp4", None)
        self.server.player.play(start_s, _Response(self))

    def _send_json(self, content: dict[str, Any]) -> None:
        self._send(json.dumps(content).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self._begin(kind, len(body))
        self.wfile.write(body)

    def _begin(self, kind: str, length: int | None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal is the caller's."""
