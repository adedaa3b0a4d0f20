"""A .vqt stream -> video: the one place that joins the stages of a decode.

    file --Reader--> items --Window--> Pose, Samples --rendered--> VideoFrame, Samples --VideoSink--> file
     reading.py          window.py, walk.py      pictures.py, portraits.py         media/out/sink.py
     CRC, entropy        features, gaps, Opus    batches by portrait, fades        H.264, AAC
                                                 put into the scene: scenes.py
     thread 1            thread 1                thread 2                          this thread

Every frame is rendered from its portraits and its own tokens: an error in one frame stays in it. Where a scene goes on with
another key frame, or shot, the first 0.2 s are rendered from both and blended (vqcodec.decoding.fade). With `recover`,
damage is read past (RecoveringReader) and what is missing made up (Concealment); the rest is the same.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from typing import BinaryIO

from vqcodec.checks import check_crf
from vqcodec.config import DEFAULT_CRF, DecodeOptions
from vqcodec.container import Reader, RecoveringReader
from vqcodec.damage import Damage
from vqcodec.decoding.conceal import Concealment
from vqcodec.decoding.heard import Samples
from vqcodec.decoding.parts import DecoderParts, DecoderPartsSource, decoder_parts
from vqcodec.decoding.pictures import rendered
from vqcodec.decoding.portraits import OtherPortrait, PortraitStates
from vqcodec.decoding.reading import (
    AnyReader,
    continued,
    end_of,
    frames_to_come,
    items_to_play,
    reader_of,
)
from vqcodec.decoding.scenes import SceneFiller, filled, first_scene
from vqcodec.decoding.window import Held, Window, play
from vqcodec.face.paste import PasteBack, pasted
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.out.targets import check_apart, check_output
from vqcodec.media.out.video_track import usual_rate
from vqcodec.progress import Progress, ProgressEvent, silent
from vqcodec.reports import SYNTHETIC_NOTICE, DecodeReport
from vqcodec.runtime.threads import overlapped
from vqcodec.stream.opening import GrowingFile, followed, open_stream, released
from vqcodec.types import FileLike, Head, ScenePicture, VideoFrame

GPU_BATCH_FRAMES = 32
_DEPTH = 24


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
        UsageError: nothing lies between options.start_s and options.end_s, more than options.max_duration_s does, or `crf` is
            out of range.
    """
    options = options or DecodeOptions()
    check_crf(crf)
    started_s = time.monotonic()
    check_apart(target, source, options.portrait)
    check_output(target, force=force)
    with open_stream(source) as plain:
        file = followed(plain, options.follow_s)
        wants_scene = paste is None and options.portrait is None and not options.square
        reader = reader_of(file, options, scenes=wants_scene)
        parts = decoder_parts(parts, reader.head)
        parts.check(reader.head)
        other = OtherPortrait.chosen(parts, options)
        total = frames_to_come(reader, file, options)
        window = _window(reader, parts, options)
        with (
            closing(_pictures_and_sound(reader, file, parts, options, other, window)) as items,
            released(file),
        ):
            place, some = first_scene(items)
            filler = None if place is None else SceneFiller(reader.head, place)
            size = _picture_size(options, paste or filler)
            with _sink(target, reader.head, size, crf=crf, force=force) as sink:
                shown: Iterator[VideoFrame | Samples | Held] = pasted(filled(some, filler), paste)
                frames, seconds = _drain(shown, sink, reader.head, total, progress)
    report = _report(reader, parts, options, filler)
    warnings = (
        *(other.warnings if other else ()),
        *_warnings(report.recovery, file, options),
        *report.warnings,
        *window.sentences(),
    )
    elapsed_s = time.monotonic() - started_s
    return replace(report, frames=frames, seconds=seconds, elapsed_s=elapsed_s, warnings=warnings)


def _report(
    reader: AnyReader, parts: DecoderParts, options: DecodeOptions, filler: SceneFiller | None
) -> DecodeReport:
    """What a decode tells, but for how long it took and what it gave."""
    return DecodeReport(
        frames=0,
        seconds=Fraction(0),
        layers=min(options.layers or reader.head.layers, reader.head.layers),
        size_px=options.size_px,
        renderer=parts.renderer.id,
        device=str(parts.renderer.device),
        backend=getattr(parts.renderer, "backend", "torch"),
        elapsed_s=0.0,
        synthetic=reader.head.synthetic,
        whole_px=None if filler is None else (filler.width, filler.height),
        warnings=_scene_warnings(filler),
        recovery=_damage(reader),
    )


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
        yield from _frames(reader_of(file, options), file, options, parts)


