"""Video -> .vqt: the one place that joins the stages of an encode.

    VideoSource --items--> face_frames --FaceFrame--> motion features --(48,)--> Assembler --> file
      decode, Opus            crop, landmarks, filter     in batches of 16          portraits, groups
      thread 1                thread 2                    thread 3                  this thread

Sound runs through the same queues as the frames, so that the file's bytes don't depend on the threads' timing. Nothing
grows with the input's length but, with a bit rate to fit, the tokens and packets themselves.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import EncodeOptions
from vqcodec.encoding.bitrate import FittedFile, ladder
from vqcodec.encoding.groups import Assembler, Portrait
from vqcodec.encoding.parts import EncoderParts, EncoderPartsSource, encoder_parts
from vqcodec.errors import NoFaceError
from vqcodec.face.crop import resize
from vqcodec.face.shots import FaceFrame, face_frames
from vqcodec.face.track import Detector
from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.layout import SURROUND_DIMS
from vqcodec.media.items import AudioBlock, AudioPacket
from vqcodec.media.out.atomic import atomic_output
from vqcodec.media.picture.frames import Frames, VideoInput, open_video
from vqcodec.media.picture.source import Sound
from vqcodec.media.still.stills import encode_avif
from vqcodec.motion.ports import MotionFeatures
from vqcodec.motion.surroundings import SurroundingsTracker
from vqcodec.progress import Progress, ProgressEvent, silent
from vqcodec.reports import EncodeReport
from vqcodec.runtime.threads import overlapped
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundCoder, SoundCopier, SoundPiece
from vqcodec.types import AudioHead, FileLike, Head, KeyFrame, MotionGroup, StreamSizes, VideoFrame

if TYPE_CHECKING:
    from vqcodec.encoding.effort import Refiner

FEATURE_BATCH_FRAMES = 16
_DEPTH = 4
_SOUND: dict[str, Sound] = {"opus": "decode", "copy": "copy", "none": "none"}


class StreamedFile:
    """Codes portraits and writes everything as it comes."""

    def __init__(self, sink: BinaryIO, head: Head, portrait_quality: int) -> None:
        self._file = Interleaver(sink, head)
        self._quality = portrait_quality
        self.motion = self._file.motion
        self.sound = self._file.sound
        self.close = self._file.close

    @property
    def head(self) -> Head:
        """What HEAD says, or will say."""
        return self._file.head

    @property
    def sizes(self) -> StreamSizes:
        """Bytes written so far."""
        return self._file.sizes

    def portrait(self, portrait: Portrait) -> None:
        """Code and write a key frame."""
        still = encode_avif(portrait.rgb, quality=self._quality)
        self._file.key_frame(
            KeyFrame(portrait.first_frame, still, portrait.features), portrait.crop
        )


Coded = tuple[FaceFrame, NDArray[np.float32] | None]


class _CodedSound:
    """The sound of an encode: nothing, coded at some rates, or copied.

    Attributes:
        heads: AudioHead by bit rate; empty without sound.
    """

    def __init__(self, video: VideoInput, options: EncodeOptions) -> None:
        self._video = video
        self._coder: SoundCoder | None = None
        self._copier = SoundCopier()
        self.heads: dict[int, AudioHead] = {}
        if video.has_audio and options.audio.mode == "opus":
            fitted = options.bitrate_kbps is not None
            rates = (
                [rung.audio_bps for rung in ladder(options)]
                if fitted
                else [options.audio.bitrate_bps]
            )
            rates = list(dict.fromkeys(rates))
            self._coder = SoundCoder(rates)
            self.heads = dict(zip(rates, self._coder.heads, strict=True))
        elif video.audio_head is not None:
            self.heads = {0: video.audio_head}

    def items(self) -> Iterator[VideoFrame | SoundPiece]:
        """Frames and coded sound, in the input's order. Owns the input: closes it at the end."""
        with self._video:
            for item in self._video.items():
                if isinstance(item, VideoFrame):
                    yield item
                elif isinstance(item, AudioPacket):
                    yield from self._copier.push(item)
                elif isinstance(item, AudioBlock) and self._coder is not None:
                    yield from self._coder.push(item)
            yield from (
                self._coder.flush()
                if self._coder
                else self._copier.flush(self._video.copy_end_trim_samples)
            )


