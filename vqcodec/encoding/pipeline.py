"""Video -> .vqt: the one place that joins the stages of an encode.

    input --Intake--> frames --face_frames--> FaceFrame --motion_features--> (D,) --ShotRecorder--> shots
          intake.py            face/            features.py              shots.py                     |
          decode, Opus         crop, landmarks  in batches of 16         (up to a minute each)   StreamOutput --> file
          thread 1             thread 2         thread 3                 this thread             output.py, bitrate.py
                                                                                                 choice.py, coding.py

Sound runs through the same queues as the frames, so that the file's bytes don't depend on the threads' timing. Nothing
grows with the input's length but, with a bit rate to fit, motion, packets and candidates for portraits (in a temporary file).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import BinaryIO

from vqcodec.config import MIN_CROP_PX, CropChoice, EncodeOptions, SquareCrop
from vqcodec.encoding.bitrate import FittedFile
from vqcodec.encoding.budget import allowance, fitted_setting
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.coding import ShotCoder
from vqcodec.encoding.features import (
    FEATURE_BATCH_FRAMES,
    LIVE_BATCH_FRAMES,
    FeaturedFrame,
    motion_features,
)
from vqcodec.encoding.field import MEASURED_EVERY
from vqcodec.encoding.intake import Intake
from vqcodec.encoding.ladder import setting_for
from vqcodec.encoding.live import (
    LiveRecorder,
    delay_s,
)
from vqcodec.encoding.live_shot import UNWATCHED, WATCHED_GROUP_S, GroupSpan
from vqcodec.encoding.output import (
    FrameOutput,
    LiveOutput,
    RecordedOutput,
    StreamedFile,
)
from vqcodec.encoding.parts import EncoderParts, EncoderPartsSource, encoder_parts
from vqcodec.encoding.scene import SceneWatch, WholePictures
from vqcodec.encoding.settings import Setting, quality_of
from vqcodec.encoding.shots import CANDIDATE_STEP_S, RecordedShot, ShotRecorder
from vqcodec.encoding.telling import Told, check_face, encode_report, wanted_s
from vqcodec.encoding.watched import (
    Watched,
    watched_delay_s,
    watched_patience,
    watched_setting,
)
from vqcodec.face.crop import rescaled
from vqcodec.face.shots import FaceFrame, Patience, face_frames
from vqcodec.face.track import Detector
from vqcodec.format import GROUP_DIMS, MAX_DELAY_MS, MAX_PORTRAITS, VERSION_2
from vqcodec.media.out.atomic import atomic_output, in_place_output
from vqcodec.media.out.targets import check_apart
from vqcodec.media.picture.frames import Frames, VideoInput, open_video
from vqcodec.media.picture.source import Sound
from vqcodec.media.still.portrait_coder import PRESET
from vqcodec.progress import Progress, silent
from vqcodec.reports import EncodeReport
from vqcodec.runtime.threads import overlapped
from vqcodec.stream.sound import SoundPiece
from vqcodec.types import FileLike, Head

_DEPTH = 4
_WAITING_BYTES = 64 << 20
"""Of frames between decoder and face: two of 4K, the most that any size is kept in."""
_SOUND: dict[str, Sound] = {"opus": "decode", "copy": "copy", "none": "none"}


def encode(
    source: FileLike | Frames,
    target: FileLike,
    options: EncodeOptions | None = None,
    *,
    force: bool = False,
    progress: Progress = silent,
    parts: EncoderPartsSource | None = None,
    watched: Watched | None = None,
) -> EncodeReport:
    """Code a video of a talking person.

    Args:
        source: path, "-", a binary file object, or Frames; read once, front to back.
        target: path, "-" or a binary file object; a path appears only when it is complete.
        options: see EncodeOptions.
        force: replace an existing output.
        progress: called from this thread, several times a second.
        parts: models to use instead of the shipped ones.
        watched: with low_delay, the caller's ends of it.

    Raises:
        OutputExistsError: `target` exists and `force` is false; before anything is read.
        MediaError: `source` can't be read or `target` can't be written.
        NoFaceError: no frame shows a face; nothing is written.
        UsageError: options that this input can't have, a bit rate out of reach among them; `target` is `source`.
        ModelError: a model is missing.
    """
    options = options or EncodeOptions()
    started_s = time.monotonic()
    check_apart(target, source)
    opened = in_place_output if options.live else atomic_output
    with opened(target, force=force) as sink:
        models = encoder_parts(parts)
        video = _opened(source, options)
        watched = (watched or Watched()) if options.low_delay else None
        intake = Intake(video, options, None if watched is None else watched.pace)
        whole = WholePictures() if options.scene else None
        told = Told(progress, video, waits=options.effort > 0)
        output = _output(sink, video, intake, models, options, told)
        told.file = output.file
        with (
            models.detector() as detector,
            closing(_featured(video, intake, detector, models, options, told, whole)) as items,
        ):
            for item in items:
                if isinstance(item, SoundPiece):
                    (watched.spare if watched and item.rung else output.sound)(item)
                    continue
                frame, features = item
                output.push(frame if whole is None else whole.attached(frame), features)
                if watched is not None:
                    watched.pace.coded(frame.time_s)
                told.coded(frame.index + 1, frame.time_s + 1 / video.frame_rate_hz)
            output.flush()
            check_face(output, video)
            output.close()
            told.finished()
    elapsed_s = time.monotonic() - started_s
    return encode_report(output, video, options, elapsed_s, told)


def _opened(source: FileLike | Frames, options: EncodeOptions) -> VideoInput:
    return open_video(
        source,
        fps=options.fps,
        sound=_SOUND[options.audio.mode],
        input_fps=options.input_fps,
        tracks=(options.video_track, options.audio_track),
        playlist=options.playlist,
        own_sizes=True,
    )


def _crop(options: EncodeOptions, video: VideoInput) -> CropChoice:
    """Which square to code, in the pixels that are read."""
    choice, scale = options.crop, video.scale
    if not isinstance(choice, SquareCrop) or scale == 1:
        return choice
    side_px = max(round(choice.side_px * scale), MIN_CROP_PX)
    return SquareCrop(round(choice.x_px * scale), round(choice.y_px * scale), side_px)


def _in_source_pixels(
    faces: Iterable[FaceFrame | SoundPiece], scale: Fraction
) -> Iterator[FaceFrame | SoundPiece]:
    """Squares where they lie in the file's own pictures, not in those that are read, smaller by `scale`."""
    for item in faces:
        if scale != 1 and isinstance(item, FaceFrame) and item.face is not None:
            crop = item.face.crop
            size = round(crop.source_width_px / scale), round(crop.source_height_px / scale)
            item = replace(item, face=replace(item.face, crop=rescaled(crop, *size)))
        yield item


