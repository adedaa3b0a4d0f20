"""Where an encode's frames and sound go: shot by shot into the file, into one that fits a bit rate, or into a live one.

frames --RecordedOutput: ShotRecorder--> shots --> StreamedFile, or FittedFile (bitrate.py)
frames --LiveOutput: LiveRecorder--> portraits and groups --> file
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.coding import PlacedUnit, ShotCoder, put
from vqcodec.encoding.live import LiveRecorder
from vqcodec.encoding.settings import WORST_CRF, Setting, quality_of
from vqcodec.encoding.shots import RecordedShot, ShotRecorder
from vqcodec.face.shots import FaceFrame
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundPiece
from vqcodec.types import Head, MotionGroup, StreamSizes


class FrameOutput(Protocol):
    """Takes what comes out of an input, in order."""

    @property
    def file(self) -> CodedFile:
        """What is written, so far."""
        ...

    @property
    def faces_seen(self) -> bool:
        """Whether any frame had a face."""
        ...

    @property
    def low_confidence_frames(self) -> int:
        """Frames without a face."""
        ...

    def push(self, frame: FaceFrame, features: NDArray[np.float32] | None) -> None:
        """Take the next frame and its motion features, (D,), None without a face."""
        ...

    def sound(self, piece: SoundPiece) -> None:
        """Take the next packet."""
        ...

    def flush(self) -> None:
        """No more frames."""
        ...

    def close(self) -> None:
        """Write what is left.

        Raises:
            UsageError: the stream can't have the form that was asked for.
        """
        ...


class CodedFile(Protocol):
    """What is told about a file."""

    @property
    def head(self) -> Head:
        """What HEAD says, or will say; complete at the end."""
        ...

    @property
    def sizes(self) -> StreamSizes:
        """Bytes written so far; of the whole file at the end."""
        ...

    @property
    def portrait_quality(self) -> int:
        """Quality of the portraits, 1..100; final at the end."""
        ...

    @property
    def portraits(self) -> int:
        """Portraits written; final at the end."""
        ...


class StreamOutput(CodedFile, Protocol):
    """Takes a stream in the order it is made: shot after shot, sound as it comes."""

    def shot(self, shot: RecordedShot) -> None:
        """Take the next shot."""
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
    """Codes each shot when it is complete, and writes it.

    Args:
        sink: written from the first shot on.
        head: everything but the crop, which comes with the first portrait.
        setting: how a shot is coded.
        coder: codes them.
    """

    def __init__(
        self,
        sink: BinaryIO,
        head: Head,
        setting: Callable[[RecordedShot], Setting],
        coder: ShotCoder,
    ) -> None:
        self._file = Interleaver(sink, head)
        self._setting, self._coder = setting, coder
        self._crf = WORST_CRF

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
        """The best of a shot."""
        return quality_of(self._crf)

    @property
    def portraits(self) -> int:
        """Portraits written."""
        return self._coder.portraits

    def shot(self, shot: RecordedShot) -> None:
        """Code and write a shot."""
        setting = self._setting(shot)
        self._crf = min(self._crf, setting.crf)
        for item in self._coder.items(shot, setting):
            put(self._file, item)

    def sound(self, piece: SoundPiece) -> None:
        """Take the next packet; it is written with its group."""
        self._file.sound(piece)

    def close(self) -> StreamSizes:
        """Write what is left, and the index."""
        return self._file.close()


class RecordedOutput:
    """Frames become shots, and shots a file.

    Args:
        recorder: collects them.
        file: codes them.
    """

    def __init__(self, recorder: ShotRecorder, file: StreamOutput) -> None:
        self._recorder, self.file = recorder, file

    @property
    def faces_seen(self) -> bool:
        """Whether any frame had a face."""
        return self._recorder.faces_seen

    @property
    def low_confidence_frames(self) -> int:
        """Frames without a face."""
        return self._recorder.low_confidence_frames

    def push(self, frame: FaceFrame, features: NDArray[np.float32] | None) -> None:
        """Take the next frame and its motion features, (D,), None without a face."""
        for shot in self._recorder.push(frame, features):
            self.file.shot(shot)

    def sound(self, piece: SoundPiece) -> None:
        """Take the next packet."""
        self.file.sound(piece)

    def flush(self) -> None:
        """No more frames."""
        for shot in self._recorder.flush():
            self.file.shot(shot)

    def close(self) -> None:
        """Write what is left."""
        self.file.close()


class LiveOutput:
    """Every group goes out as soon as it is complete.

    Args:
        sink: written from the first portrait on, and flushed after each group.
        head: everything but the crop.
        recorder: makes portraits and groups.
        quality: of the portraits.
    """

    def __init__(self, sink: BinaryIO, head: Head, recorder: LiveRecorder, quality: int) -> None:
        self.portrait_quality = quality
        self._sink, self._recorder, self._file = sink, recorder, Interleaver(sink, head)

    @property
    def file(self) -> CodedFile:
        """What is written: this."""
        return self

    @property
    def head(self) -> Head:
        """What HEAD says, or will say."""
        return self._file.head

    @property
    def sizes(self) -> StreamSizes:
        """Bytes written so far."""
        return self._file.sizes

    @property
    def portraits(self) -> int:
        """Portraits written."""
        return self._recorder.portraits

    @property
    def faces_seen(self) -> bool:
        """Whether any frame had a face."""
        return self._recorder.faces_seen

    @property
    def low_confidence_frames(self) -> int:
        """Frames without a face."""
        return self._recorder.low_confidence_frames

    def push(self, frame: FaceFrame, features: NDArray[np.float32] | None) -> None:
        """Take the next frame and its motion features, (D,), None without a face."""
        self._write(self._recorder.push(frame, features))

    def sound(self, piece: SoundPiece) -> None:
        """Take the next packet; it is written with its group."""
        self._file.sound(piece)

    def flush(self) -> None:
        """No more frames."""
        self._write(self._recorder.flush())

    def close(self) -> None:
        """Write what is left, and the index."""
        self._file.close()

    def _write(self, items: list[PlacedUnit | MotionGroup]) -> None:
        for item in items:
            put(self._file, item)
        if items:
            self._sink.flush()
