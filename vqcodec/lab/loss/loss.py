"""What is left of a stream when a part of it is lost: `decode --recover`, measured.

    python -m vqcodec.lab loss --data CORPUS [--out loss.json] [--clips N] [--minutes 10] [--seeds 5]

Each clip is encoded as `validate` does. Poses are measured on a long stream made of all of them, over several seeds; this needs
no rendering. Pictures are measured on the clips, for one seed: frames that are as they were are taken from the undamaged decode,
the others are rendered.
"""

from __future__ import annotations

import functools
import io
import itertools
import random
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.container import Reader, RecoveringReader
from vqcodec.damage import Damage
from vqcodec.decoding.conceal import RecoveringWindow
from vqcodec.decoding.parts import DecoderParts
from vqcodec.decoding.window import Pose, Window, play
from vqcodec.entropy import decode_layers
from vqcodec.errors import BitstreamError, UsageError
from vqcodec.evaluation.metrics.fidelity import psnr_db
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.frames import read_frames, to_side
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.format import AUDO_TYPE, MOTN_TYPE
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.mesh import OUTER_EYE_CORNERS
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.loss.channel import HARMS, Harm, chunks, long_stream
from vqcodec.lab.loss.report import LossReport, PictureFigures, PoseFigures, Row, show
from vqcodec.media.still.stills import decode_still
from vqcodec.models import store
from vqcodec.quantize.grfsq import dequantize
from vqcodec.types import AudioGroup

DEFAULT_MINUTES = 10
DEFAULT_SEEDS = 5
_BATCH = 10

Pictures = NDArray[np.uint8]
Rows = NDArray[np.float32]


@functools.lru_cache(maxsize=4096)
def _known_tokens(payloads: tuple[bytes, ...], frames: int) -> NDArray[np.uint16]:
    return decode_layers(payloads, frames)


def remembered_tokens(payloads: Sequence[bytes], frames: int) -> NDArray[np.uint16]:
    """As `decode_layers`, but what was decoded once is not decoded again: the same streams are read often."""
    return _known_tokens(tuple(payloads), frames)


@dataclass(frozen=True, slots=True)
class Shown:
    """The poses that a decode shows.

    Attributes:
        poses: in order.
        damage: what was lost; None for an undamaged stream.
    """

    poses: list[Pose]
    damage: Damage | None = None

    @classmethod
    def of(cls, stream: bytes, units: Rows) -> Shown:
        """Those of an intact stream."""
        reader = Reader(io.BytesIO(stream))
        items = (item for item in reader if not isinstance(item, AudioGroup))
        window = Window(reader.head, units, DecodeOptions())
        return cls([item for item in play(items, window) if isinstance(item, Pose)])

    @classmethod
    def recovered(cls, stream: bytes, units: Rows) -> Shown:
        """Those of a damaged stream; raises BitstreamError when there are none."""
        reader = RecoveringReader.open(io.BytesIO(stream), decode=remembered_tokens)
        items = (item for item in reader if not isinstance(item, AudioGroup))
        window = RecoveringWindow(reader, units, DecodeOptions(recover=True))
        return cls([item for item in play(items, window) if isinstance(item, Pose)], reader.damage)

    def same_as(self, true: Shown) -> list[tuple[int, int, bool]]:
        """(number here, number there, whether the poses are equal) of the frames that both show at the same time."""
        place = {pose.time_s: number for number, pose in enumerate(true.poses)}
        found = []
        for number, pose in enumerate(self.poses):
            other = place.get(pose.time_s)
            if other is not None:
                right = true.poses[other]
                equal = (
                    np.array_equal(pose.features, right.features)
                    and pose.key_frame.first_frame == right.key_frame.first_frame
                )
                found.append((number, other, bool(equal)))
        return found


def distances(basis: LandmarkBasis, true: Rows, shown: Rows) -> NDArray[np.float64]:
    """(N,) landmark distance of poses (N, 48), in units of the true face's inter-ocular distance."""
    if not len(true):
        return np.zeros(0)
    right, other = basis.landmarks(true).astype(np.float64), basis.landmarks(shown)
    first, second = OUTER_EYE_CORNERS
    eyes = np.linalg.norm(right[:, first] - right[:, second], axis=1)
    result: NDArray[np.float64] = np.linalg.norm(right - other, axis=2).mean(1) / eyes
    return result


