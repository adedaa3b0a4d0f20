"""From when to when a file's streams go, by their packets: what its declared length is compared with."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from av.packet import Packet

from vqcodec.media.picture.rates import seconds

_SLACK_S = 1
_SLACK_SHARE = Fraction(1, 50)


class Extent:
    """The first and the last moment of some streams, in the file's own time."""

    def __init__(self) -> None:
        self._first_s: Fraction | None = None
        self._end_s = Fraction(0)

    def add(self, packet: Packet[Any]) -> None:
        """Note a packet; one without a time tells nothing."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        begin_s = seconds(stamp, packet.time_base)
        if begin_s is None:
            return
        length_s = seconds(packet.duration or 0, packet.time_base) or Fraction(0)
        self._first_s = begin_s if self._first_s is None else min(self._first_s, begin_s)
        self._end_s = max(self._end_s, begin_s + length_s)

    def falls_short(self, declared_s: Fraction) -> bool:
        """Whether the streams end long before a declared length.

        Containers disagree on whether that counts from their first moment or from zero, so both must be missed: a file
        whose beginning was cut off doesn't break off early.
        """
        if self._first_s is None:
            return False
        reached_s = max(self._end_s, self._end_s - self._first_s)
        return reached_s < declared_s - max(Fraction(_SLACK_S), declared_s * _SLACK_SHARE)
