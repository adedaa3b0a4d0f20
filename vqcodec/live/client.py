"""A viewer in Python: asks for a live stream, and fills a Receiver."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiortc import RTCSessionDescription

from vqcodec.errors import MediaError
from vqcodec.live.receiver import Receiver
from vqcodec.live.transport import PARTS, WHOLE, connection
from vqcodec.live.wire import build_report

REPORT_EVERY_S = 2.0


class Route:
    """Session descriptions as they are: the straight way."""

    def offer(self, sdp: str) -> str:
        """The viewer's, before it is sent."""
        return sdp

    def answer(self, sdp: str) -> str:
        """The sender's, before it is used."""
        return sdp


class Watch:
    """A connection to `vqcodec live`, as an asynchronous context manager.

    Args:
        address: as it is printed, token included.
        route: changes the session descriptions on their way: for measuring, through another port.

    Attributes:
        receiver: filled while this is open.
    """

    def __init__(self, address: str, route: Route | None = None) -> None:
        self.receiver = Receiver()
        self._address, self._route = address.split("?")[0], route or Route()
        self._peer = connection()
        self._parts: Any = None
        self._reports: asyncio.Task[None] | None = None
        self._fault: Exception | None = None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            MediaError: refused, with the sender's words, or nobody is there.
        """
        self._parts = self._peer.createDataChannel(PARTS, ordered=False, maxRetransmits=0)
        whole = self._peer.createDataChannel(WHOLE)
        whole.on("message", self._whole)
        self._parts.on("message", lambda data: self.receiver.packet(_bytes(data), time.monotonic()))
        await self._peer.setLocalDescription(await self._peer.createOffer())
        try:
            answer = await self._asked(self._route.offer(self._peer.localDescription.sdp))
            await self._peer.setRemoteDescription(
                RTCSessionDescription(self._route.answer(answer), "answer")
            )
        except BaseException:
            await self._peer.close()
            raise
        self._reports = asyncio.create_task(self._report())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._reports is not None:
            self._reports.cancel()
        await self._peer.close()

    def check(self) -> None:
        """Raise what was wrong with what must arrive.

        Raises:
            BitstreamError, UnsupportedError: the sender sends no stream that this version reads.
        """
        if self._fault is not None:
            raise self._fault

    async def _asked(self, offer: str) -> str:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{self._address}offer", json={"type": "offer", "sdp": offer}) as told,
            ):
                content = await told.json()
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise MediaError(
                f"{self._address} doesn't answer",
                hint="Is the address whole, and is it still on air?",
            ) from error
        if "sdp" not in content:
            raise MediaError(str(content.get("error", "the sender refuses")), hint="")
        return str(content["sdp"])

    def _whole(self, data: Any) -> None:
        try:
            self.receiver.whole(_bytes(data))
        except Exception as error:  # told by `check`, not lost in the loop
            self._fault = self._fault or error

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            if self._parts.readyState == "open":
                self._parts.send(build_report(self.receiver.report(time.monotonic())))


def _bytes(data: Any) -> bytes:
    return data if isinstance(data, bytes) else b""