def pose_run(
    stream: bytes, true: Shown, units: Rows, basis: LandmarkBasis
) -> dict[str, float] | None:
    """Figures of one damaged stream; None when nothing of it can be shown."""
    try:
        shown = Shown.recovered(stream, units)
    except BitstreamError:
        return None
    pairs = shown.same_as(true)
    damage, total = shown.damage, len(true.poses)
    assert damage is not None
    wrong = [(here, there) for here, there, equal in pairs if not equal]
    held, last = [], true.poses[0].features
    intact = {there for _, there, equal in pairs if equal}
    for there, pose in enumerate(true.poses):
        last = pose.features if there in intact else last
        held.append(last)
    right = np.array([true.poses[there].features for _, there in wrong])
    figures = {
        "timeline": len(pairs) / total,
        "intact": len(intact) / total,
        "made_up": damage.frames_concealed / total,
    }
    for name, rows in (
        ("lmd", [shown.poses[here].features for here, _ in wrong]),
        ("lmd_held", [held[there] for _, there in wrong]),
        ("lmd_still", [true.poses[0].features] * len(wrong)),
    ):
        figures[name] = (
            float(distances(basis, right, np.array(rows)).mean()) if wrong else float("nan")
        )
    return figures


def sound_lost(stream: bytes, damaged: bytes) -> float:
    """Share of the sound groups that are not intact in a damaged stream, 0..1; 0 without sound."""
    total, left = (
        sum(chunk.type == AUDO_TYPE for chunk in chunks(data)) for data in (stream, damaged)
    )
    return 1 - left / total if total else 0.0


def pose_figures(
    harm: Harm, stream: bytes, true: Shown, units: Rows, basis: LandmarkBasis, seeds: int
) -> PoseFigures:
    """Means over seeds."""
    runs, sound = [], []
    count = seeds if harm.chance else 1
    for seed in range(count):
        damaged = harm.apply(stream, random.Random(seed))
        run = pose_run(damaged, true, units, basis)
        if run is not None:
            runs.append(run)
            sound.append(sound_lost(stream, damaged))

    def mean(name: str) -> float | None:
        known = [run[name] for run in runs if not np.isnan(run[name])]
        return round(float(np.mean(known)), 6) if known else None

    names = ("timeline", "intact", "made_up")
    shares = {name: mean(name) or 0.0 for name in names}
    return PoseFigures(
        count,
        count - len(runs),
        **shares,
        sound_lost=round(float(np.mean(sound or [1.0])), 6),
        lmd=mean("lmd"),
        lmd_held=mean("lmd_held"),
        lmd_still=mean("lmd_still"),
    )


class Studio:
    """Renders poses and measures the pictures against a clip's own frames."""

    def __init__(self, parts: DecoderParts) -> None:
        self._parts = parts
        self._perceptual = PerceptualDistance()
        self._still = b""
        self._state: Any = None

    def scores(self, poses: Sequence[Pose], reference: Pictures) -> NDArray[np.float64]:
        """(N, 2) PSNR in dB and perceptual distance of each pose's picture to its reference, (N, 256, 256, 3)."""
        parts = []
        for start in range(0, len(poses), _BATCH):
            pictures = np.stack(list(self._pictures(poses[start : start + _BATCH])))
            right = reference[start : start + _BATCH]
            parts.append(np.stack([psnr_db(right, pictures), self._perceptual(right, pictures)], 1))
        return np.concatenate(parts).astype(np.float64) if parts else np.zeros((0, 2))

    def _pictures(self, poses: Sequence[Pose]) -> Iterator[Pictures]:
        for still, run in itertools.groupby(poses, key=lambda pose: pose.key_frame.still):
            batch = list(run)
            if still != self._still:
                own = dequantize(batch[0].key_frame.features, self._parts.space.units)
                self._still, self._state = (
                    still,
                    self._parts.renderer.prepare(decode_still(still), own),
                )
            yield from map(
                to_side,
                self._parts.renderer.render(
                    self._state, np.stack([p.features for p in batch]), 512
                ),
            )


