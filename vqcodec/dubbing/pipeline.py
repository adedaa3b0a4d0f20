r"""Sound and a portrait -> .vqt or video: the one place that joins the stages of a dub.

    speech   --SoundSource--> listen --> Heard: tokens, loudness, Opus packets ----\
    portrait --load_picture--> read_person --> Person: square, f_s, controls -------+--> motion_groups --> Interleaver
    poses    --read_poses, or Behaviour--> Controls: pose, gaze, blink a frame ----/                            |
                                                                                 decode, PasteBack <--.vqt------+--> file

The whole sound is heard before the first motion is made, because motion begins before its sound does and a loud voice is
told from a faint one by the rest of it. Kept of it are 50 bytes a frame and the coded packets. A video is the stream
made first, in a temporary file, and then decoded: so both outputs show the same.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from vqcodec.checks import check_crf
from vqcodec.config import DEFAULT_CRF, DubOptions
from vqcodec.dubbing.listen import listen
from vqcodec.dubbing.manner import Manner
from vqcodec.dubbing.motion import head_controls, motion_groups
from vqcodec.dubbing.parts import DubParts, DubPartsSource, dub_parts
from vqcodec.dubbing.person import Person, read_person
from vqcodec.dubbing.poses import DUB_HZ
from vqcodec.dubbing.redub.opening import is_recording
from vqcodec.dubbing.redub.pipeline import check_for_portrait, redub
from vqcodec.dubbing.shares import WorkShares
from vqcodec.dubbing.sheet import check_sheet
from vqcodec.dubbing.showing import MAX_SOUND_S, is_video, make
from vqcodec.errors import UsageError
from vqcodec.face.paste import PasteBack
from vqcodec.media.out.targets import check_apart, check_output
from vqcodec.media.sound.source import SoundSource
from vqcodec.media.still.picture_file import Picture, load_picture
from vqcodec.media.still.stills import encode_avif
from vqcodec.progress import Progress, silent
from vqcodec.reports import DecodeReport, DubReport
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundCoder
from vqcodec.types import FileLike, Head, KeyFrame, StreamSizes


@dataclass(frozen=True, slots=True)
class _Coding:
    """How a target wants its stream coded."""

    layers: int
    portrait_quality: int
    audio_bps: int


@dataclass(frozen=True, slots=True)
class _Made:
    """A stream that was written, and what a person should know of what it was made from."""

    sizes: StreamSizes
    warnings: tuple[str, ...]


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
        portrait: picture of one person, or a recording, a video or a .vqt, whose lips then follow the speech
            (vqcodec.dubbing.redub): path or a binary file object.
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
    check_sheet(options.sheet)
    check_apart(options.sheet, speech, portrait, target, options.poses, options.segments)
    if options.sheet is not None:
        check_output(options.sheet, force=force)
    way = redub if is_recording(portrait) else _of_picture
    return way(
        speech, portrait, target, options, crf=crf, force=force, progress=progress, parts=parts
    )


def _of_picture(
    speech: FileLike,
    portrait: FileLike,
    target: FileLike,
    options: DubOptions,
    *,
    crf: int,
    force: bool,
    progress: Progress,
    parts: DubPartsSource | None,
) -> DubReport:
    """The same for a picture."""
    started_s = time.monotonic()
    check_for_portrait(options)
    video = is_video(target)
    if options.paste_back and not video:
        raise UsageError(
            "only a video can show the whole picture: a .vqt file holds the square",
            hint="Give --paste-back an output such as -o out.mp4.",
        )
    check_apart(target, speech, portrait, options.poses)
    check_output(target, force=force)
    quality, audio_bps = options.portrait_quality_for(video), options.audio_bps_for(video)
    coding = _Coding(options.layers, quality, audio_bps)
    with SoundSource(speech, limit_s=MAX_SOUND_S) as sound:
        picture = load_picture(portrait)
        models = dub_parts(parts)
        person = read_person(picture, models)
        paste = _paste_back(picture, person) if options.paste_back else None
        del picture
        told = WorkShares(progress, sound.duration_s, video=video)
        written: list[_Made] = []

        def write(sink: BinaryIO) -> int:
            made = _make_stream(sink, sound, person, models, options, coding, told)
            written.append(made)
            return made.sizes.frames

        shown = make(
            target, write, options, models.decoder, told, paste=paste, crf=crf, force=force
        )
    size_px = None if shown is None else _size_px(paste, options)
    elapsed_s = time.monotonic() - started_s
    return _report(written[0], person, models, options, coding, shown, size_px, elapsed_s)


def _paste_back(picture: Picture, person: Person) -> PasteBack:
    """The whole picture, upright, to put squares into."""
    face = person.face
    return PasteBack(np.ascontiguousarray(np.rot90(picture.rgb, face.turns)), face.crop)


def _make_stream(
    sink: BinaryIO,
    sound: SoundSource,
    person: Person,
    models: DubParts,
    options: DubOptions,
    coding: _Coding,
    told: WorkShares,
) -> _Made:
    """Hear the sound, make the motion, write the stream."""
    coder = SoundCoder([coding.audio_bps])
    head = Head(
        Fraction(1, DUB_HZ),
        Fraction(DUB_HZ),
        coding.layers,
        models.space.id,
        models.renderer,
        audio=coder.heads[0],
        synthetic=True,
    )
    file = Interleaver(sink, head)
    heard = listen(sound, models.tokenizer, coder, file.sound, told.heard, models.closure)
    told.known(len(heard))
    controls, warnings = head_controls(heard, person, models, options)
    still = encode_avif(person.face.square, quality=coding.portrait_quality)
    file.key_frame(KeyFrame(0, still, person.stored), person.face.crop)
    for group in motion_groups(heard, controls, person, models, options):
        file.motion(group)
        sizes = file.sizes
        written = sizes.portrait + sizes.motion + sizes.audio + sizes.container
        told.made(sizes.frames / len(heard), written)
    return _Made(file.close(), (*person.warnings, *heard.warnings, *warnings))


def _size_px(paste: PasteBack | None, options: DubOptions) -> tuple[int, int]:
    return (paste.width, paste.height) if paste else (options.size_px, options.size_px)


def _report(
    made: _Made,
    person: Person,
    models: DubParts,
    options: DubOptions,
    coding: _Coding,
    shown: DecodeReport | None,
    video_size_px: tuple[int, int] | None,
    elapsed_s: float,
) -> DubReport:
    return DubReport(
        sizes=made.sizes,
        layers=coding.layers,
        motion_space=models.space.id,
        renderer=models.renderer if shown is None else shown.renderer,
        tokenizer=models.tokenizer.id,
        generator=models.generator.id,
        behaviour=models.behaviour.id if Manner.of(options).makes_up else None,
        portrait_quality=coding.portrait_quality,
        audio_bps=coding.audio_bps,
        seed=options.seed,
        temperature=options.temperature,
        poses="" if options.poses is None else str(options.poses),
        elapsed_s=elapsed_s,
        crop=person.face.crop,
        video_size_px=video_size_px,
        warnings=made.warnings,
    )
