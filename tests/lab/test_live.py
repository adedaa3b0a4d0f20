"""Measuring a live stream: the line loses what it should, descriptions lead through it, figures become a table."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.live import FRAMES, live_stream

pytest.importorskip("aiortc", reason="the extra [live] is not installed")

from vqcodec.lab.live import live
from vqcodec.lab.live.made import moments
from vqcodec.lab.live.relay import IP_UDP_BYTES, Line, Traffic
from vqcodec.lab.live.viewing import Shown
from vqcodec.live.feed import Feed
from vqcodec.live.receiver import Receiver

DESCRIPTION = "\r\n".join(
    [
        "v=0",
        "m=application 5000 UDP/DTLS/SCTP webrtc-datachannel",
        "a=candidate:1 1 udp 2130706431 fd00::2 5001 typ host",
        "a=candidate:2 1 udp 2130706431 127.0.0.1 5002 typ host",
        "a=end-of-candidates",
        "a=ice-ufrag:x",
        "",
    ]
)


class End(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.got.append(data)


def test_the_line_loses_and_counts_and_leads_both_ways() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        line, sender, viewer = Line(0.3, 0.01, 1), End(), End()
        await line.open("127.0.0.1")
        for end in (sender, viewer):
            await loop.create_datagram_endpoint(lambda end=end: end, local_addr=("127.0.0.1", 0))  # type: ignore[misc]
        own = sender.transport.get_extra_info("sockname")[1]
        answer = line.answer(DESCRIPTION.replace("5002", str(own)))
        assert "fd00::2" not in answer and str(own) not in answer and "ice-ufrag" in answer
        assert "candidate" not in line.offer(DESCRIPTION)
        port = int(next(r for r in answer.split("\r\n") if "candidate:" in r).split()[5])
        for n in range(100):
            viewer.transport.sendto(bytes([n]), ("127.0.0.1", port))
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        sender.transport.sendto(b"back", ("127.0.0.1", line._sender.port))
        await asyncio.sleep(0.1)
        assert 50 < len(sender.got) < 90 and len(line.up.sizes) == 100
        assert line.down.sizes[0][1] == 4 + IP_UDP_BYTES
        for each in (line, sender.transport, viewer.transport):
            each.close()

    asyncio.run(run())
    traffic = Traffic([(0.5, 1000), (1.5, 500), (9.0, 7)])
    assert traffic.kbps(0, 2) == pytest.approx(6.0)


def test_a_stream_is_sent_as_it_was_given() -> None:
    made = list(moments(live_stream()))
    assert sum(len(group.ticks) for moment in made for group in moment.groups) == FRAMES
    assert all(len(moment.groups) == 1 and moment.sounds for moment in made[:-1]) and made[-1].over


def test_a_screen_shows_each_frame_once_and_none_before_its_time() -> None:
    feed, receiver, shown = Feed(b"", 12), Receiver(), Shown()
    for number, moment in enumerate(moments(live_stream())):
        for packet in feed.packets(moment):
            receiver.packet(packet, 100 + 0.12 * number)
        for piece in feed.pieces(99):
            receiver.whole(piece)
        for step in range(24):
            shown.look(receiver, 100 + 0.12 * number + 0.005 * step)
    times = [time_s for time_s, _, _ in shown.frames]
    assert len(times) > FRAMES - 9 and all(a < b for a, b in pairwise(times))
    assert all(0 <= position_s - time_s <= 0.045 for time_s, _, position_s in shown.frames[9:])


def test_figures_become_a_table(tmp_path: Path) -> None:
    names = ["own", "coarse", "shown", "sound"]
    row = {f"{name}_share": 0.5 for name in names} | {
        "fps": 25.0, "loss": 0.05, "delay_ms": 100, "shown_after_ms": 301.2, "shown_after_95_ms": 350.0,
        "behind_ms": 9.0, "down_kbps": 21.25, "up_kbps": 7.0,
    }  # fmt: skip
    encode = {"fps": 25.0, "frames": 99, "left_out": 1, "late_ms": 50.0, "late_95_ms": 61.0}
    machine = {"cpu": "some", "cores": 2}
    known = {"clip": "talk.mp4", "shared": False, "machine": machine, "date_utc": "2026-11-30"}
    path = tmp_path / "live.json"
    path.write_text(json.dumps({"conditions": known, "encodes": [encode], "rows": [row]}))
    text = "\n".join(live.lines(path))
    assert (
        "| 25 frames/s, 100 ms, 5 % loss | 50 % | 50 % | 50 % | 50 % | 301 | 350 | 9 | 21.2 | 7.0 |"
        in text
    )
    assert "50 ms after its last frame (95 %: 61), 1 of 100 frames were left out" in text
