"""A .vqt stream -> video: the one place that joins the stages of a decode.

    Reader --items--> play --Pose, Samples--> rendered --VideoFrame, Samples--> VideoSink
      CRC, entropy decoding, Opus, still          batches of frames                H.264, AAC
      thread 1                                    thread 2                         this thread

Every frame is rendered from its key frame and its own tokens: an error in one frame stays in it. Where a shot gets another
key frame, the first 0.2 s are rendered from both and blended (vqcodec.decoding.fade). With `recover`, damage is read past
(RecoveringReader) and what is missing made up (RecoveringWindow); the rest is the same.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DEFAULT_CRF, DecodeOptions, check_crf
from vqcodec.container import Reader, RecoveringReader
from vqcodec.container.reader import Item
from vqcodec.damage import Damage
from vqcodec.decoding.conceal import RecoveringWindow
from vqcodec.decoding.fade import FADE_S, cross_faded
from vqcodec.decoding.parts import (
    DecoderParts,
    DecoderPartsSource,
    FrameRenderer,
    decoder_parts,
)
from vqcodec.decoding.window import Pose, Samples, Window, play
from vqcodec.errors import BitstreamError, TruncatedError
from vqcodec.face.paste import PasteBack, pasted
from vqcodec.face.portrait import portrait_square
from vqcodec.media.out.atomic import check_output
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.still.stills import decode_still, load_picture
from vqcodec.progress import Progress, ProgressEvent, silent
from vqcodec.quantize.grfsq import dequantize
from vqcodec.reports import SYNTHETIC_NOTICE, DecodeReport
from vqcodec.runtime.threads import overlapped
from vqcodec.stream.opening import GrowingFile, followed, open_stream, released
from vqcodec.types import FileLike, Head, KeyFrame, VideoFrame

GPU_BATCH_FRAMES = 32
_DEPTH = 24


class _Portraits:
    """Renderer states by key frame; with another portrait, always its own, driven by the motion relative to the first.

    One state is kept, because key frames come in order; during a cross-fade, the one before, too.
    """

    def __init__(
        self, parts: DecoderParts, options: DecodeOptions, head: Head, damage: Damage | None
    ) -> None:
        self._parts = parts
        self._damage = damage
        self._size_px = head.coded_size_px
        self._key_frame: KeyFrame | None = None
        self._state: Any = None
        self._before: tuple[KeyFrame, Any] | None = None
        self._first: NDArray[np.float32] | None = (
            None  # features of the stream's own first portrait, where another is driven
        )
        self._other: tuple[NDArray[np.uint8], NDArray[np.float32]] | None = None
        if options.portrait is not None:
            with parts.detector() as detector:
                found = portrait_square(
                    detector, load_picture(options.portrait), name=str(options.portrait)
                )
            self._other = (
                found.square,
                parts.space.features(found.small[None], found.points[None])[0],
            )

    def state(self, key_frame: KeyFrame) -> Any:
        """What the renderer needs to render from a key frame."""
        if key_frame is self._key_frame:
            return self._state
        before = None if self._key_frame is None else (self._key_frame, self._state)
        if self._other is None:
            self._state = self._prepared(key_frame)
        elif self._first is None:
            self._state = self._parts.renderer.prepare(*self._other)
            self._first = self._own(key_frame)
        self._key_frame, self._before = key_frame, before or self._before
        return self._state

    def fading(self, key_frame: KeyFrame | None) -> Any:
        """The state of the key frame before the one to render from, to be asked for first; None when nothing is to fade."""
        if key_frame is None or self._other is not None:
            return None
        if key_frame is self._key_frame:
            return self._state
        if (
            self._before is None or key_frame is not self._before[0]
        ):  # playing begins within the fade
            try:
                self._before = key_frame, self._fresh(key_frame)
            except BitstreamError:
                return None  # no frame but those of the fade needs it
        return self._before[1]

    def forget(self) -> None:
        """No fade is going on: drop what only it needs."""
        self._before = None

    def _own(self, key_frame: KeyFrame) -> NDArray[np.float32]:
        return dequantize(key_frame.features, self._parts.space.units)

    def _fresh(self, key_frame: KeyFrame) -> Any:
        still = decode_still(key_frame.still, size_px=self._size_px)
        return self._parts.renderer.prepare(still, self._own(key_frame))

    def _prepared(self, key_frame: KeyFrame) -> Any:
        try:
            return self._fresh(key_frame)
        except BitstreamError:
            if self._damage is None or self._state is None:
                raise
            self._damage.stills_lost += 1
            return (
                self._state
            )  # poses are relative to a picture, so the one before can show them, too

    def drive(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 48) features of the stream -> features to render."""
        if self._first is None or self._other is None:
            return features
        return self._parts.space.transfer(features, self._first, self._other[1])


