"""One viewer at the sender: a connection with two channels, and what goes through them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiortc import RTCDataChannel, RTCSessionDescription

from vqcodec.errors import BitstreamError
from vqcodec.live.feed import Feed
from vqcodec.live.programme import Moment
from vqcodec.live.transport import PARTS, WHOLE, connection, keep_window
from vqcodec.live.wire import parse_report

PIECE_EVERY_S = 0.1
MOST_QUEUED_BYTES = 4000
"""Packets that wait here are late already: the next ones aren't made."""
ANSWER_WITHIN_S = 30.0
"""A viewer who asked and doesn't connect is forgotten."""


class Viewer:
    """Serves one viewer from the moment the channels are open.

    Args:
        joining: gives the feed to begin with, None while nothing is on air.
        gone: called once, when the viewer has left.
        late_ms: how late packets were given to this, of late: no fault of the line.
    """

    def __init__(
        self,
        joining: Callable[[], Feed | None],
        gone: Callable[[Viewer], None],
        late_ms: Callable[[], int],
    ) -> None:
        self._joining, self._gone, self._late_ms = joining, gone, late_ms
        self._peer = connection()
        self._channels: dict[str, RTCDataChannel] = {}
        self._feed: Feed | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False
        self._peer.on("datachannel", self._opened)
        self._peer.on("connectionstatechange", self._changed)

    @property
    def is_open(self) -> bool:
        """Whether something could be sent."""
        return len(self._channels) == 2

    async def answer(self, offer: str) -> str:
        """What the viewer is answered.

        Args:
            offer: the viewer's session description, with its candidates.

        Raises:
            ValueError: it is none.
        """
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            if self._peer.sctp is None:
                raise ValueError("no data channel is offered")
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except Exception as error:  # whatever a parser of strangers' text raises
            await self.close()
            raise ValueError("this is no offer of a data channel") from error
        self._tasks.append(asyncio.create_task(self._expire()))
        return str(self._peer.localDescription.sdp)

    def take(self, moment: Moment) -> None:
        """Send the next moment."""
        channel = self._channels.get(PARTS)
        if self._feed is None:
            self._begin()
            return
        packets = list(self._feed.packets(moment))
        if channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount > MOST_QUEUED_BYTES:
            self._feed.ladder.full()
            return
        keep_window(self._peer)
        for packet in packets:
            channel.send(packet)

    async def close(self) -> None:
        """End it."""
        if self._closed:
            return
        self._closed = True
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await self._peer.close()
        self._gone(self)

    async def drained(self) -> None:
        """Wait until all that must arrive is on its way."""
        while not self._closed and self._feed is not None and self._feed.left_bytes:
            await asyncio.sleep(PIECE_EVERY_S)
        await asyncio.sleep(PIECE_EVERY_S)

    def _opened(self, channel: RTCDataChannel) -> None:
        if channel.label in (WHOLE, PARTS):
            self._channels[channel.label] = channel
        if channel.label == PARTS:
            channel.on("message", self._told)
        self._begin()

    def _begin(self) -> None:
        if self._feed is None and len(self._channels) == 2:
            self._feed = self._joining()
            if self._feed is not None:
                self._tasks.append(asyncio.create_task(self._pump()))

    async def _pump(self) -> None:
        """What must arrive, a piece at a time, so that no packet waits for it."""
        channel = self._channels[WHOLE]
        while not self._closed and channel.readyState == "open":
            if self._feed is not None and channel.bufferedAmount <= MOST_QUEUED_BYTES:
                keep_window(self._peer)
                for piece in self._feed.pieces(1):
                    channel.send(piece)
            await asyncio.sleep(PIECE_EVERY_S)

    def _told(self, message: Any) -> None:
        try:
            report = parse_report(message if isinstance(message, bytes) else b"")
        except BitstreamError:
            return
        if self._feed is not None:
            on_the_way_ms = max(report.late_ms - self._late_ms(), 0)
            self._feed.report(replace(report, late_ms=on_the_way_ms))

    async def _expire(self) -> None:
        await asyncio.sleep(ANSWER_WITHIN_S)
        if len(self._channels) < 2:
            await self.close()

    async def _changed(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            await self.close()