def _depth(video: VideoInput) -> int:
    frame_bytes = max(3 * video.info.width * video.info.height, 1)
    return max(min(_DEPTH, _WAITING_BYTES // frame_bytes), 1)


def _featured(
    video: VideoInput,
    intake: Intake,
    detector: Detector,
    models: EncoderParts,
    options: EncodeOptions,
    told: Told,
    whole: WholePictures | None,
) -> Generator[FeaturedFrame | SoundPiece, None, None]:
    """The threads of the picture above."""
    taken = overlapped(intake.items(), depth=1 if options.low_delay else _depth(video))
    frames = taken if whole is None else whole.noted(taken)
    hasty = options.low_delay
    patience = watched_patience(video.frame_rate_hz) if hasty else Patience()
    found = face_frames(frames, detector, _crop(options, video), told.scene, options.face, patience)
    depth = 1 if hasty else FEATURE_BATCH_FRAMES
    faces = overlapped(_in_source_pixels(found, video.scale), depth=depth)
    batch = LIVE_BATCH_FRAMES if options.live else FEATURE_BATCH_FRAMES
    featured = motion_features(faces, models.space, 1 if hasty else batch)
    return overlapped(featured, depth=2 * depth)


def _output(
    sink: BinaryIO,
    video: VideoInput,
    intake: Intake,
    models: EncoderParts,
    options: EncodeOptions,
    told: Told,
) -> FrameOutput:
    """Where the stream goes."""
    head = Head(
        video.time_base_s,
        video.frame_rate_hz,
        options.layers,
        models.space.id,
        models.renderer,
        audio=next(iter(intake.heads.values()), None),
        version=VERSION_2,
        groups=len(models.space.units) // GROUP_DIMS,
    )
    if options.live:
        return _live_output(sink, head, models, options)
    meter = models.new_meter()
    recorder = _recorder(video, options, told, measured=meter is not None)

    def coder(preset: int, refined: Setting | None) -> ShotCoder:
        return ShotCoder(
            models.space.units,
            models.space.layout,
            video.time_base_s,
            video.frame_rate_hz,
            _spending(options),
            None if refined is None else told.refiner_for(options.effort, refined, models),
            told.refined,
            preset=preset,
            keep=options.bitrate_kbps is not None,
            meter=meter,
        )

    if options.bitrate_kbps is not None:
        return RecordedOutput(recorder, FittedFile(sink, head, options, intake.heads, coder))
    setting = setting_for(options)
    shots = coder(PRESET, setting if options.effort > 0 else None)
    share = allowance(options)

    def fitted(shot: RecordedShot) -> Setting:
        return setting if share is None else fitted_setting(shot, shots, options, share)

    return RecordedOutput(recorder, StreamedFile(sink, head, fitted, shots))


def _recorder(
    video: VideoInput, options: EncodeOptions, told: Told, *, measured: bool
) -> ShotRecorder:
    return ShotRecorder(
        video.time_base_s,
        wanted_s=wanted_s(options),
        keep_every=1 if options.effort > 0 else MEASURED_EVERY * measured,
        step_s=min(options.refs_every_s or CANDIDATE_STEP_S, CANDIDATE_STEP_S),
        watch=SceneWatch(told.scene) if options.scene else None,
    )


def _live_output(
    sink: BinaryIO, head: Head, models: EncoderParts, options: EncodeOptions
) -> LiveOutput:
    setting = setting_for(options)
    setting = watched_setting(setting) if options.low_delay else setting
    most = MAX_PORTRAITS if options.refs == "auto" else options.refs
    recorder = LiveRecorder(
        models.space.units,
        models.space.layout,
        head.time_base_s,
        setting,
        most,
        options.refs_every_s,
        meter=models.new_meter(),
        span=GroupSpan(WATCHED_GROUP_S, 1 / head.frame_rate_hz) if options.low_delay else UNWATCHED,
    )
    latest = watched_delay_s if options.low_delay else delay_s
    delay_ms = ceil(1000 * latest(head.frame_rate_hz))
    head = replace(head, delay_ms=min(delay_ms, MAX_DELAY_MS))
    return LiveOutput(sink, head, recorder, quality_of(setting.crf))


def _spending(options: EncodeOptions) -> Spending:
    """Limits of the caller's; the price comes with the setting."""
    at_most = MAX_PORTRAITS if options.refs == "auto" else options.refs
    return Spending(0.0, at_most, options.refs_every_s, options.portrait_frame)
