r"""Sound and a portrait -> .vqt or video: the one place that joins the stages of a dub.

    speech   --SoundSource--> listen --speech tokens, loudness, Opus packets--\
    portrait --load_picture--> square, landmarks, f_s --controls---------------+--> generator --motion--> Interleaver
    poses    --Driver, or Behaviour--> pose, gaze, blink of every frame ------/                            |
                                                                            decode, PasteBack <--.vqt------+--> file

The whole sound is heard before the first motion is made, because motion begins before its sound does and a loud voice is
told from a faint one by the rest of it. Kept of it are 50 bytes a frame and the coded packets. A video is the stream
made first, in a temporary file, and then decoded: so both outputs show the same.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DEFAULT_CRF, DecodeOptions, DubOptions, check_crf
from vqcodec.decoding.pipeline import decode
from vqcodec.dubbing.listen import Heard, listen
from vqcodec.dubbing.parts import DubParts, DubPartsSource, dub_parts
from vqcodec.dubbing.poses import DUB_HZ, Driver
from vqcodec.encoding.groups import stored_features
from vqcodec.errors import NoFaceError, UsageError
from vqcodec.face.paste import PasteBack
from vqcodec.face.portrait import PortraitSquare, portrait_square
from vqcodec.format import DIMS, MAX_GROUP_SPAN_S, to_indices
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.geometry.openings import BLINK_LOOKS_SHUT
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.media.out.atomic import atomic_output, check_output
from vqcodec.media.out.sink import VIDEO_SUFFIXES
from vqcodec.media.sound.source import SoundSource
from vqcodec.media.still.stills import encode_avif, load_picture, picture_name
from vqcodec.progress import Progress, ProgressEvent, silent
from vqcodec.quantize.grfsq import dequantize
from vqcodec.reports import DubReport
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundCoder
from vqcodec.types import FileLike, Head, KeyFrame, ModelId, MotionGroup, StreamSizes

MAX_SOUND_S = Fraction(4 * 3600)
GROUP_FRAMES = int(MAX_GROUP_SPAN_S * DUB_HZ)
TURNED_DEG = 35.0
"""A portrait turned further than this shows too little of the far side: a warning."""
PROFILE_DEG = 60.0
"""One turned further than this can't speak to the viewer: refused."""
_SPOOLED_BYTES = 16 << 20
# parts of the work, for the progress bar: hearing, making motion, rendering
_STREAM_SHARES, _VIDEO_SHARES = (0.4, 0.6, 0.0), (0.1, 0.2, 0.7)


@dataclass(frozen=True, slots=True)
class _Portrait:
    """The portrait, ready to be moved.

    Attributes:
        face: the square and its landmarks.
        stored: (48,) int16, f_s as the key frame stores it.
        features: (48,) float32, f_s as the decoder will have it.
        controls: one frame, its own.
        warnings: what is wrong with it, for a person.
    """

    face: PortraitSquare
    stored: NDArray[np.int16]
    features: NDArray[np.float32]
    controls: Controls
    warnings: tuple[str, ...]


class _Share:
    """One progress bar for all stages: frames of the result, counted as the work goes on."""

    def __init__(
        self, progress: Progress, total: int | None, shares: tuple[float, float, float]
    ) -> None:
        self.total = total
        self._progress, self._shares = progress, shares

    def tell(self, stage: int, done: float, file_bytes: int = 0) -> None:
        """`done` of a stage, 0..1."""
        if self.total:
            share = sum(self._shares[:stage]) + self._shares[stage] * min(done, 1.0)
            frames = int(share * self.total)
            self._progress(
                ProgressEvent("dub", frames, self.total, Fraction(frames, DUB_HZ), None, file_bytes)
            )

    def heard(self, seconds: Fraction) -> None:
        """So much of the sound; its length may not be known."""
        if self.total:
            self.tell(0, float(seconds * DUB_HZ / self.total))
        else:
            self._progress(ProgressEvent("dub", 0, None, seconds))


