"""Every metric of one decoded clip against its reference, at 256x256.

    with Instruments() as instruments:
        gauge = Gauge(instruments, reference_frames, rate_hz, every=5, tracks=True)
        mean, per_frame = gauge.measure((number, picture) for ...)

What has been computed of a reference (landmarks, embeddings, motion, flow) is kept and used for every codec.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.comparison.optional import set_figures
from vqcodec.evaluation.metrics import fidelity
from vqcodec.evaluation.metrics.deep import DeepMetrics
from vqcodec.evaluation.metrics.features import EYES, MOUTH, crop_distance
from vqcodec.evaluation.metrics.identity import IdentityEmbedder, identity_distance
from vqcodec.evaluation.metrics.landmarks import (
    Points,
    interocular_px,
    jitter,
    landmark_distance,
    landmark_step,
)
from vqcodec.evaluation.metrics.lipsync import lip_correlation, opening_track
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.metrics.sharpness import cpbd
from vqcodec.evaluation.metrics.shift_tolerant import ShiftTolerantLpips
from vqcodec.evaluation.metrics.stability import ReferenceFlow, motion_stability, warp_error
from vqcodec.evaluation.metrics.vmaf import Vmaf, VmafReference
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, Picture
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.geometry.mesh import LIPS

FACE_FIGURES = ("id_dist", "lmd", "lmd_mouth", "perc_mouth", "perc_eyes")
TRACK_FIGURES = ("msi", "lip_corr", "lip_lag_ms")
COSTLY_EVERY = 3
"""Identity and sharpness, which cost more than everything else together, are taken on every so many measured frames."""
_BATCH = 8

Frames = NDArray[np.uint8]
Figures = tuple[dict[str, float | None], dict[str, list[Any]]]


class Instruments:
    """The networks behind the figures, loaded once; a context manager, because MediaPipe must be closed.

    Raises:
        MissingExtraError: a package of the `eval` extra is absent.
    """

    def __init__(self) -> None:
        self.perceptual = PerceptualDistance()
        self.shift_tolerant = ShiftTolerantLpips()
        self.vmaf = Vmaf()
        self.deep = DeepMetrics()
        self.embedder = IdentityEmbedder()
        self.landmarker = FaceLandmarker()

    @property
    def absent(self) -> dict[str, str]:
        """Metrics that can't be measured here, with the reason."""
        return self.deep.absent

    def points(self, picture: Picture) -> Points | None:
        """(478, 2) landmarks in pixels, or None without a face."""
        found = self.landmarker.largest(picture)
        return None if found is None else found.points

    def __enter__(self) -> Instruments:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.landmarker.close()


