r"""A recording and a new sound -> .vqt or video: the one place that joins the stages of a re-dubbing.

    video --encode--> .vqt --read_recording--> Recording: shots, portraits, scene, old sound --played--> stretches
    speech --SoundSource--> listen --> Heard, Opus packets        \                                         |
                 \--same_sound, old and new--> where lips follow --+--> Redubber: lips, portraits, field <--/
                                                                                |
                                      decode <--.vqt-- RedubbedFile, Interleaver

Head, gaze, blinks, brows, light and background are the recording's. Where its own sound is heard its own lips stay, token by
token; where it shows no face it is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vqcodec.choices import named_blink
from vqcodec.config import DubOptions
from vqcodec.dubbing.listen import Heard, Speech, listen
from vqcodec.dubbing.manner import own_seed
from vqcodec.dubbing.parts import DubParts, DubPartsSource, dub_parts
from vqcodec.dubbing.redub.motion import Redubber, lips_follow
from vqcodec.dubbing.redub.opening import opened_recording
from vqcodec.dubbing.redub.recording import Recording
from vqcodec.dubbing.redub.segments import Segment, read_segments
from vqcodec.dubbing.redub.sound import Mixer, OldSound, SegmentedSound
from vqcodec.dubbing.redub.timeline import SHORT_S, played
from vqcodec.dubbing.redub.writing import RedubbedFile
from vqcodec.dubbing.shares import WorkShares
from vqcodec.dubbing.showing import MAX_SOUND_S, is_video, make
from vqcodec.errors import UsageError
from vqcodec.media.out.targets import check_apart, check_output
from vqcodec.media.sound.source import SoundSource
from vqcodec.progress import Progress
from vqcodec.reports import DecodeReport, DubReport
from vqcodec.speech.likeness import SoundPrint, same_sound
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundCoder
from vqcodec.types import FileLike, StreamSizes

STREAM_RDO = 0.5
"""Price of the motion's bits where the stream itself is wanted."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A stream that was written."""

    sizes: StreamSizes
    kept_s: float
    warnings: tuple[str, ...]


def check_for_portrait(options: DubOptions) -> None:
    """Refuse what only a recording can have.

    Raises:
        UsageError: it is asked for.
    """
    asked = {
        "--mix": options.mix_db is not None,
        "--fit": options.fit,
        "--segments": options.segments is not None,
        "--scene": options.scene,
    }
    for name, wanted in asked.items():
        if wanted:
            raise UsageError(
                f"{name} is for a recording, not for a picture",
                hint="Give a video or a .vqt in place of the picture.",
            )


def _check(options: DubOptions, *, video: bool) -> None:
    if options.poses is not None:
        raise UsageError(
            "a recording brings its own head motion: --poses is for a picture",
            hint="Leave --poses out.",
        )
    for name, chosen in (("head", options.head), ("blink", named_blink(options.blink))):
        if chosen not in (None, "recorded"):
            raise UsageError(
                f"--{name} {chosen} is for a picture: a recording brings its own",
                hint=f"Leave --{name} out.",
            )
    if options.gaze == "natural":
        raise UsageError(
            "--gaze natural is for a picture", hint="Choose camera or recorded for a recording."
        )
    if options.paste_back and not video:
        raise UsageError(
            "--paste-back is for a video", hint="A .vqt keeps the whole picture with --scene."
        )


def _check_around(recording: Recording, options: DubOptions) -> None:
    """Refuse to show what the recording doesn't have.

    Raises:
        UsageError: nothing around the square is known.
    """
    if options.paste_back and not any(shot.scenes for shot in recording.shots):
        raise UsageError(
            f"{recording.name} holds nothing around the face for --paste-back",
            hint="Code it with --scene, or give the video itself.",
        )


def redub(
    speech: FileLike,
    source: FileLike,
    target: FileLike,
    options: DubOptions,
    *,
    crf: int,
    force: bool,
    progress: Progress,
    parts: DubPartsSource | None,
) -> DubReport:
    """Let the lips of a recording follow another sound; arguments and errors as vqcodec.dubbing.pipeline.dub."""
    started_s = time.monotonic()
    video = is_video(target)
    _check(options, video=video)
    check_apart(target, speech, source, options.segments)
    check_output(target, force=force)
    segments = () if options.segments is None else read_segments(options.segments)
    with SoundSource(speech, limit_s=MAX_SOUND_S) as sound:
        models = dub_parts(parts)
        told = WorkShares(progress, sound.duration_s, video=video)
        written: list[_Made] = []
        with opened_recording(source, options, models, progress, video=video) as recording:
            _check_around(recording, options)
            work = _Work(recording, models, options, told, video, segments)

            def write(sink: BinaryIO) -> int:
                written.append(work.stream(sink, sound))
                return written[0].sizes.frames

            shown = make(target, write, options, models.decoder, told, crf=crf, force=force)
    return work.report(written[0], shown, time.monotonic() - started_s)


