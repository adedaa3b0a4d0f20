"""Video -> .vqt: the one place that joins the stages of an encode.

    input --Intake--> frames --face_frames--> FaceFrame --motion_features--> (48,) --Assembler--> portraits, groups
          intake.py            face/            features.py              groups.py (effort.py)        |
          decode, Opus         crop, landmarks  in batches of 16                                  StreamOutput --> file
          thread 1             thread 2         thread 3                 this thread              output.py, bitrate.py

Sound runs through the same queues as the frames, so that the file's bytes don't depend on the threads' timing. Nothing
grows with the input's length but, with a bit rate to fit, the tokens and packets themselves.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

from vqcodec.config import EncodeOptions
from vqcodec.encoding.bitrate import FittedFile
from vqcodec.encoding.features import FEATURE_BATCH_FRAMES, FeaturedFrame, motion_features
from vqcodec.encoding.groups import Assembler, Portrait
from vqcodec.encoding.intake import Intake
from vqcodec.encoding.output import StreamedFile, StreamOutput
from vqcodec.encoding.parts import EncoderParts, EncoderPartsSource, encoder_parts
from vqcodec.errors import NoFaceError
from vqcodec.face.shots import face_frames
from vqcodec.face.track import Detector
from vqcodec.media.out.atomic import atomic_output
from vqcodec.media.picture.frames import Frames, VideoInput, open_video
from vqcodec.media.picture.source import Sound
from vqcodec.motion.ports import MotionFeatures
from vqcodec.progress import Progress, ProgressEvent, silent
from vqcodec.reports import EncodeReport
from vqcodec.runtime.threads import overlapped
from vqcodec.stream.sound import SoundPiece
from vqcodec.types import FileLike, Head, MotionGroup

if TYPE_CHECKING:
    from vqcodec.encoding.effort import Refiner

_DEPTH = 4
_SOUND: dict[str, Sound] = {"opus": "decode", "copy": "copy", "none": "none"}


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
        models = encoder_parts(parts)
        video = open_video(source, fps=options.fps, sound=_SOUND[options.audio.mode])
        intake = Intake(video, options)
        file = _output(sink, video, intake, models, options)
        refiner = _refiner(options, models)
        told = _Told(progress, video, file)
        assembler = Assembler(
            models.space.units,
            models.space.layout,
            video.time_base_s,
            options.portrait_frame,
            options.rdo or 0.0,
            options.refs,
            refiner,
            told.refined,
        )
        with (
            models.detector() as detector,
            closing(_featured(intake, detector, models.space, options)) as items,
        ):
            for item in items:
                if isinstance(item, SoundPiece):
                    file.sound(item)
                    continue
                frame, features = item
                _write(file, assembler.push(frame, features))
                if refiner is None:
                    told.coded(frame.index + 1, frame.time_s + 1 / video.frame_rate_hz)
                else:  # refining takes nearly all of the time
                    told.refined(refiner.frames)
            _write(file, assembler.flush())
            if refiner is not None:
                told.refined(video.frames_read)
            _check_face(assembler, video)
            file.close()
    return _report(file, assembler, video, options, time.monotonic() - started_s, refiner)


def _featured(
    intake: Intake, detector: Detector, space: MotionFeatures, options: EncodeOptions
) -> Generator[FeaturedFrame | SoundPiece, None, None]:
    """The threads of the picture above."""
    frames = overlapped(intake.items(), depth=_DEPTH)
    faces = overlapped(face_frames(frames, detector, options.crop), depth=FEATURE_BATCH_FRAMES)
    return overlapped(motion_features(faces, space), depth=2 * FEATURE_BATCH_FRAMES)


def _output(
    sink: BinaryIO,
    video: VideoInput,
    intake: Intake,
    models: EncoderParts,
    options: EncodeOptions,
) -> StreamOutput:
    """Where the stream goes."""
    head = Head(
        video.time_base_s,
        video.frame_rate_hz,
        options.layers,
        models.space.id,
        models.renderer,
        audio=next(iter(intake.heads.values()), None),
    )
    if options.bitrate_kbps is None:
        return StreamedFile(sink, head, options.portrait_quality)
    return FittedFile(sink, head, options, intake.heads, models.space.units, models.space.layout)


def _refiner(options: EncodeOptions, models: EncoderParts) -> Refiner | None:
    """What refines the motion, if the options ask for it: only then is a renderer loaded."""
    if options.effort == 0:
        return None
    from vqcodec.encoding.effort import Refiner

    renderer = None if models.refining is None else models.refining()
    return Refiner.load(options, models.space.id, renderer)


class _Told:
    """How far an encode has come, for the caller."""

    def __init__(self, progress: Progress, video: VideoInput, file: StreamOutput) -> None:
        self._progress, self._video, self._file = progress, video, file
        length_s = video.duration_s
        self._total = None if length_s is None else round(length_s * video.frame_rate_hz)

    def coded(self, frames: int, media_s: Fraction) -> None:
        """So many frames, up to a time of the input."""
        sizes = self._file.sizes
        written = sizes.portrait + sizes.motion + sizes.audio + sizes.container
        self._progress(
            ProgressEvent("encode", frames, self._total, media_s, self._video.duration_s, written)
        )

    def refined(self, frames: int) -> None:
        """So many frames, whose times aren't at hand."""
        self.coded(frames, frames / self._video.frame_rate_hz)


def _write(file: StreamOutput, items: Iterable[Portrait | MotionGroup]) -> None:
    for item in items:
        if isinstance(item, Portrait):
            file.portrait(item)
        else:
            file.motion(item)


def _check_face(assembler: Assembler, video: VideoInput) -> None:
    if not assembler.key_frames:
        raise NoFaceError(
            f"no face in any of the {video.frames_read} frames of {video.info.name}",
            hint="A face should be at least a twentieth of the picture high and be seen from the front.",
        )


def _report(
    file: StreamOutput,
    assembler: Assembler,
    video: VideoInput,
    options: EncodeOptions,
    elapsed_s: float,
    refiner: Refiner | None,
) -> EncodeReport:
    head = file.head
    return EncodeReport(
        sizes=file.sizes,
        layers=head.layers,
        motion_space=head.motion_space,
        renderer=head.renderer,
        frame_rate_hz=head.frame_rate_hz,
        key_frames=assembler.key_frames,
        low_confidence_frames=assembler.low_confidence_frames,
        portrait_quality=file.portrait_quality,
        refs=options.refs,
        effort=options.effort,
        refinement_gain=None if refiner is None else refiner.gain,
        crop=head.crop,
        elapsed_s=elapsed_s,
        warnings=tuple(_warnings(video, assembler.low_confidence_frames, file.sizes.frames)),
    )


def _warnings(video: VideoInput, faceless: int, frames: int) -> list[str]:
    """What a person should know of the input, so many of whose frames show no face."""
    told = []
    if video.truncated:
        told.append(f"{video.info.name} breaks off early; what came before it was coded")
    if video.corrupt_packets:
        told.append(f"{video.corrupt_packets} damaged packets of {video.info.name} were skipped")
    if Fraction(faceless, max(frames, 1)) > Fraction(1, 10):
        told.append(f"no face was seen in {faceless} of {frames} frames; motion is held there")
    return told