@dataclass(frozen=True, slots=True)
class Clip:
    """A coded clip: its frames at 256x256, its stream, the undamaged poses and their scores."""

    frames: Pictures
    stream: bytes
    shown: Shown
    scores: NDArray[np.float64]


def picture_figures(
    harm: Harm, clips: Sequence[Clip], studio: Studio, units: Rows
) -> PictureFigures:
    """Means over all frames shown; only frames that differ from the undamaged decode are rendered."""
    damaged_scores, undamaged_scores, made_up = [], [], 0
    for number, clip in enumerate(clips):
        try:
            shown = Shown.recovered(harm.apply(clip.stream, random.Random(number)), units)
        except BitstreamError:
            continue
        pairs = shown.same_as(clip.shown)
        theirs = [there for _, there, _ in pairs]
        scores = clip.scores[theirs].copy()
        wrong = [n for n, (_, _, equal) in enumerate(pairs) if not equal]
        scores[wrong] = studio.scores(
            [shown.poses[pairs[n][0]] for n in wrong], clip.frames[[theirs[n] for n in wrong]]
        )
        made_up += len(wrong)
        damaged_scores.append(scores)
        undamaged_scores.append(clip.scores[theirs])
    if not damaged_scores:
        raise UsageError(f"{harm.name}: no clip can be shown", hint="Measure more clips.")
    ours, base = np.concatenate(damaged_scores), np.concatenate(undamaged_scores)
    means = [round(float(value), 6) for value in (*ours.mean(0), *base.mean(0))]
    return PictureFigures(len(ours), made_up, *means)


def encoded(clip: Path) -> bytes:
    """A clip as `validate` encodes it: all layers, the whole picture, the first frame as portrait."""
    from vqcodec import api

    sink = io.BytesIO()
    api.encode(clip, sink, EncodeOptions(portrait_frame="first", crop="full"))
    return sink.getvalue()


def measure(paths: Sequence[Path], minutes: float, seeds: int) -> LossReport:
    """Everything.

    Args:
        paths: clips.
        minutes: length of the long stream.
        seeds: runs per kind of damage on the long stream.

    Raises:
        VqcodecError: a clip can't be coded.
    """
    found = conditions()
    streams = [encoded(path) for path in paths]
    head = Reader(io.BytesIO(streams[0])).head
    parts = DecoderParts.load(head)
    units, basis = (
        parts.space.units,
        read_basis(store.find(head.motion_space, "motion space").path),
    )
    studio, clips = Studio(parts), []
    for path, stream in zip(paths, streams, strict=True):
        shown, frames = Shown.of(stream, units), read_frames(path)
        count = min(len(frames), len(shown.poses))
        shown = Shown(shown.poses[:count])
        clips.append(
            Clip(frames[:count], stream, shown, studio.scores(shown.poses, frames[:count]))
        )
    long = long_stream(streams, Fraction(minutes) * 60)
    true = Shown.of(long, units)
    rows = [
        Row(
            harm.name,
            pose_figures(harm, long, true, units, basis, seeds),
            picture_figures(harm, clips, studio, units),
        )
        for harm in HARMS
    ]
    groups = sum(chunk.type == MOTN_TYPE for chunk in chunks(long))
    more = {
        "clips": [path.stem for path in paths],
        "seeds": seeds,
        "long_minutes": round(minutes, 3),
        "long_bytes": len(long),
        "long_groups": groups,
        "motion_space": str(head.motion_space),
        "renderer": str(parts.renderer.id),
    }
    return LossReport(found | more, rows)


def _options(parser: ArgumentParser) -> None:
    clips_options(parser)
    parser.add_argument(
        "--minutes", type=float, default=DEFAULT_MINUTES, help="length of the long stream (10)"
    )
    parser.add_argument(
        "--seeds", type=int, default=DEFAULT_SEEDS, help="runs per kind of damage (5)"
    )


def _job(options: Namespace) -> int:
    if options.seeds < 1 or not 0 < options.minutes <= 600:
        raise UsageError("seeds are 1 or more, minutes above 0 and at most 600")
    report = measure(validation_clips(options.data, options.clips), options.minutes, options.seeds)
    return publish(show(report), options.out, report.save)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("loss", _options, _job, arguments)
