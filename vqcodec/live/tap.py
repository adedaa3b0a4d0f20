"""Where a live encode writes: every group goes on air as it is made, and into a file, if there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from vqcodec.live.programme import Moment, Programme
from vqcodec.media.sound.opus_bytes import packet_samples
from vqcodec.stream.sound import SoundPiece
from vqcodec.types import AudioGroup


class Tap:
    """As much of a binary file object as an encode needs.

    Args:
        give: is handed every moment, in the thread that writes.
        file: gets the same bytes; None: nobody keeps them.
    """

    def __init__(self, give: Callable[[Moment], None], file: BinaryIO | None = None) -> None:
        self._give, self._file = give, file
        self._programme = Programme()
        self._spare: dict[int, bytes] = {}

    def write(self, data: bytes) -> int:
        """Take bytes of the stream."""
        if self._file is not None:
            self._file.write(data)
        self._programme.push(data)
        return len(data)

    def flush(self) -> None:
        """A group is complete."""
        if self._file is not None:
            self._file.flush()
        moment = self._programme.flush()
        if moment.whole or moment.groups or moment.sounds:
            spare = tuple(self._spared(sound) for sound in moment.sounds)
            whole = all(spared is not None for spared in spare)
            self._give(moment.with_spare(tuple(s for s in spare if s is not None) if whole else ()))

    def spare(self, piece: SoundPiece) -> None:
        """Take a packet of the sound at a lower rate."""
        self._spare[piece.first_sample] = piece.data

    def _spared(self, sound: AudioGroup) -> AudioGroup | None:
        """The same time at the lower rate, if all of it is there."""
        at, packets = sound.first_sample, []
        for packet in sound.packets:
            packets.append(self._spare.pop(at, b""))
            at += packet_samples(packet)
        self._spare = {start: data for start, data in self._spare.items() if start >= at}
        if not all(packets):
            return None
        return AudioGroup(sound.first_sample, tuple(packets), sound.end_trim_samples)