def read_frames(
    reader: Reader,
    file: BinaryIO,
    options: DecodeOptions,
    parts: DecoderPartsSource | None = None,
) -> Generator[VideoFrame, None, None]:
    """Pictures of a stream whose HEAD has been read from a file already; see `decode_frames`."""
    return _frames(continued(reader, options), file, options, parts)


def _frames(
    reader: AnyReader,
    file: BinaryIO,
    options: DecodeOptions,
    parts: DecoderPartsSource | None,
) -> Generator[VideoFrame, None, None]:
    models = decoder_parts(parts, reader.head)
    models.check(reader.head)
    other = OtherPortrait.chosen(models, options)
    window = _window(reader, models, options)
    items = _pictures_and_sound(reader, file, models, options, other, window)
    with closing(items), released(file):
        yield from (item for item in items if isinstance(item, VideoFrame))


def _window(reader: AnyReader, parts: DecoderParts, options: DecodeOptions) -> Window:
    gaps = Concealment(reader) if isinstance(reader, RecoveringReader) else None
    return Window(reader.head, parts.space.units, options, gaps)


def _pictures_and_sound(
    reader: AnyReader,
    file: BinaryIO,
    parts: DecoderParts,
    options: DecodeOptions,
    other: OtherPortrait | None,
    window: Window,
) -> Generator[VideoFrame | Samples | Held | ScenePicture, None, None]:
    """The threads of the picture above."""
    portraits = PortraitStates(
        parts.renderer,
        parts.space.units,
        reader.head.coded_size_px,
        damage=_damage(reader),
        other=other,
    )
    on_gpu = str(parts.renderer.device).startswith("cuda")
    batch = max(parts.batch_frames, GPU_BATCH_FRAMES) if on_gpu else parts.batch_frames
    items = items_to_play(reader, file, options)
    items = items if other is None else other.told(items)
    poses = overlapped(play(items, window, lambda: end_of(reader, file)), depth=2 * batch)
    frames = rendered(poses, portraits, parts.renderer, options.size_px, batch)
    return overlapped(frames, depth=_DEPTH)


def _damage(reader: AnyReader) -> Damage | None:
    return reader.damage if isinstance(reader, RecoveringReader) else None


def _sink(
    target: FileLike,
    head: Head,
    size: tuple[int, int],
    *,
    crf: int,
    force: bool,
) -> VideoSink:
    """A video of the stream's rate, of a width and height, with room for its sound."""
    width, height = size
    return VideoSink(
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


def _picture_size(options: DecodeOptions, whole: PasteBack | SceneFiller | None) -> tuple[int, int]:
    """Of what is written: as large as what the squares are put into."""
    return (whole.width, whole.height) if whole else (options.size_px, options.size_px)


def _drain(
    items: Iterable[VideoFrame | Samples | Held],
    sink: VideoSink,
    head: Head,
    total: int | None,
    progress: Progress,
) -> tuple[int, Fraction]:
    """Write everything; returns the number of frames and the seconds they last."""
    frames, seconds, nominal_s = 0, Fraction(0), 1 / usual_rate(head.frame_rate_hz)
    for item in items:
        if isinstance(item, Samples):
            sink.write_audio(item.pcm)
            continue
        if isinstance(item, Held):
            sink.hold(item.until_s)
            seconds = item.until_s
            continue
        sink.write_frame(item.rgb, item.time_s)
        frames += 1
        seconds = item.time_s + nominal_s
        progress(ProgressEvent("decode", frames, total, seconds))
    return frames, seconds


def _scene_warnings(filler: SceneFiller | None) -> tuple[str, ...]:
    lost = 0 if filler is None else filler.undecoded
    if not lost:
        return ()
    return (
        f"{lost} picture{'s' if lost > 1 else ''} of what is around the face can't be decoded: an earlier one is shown",
    )


def _warnings(damage: Damage | None, file: BinaryIO, options: DecodeOptions) -> tuple[str, ...]:
    cut = isinstance(file, GrowingFile) and file.timed_out
    told = [f"nothing came for {options.follow_s:g} s: the stream has no end yet"] if cut else []
    return (*told, *(damage.sentences() if damage else ()))
