"""A player serves its page to whoever has the address, renders from anywhere, and says why a rendering ended."""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import pytest

from vqcodec.codec.codec import Codec
from vqcodec.config import DecodeOptions
from vqcodec.errors import BitstreamError, MediaError
from vqcodec.playing.player import SOUND_TYPE, VIDEO_TYPE, Player
from vqcodec.playing.server import LOOPBACK, PlayServer
from vqcodec.reports import DecodeReport

VECTORS = Path(__file__).resolve().parents[2] / "bitstream_spec" / "vectors"
STREAM = VECTORS / "level_b" / "talking.vqt"

Decoding = Callable[[Path, BinaryIO, DecodeOptions], Any]


class Ended:
    """As much of a DecodeReport as is told."""

    warnings = ("2 frames were made up",)


@contextmanager
def serving(player: Player) -> Iterator[PlayServer]:
    with PlayServer(player) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)


def get(
    server: PlayServer,
    name: str = "",
    *,
    token: str | None = None,
    method: str = "GET",
    **more: str,
) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of a request."""
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    connection.request(
        method, f"/{server.token if token is None else token}/{name}", headers=headers
    )
    response = connection.getresponse()
    found = response.status, response.read(), dict(response.getheaders())
    connection.close()
    return found


def told(server: PlayServer, name: str) -> dict[str, Any]:
    status, body, _ = get(server, name)
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def player(decode: Decoding, path: Path = STREAM, **options: Any) -> Player:
    return Player(path, decode, DecodeOptions(**options))


def nothing(path: Path, sink: BinaryIO, options: DecodeOptions) -> Any:
    return Ended()


def test_the_page_and_all_that_it_asks_for_is_here() -> None:
    with serving(player(nothing)) as server:
        assert server.address == f"http://{LOOPBACK}:{server.server_port}/{server.token}/"
        status, page, headers = get(server)
        assert status == 200 and b"<video" in page
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        for name in ("page.js", "page.css"):
            assert f'"{name}"'.encode() in page and get(server, name)[0] == 200
        assert b"http://" not in page + get(server, "page.js")[1] + get(server, "page.css")[1]


@pytest.mark.parametrize(
    ("status", "request_of"),
    [
        (404, dict(token="")),
        (404, dict(token="x" * 22)),
        (404, dict(token="..")),
        (404, dict(name="page/../player.py")),
        (404, dict(name="%2e%2e/server.py")),
        (404, dict(name="index.html")),
        (403, dict(Host="localhost.example:80")),
        (403, dict(Sec_Fetch_Site="cross-site")),
        (501, dict(method="POST")),
        (400, dict(name="video?start=-1")),
        (400, dict(name="video?start=nan")),
        (400, dict(name="video?start=1/0")),
        (400, dict(name="video?start=" + "9" * 400)),
    ],
)
def test_nobody_gets_anything_else(status: int, request_of: dict[str, str]) -> None:
    with serving(player(nothing)) as server:
        assert get(server, **request_of)[0] == status  # type: ignore[arg-type]


def test_what_a_stream_says_of_itself() -> None:
    with serving(player(nothing)) as server:
        about = told(server, "about.json")
    assert about["name"] == "talking.vqt" and about["synthetic"] is False
    assert about["type"] in (VIDEO_TYPE, SOUND_TYPE) and 0 < about["seconds"] < 60
    assert {"length", "size", "rate", "portraits", "model"} <= set(about["facts"])


def test_a_rendering_begins_where_it_was_asked_to_and_says_how_it_ended() -> None:
    starts: list[Fraction] = []

    def decode(path: Path, sink: BinaryIO, options: DecodeOptions) -> Any:
        starts.append(options.start_s)
        sink.write(b"pictures")
        return Ended()

    with serving(player(decode)) as server:
        assert told(server, "outcome.json") == {"state": "not begun"}
        status, body, headers = get(server, "video?start=1.25")
        assert (status, body, headers["Content-Type"]) == (200, b"pictures", "video/mp4")
        assert starts == [Fraction(5, 4)]
        assert told(server, "outcome.json") == {"state": "ended", "warnings": [*Ended.warnings]}


def test_damage_is_told() -> None:
    def decode(path: Path, sink: BinaryIO, options: DecodeOptions) -> Any:
        sink.write(b"some")
        raise BitstreamError("a chunk is damaged", code="crc", offset=99, hint="Use --recover.")

    with serving(player(decode)) as server:
        assert get(server, "video")[1] == b"some"
        outcome = told(server, "outcome.json")
    assert outcome["state"] == "broken off" and outcome["hint"] == "Use --recover."
    assert "a chunk is damaged" in outcome["error"]


def test_the_newest_rendering_ends_the_one_before() -> None:
    begun, broken = threading.Semaphore(0), threading.Event()

    def decode(path: Path, sink: BinaryIO, options: DecodeOptions) -> Any:
        if options.start_s:
            return Ended()
        begun.release()
        try:
            while True:
                sink.write(bytes(1 << 16))  # until the connection is full, and it waits for room
        except OSError as error:
            broken.set()
            raise MediaError("the output can't be written") from error

    with serving(player(decode)) as server:
        slow = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=20)
        slow.request("GET", f"/{server.token}/video?start=0")
        assert begun.acquire(timeout=20)
        assert get(server, "video?start=2")[0] == 200
        assert broken.wait(20) and told(server, "outcome.json")["state"] == "ended"
        slow.close()


def test_a_server_that_closes_ends_the_rendering() -> None:
    begun, broken = threading.Event(), threading.Event()

    def decode(path: Path, sink: BinaryIO, options: DecodeOptions) -> Any:
        begun.set()
        try:
            while True:
                sink.write(bytes(1 << 16))
        except OSError as error:
            broken.set()
            raise MediaError("the output can't be written") from error

    with serving(player(decode)) as server:
        slow = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=20)
        slow.request("GET", f"/{server.token}/video")
        assert begun.wait(20)
    assert broken.wait(20)
    slow.close()


def test_streams_that_are_damaged_or_have_no_end_yet(tmp_path: Path) -> None:
    cut = tmp_path / "cut.vqt"
    cut.write_bytes(STREAM.read_bytes()[:-300])
    with pytest.raises(BitstreamError):
        player(nothing, cut).about()
    for options, length in ((dict(recover=True), "damaged"), (dict(follow_s=1.0), "being written")):
        about = player(nothing, cut, **options).about()
        assert about.seconds is None and length in about.facts["length"]
    with serving(player(nothing, tmp_path / "absent.vqt")) as server:
        assert "absent.vqt" in told(server, "about.json")["error"]


def test_a_real_stream_is_played_from_its_middle() -> None:
    reports: list[DecodeReport] = []
    codec = Codec(device="cpu")

    def decode(path: Path, sink: BinaryIO, options: DecodeOptions) -> DecodeReport:
        reports.append(codec.decode(path, sink, options))
        return reports[-1]

    with serving(player(decode, size_px=256)) as server:
        seconds = told(server, "about.json")["seconds"]
        body = get(server, f"video?start={seconds / 2:.3f}")[1]
    with av.open(io.BytesIO(body)) as shown:
        pictures = list(shown.decode(video=0))
    assert len(pictures) == reports[0].frames and pictures[0].width == 256
    assert float(reports[0].seconds) == pytest.approx(seconds / 2, abs=0.1)
