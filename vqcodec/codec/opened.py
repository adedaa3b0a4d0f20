"""A .vqt stream opened to look at its parts, or to render its frames."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vqcodec.codec.files import Source, readable
from vqcodec.config import DEFAULT_MAX_DURATION_S, DecodeOptions
from vqcodec.container import Reader
from vqcodec.container.reader import Item
from vqcodec.errors import BitstreamError, UnknownLengthError, UsageError
from vqcodec.format import CODED_SIZE_PX
from vqcodec.stream.opening import open_stream
from vqcodec.types import AudioGroup, Head, MotionGroup, VideoFrame

if TYPE_CHECKING:
    from vqcodec.decoding.parts import DecoderParts


class OpenStream:
    """A .vqt stream opened for reading; a context manager. Made by `vqcodec.open` and `Codec.open`.

    `len` is the number of frames, `frame_at` gives one of them, and `sound` what is heard.
    Iterating gives KeyFrame (PortraitUnit in major version 2), MotionGroup and AudioGroup in file order; `frames` gives
    pictures. On a pipe one of the two can be done, once.

    Attributes:
        head: the HEAD chunk.
    """

    def __init__(self, source: Source, models: Callable[[Head], DecoderParts]) -> None:
        self._models = models
        self._stack = ExitStack()
        self._file = self._stack.enter_context(open_stream(readable(source)))
        try:
            self._reader = Reader(self._file)
        except BaseException:
            self.close()
            raise
        self.head: Head = self._reader.head

    def __iter__(self) -> Iterator[Item]:
        """The stream's items, tokens decoded; nothing of the scene around the square."""
        return iter(self._reader)

    def frames(
        self,
        *,
        size_px: int = CODED_SIZE_PX,
        layers: int | None = None,
        portrait: Path | None = None,
        start_s: Fraction = Fraction(0),
        end_s: Fraction | None = None,
        recover: bool = False,
        max_duration_s: Fraction = DEFAULT_MAX_DURATION_S,
    ) -> Generator[VideoFrame, None, None]:
        """Rendered pictures, one after the other: memory doesn't grow with the stream.

        Args:
            size_px: side of the pictures, 256 or 512.
            layers: use only the first layers; None uses all.
            portrait: a picture to animate instead of the stream's own key frames.
            start_s: first presentation time wanted.
            end_s: presentation time to stop before; None goes to the end.
            recover: read past damage, and make up what is missing.
            max_duration_s: the last picture is no later than this.

        Raises:
            UsageError: a value is out of range.
            UnsupportedError, ModelError: the model of the stream isn't here.
        """
        from vqcodec.decoding.pipeline import read_frames

        options = DecodeOptions(
            size_px=size_px,
            layers=layers,
            portrait=portrait,
            start_s=start_s,
            end_s=end_s,
            recover=recover,
            max_duration_s=max_duration_s,
        )
        return read_frames(self._reader, self._file, options, self._models)

    def __bool__(self) -> bool:
        """Always: a pipe's length isn't known."""
        return True

    def __len__(self) -> int:
        """Frames of the stream, as its last chunk counts them.

        Raises:
            UnknownLengthError: it is a pipe, or has no right end (yet).
        """
        try:
            return self._reader.index().frames
        except (BitstreamError, UsageError) as error:
            raise UnknownLengthError(
                f"the number of frames isn't known: {error}", hint=error.hint
            ) from error

    def frame_at(
        self,
        time_s: Fraction | float,
        *,
        size_px: int = CODED_SIZE_PX,
        layers: int | None = None,
    ) -> VideoFrame:
        """The picture that is shown at a time, with the time from which on it is; reads only what it needs.

        Args:
            time_s: seconds from the stream's time 0; before the first frame it is the first one.
            size_px: side of the picture, 256 or 512.
            layers: use only the first layers; None uses all.

        Raises:
            UsageError: the time is negative or not before the end, or the stream is a pipe.
            BitstreamError, UnsupportedError, ModelError: as `frames`.
        """
        base_s = self.head.time_base_s
        items = self._reader.groups_from(time_s)
        group = next(item for item in items if isinstance(item, MotionGroup))
        place = int(np.searchsorted(group.ticks, int(Fraction(time_s) / base_s), side="right"))
        start_s = int(group.ticks[max(place - 1, 0)]) * base_s
        frames = self.frames(
            size_px=size_px, layers=layers, start_s=start_s, end_s=start_s + base_s
        )
        with closing(frames):
            return replace(next(frames), time_s=start_s)

    def sound(
        self, *, start_s: Fraction = Fraction(0), end_s: Fraction | None = None
    ) -> Generator[NDArray[np.int16], None, None]:
        """What is heard: blocks of (n, channels) int16 at 48 kHz, each right behind the one before; none without sound.

        Args:
            start_s: time of the first sample.
            end_s: time to stop before; None goes to the end.
        """
        from vqcodec.decoding.heard import SoundWindow

        if self.head.audio is None:
            return
        window = SoundWindow(self.head.audio, start_s, end_s)
        for item in self._reader.coded():
            if isinstance(item, AudioGroup):
                yield from (samples.pcm for samples in window.push(item))
            if window.complete:
                return

    def close(self) -> None:
        """Release the file, unless the caller opened it."""
        self._stack.close()

    def __enter__(self) -> OpenStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