class Gauge:
    """Compares decoded clips with one reference.

    Attributes:
        numbers: frames that figures are taken on, the first of them half a step into the clip: a clip's first frame is
            everybody's best one. An odd step meets all levels of an encoder's pyramid of B-frames.
        needed: frames that `measure` has to be given: those and their successors; all of them with tracks.

    Args:
        instruments: the networks.
        reference: (T, 256, 256, 3) uint8 RGB.
        rate_hz: frames per second.
        every: take figures on every so many frames.
        tracks: follow the face through every frame.
    """

    def __init__(
        self,
        instruments: Instruments,
        reference: Frames,
        rate_hz: Fraction,
        *,
        every: int,
        tracks: bool,
    ) -> None:
        assert reference.shape[1:3] == (METRIC_SIDE_PX, METRIC_SIDE_PX)
        self._tools, self._reference, self._rate_hz, self._tracks = (
            instruments,
            reference,
            rate_hz,
            tracks,
        )
        count = len(reference)
        self.numbers = numbers_of(count, every)
        self._costly = set(self.numbers[COSTLY_EVERY // 2 :: COSTLY_EVERY] or self.numbers)
        self.needed = (
            set(range(count))
            if tracks
            else {n for k in self.numbers for n in (k, k + 1) if n < count}
        )
        self._motion = VmafReference(reference)
        self._flow = ReferenceFlow(reference)
        self._points: dict[int, Points | None] = {}
        self._embeddings: dict[int, NDArray[np.float64]] = {}

    def measure(self, frames: Iterable[tuple[int, Picture]]) -> Figures:
        """All figures of an output.

        Args:
            frames: (number, (256, 256, 3) uint8 RGB) in rising order, holding at least those `needed`.

        Returns:
            Means by metric, None where nothing could be measured; and values per frame with their "numbers".
        """
        pictures: dict[int, Picture] = {}
        points: dict[int, Points | None] = {}
        wanted = (
            {n for k in self.numbers for n in (k, k + 1)}
            if "fvd" in self._tools.absent
            else self.needed
        )
        for number, picture in frames:
            if number in self.needed:
                points[number] = self._tools.points(picture)
                if number in wanted:
                    pictures[number] = picture
        numbers = [n for n in self.numbers if n in pictures]
        table = self._pictures(numbers, pictures) | self._faces(numbers, pictures, points)
        table["warp_error"] = self._warp_errors(numbers, pictures)
        mean = {name: _mean(values) for name, values in table.items()}
        mean |= self._over_time(numbers, points)
        mean |= {name: _rounded(value) for name, value in self._sets(numbers, pictures).items()}
        return mean, {"numbers": numbers} | {
            name: [_rounded(v) for v in values] for name, values in table.items()
        }

    def _pictures(
        self, numbers: Sequence[int], pictures: dict[int, Picture]
    ) -> dict[str, list[float]]:
        tools = self._tools
        pairwise: dict[str, Callable[[Frames, Frames], Sequence[float] | NDArray[np.float32]]] = {
            "psnr_db": fidelity.psnr_db,
            "ssim": fidelity.ssim,
            "ms_ssim": fidelity.ms_ssim,
            "perc": tools.perceptual,
            "st_lpips": tools.shift_tolerant,
            **tools.deep.pairwise,
        }
        table: dict[str, list[float]] = {name: [] for name in (*pairwise, "vmaf")}
        for start in range(0, len(numbers), _BATCH):
            chosen = numbers[start : start + _BATCH]
            first, second = self._reference[chosen], np.stack([pictures[n] for n in chosen])
            for name, figure in pairwise.items():
                table[name] += [float(v) for v in figure(first, second)]
            table["vmaf"] += [float(v) for v in tools.vmaf.score(self._motion, chosen, second)]
        return table

    def _sets(self, numbers: Sequence[int], pictures: dict[int, Picture]) -> dict[str, float]:
        if not self._tools.deep.features:
            return {}
        every_frame = len(pictures) == len(self._reference)
        chosen = sorted(pictures) if every_frame else list(numbers)
        return set_figures(
            self._tools.deep,
            self._reference[chosen],
            np.stack([pictures[n] for n in chosen]),
            every_frame,
        )

    def _warp_errors(self, numbers: Sequence[int], pictures: dict[int, Picture]) -> list[float]:
        """Of each measured frame's successor, whose predecessor is at hand."""
        following = [n + 1 for n in numbers if n + 1 in pictures]
        values = dict(
            zip(following, warp_error(self._flow, following, pictures.__getitem__), strict=True)
        )
        return [float(values.get(n + 1, math.nan)) for n in numbers]

    def reference_points(self, number: int) -> Points | None:
        """Landmarks of a reference frame."""
        if number not in self._points:
            self._points[number] = self._tools.points(self._reference[number])
        return self._points[number]

    def _reference_embedding(self, number: int, points: Points) -> NDArray[np.float64]:
        if number not in self._embeddings:
            self._embeddings[number] = self._tools.embedder(self._reference[number], points)
        return self._embeddings[number]

    def _faces(
        self, numbers: Sequence[int], pictures: dict[int, Picture], points: dict[int, Points | None]
    ) -> dict[str, list[float]]:
        table: dict[str, list[float]] = {name: [] for name in (*FACE_FIGURES, "cpbd")}
        for number in numbers:
            before, after = self.reference_points(number), points[number]
            costly = number in self._costly
            found = dict.fromkeys(table, math.nan)
            if costly:
                found["cpbd"] = cpbd(pictures[number])
            if before is not None and after is not None:
                found["lmd"] = landmark_distance(before, after)
                found["lmd_mouth"] = landmark_distance(before, after, LIPS)
                pair = self._reference[number], pictures[number]
                for name, crop in (("perc_mouth", MOUTH), ("perc_eyes", EYES)):
                    found[name] = crop_distance(self._tools.perceptual, crop, *pair, before)
                if costly:
                    found["id_dist"] = identity_distance(
                        self._reference_embedding(number, before),
                        self._tools.embedder(pictures[number], after),
                    )
            for name, value in found.items():
                table[name].append(value)
        return table

    def _over_time(
        self, numbers: Sequence[int], points: dict[int, Points | None]
    ) -> dict[str, float | None]:
        steps: tuple[list[float], list[float]] = ([], [])
        for number in numbers:
            if number + 1 >= len(self._reference):
                continue
            pair = [
                self.reference_points(number),
                self.reference_points(number + 1),
                points[number],
                points.get(number + 1),
            ]
            if all(p is not None for p in pair):
                unit = interocular_px(pair[0])  # type: ignore[arg-type]
                steps[0].append(landmark_step(pair[0], pair[1], unit))  # type: ignore[arg-type]
                steps[1].append(landmark_step(pair[2], pair[3], unit))  # type: ignore[arg-type]
        figures: dict[str, float | None] = {"jitter": _rounded(jitter(*steps))}
        if self._tracks:
            track = [points.get(n) for n in range(len(self._reference))]
            real = [self.reference_points(n) for n in range(len(self._reference))]
            sync = lip_correlation(opening_track(real), opening_track(track), self._rate_hz)
            figures |= {
                "msi": _rounded(motion_stability(track)),
                "lip_corr": _rounded(sync.correlation),
                "lip_lag_ms": _rounded(abs(sync.lag_ms)),
            }
        return figures


def numbers_of(frames: int, every: int) -> list[int]:
    """Numbers of the frames that figures are taken on, the first of them half a step into the clip."""
    return list(range(every // 2, frames, every)) or [frames - 1]


def _mean(values: Sequence[float]) -> float | None:
    known = [v for v in values if not math.isnan(v)]
    return _rounded(float(np.mean(known))) if known else None


def _rounded(value: float) -> float | None:
    """Six significant digits, None for NaN."""
    return None if math.isnan(value) else float(f"{value:.6g}")
