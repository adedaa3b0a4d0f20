"""Rate and distortion of the motion: what `encode --rdo` and fewer layers save, and what they cost.

    python -m vqcodec.lab rdo --data CORPUS [--out rdo.json] [--clips N] [--every 5] [--strengths 0,0.5,1,2,4]

Each clip's faces are found once; then its motion is coded at every strength (all layers) and at every number of layers
(strength 0), to the bytes that `encode` writes (one portrait, the first frame; whole picture), decoded, and every few frames
are rendered and measured at 256x256. The pictures don't pass through H.264, which would hide small differences.
"""

from __future__ import annotations

import io
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DEFAULT_PORTRAIT_QUALITY
from vqcodec.decoding.parts import DecoderParts
from vqcodec.decoding.selected import selected_frames
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.coding import ShotCoder, put
from vqcodec.encoding.features import motion_features
from vqcodec.encoding.field import MEASURED_EVERY, FieldMeter
from vqcodec.encoding.parts import EncoderParts
from vqcodec.encoding.refining import MotionRefiner
from vqcodec.encoding.settings import Setting, crf_of
from vqcodec.encoding.shots import ShotRecorder
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.fidelity import psnr_db
from vqcodec.evaluation.metrics.landmarks import landmark_distance
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.metrics.shift_tolerant import ShiftTolerantLpips
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, to_side
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.face.shots import FaceFrame, face_frames
from vqcodec.format import GROUP_DIMS, LAYERS, VERSION_2
from vqcodec.geometry.mesh import LIPS
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.rate.rdcurve import MotionCurve, MotionPoint, show
from vqcodec.media.picture.source import VideoSource
from vqcodec.motion.ports import MotionFeatures
from vqcodec.stream.interleave import Interleaver
from vqcodec.types import Head, VideoFrame

STRENGTHS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
FIRST_FRAME = Spending(0.0, at_most=1, first="first")
"""One portrait a shot."""
_BATCH = 10

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MotionSetting:
    """One way to code the motion: strength of the rate-distortion choice, and residual layers."""

    strength: float
    layers: int = LAYERS

    def setting(self, quality: int = DEFAULT_PORTRAIT_QUALITY, price: float = 0.0) -> Setting:
        """The encoder's, with portraits of a quality, 1..100, and what one must save."""
        return Setting(crf_of(quality), price, self.layers, self.strength)


def settings(strengths: Sequence[float]) -> list[MotionSetting]:
    """All strengths with all layers, then fewer and fewer layers."""
    return [MotionSetting(s) for s in strengths] + [
        MotionSetting(0.0, n) for n in range(LAYERS - 1, 0, -1)
    ]


@dataclass(frozen=True, slots=True)
class Tracked:
    """A clip after face tracking and feature extraction, in frame order."""

    head: Head
    frames: list[tuple[FaceFrame, NDArray[np.float32] | None]]


def track(clip: Path, parts: EncoderParts, seconds: float | None = None) -> Tracked:
    """What the encoder knows of a clip, or of its first seconds, before it chooses any token."""
    with VideoSource(str(clip), sound="none") as video, parts.detector() as detector:
        pictures = (item for item in video.items() if isinstance(item, VideoFrame))
        wanted = (
            pictures if seconds is None else takewhile(lambda item: item.time_s < seconds, pictures)
        )
        found = list(motion_features(face_frames(wanted, detector, "full"), parts.space))
        head = Head(
            video.time_base_s,
            video.frame_rate_hz,
            LAYERS,
            parts.space.id,
            parts.renderer,
            version=VERSION_2,
            groups=len(parts.space.units) // GROUP_DIMS,
        )
    return Tracked(head, [item for item in found if isinstance(item, tuple)])


def code(
    tracked: Tracked,
    setting: Setting,
    space: MotionFeatures,
    spending: Spending = FIRST_FRAME,
    refiner: MotionRefiner | None = None,
    meter: FieldMeter[Any] | None = None,
) -> tuple[bytes, int]:
    """A stream without sound, and the bytes of its motion payloads."""
    head = replace(tracked.head, layers=setting.layers)
    keep_every = 1 if refiner is not None else MEASURED_EVERY * (meter is not None)
    recorder = ShotRecorder(head.time_base_s, keep_every=keep_every)
    shots = [shot for frame in tracked.frames for shot in recorder.push(*frame)]
    coder = ShotCoder(
        space.units,
        space.layout,
        head.time_base_s,
        head.frame_rate_hz,
        spending,
        refiner,
        meter=meter,
    )
    sink = io.BytesIO()
    file = Interleaver(sink, head)
    for shot in [*shots, *recorder.flush()]:
        for item in coder.items(shot, setting):
            put(file, item)
    sizes = file.close()
    return sink.getvalue(), sizes.motion


