"""A .vqt stream opened to look at its parts, or to render its frames."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from vqcodec.codec.files import Source, readable
from vqcodec.config import DEFAULT_MAX_DURATION_S, DecodeOptions
from vqcodec.container import Reader
from vqcodec.format import CODED_SIZE_PX
from vqcodec.stream.opening import open_stream
from vqcodec.types import AudioGroup, Head, KeyFrame, MotionGroup, PortraitUnit, VideoFrame

if TYPE_CHECKING:
    from vqcodec.decoding.parts import DecoderParts


class OpenStream:
    """A .vqt stream opened for reading; a context manager. Made by `vqcodec.open` and `Codec.open`.

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

    def __iter__(self) -> Iterator[KeyFrame | PortraitUnit | MotionGroup | AudioGroup]:
        """The stream's items, tokens decoded."""
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
