"""What is left of a stream when a part of it is lost: `decode --recover`, measured.

    python -m vqcodec.lab loss --data CORPUS [--out loss.json] [--clips N] [--minutes 10] [--seeds 5]

Each clip is encoded as `validate` does. Poses are measured on a long stream made of all of them, over several seeds; this needs
no rendering. Pictures are measured on the clips, for one seed: frames that are as they were are taken from the undamaged decode,
the others are rendered.
"""

from __future__ import annotations

import io
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from vqcodec.config import EncodeOptions
from vqcodec.container import Reader
from vqcodec.decoding.parts import DecoderParts
from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.format import MOTN_TYPE
from vqcodec.geometry.basis import read_basis
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.loss.channel import HARMS, chunks, long_stream
from vqcodec.lab.loss.pictures import CodedClip, Studio, picture_figures
from vqcodec.lab.loss.poses import ShownPoses, pose_figures
from vqcodec.lab.loss.report import DamageRow, LossReport, show
from vqcodec.models import store

DEFAULT_MINUTES = 10
DEFAULT_SEEDS = 5


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
        shown, frames = ShownPoses.of(stream, units), read_frames(path)
        count = min(len(frames), len(shown.poses))
        shown = ShownPoses(shown.poses[:count])
        clips.append(
            CodedClip(frames[:count], stream, shown, studio.scores(shown.poses, frames[:count]))
        )
    long = long_stream(streams, Fraction(minutes) * 60)
    true = ShownPoses.of(long, units)
    rows = [
        DamageRow(
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