def dub(
    speech: FileLike,
    portrait: FileLike,
    target: FileLike,
    options: DubOptions | None = None,
    *,
    crf: int = DEFAULT_CRF,
    force: bool = False,
    progress: Progress = silent,
    parts: DubPartsSource | None = None,
) -> DubReport:
    """Make a portrait speak.

    Args:
        speech: sound file, or a video whose sound is taken: path, "-" or a binary file object; read once.
        portrait: picture of one person: path or a binary file object.
        target: .vqt or video (.mp4, .m4v, .mov, .mkv, .webm) by its suffix; "-" and file objects get .vqt. A path appears
            only when it is complete.
        options: see DubOptions.
        crf: H.264 quality of a video, 0 (best) .. 51.
        force: replace an existing output.
        progress: called from this thread, several times a second.
        parts: models to use instead of the shipped ones.

    Raises:
        OutputExistsError: `target` exists and `force` is false; before anything is read.
        MediaError: a file can't be read or written, has no sound, or isn't a picture.
        NoFaceError: the portrait, or options.poses, shows no face; or the portrait's is tiny, or seen from the side.
        BitstreamError, UnsupportedError: options.poses is a .vqt that is damaged, or needs a motion space that isn't here.
        UsageError: options that this target can't have, or more than four hours of sound.
        ModelError: a model is missing.
    """
    options = options or DubOptions()
    check_crf(crf)
    started_s = time.monotonic()
    video = _is_video(target)
    if options.paste_back and not video:
        raise UsageError(
            "only a video can show the whole picture: a .vqt file holds the square",
            hint="Give --paste-back an output such as -o out.mp4.",
        )
    check_output(target, force=force)
    with SoundSource(speech, limit_s=MAX_SOUND_S) as sound:
        picture = load_picture(portrait)
        parts = dub_parts(parts)
        person = _person(picture, parts, picture_name(portrait))
        work = _Work(sound, person, parts, options, video, progress)
        if video:
            paste = PasteBack(picture, person.face.crop) if options.paste_back else None
            del picture
            return work.video(target, paste, started_s, crf=crf, force=force)
        del picture
        with atomic_output(target, force=force) as sink:
            work.stream(sink)
    return work.report(started_s)


def _is_video(target: FileLike) -> bool:
    """What the target's name asks for."""
    if not isinstance(target, str | os.PathLike) or target == "-":
        return False
    suffix = Path(target).suffix.lower()
    if suffix not in ("", ".vqt", *VIDEO_SUFFIXES):
        raise UsageError(
            f"cannot write {suffix} files", hint=f"Use .vqt, {', '.join(VIDEO_SUFFIXES)}."
        )
    return suffix in VIDEO_SUFFIXES


def _person(picture: NDArray[np.uint8], parts: DubParts, name: str) -> _Portrait:
    """The face in the portrait, measured as a frame of an encode would be."""
    with parts.detector() as detector:
        face = portrait_square(detector, picture, name=name)
    stored = stored_features(
        parts.space.features(face.small[None], face.points[None])[0], parts.space.units
    )
    controls = read_controls(face.points[None], parts.shape)
    yaw_deg = abs(float(np.degrees(controls.pose[0, 1])))
    if yaw_deg > PROFILE_DEG:
        raise NoFaceError(
            f"the face in {name} is seen from the side (turned by {yaw_deg:.0f} degrees)",
            hint="Give a picture of one person, seen from the front.",
        )
    told = list(face.warnings)
    if yaw_deg > TURNED_DEG:
        told.append(
            f"the face in {name} is turned by {yaw_deg:.0f} degrees: one seen from the front looks better"
        )
    if controls.blink[0] > BLINK_LOOKS_SHUT:
        told.append(f"the eyes in {name} are shut: what they look like open is made up")
    return _Portrait(face, stored, dequantize(stored, parts.space.units), controls, tuple(told))