def rendered(
    stream: bytes, parts: DecoderParts, every: int, side_px: int = METRIC_SIDE_PX
) -> Iterator[Pictures]:
    """Every so many frames of a stream, rendered at 512 and reduced to (side_px, side_px, 3) uint8."""
    shown = selected_frames(io.BytesIO(stream), parts, lambda number: number % every == 0)
    return (to_side(picture, side_px) for _, picture in shown)


class Measure:
    """Distances of rendered frames to a clip's own; a context manager, because MediaPipe must be closed."""

    def __init__(self, every: int) -> None:
        self.every = every
        self._perceptual = PerceptualDistance()
        self._shift_tolerant = ShiftTolerantLpips()
        self._landmarker = FaceLandmarker()

    def __enter__(self) -> Measure:
        return self

    def __exit__(self, *details: object) -> None:
        self._landmarker.close()

    def points(self, picture: Pictures) -> NDArray[np.float32] | None:
        """(478, 2) landmarks in pixels, None without a face."""
        found = self._landmarker.largest(picture)
        return None if found is None else found.points

    def reference(self, tracked: Tracked) -> tuple[Pictures, list[NDArray[np.float32] | None]]:
        """The frames to compare with, and their landmarks; a frame without a face repeats the square before it."""
        squares: list[Pictures] = []
        for frame, _ in tracked.frames[:: self.every]:
            assert frame.face is not None or squares
            squares.append(squares[-1] if frame.face is None else to_side(frame.face.square))
        return np.stack(squares), [self.points(square) for square in squares]

    def distances(
        self, reference: Pictures, points: list[NDArray[np.float32] | None], shown: Pictures
    ) -> dict[str, float]:
        """Means over the frames: perc, st_lpips, psnr_db, lmd, lmd_mouth."""
        perc = [
            self._perceptual(reference[i : i + _BATCH], shown[i : i + _BATCH])
            for i in range(0, len(shown), _BATCH)
        ]
        pairs = [
            (p, q)
            for p, q in zip(points, map(self.points, shown), strict=True)
            if p is not None and q is not None
        ]
        return {
            "perc": float(np.mean(np.concatenate(perc))),
            "st_lpips": float(np.mean(self._shift_tolerant(reference, shown))),
            "psnr_db": float(np.mean(psnr_db(reference, shown))),
            "lmd": float(np.mean([landmark_distance(p, q) for p, q in pairs])),
            "lmd_mouth": float(np.mean([landmark_distance(p, q, LIPS) for p, q in pairs])),
        }


def measure(clips: Sequence[Path], wanted: Sequence[MotionSetting], every: int) -> MotionCurve:
    """Code and measure all clips at all settings.

    Args:
        clips: videos whose first frames show a face.
        wanted: settings; the first is what the others are compared with.
        every: measure every so many frames.
    """
    encoder = EncoderParts.load()
    rows: list[list[dict[str, float]]] = [[] for _ in wanted]
    decoder: DecoderParts | None = None
    with Measure(every) as judge:
        for clip in clips:
            tracked = track(clip, encoder)
            decoder = decoder or DecoderParts.load(tracked.head)
            reference, points = judge.reference(tracked)
            meter = encoder.new_meter()
            seconds = float(len(tracked.frames) / tracked.head.frame_rate_hz)
            for row, setting in zip(rows, wanted, strict=True):
                stream, size = code(tracked, setting.setting(), encoder.space, meter=meter)
                shown = np.stack(list(rendered(stream, decoder, every)))
                row.append(
                    judge.distances(reference, points, shown)
                    | {"motion_kbps": size * 8 / seconds / 1000}
                )
    known = conditions(
        clips=[clip.stem for clip in clips],
        every=every,
        side_px=METRIC_SIDE_PX,
        motion_space=str(encoder.space.id),
        renderer=str(decoder.renderer.id) if decoder else None,
    )
    return MotionCurve(
        known,
        [MotionPoint.of(s.strength, s.layers, row) for s, row in zip(wanted, rows, strict=True)],
    )


def parse_strengths(text: str) -> list[float]:
    """Read "0,1,2".

    Raises:
        UsageError: not numbers from 0 on.
    """
    try:
        strengths = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"{text!r} is not a list of strengths", hint="Write 0,0.5,1.") from error
    if not all(0 <= strength <= 100 for strength in strengths):
        raise UsageError(f"strengths {text} are outside 0..100")
    return strengths


def _options(parser: ArgumentParser) -> None:
    clips_options(parser, every=5)
    parser.add_argument(
        "--strengths",
        default=",".join(f"{s:g}" for s in STRENGTHS),
        help="strengths of --rdo, 0 first",
    )


def _job(options: Namespace) -> int:
    strengths = parse_strengths(options.strengths)
    curve = measure(
        validation_clips(options.data, options.clips), settings(strengths), options.every
    )
    return publish(show(curve), options.out, curve.save)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("rdo", _options, _job, arguments)
