"""What `import vqcodec` gives. Thin: each call loads what it needs, so that looking at a file needs no model.

    import vqcodec
    vqcodec.encode("in.mp4", "out.vqt")
    vqcodec.decode("out.vqt", "back.mp4")
    vqcodec.dub("speech.wav", "portrait.png", "talking.mp4")
    with vqcodec.open("out.vqt") as stream:
        for frame in stream.frames(size_px=256):
            show(frame.rgb, frame.time_s)

Files are paths, "-" for standard input and output, or binary file objects.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from vqcodec.config import DecodeOptions, DubOptions, EncodeOptions
from vqcodec.container import Reader, VerifyReport
from vqcodec.errors import UsageError
from vqcodec.progress import Progress, silent
from vqcodec.reports import DecodeReport, DubReport, EncodeReport, size_fields
from vqcodec.stream.opening import open_stream
from vqcodec.types import AudioGroup, FileLike, Head, KeyFrame, MotionGroup, StreamSizes, VideoFrame


def encode(
    source: FileLike,
    target: FileLike,
    options: EncodeOptions | None = None,
    *,
    progress: Progress = silent,
) -> EncodeReport:
    """Code a video of a talking person as .vqt; see `vqcodec.encoding.pipeline.encode`."""
    from vqcodec.encoding import pipeline as encoder

    return encoder.encode(source, target, options, progress=progress)


def decode(
    source: FileLike,
    target: FileLike,
    options: DecodeOptions | None = None,
    *,
    progress: Progress = silent,
) -> DecodeReport:
    """Render a .vqt stream to a video file; see `vqcodec.decoding.pipeline.decode`."""
    from vqcodec.decoding import pipeline as decoder

    return decoder.decode(source, target, options, progress=progress)


def dub(
    speech: FileLike,
    portrait: FileLike,
    target: FileLike,
    options: DubOptions | None = None,
    *,
    progress: Progress = silent,
) -> DubReport:
    """Make a talking head from a sound and a picture, as .vqt or video; see `vqcodec.dubbing.pipeline.dub`."""
    from vqcodec.dubbing import pipeline as dubber

    return dubber.dub(speech, portrait, target, options, progress=progress)


def info(source: FileLike) -> dict[str, Any]:
    """What a .vqt stream says about itself, as JSON-ready fields with units. Reads all of it, decodes no token.

    Raises:
        BitstreamError, UnsupportedError: damaged, or of a newer version.
        MediaError: the file can't be read.
    """
    with open_stream(source) as file:
        reader = Reader(file)
        key_frames = low_confidence_frames = 0
        for item in reader.coded():
            if isinstance(item, KeyFrame):
                key_frames += 1
            elif not isinstance(item, AudioGroup):
                low_confidence_frames += int(item.low_confidence.sum())
        fields = _head_fields(reader.head) | size_fields(reader.sizes)
    return fields | {"key_frames": key_frames, "low_confidence_frames": low_confidence_frames}


def _head_fields(head: Head) -> dict[str, Any]:
    crop, audio = head.crop, head.audio
    return {
        "version": f"{head.version[0]}.{head.version[1]}",
        "layers": head.layers,
        "frame_rate_hz": str(head.frame_rate_hz),
        "time_base_s": str(head.time_base_s),
        "coded_size_px": head.coded_size_px,
        "synthetic": head.synthetic,
        "model": str(head.motion_space),
        "model_sha256": head.motion_space.sha256.hex(),
        "renderer": str(head.renderer),
        "renderer_sha256": head.renderer.sha256.hex(),
        "audio_codec": "opus" if audio else "none",
        "audio_channels": audio.channels if audio else 0,
        "audio_rate_hz": audio.sample_rate_hz if audio else 0,
        "source_size_px": [crop.source_width_px, crop.source_height_px] if crop else None,
        "crop_px": [crop.x_px, crop.y_px, crop.side_px] if crop else None,
    }


@dataclass(frozen=True, slots=True)
class Verified:
    """A stream that keeps every rule of the specification.

    Attributes:
        report: what it holds.
    """

    report: VerifyReport

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, named with units."""
        report = self.report
        return (
            _head_fields(report.head)
            | size_fields(report.sizes)
            | {
                "key_frames": report.key_frames,
                "motion_groups": report.groups,
                "low_confidence_frames": report.low_confidence_frames,
                "audio_groups": report.audio_groups,
                "audio_packets": report.audio_packets,
                "token_sha256": report.token_sha256,
            }
        )


def verify(source: FileLike) -> Verified:
    """Check a .vqt stream: structure, limits, CRCs, and that every token decodes. Needs no model.

    Raises:
        BitstreamError, UnsupportedError: the first thing that is wrong, with its byte offset.
        MediaError: the file can't be read.
    """
    from vqcodec import container

    with open_stream(source) as file:
        return Verified(container.verify(file))


def thin(source: FileLike, target: FileLike, *, layers: int, force: bool = False) -> StreamSizes:
    """Copy a .vqt stream with fewer residual layers. Needs no model.

    Raises:
        OutputExistsError: `target` exists and `force` is false.
        UsageError: `layers` is more than the stream has, or less than 1.
        BitstreamError, UnsupportedError: the stream is damaged, or of a newer version.
        MediaError: a file can't be read or written.
    """
    from vqcodec import container
    from vqcodec.media.out.atomic import atomic_output

    with atomic_output(target, force=force) as sink, open_stream(source) as file:
        return container.thin(file, sink, layers)


class OpenStream:
    """A .vqt stream opened for reading; a context manager. Made by `vqcodec.open`.

    Iterating gives KeyFrame, MotionGroup and AudioGroup in file order; `frames` gives pictures. On a pipe one of the
    two can be done, once.

    Attributes:
        head: the HEAD chunk.
    """

    def __init__(self, source: FileLike) -> None:
        self._stack = ExitStack()
        self._file = self._stack.enter_context(open_stream(source))
        try:
            self._reader = Reader(self._file)
        except BaseException:
            self.close()
            raise
        self.head = self._reader.head

    def __iter__(self) -> Iterator[KeyFrame | MotionGroup | AudioGroup]:
        """The stream's items, tokens decoded."""
        return iter(self._reader)

    def frames(self, **options: Any) -> Generator[VideoFrame, None, None]:
        """Rendered pictures; takes the fields of DecodeOptions as keywords (follow_s has no meaning here).

        Raises:
            UsageError: an option that doesn't exist or is out of range.
            UnsupportedError, ModelError: the model of the stream isn't here.
        """
        from vqcodec.decoding.pipeline import read_frames

        try:
            chosen = DecodeOptions(**options)
        except TypeError as error:
            raise UsageError(f"frames(): {error}", hint="See vqcodec.DecodeOptions.") from error
        return read_frames(self._reader, self._file, chosen)

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


def open(source: FileLike) -> OpenStream:  # vqcodec.open reads like gzip.open
    """Open a .vqt stream to look at its parts or render its frames.

    Raises:
        BitstreamError, UnsupportedError: its header is damaged, or of a newer version.
        MediaError: the file can't be read.
    """
    return OpenStream(source)