class _Work:
    """One re-dubbing: what it is made from, and how."""

    def __init__(
        self,
        recording: Recording,
        models: DubParts,
        options: DubOptions,
        told: WorkShares,
        video: bool,
        segments: Sequence[Segment],
    ) -> None:
        self._segments = segments
        self._recording, self._models, self._options = recording, models, options
        self._told, self._video = told, video
        self._audio_bps = options.audio_bps_for(video)

    def stream(self, sink: BinaryIO, sound: SoundSource) -> _Made:
        """Hear the sound, make the lips, write the stream."""
        recording, options = self._recording, self._options
        coder = SoundCoder([self._audio_bps])
        head = replace(
            recording.head,
            audio=coder.heads[0],
            synthetic=True,
            delay_ms=None,
            layers=min(recording.head.layers, options.layers),
        )
        file = Interleaver(sink, head)
        old = OldSound(recording)
        heard, follow = self._hear(sound, old, coder, file)
        self._told.known(len(heard))
        pieces = played(recording, heard.seconds, old.silent if options.fit else None)
        seed = own_seed(options.seed, recording.shots[0].stored, heard.tokens)
        redubber = Redubber(recording, heard, follow, self._models, options, seed)
        layout = self._models.landmarks_of(head.motion_space).layout
        writer = RedubbedFile(file, recording, layout, 0.0 if self._video else STREAM_RDO)
        frames, changed = sum(map(len, pieces)), 0
        for piece in pieces:
            lips = redubber(piece)
            changed += int(lips.changed.sum())
            for done in writer.put(piece, lips):
                self._told.made(done / frames, _bytes(file.sizes))
        kept_s = (frames - changed) / float(head.frame_rate_hz)
        return _Made(file.close(), kept_s, self._warnings(heard))

    def _hear(
        self, sound: SoundSource, old: OldSound, coder: SoundCoder, file: Interleaver
    ) -> tuple[Heard, NDArray[np.float32]]:
        """What is heard, its packets in the file's queue, and where lips follow it."""
        recording, mix_db = self._recording, self._options.mix_db
        mixer = None if mix_db is None else Mixer(recording.blocks(), mix_db)
        spoken: Speech = sound
        inside: NDArray[np.bool_] | None = None
        if self._segments:
            parts = SegmentedSound(recording, self._segments, sound, mix_db)
            spoken, mixer, inside = parts, parts.mixer(), parts.inside
        tokenizer, known = self._models.tokenizer, SoundPrint()
        closure, told = self._models.closure, self._told.heard
        heard = listen(spoken, tokenizer, coder, file.sound, told, closure, mixer, known.push)
        return heard, lips_follow(same_sound(known.bands(), old.bands), inside)

    def _warnings(self, heard: Heard) -> tuple[str, ...]:
        recording, told = self._recording, [*heard.warnings]
        if heard.seconds - recording.end_s > SHORT_S:
            how = "silences are stretched" if self._options.fit else "it is played back and forth"
            told.append(
                f"{recording.name} lasts {float(recording.end_s):.1f} s, the sound "
                f"{float(heard.seconds):.1f} s: {how}"
            )
        return tuple(told)

    def report(self, made: _Made, shown: DecodeReport | None, elapsed_s: float) -> DubReport:
        """What was done."""
        models, size = self._models, (self._options.size_px, self._options.size_px)
        return DubReport(
            sizes=made.sizes,
            layers=min(self._recording.head.layers, self._options.layers),
            motion_space=self._recording.head.motion_space,
            renderer=self._recording.head.renderer if shown is None else shown.renderer,
            tokenizer=models.tokenizer.id,
            generator=models.generator.id,
            behaviour=None,
            portrait_quality=None,
            audio_bps=self._audio_bps,
            seed=self._options.seed,
            temperature=self._options.temperature,
            poses=self._recording.name,
            elapsed_s=elapsed_s,
            crop=self._recording.head.crop,
            video_size_px=None if shown is None else shown.whole_px or size,
            recording=self._recording.name,
            frame_rate_hz=self._recording.head.frame_rate_hz,
            kept_s=made.kept_s,
            warnings=made.warnings,
        )


def _bytes(sizes: StreamSizes) -> int:
    return sizes.portrait + sizes.motion + sizes.audio + sizes.container + sizes.scene