def rendered(
    items: Iterable[Pose | Samples],
    portraits: _Portraits,
    renderer: FrameRenderer,
    size_px: int,
    batch_frames: int,
) -> Iterator[VideoFrame | Samples]:
    """Pictures of the poses, made in batches of one key frame; sound passes ahead of poses that wait."""
    batch: list[Pose] = []

    def flush() -> Iterator[VideoFrame]:
        if batch:
            yield from (
                VideoFrame(rgb, pose.time_s)
                for rgb, pose in zip(
                    _pictures(batch, portraits, renderer, size_px), batch, strict=True
                )
            )
            batch.clear()

    for item in items:
        if isinstance(item, Samples):
            yield item
            continue
        if len(batch) == batch_frames or (batch and item.key_frame is not batch[0].key_frame):
            yield from flush()
        batch.append(item)
    yield from flush()


def _pictures(
    batch: list[Pose], portraits: _Portraits, renderer: FrameRenderer, size_px: int
) -> list[NDArray[np.uint8]]:
    """Those of poses of one key frame; what fades is rendered from the one before, too, and the rest as ever."""
    fading = [number for number, pose in enumerate(batch) if pose.faded_from is not None]
    before = portraits.fading(batch[fading[0]].faded_from) if fading else None
    state = portraits.state(batch[0].key_frame)
    features = portraits.drive(np.stack([pose.features for pose in batch]))
    pictures = list(renderer.render(state, features, size_px))
    if before is not None and before is not state:
        for number, old in zip(
            fading, renderer.render(before, features[fading], size_px), strict=True
        ):
            pictures[number] = cross_faded(old, pictures[number], batch[number].share)
    if not fading:
        portraits.forget()
    return pictures


def _reader(file: BinaryIO, options: DecodeOptions) -> Reader | RecoveringReader:
    if not options.recover:
        return Reader(file, layers=options.layers)
    return RecoveringReader.open(
        file,
        layers=options.layers,
        from_s=options.start_s,
        portrait_needed=options.portrait is None,
    )


def _items(
    reader: Reader | RecoveringReader, file: BinaryIO, options: DecodeOptions
) -> Iterator[Item]:
    """What is to be played, from the index where that is possible, else in order."""
    if isinstance(reader, RecoveringReader):
        return iter(reader)
    if isinstance(file, GrowingFile):
        return _until_cut(reader, file)
    if options.start_s == 0 or not file.seekable():
        return iter(reader)
    # a fade that goes on at the start needs the last frame and the portrait from before it
    return reader.groups_from(max(options.start_s - FADE_S, Fraction(0)))


def _until_cut(reader: Reader, file: GrowingFile) -> Iterator[Item]:
    """The items of a stream that may have no end yet."""
    try:
        yield from reader
    except TruncatedError:
        if not file.timed_out:
            raise


def _pipeline(
    reader: Reader | RecoveringReader, file: BinaryIO, parts: DecoderParts, options: DecodeOptions
) -> Generator[VideoFrame | Samples, None, None]:
    """The threads of the picture above."""
    parts.check(reader.head)
    recovering = reader if isinstance(reader, RecoveringReader) else None
    portraits = _Portraits(parts, options, reader.head, recovering.damage if recovering else None)
    window = (
        RecoveringWindow(recovering, parts.space.units, options)
        if recovering
        else Window(reader.head, parts.space.units, options)
    )
    on_gpu = str(parts.renderer.device).startswith("cuda")
    batch = max(parts.batch_frames, GPU_BATCH_FRAMES) if on_gpu else parts.batch_frames
    poses = overlapped(play(_items(reader, file, options), window), depth=2 * batch)
    return overlapped(
        rendered(poses, portraits, parts.renderer, options.size_px, batch), depth=_DEPTH
    )


def read_frames(
    reader: Reader,
    file: BinaryIO,
    options: DecodeOptions,
    parts: DecoderPartsSource | None = None,
) -> Generator[VideoFrame, None, None]:
    """Pictures of a stream whose HEAD has been read from a file already; see `decode_frames`."""
    if options.recover:
        return _frames(
            RecoveringReader.continuing(
                reader,
                layers=options.layers,
                from_s=options.start_s,
                portrait_needed=options.portrait is None,
            ),
            file,
            options,
            parts,
        )
    return _frames(reader, file, options, parts)


def _frames(
    reader: Reader | RecoveringReader,
    file: BinaryIO,
    options: DecodeOptions,
    parts: DecoderPartsSource | None = None,
) -> Generator[VideoFrame, None, None]:
    parts = decoder_parts(parts, reader.head)
    with closing(_pipeline(reader, file, parts, options)) as items, released(file):
        yield from (item for item in items if isinstance(item, VideoFrame))


