"""What the rules between chunks need of each: all but the contents, so that a survey needn't read those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vqcodec.types import AudioGroup

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class GroupOutline:
    """What the rules between chunks need of a motion group.

    Attributes:
        first_frame: index of the first frame.
        frames: number of frames.
        first_tick: presentation time of the first frame.
        last_tick: presentation time of the last frame.
        uncertain: frames in which the face was not seen.
        layers: residual layers present.
        layer_bytes: bytes of all layers together.
        shot: number of its shot; 0 in major version 1.
        highest_portrait: greatest number of a portrait of the shot that shows frames; 0 in major version 1.
    """

    first_frame: int
    frames: int
    first_tick: int
    last_tick: int
    uncertain: int
    layers: int
    layer_bytes: int
    shot: int = 0
    highest_portrait: int = 0


@dataclass(frozen=True, slots=True)
class SoundOutline:
    """What the rules between chunks need of an audio group.

    Attributes:
        first_sample: position of the first packet's first decoded sample.
        packets: number of packets.
        packet_bytes: bytes of all packets together.
        end_trim_samples: samples of the last packet to drop.
    """

    first_sample: int
    packets: int
    packet_bytes: int
    end_trim_samples: int

    @classmethod
    def of(cls, group: AudioGroup) -> SoundOutline:
        """That of a group at hand."""
        size = sum(map(len, group.packets))
        return cls(group.first_sample, len(group.packets), size, group.end_trim_samples)


@dataclass(frozen=True, slots=True, eq=False)
class PortraitOutline:
    """What the rules between chunks need of a portrait.

    Attributes:
        first_frame, shot, number, depends_on, continues: as in PortraitUnit.
        elements: D of 0..65535: features less those of the shot's number 0 (of number 0: as they are), plus 32768.
    """

    first_frame: int
    shot: int
    number: int
    depends_on: int | None
    continues: bool
    elements: tuple[int, ...]
