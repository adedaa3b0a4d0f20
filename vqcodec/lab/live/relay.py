"""A line that loses and delays: a relay between two UDP ports, and session descriptions that lead through it.

sender <--UDP--> [port, port] <--UDP--> viewer          each datagram is lost by chance, or comes so much later
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from dataclasses import dataclass, field
from typing import Any

from vqcodec.live.client import Route

IP_UDP_BYTES = 28
"""Of the headers of IPv4 and UDP."""
_CANDIDATE = re.compile(r"^a=(candidate:|end-of-candidates)")


@dataclass(slots=True)
class Traffic:
    """What was given to the line in one direction, lost or not.

    Attributes:
        sizes: time and bytes of each datagram, with the headers of IPv4 and UDP.
    """

    sizes: list[tuple[float, int]] = field(default_factory=list)

    def kbps(self, from_s: float, until_s: float) -> float:
        """Kilobits a second between two times."""
        total = sum(size for at_s, size in self.sizes if from_s <= at_s < until_s)
        return 8e-3 * total / (until_s - from_s)


class _Side(asyncio.DatagramProtocol):
    """One port: what comes here leaves at the other one."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.traffic = Traffic()
        self.peer: tuple[Any, ...] | None = None
        self.other: _Side
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.peer = addr
        self.traffic.sizes.append((time.monotonic(), len(data) + IP_UDP_BYTES))
        if self._line.chance.random() >= self._line.loss:
            loop = asyncio.get_running_loop()
            loop.call_later(self._line.delay_s, self.other.send, data)

    def send(self, data: bytes) -> None:
        if self.peer is not None:
            self._transport.sendto(data, self.peer)

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        self._transport.close()


class Line(Route):
    """A route through a relay in this process.

    Args:
        loss: share of datagrams that are lost, in each direction.
        delay_s: each way.
        seed: of the chance.

    Attributes:
        down: traffic from the sender to the viewer.
        up: the other way.
    """

    def __init__(self, loss: float, delay_s: float, seed: int) -> None:
        self.loss, self.delay_s = loss, delay_s
        self.chance = random.Random(seed)
        self._sender, self._viewer = _Side(self), _Side(self)
        self._sender.other, self._viewer.other = self._viewer, self._sender

    async def open(self, host: str) -> None:
        """Take two ports of an address."""
        loop = asyncio.get_running_loop()
        for side in (self._sender, self._viewer):
            await loop.create_datagram_endpoint(lambda side=side: side, local_addr=(host, 0))  # type: ignore[misc]

    @property
    def down(self) -> Traffic:
        """What the sender gave to the line."""
        return self._sender.traffic

    @property
    def up(self) -> Traffic:
        """What the viewer did."""
        return self._viewer.traffic

    def offer(self, sdp: str) -> str:
        """Without addresses: the sender learns the relay's from what comes."""
        return "\r\n".join(row for row in sdp.split("\r\n") if not _CANDIDATE.match(row))

    def answer(self, sdp: str) -> str:
        """With the relay's address in place of the sender's."""
        rows = sdp.split("\r\n")
        found = next(r for r in rows if r.startswith("a=candidate:") and ":" not in r.split()[4])
        words = found.split()
        self._sender.peer = (words[4], int(words[5]))
        words[5] = str(self._viewer.port)
        at = rows.index(found)
        kept = [row for row in rows[:at] if not _CANDIDATE.match(row)]
        rest = [row for row in rows[at + 1 :] if not row.startswith("a=candidate:")]
        return "\r\n".join([*kept, " ".join(words), *rest])

    def close(self) -> None:
        """Give the ports back."""
        self._sender.close()
        self._viewer.close()
