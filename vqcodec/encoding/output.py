"""Where an encode's portraits, motion and sound go: straight into the file, or into one that fits a bit rate."""

from __future__ import annotations

from typing import BinaryIO, Protocol

from vqcodec.encoding.groups import Portrait
from vqcodec.media.still.stills import encode_avif
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundPiece
from vqcodec.types import Head, KeyFrame, MotionGroup, StreamSizes


class StreamOutput(Protocol):
    """Takes a stream in the order it is made: each portrait before its groups, sound as it comes."""

    @property
    def head(self) -> Head:
        """What HEAD says, or will say; complete after close()."""
        ...

    @property
    def sizes(self) -> StreamSizes:
        """Bytes written so far; of the whole file after close()."""
        ...

    @property
    def portrait_quality(self) -> int:
        """AVIF quality of the portraits; final after close()."""
        ...

    def portrait(self, portrait: Portrait) -> None:
        """Take a key frame whose picture is not coded yet."""
        ...

    def motion(self, group: MotionGroup) -> None:
        """Take a group with all layers."""
        ...

    def sound(self, piece: SoundPiece) -> None:
        """Take the next packet."""
        ...

    def close(self) -> StreamSizes:
        """Write what is left; returns the sizes of the whole file.

        Raises:
            UsageError: the stream can't have the form that was asked for.
        """
        ...


class StreamedFile:
    """Codes portraits and writes everything as it comes.

    Args:
        sink: written from the first portrait on.
        head: everything but the crop, which comes with the first portrait.
        portrait_quality: AVIF quality, 1..100.
    """

    def __init__(self, sink: BinaryIO, head: Head, portrait_quality: int) -> None:
        self._file = Interleaver(sink, head)
        self._quality = portrait_quality

    @property
    def head(self) -> Head:
        """What HEAD says, or will say."""
        return self._file.head

    @property
    def sizes(self) -> StreamSizes:
        """Bytes written so far."""
        return self._file.sizes

    @property
    def portrait_quality(self) -> int:
        """As it was asked for."""
        return self._quality

    def portrait(self, portrait: Portrait) -> None:
        """Code and write a key frame."""
        still = encode_avif(portrait.rgb, quality=self._quality)
        key_frame = KeyFrame(portrait.first_frame, still, portrait.features)
        self._file.key_frame(key_frame, portrait.crop)

    def motion(self, group: MotionGroup) -> None:
        """Write a group, and the sound heard with it."""
        self._file.motion(group)

    def sound(self, piece: SoundPiece) -> None:
        """Take the next packet; it is written with its group."""
        self._file.sound(piece)

    def close(self) -> StreamSizes:
        """Write what is left, and the index."""
        return self._file.close()