def motion_features(
    items: Iterable[FaceFrame | SoundPiece], space: MotionFeatures
) -> Iterator[Coded | SoundPiece]:
    """Motion features of frames with a face, computed in batches; sound passes ahead of the frames that wait."""
    batch: list[FaceFrame] = []
    around = _Surroundings(space)
    for item in items:
        if isinstance(item, SoundPiece):
            yield item
            continue
        batch.append(item)
        if len(batch) == FEATURE_BATCH_FRAMES:
            yield from _batch_features(batch, space, around)
            batch = []
    yield from _batch_features(batch, space, around)


class _Surroundings:
    """One tracker a shot, where the motion space has use for it."""

    def __init__(self, space: MotionFeatures) -> None:
        self._space = space
        self._shot: int | None = None
        self._tracker: SurroundingsTracker | None = None

    def push(
        self, shot: int, picture: NDArray[np.uint8], points: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(8,) of the next frame with a face."""
        if shot != self._shot:
            self._shot, self._tracker = shot, self._space.tracker()
        return (
            np.zeros(SURROUND_DIMS, np.float32)
            if self._tracker is None
            else self._tracker.push(picture, points)
        )


def _batch_features(
    batch: list[FaceFrame], space: MotionFeatures, around: _Surroundings
) -> Iterator[Coded]:
    """Each frame with its features (48,), None without a face; one run of the networks for all of them."""
    seen = [(frame.shot, frame.face) for frame in batch if frame.face is not None]
    rows: Iterator[NDArray[np.float32]] = iter(())
    if seen:
        pictures = [resize(face.square, FEATURE_SIZE_PX) for _, face in seen]
        points = [face.points for _, face in seen]
        moved = [
            around.push(shot, picture, face.points)
            for (shot, face), picture in zip(seen, pictures, strict=True)
        ]
        rows = iter(space.features(np.stack(pictures), np.stack(points), np.stack(moved)))
    for frame in batch:
        yield frame, None if frame.face is None else next(rows)


def _pipeline(
    track: _CodedSound, detector: Detector, space: MotionFeatures, options: EncodeOptions
) -> Generator[Coded | SoundPiece, None, None]:
    """The threads of the picture above."""
    frames = overlapped(track.items(), depth=_DEPTH)
    faces = overlapped(face_frames(frames, detector, options.crop), depth=FEATURE_BATCH_FRAMES)
    return overlapped(motion_features(faces, space), depth=2 * FEATURE_BATCH_FRAMES)


def _write(file: StreamedFile | FittedFile, items: Iterable[Portrait | MotionGroup]) -> None:
    for item in items:
        if isinstance(item, Portrait):
            file.portrait(item)
        else:
            file.motion(item)


def encode(
    source: FileLike | Frames,
    target: FileLike,
    options: EncodeOptions | None = None,
    *,
    force: bool = False,
    progress: Progress = silent,
    parts: EncoderPartsSource | None = None,
) -> EncodeReport:
    """Code a video of a talking person.

    Args:
        source: path, "-", a binary file object, or Frames; read once, front to back.
        target: path, "-" or a binary file object; a path appears only when it is complete.
        options: see EncodeOptions.
        force: replace an existing output.
        progress: called from this thread, several times a second.
        parts: models to use instead of the shipped ones.

    Raises:
        OutputExistsError: `target` exists and `force` is false; before anything is read.
        MediaError: `source` can't be read or `target` can't be written.
        NoFaceError: no frame shows a face; nothing is written.
        UsageError: options that this input can't have, a bit rate out of reach among them.
        ModelError: a model is missing.
    """
    options = options or EncodeOptions()
    started_s = time.monotonic()
    with atomic_output(target, force=force) as sink:
        parts = encoder_parts(parts)
        video = open_video(source, fps=options.fps, sound=_SOUND[options.audio.mode])
        track = _CodedSound(video, options)
        head = Head(
            video.time_base_s,
            video.frame_rate_hz,
            options.layers,
            parts.space.id,
            parts.renderer,
            audio=next(iter(track.heads.values()), None),
        )
        file = (
            StreamedFile(sink, head, options.portrait_quality)
            if options.bitrate_kbps is None
            else FittedFile(sink, head, options, track.heads, parts.space.units, parts.space.layout)
        )
        refiner = _refiner(options, parts)
        assembler = Assembler(
            parts.space.units,
            parts.space.layout,
            video.time_base_s,
            options.portrait_frame,
            options.rdo or 0.0,
            options.refs,
            refiner,
        )
        with (
            parts.detector() as detector,
            closing(_pipeline(track, detector, parts.space, options)) as items,
        ):
            _drain(items, assembler, file, video, progress, refiner)
    return _report(file, assembler, video, options, time.monotonic() - started_s, refiner)


def _refiner(options: EncodeOptions, parts: EncoderParts) -> Refiner | None:
    """What refines the motion, if the options ask for it: only then is a renderer loaded."""
    if options.effort == 0:
        return None
    from vqcodec.encoding.effort import Refiner

    return Refiner.load(
        options, parts.space.id, None if parts.refining is None else parts.refining()
    )


def _drain(
    items: Iterable[Coded | SoundPiece],
    assembler: Assembler,
    file: StreamedFile | FittedFile,
    video: VideoInput,
    progress: Progress,
    refiner: Refiner | None,
) -> None:
    """Take everything out of the pipeline into the file."""
    total = None if video.duration_s is None else round(video.duration_s * video.frame_rate_hz)

    def tell(frames: int, media_s: Fraction | None = None) -> None:
        sizes = file.sizes
        written = sizes.portrait + sizes.motion + sizes.audio + sizes.container
        media_s = frames / video.frame_rate_hz if media_s is None else media_s
        progress(ProgressEvent("encode", frames, total, media_s, video.duration_s, written))

    if refiner is not None:
        refiner.alive = tell
    for item in items:
        if isinstance(item, SoundPiece):
            file.sound(item)
            continue
        frame, features = item
        _write(file, assembler.push(frame, features))
        if refiner is None:
            tell(frame.index + 1, frame.time_s + 1 / video.frame_rate_hz)
        else:  # refining takes nearly all of the time
            tell(refiner.frames)
    _write(file, assembler.flush())
    if refiner is not None:
        tell(video.frames_read)
    if not assembler.key_frames:
        raise NoFaceError(
            f"no face in any of the {video.frames_read} frames of {video.info.name}",
            hint="A face should be at least a twentieth of the picture high and be seen from the front.",
        )
    file.close()


def _report(
    file: StreamedFile | FittedFile,
    assembler: Assembler,
    video: VideoInput,
    options: EncodeOptions,
    elapsed_s: float,
    refiner: Refiner | None = None,
) -> EncodeReport:
    warnings = []
    if video.truncated:
        warnings.append(f"{video.info.name} breaks off early; what came before it was coded")
    if video.corrupt_packets:
        warnings.append(
            f"{video.corrupt_packets} damaged packets of {video.info.name} were skipped"
        )
    if Fraction(assembler.low_confidence_frames, max(file.sizes.frames, 1)) > Fraction(1, 10):
        warnings.append(
            f"no face was seen in {assembler.low_confidence_frames} of {file.sizes.frames} frames; "
            "motion is held there"
        )
    quality = (
        file.rung.portrait_quality if isinstance(file, FittedFile) else options.portrait_quality
    )
    head = file.head
    return EncodeReport(
        sizes=file.sizes,
        layers=head.layers,
        motion_space=head.motion_space,
        renderer=head.renderer,
        frame_rate_hz=head.frame_rate_hz,
        key_frames=assembler.key_frames,
        low_confidence_frames=assembler.low_confidence_frames,
        portrait_quality=quality,
        refs=options.refs,
        effort=options.effort,
        refinement_gain=None if refiner is None else refiner.gain,
        crop=head.crop,
        elapsed_s=elapsed_s,
        warnings=tuple(warnings),
    )