def decode_frames(
    source: FileLike,
    options: DecodeOptions | None = None,
    *,
    parts: DecoderPartsSource | None = None,
) -> Generator[VideoFrame, None, None]:
    """Pictures of a stream, one after the other, without its sound.

    Args:
        source: path, "-" or a binary file object.
        options: see DecodeOptions.
        parts: models to use instead of the shipped ones.

    Yields:
        VideoFrame with (size, size, 3) pictures; times count from the start of the window.

    Raises:
        BitstreamError, UnsupportedError, ModelError, MediaError, UsageError: as `decode`.
    """
    options = options or DecodeOptions()
    with open_stream(source) as plain:
        file = followed(plain, options.follow_s)
        yield from _frames(_reader(file, options), file, options, parts)


def decode(
    source: FileLike,
    target: FileLike,
    options: DecodeOptions | None = None,
    *,
    crf: int = DEFAULT_CRF,
    force: bool = False,
    progress: Progress = silent,
    parts: DecoderPartsSource | None = None,
    paste: PasteBack | None = None,
) -> DecodeReport:
    """Render a stream to a video file with its sound.

    Args:
        source: path, "-" or a binary file object; a seek to options.start_s reads only what it needs.
        target: path, "-" or a binary file object; a path appears only when it is complete.
        options: see DecodeOptions.
        crf: H.264 quality of the video, 0 (best) .. 51.
        force: replace an existing output.
        progress: called from this thread for each frame.
        parts: models to use instead of the shipped ones.
        paste: what to put each picture into; None writes it as it is.

    Raises:
        OutputExistsError: `target` exists and `force` is false; before anything is read.
        BitstreamError: the stream is damaged; with options.recover, nothing of it can be shown.
        UnsupportedError: it needs a newer decoder or another motion space.
        ModelError: a model file is missing or changed.
        NoFaceError: options.portrait shows no face.
        MediaError: a file can't be read or written.
        UsageError: nothing lies between options.start_s and options.end_s, or `crf` is out of range.
    """
    options = options or DecodeOptions()
    check_crf(crf)
    started_s = time.monotonic()
    check_output(target, force=force)
    with open_stream(source) as plain:
        file = followed(plain, options.follow_s)
        reader = _reader(file, options)
        head = reader.head
        parts = decoder_parts(parts, head)
        total = (
            _total_frames(reader, options)
            if isinstance(reader, Reader) and file.seekable()
            else None
        )
        width, height = (paste.width, paste.height) if paste else (options.size_px, options.size_px)
        sink = VideoSink(
            target,
            width=width,
            height=height,
            frame_rate_hz=head.frame_rate_hz,
            time_base_s=head.time_base_s,
            channels=head.audio.channels if head.audio else 0,
            crf=crf,
            force=force,
            comment=SYNTHETIC_NOTICE if head.synthetic else "",
        )
        with sink, closing(_pipeline(reader, file, parts, options)) as items, released(file):
            frames, seconds = _drain(pasted(items, paste), sink, head, total, progress)
    layers = min(options.layers or head.layers, head.layers)
    damage = reader.damage if isinstance(reader, RecoveringReader) else None
    return DecodeReport(
        frames=frames,
        seconds=seconds,
        layers=layers,
        size_px=options.size_px,
        renderer=parts.renderer.id,
        device=str(parts.renderer.device),
        elapsed_s=time.monotonic() - started_s,
        synthetic=head.synthetic,
        warnings=_warnings(damage, file, options),
        recovery=damage,
    )


def _warnings(damage: Damage | None, file: BinaryIO, options: DecodeOptions) -> tuple[str, ...]:
    cut = isinstance(file, GrowingFile) and file.timed_out
    told = [f"nothing came for {options.follow_s:g} s: the stream has no end yet"] if cut else []
    return (*told, *(damage.sentences() if damage else ()))


def _total_frames(reader: Reader, options: DecodeOptions) -> int:
    """Frames that will be made, about, from the index."""
    index = reader.index()
    end_s = index.end_tick * reader.head.time_base_s
    asked_s = max(min(options.end_s or end_s, end_s) - options.start_s, Fraction(0))
    return max(round(index.frames * asked_s / end_s), 1)


def _drain(
    items: Iterable[VideoFrame | Samples],
    sink: VideoSink,
    head: Head,
    total: int | None,
    progress: Progress,
) -> tuple[int, Fraction]:
    """Write everything; returns the number of frames and the seconds they last."""
    frames, seconds = 0, Fraction(0)
    for item in items:
        if isinstance(item, Samples):
            sink.write_audio(item.pcm)
            continue
        sink.write_frame(item.rgb, item.time_s)
        frames += 1
        seconds = item.time_s + 1 / head.frame_rate_hz
        progress(ProgressEvent("decode", frames, total, seconds))
    return frames, seconds
