"""Stamps of packets in seconds, and what is known of a stream from those that went by: what `JoinedClock` judges by."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from av.packet import Packet

from vqcodec.media.picture.rates import seconds, tick_s

MAX_JUMP_S = 3600
"""A larger step isn't a hole in a recording, but another clock."""
MAX_STEP_BACK_S = 1
SOUND_GAP_S = Fraction(3, 50)
_BACK_INTERVALS = 20

AnyPacket: TypeAlias = "Packet[Any]"


@dataclass(slots=True)
class Track:
    """One stream.

    Attributes:
        is_sound: its packets follow each other without a hole.
        offset_s: from the file's time to the clock's.
        first_s: of its first packet, on the clock.
        last_s: of its last packet, on the clock.
        end_s: where what it gave so far ends.
        alone: its clock starts anew while the others go on.
        wrong: its last packet's time was.
    """

    is_sound: bool
    offset_s: Fraction = Fraction(0)
    first_s: Fraction | None = None
    last_s: Fraction | None = None
    end_s: Fraction = Fraction(0)
    alone: bool = False
    wrong: bool = False

    def back_s(self, step_s: Fraction) -> Fraction:
        """How far back a packet may be; pictures don't come in the order they are shown."""
        return max(Fraction(MAX_STEP_BACK_S), _BACK_INTERVALS * step_s * (not self.is_sound))

    def is_near(self, at_s: Fraction, step_s: Fraction) -> bool:
        """Whether a packet at that time can be of the clock that runs."""
        assert self.last_s is not None
        return self.last_s - self.back_s(step_s) <= at_s <= self.last_s + MAX_JUMP_S

    def is_next(self, at_s: Fraction, step_s: Fraction) -> bool:
        """Whether it needs no other witness."""
        most_s = SOUND_GAP_S if self.is_sound else self.back_s(step_s)
        return abs(at_s - self.end_s) <= most_s


def stamp_s(packet: AnyPacket) -> Fraction | None:
    """When a packet is shown or heard, in the file's time; None where it doesn't say."""
    stamp = packet.pts if packet.pts is not None else packet.dts
    return seconds(stamp, packet.time_base)


def length_s(packet: AnyPacket) -> Fraction:
    """How long a packet is shown or heard; guessed where it doesn't say."""
    return seconds(packet.duration or 0, packet.time_base) or Fraction(1, 25)


def move(packet: AnyPacket, by_s: Fraction) -> None:
    """Change a packet's times."""
    ticks = round(by_s / tick_s(packet.time_base))
    packet.pts = None if packet.pts is None else packet.pts + ticks
    packet.dts = None if packet.dts is None else packet.dts + ticks