class _Work:
    """A dub whose inputs are open: makes the stream, or a video of it."""

    def __init__(
        self,
        sound: SoundSource,
        person: _Portrait,
        parts: DubParts,
        options: DubOptions,
        video: bool,
        progress: Progress,
    ) -> None:
        self._sound, self._person, self._parts, self._options = sound, person, parts, options
        self._quality, self._audio_bps = (
            options.portrait_quality_for(video),
            options.audio_bps_for(video),
        )
        total = None if sound.duration_s is None else _frames(sound.duration_s)
        self._share = _Share(progress, total, _VIDEO_SHARES if video else _STREAM_SHARES)
        self._sizes = StreamSizes()
        self._warnings = list(person.warnings)
        self._renderer: ModelId = parts.renderer
        self._shown_px: tuple[int, int] | None = None

    def stream(self, sink: BinaryIO) -> None:
        """Write the stream."""
        coder = SoundCoder([self._audio_bps])
        file = Interleaver(
            sink,
            Head(
                Fraction(1, DUB_HZ),
                Fraction(DUB_HZ),
                self._options.layers,
                self._parts.space.id,
                self._parts.renderer,
                audio=coder.heads[0],
                synthetic=True,
            ),
        )
        heard = listen(self._sound, self._parts.tokenizer, coder, file.sound, self._share.heard)
        self._warnings += heard.warnings
        self._share.total = len(heard)
        controls = self._controls(heard)
        face = self._person.face
        file.key_frame(
            KeyFrame(0, encode_avif(face.square, quality=self._quality), self._person.stored),
            face.crop,
        )
        for group in _groups(self._motion(heard, controls)):
            file.motion(group)
            sizes = file.sizes
            written = sizes.portrait + sizes.motion + sizes.audio + sizes.container
            self._share.tell(1, sizes.frames / len(heard), written)
        self._sizes = file.close()

    def _controls(self, heard: Heard) -> Controls:
        """Head motion, gaze and blinks of every frame."""
        own, options = self._person.controls, self._options
        if options.poses is None:
            return self._parts.behaviour.controls(
                heard.energy, own, seed=options.seed, blink=options.blink
            )
        driver = Driver(options.poses, self._parts, heard.seconds)
        controls = driver.controls(own, len(heard))
        self._warnings += driver.warnings
        return (
            controls if options.blink else replace(controls, blink=np.repeat(own.blink, len(heard)))
        )

    def _motion(self, heard: Heard, controls: Controls) -> Iterator[NDArray[np.int16]]:
        person, options = self._person, self._options
        facts = PortraitFacts(
            features=person.features, landmarks=person.face.points, controls=person.controls
        )
        return self._parts.generator.generate(
            heard.tokens,
            controls,
            facts,
            rest=heard.rest,
            temperature=options.temperature,
            argmax=options.argmax,
            seed=options.seed,
        )

    def video(
        self,
        target: FileLike,
        paste: PasteBack | None,
        started_s: float,
        *,
        crf: int,
        force: bool,
    ) -> DubReport:
        """Make the stream, and decode it."""
        options = self._options
        shown = DecodeOptions(size_px=options.size_px)
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as file:
            stream = cast(BinaryIO, file)
            self.stream(stream)
            file.seek(0)
            frames = max(self._sizes.frames, 1)
            done = decode(
                stream,
                target,
                shown,
                crf=crf,
                force=force,
                parts=self._parts.decoder,
                paste=paste,
                progress=lambda event: self._share.tell(2, event.frames / frames),
            )
        self._renderer = done.renderer
        self._shown_px = (
            (paste.width, paste.height) if paste else (options.size_px, options.size_px)
        )
        return self.report(started_s)

    def report(self, started_s: float) -> DubReport:
        """What was done."""
        parts, options = self._parts, self._options
        return DubReport(
            sizes=self._sizes,
            layers=options.layers,
            motion_space=parts.space.id,
            renderer=self._renderer,
            tokenizer=parts.tokenizer.id,
            generator=parts.generator.id,
            behaviour=parts.behaviour.id if options.poses is None else None,
            portrait_quality=self._quality,
            audio_bps=self._audio_bps,
            seed=options.seed,
            temperature=options.temperature,
            poses="" if options.poses is None else str(options.poses),
            elapsed_s=time.monotonic() - started_s,
            crop=self._person.face.crop,
            video_size_px=self._shown_px,
            warnings=tuple(self._warnings),
        )


def _frames(seconds: Fraction) -> int:
    return max(math.ceil(seconds * DUB_HZ), 1)


def _groups(windows: Iterable[NDArray[np.int16]]) -> Iterator[MotionGroup]:
    """Motion values (t, 48) of consecutive windows, any t -> groups of two seconds."""
    first = 0
    waiting = np.zeros((0, DIMS), np.int16)
    for window in windows:
        waiting = np.concatenate([waiting, window])
        while len(waiting) >= GROUP_FRAMES:
            yield _group(first, waiting[:GROUP_FRAMES])
            first, waiting = first + GROUP_FRAMES, waiting[GROUP_FRAMES:]
    if len(waiting):
        yield _group(first, waiting)


def _group(first: int, values: NDArray[np.int16]) -> MotionGroup:
    ticks = np.arange(first, first + len(values), dtype=np.int64)
    return MotionGroup(first, ticks, np.zeros(len(values), bool), to_indices(values))
