"""Cross-identity driving: does the portrait stay the person it shows, and does it move as the driver does?

    python -m vqcodec.lab crossid --data CORPUS [--pairs N] [--out crossid.json] [--transfer decoder|shifted|scaled]

Clips are put into a fixed random circle; each drives the portrait of the next, the first frame of that clip, as `vqcodec
decode --portrait` does, for three seconds. Every fifth frame is measured at 256x256:

    id_portrait    identity distance (dlib) from the portrait; bar: at most .35 in the mean
    id_driver      the same from the driver's frame of that time; id_apart: portrait from driver, for comparison
    *_corr         correlation over time with the driver: opening of the mouth, of the eyes (blinks), turn (yaw), tilt (roll)
    path_ratio     how far the landmarks go from their first place, in distances between the eyes, over the driver's; 1 is right
    face_ratio     distance between the eyes, portrait's over driver's first frame's

`--transfer` renders with `vqcodec.motion.transfer` instead of the decoder's own rule, to compare rules. JSON:
{"schema_version": 1, "conditions": {...}, "pairs": [{...}], "summary": {...}}; what could not be measured is null.
"""

from __future__ import annotations

import random
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from vqcodec import api
from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.container import Reader
from vqcodec.decoding.parts import DecoderParts
from vqcodec.decoding.pipeline import decode_frames
from vqcodec.decoding.window import Pose, Window, play
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, Follower, Picture, coded_square, to_side
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.face.portrait import portrait_square
from vqcodec.lab.command import corpus_options, perform, publish
from vqcodec.lab.faces.crossfigures import Judge, PairResult, report, summary
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.still.picture_file import load_picture
from vqcodec.motion.space import MotionSpace
from vqcodec.motion.transfer import scaled, shifted
from vqcodec.quantize.grfsq import dequantize
from vqcodec.stream.portraits import shot_of
from vqcodec.types import Crop, VideoFrame

SCHEMA_VERSION = 1
SECONDS, EVERY, PAIRS, SEED = Fraction(3), 5, 12, 7

Draw: TypeAlias = Callable[[Path, Path], Iterator[VideoFrame]]
"""(.vqt, portrait) -> every fifth picture of the first seconds, with its time."""


def pairs(
    clips: Sequence[Path], count: int | None = None, seed: int = SEED
) -> list[tuple[Path, Path]]:
    """(driver, portrait): each clip once as either, never its own portrait, the same for the same clips.

    Raises:
        UsageError: fewer than two clips, or a count below 1.
    """
    if len(clips) < 2 or (count is not None and count < 1):
        raise UsageError(
            f"{len(clips)} clips make no {'' if count is None else f'{count} '}pairs",
            hint="Two clips at least.",
        )
    circle = sorted(clips)
    random.Random(seed).shuffle(circle)
    found = [(clip, circle[(i + 1) % len(circle)]) for i, clip in enumerate(circle)]
    return found[:count]


def by_decoder(stream: Path, portrait: Path) -> Iterator[VideoFrame]:
    """As `vqcodec decode --portrait` shows it."""
    options = DecodeOptions(portrait=portrait, end_s=SECONDS, size_px=METRIC_SIDE_PX)
    for number, frame in enumerate(decode_frames(stream, options)):
        if number % EVERY == 0:
            yield frame


def by_transfer(name: str) -> Draw:
    """With a rule of `vqcodec.motion.transfer`: "shifted" or "scaled"."""

    def draw(stream: Path, portrait: Path) -> Iterator[VideoFrame]:
        options = DecodeOptions(portrait=portrait, end_s=SECONDS)
        with stream.open("rb") as handle:
            reader = Reader(handle)
            parts = DecoderParts.load(reader.head)
            space = parts.space
            assert isinstance(space, MotionSpace)
            items = play(iter(reader), Window(reader.head, space.units, options))
            poses = [item for item in items if isinstance(item, Pose)][::EVERY]
        with parts.detector() as detector:
            found = portrait_square(detector, load_picture(portrait).rgb, name=portrait.name)
        other = space.features(found.small[None], found.points[None])[0]
        own = dequantize(shot_of(poses[0].shown.portrait).features, space.units)
        state, features = (
            parts.renderer.prepare(found.square, other),
            np.stack([pose.features for pose in poses]),
        )
        moved = (
            shifted(features, own, other)
            if name == "shifted"
            else scaled(features, own, other, space.basis)
        )
        for pose, picture in zip(
            poses, parts.renderer.render(state, moved, METRIC_SIDE_PX), strict=True
        ):
            yield VideoFrame(picture, pose.time_s)

    return draw


def _driver_frames(clip: Path, times_s: Sequence[Fraction], crop: Crop | None) -> list[Picture]:
    with VideoSource(str(clip)) as video:
        follower = Follower(iter(video))
        found = [
            follower.at(VideoFrame(np.zeros((1, 1, 3), np.uint8), time_s)) for time_s in times_s
        ]
        return [coded_square(f.rgb, crop, METRIC_SIDE_PX) for f in found if f is not None]


def drive(
    driver: Path, portrait: Path, folder: Path, judge: Judge, draw: Draw = by_decoder
) -> PairResult:
    """Code the driver, draw the portrait with its motion, measure.

    Raises:
        VqcodecError: whatever encode and decode raise.
    """
    stream, still = folder / f"{driver.stem}.vqt", folder / f"{portrait.stem}.png"
    if not stream.is_file():
        api.encode(driver, stream, EncodeOptions(portrait_frame="first", crop="full"))
    with VideoSource(str(portrait)) as video:
        frame = next(iter(video), None)
    if frame is None:
        raise MediaError(f"{portrait.name} holds no picture")
    first = frame.rgb
    Image.fromarray(first).save(still)
    shown = list(draw(stream, still))
    with stream.open("rb") as handle:
        crop = Reader(handle).head.crop
    theirs = _driver_frames(driver, [f.time_s for f in shown], crop)
    with FaceLandmarker() as landmarker:
        square = portrait_square(landmarker, first, name=portrait.stem).square
    return judge.measure(
        (driver.stem, portrait.stem), [to_side(f.rgb) for f in shown], theirs, to_side(square)
    )


def _options(parser: ArgumentParser) -> None:
    corpus_options(parser)
    parser.add_argument(
        "--pairs", type=int, default=PAIRS, help=f"so many ({PAIRS}; no more than clips)"
    )
    parser.add_argument(
        "--transfer",
        choices=("decoder", "shifted", "scaled"),
        default="decoder",
        help="how motion is moved to the other face (as the decoder does it)",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        help="keep streams and portraits in this folder, and use those that are there",
    )


def _job(options: Namespace) -> int:
    wanted = pairs(validation_clips(options.data), options.pairs)
    draw = by_decoder if options.transfer == "decoder" else by_transfer(options.transfer)
    with tempfile.TemporaryDirectory(prefix="vqcodec-crossid-") as name, Judge() as judge:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        results = [drive(a, b, folder, judge, draw) for a, b in wanted]
    found: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "conditions": conditions(
            transfer=options.transfer, seconds=int(SECONDS), every=EVERY, seed=SEED
        ),
        "pairs": [asdict(r) for r in results],
        "summary": summary(results),
    }
    publish(report(results), options.out, lambda path: save_json(path, rounded(found)))
    return int(not found["summary"]["id_portrait_met"])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 when the identity bar is missed."""
    return perform("crossid", _options, _job, arguments)
