"""What is measured of a portrait that another person's motion drives (crossid.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.evaluation.metrics.identity import IdentityEmbedder, identity_distance
from vqcodec.evaluation.metrics.landmarks import interocular_px
from vqcodec.evaluation.tools.frames import Picture
from vqcodec.evaluation.validate.record import mean_of
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.geometry.mesh import OUTER_EYE_CORNERS
from vqcodec.geometry.openings import lid_gap_per_eye_width, lip_gap_per_mouth_width
from vqcodec.lab.markdown import read

IDENTITY_BAR = 0.35
_NOSE, _CHEEKS = 1, (234, 454)

Points: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PairResult:
    """One driven portrait; NaN where nothing could be measured. Figures: crossid.py.

    Attributes:
        driver: clip whose motion it is.
        portrait: clip whose first frame it is.
        frames: pictures looked at.
        faces: those with a face, in the driver's frame, too.
    """

    driver: str
    portrait: str
    frames: int
    faces: int
    id_portrait: float
    id_driver: float
    id_apart: float
    mouth_corr: float
    blink_corr: float
    yaw_corr: float
    roll_corr: float
    path_ratio: float
    face_ratio: float


FIGURES = tuple(f.name for f in fields(PairResult))[4:]


def yaw(points: Points) -> float:
    """Where the nose lies between the sides of the face, about -.5 to .5; a measure of the turn, in no unit."""
    left, right = points[_CHEEKS[0]], points[_CHEEKS[1]]
    across = (right - left).astype(np.float64)
    return float((points[_NOSE] - (left + right) / 2) @ across / max(across @ across, 1e-9))


def roll_deg(points: Points) -> float:
    """Tilt of the line between the eyes, degrees."""
    x, y = points[OUTER_EYE_CORNERS[1]] - points[OUTER_EYE_CORNERS[0]]
    return float(np.degrees(np.arctan2(y, x)))


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's, -1 to 1; NaN for fewer than three values or where one of the two does not change."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if len(a) < 3 or min(a.std(), b.std()) < 1e-9:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def path(points: Sequence[Points]) -> float:
    """Mean distance of landmarks from their first place, in that frame's distances between the eyes."""
    return mean_of(
        [
            float(np.linalg.norm(p - points[0], axis=1).mean()) / interocular_px(points[0])
            for p in points[1:]
        ]
    )


class Judge:
    """Measures driven portraits; a context manager, because MediaPipe must be closed."""

    def __init__(self) -> None:
        self._embed, self._landmarker = IdentityEmbedder(), FaceLandmarker()

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._landmarker.close()

    def points(self, picture: Picture) -> Points | None:
        """(478, 2) landmarks in pixels, or None."""
        found = self._landmarker.largest(picture)
        return None if found is None else found.points

    def measure(
        self,
        names: tuple[str, str],
        shown: Sequence[Picture],
        driver: Sequence[Picture],
        portrait: Picture,
    ) -> PairResult:
        """Figures of one driven portrait.

        Args:
            names: of the driver and of the portrait.
            shown: (256, 256, 3) uint8 pictures.
            driver: the driver's pictures at the same times.
            portrait: (256, 256, 3) uint8.

        Raises:
            MediaError: the portrait shows no face.
        """
        face = self.points(portrait)
        if face is None:
            raise MediaError(
                f"no face in the first frame of {names[1]}", hint="Leave this clip out."
            )
        seen = [
            (a, b, p, q)
            for a, b in zip(shown, driver, strict=True)
            if (p := self.points(a)) is not None and (q := self.points(b)) is not None
        ]
        ours, theirs = [p for _, _, p, _ in seen], [q for _, _, _, q in seen]
        own = self._embed(portrait, face)
        looks = [(self._embed(a, p), self._embed(b, q)) for a, b, p, q in seen]

        def follows(of: Callable[[Points], float]) -> float:
            return correlation([of(p) for p in ours], [of(q) for q in theirs])

        far = path(theirs) if theirs else float("nan")
        return PairResult(
            *names,
            len(shown),
            len(seen),
            mean_of([identity_distance(own, a) for a, _ in looks]),
            mean_of([identity_distance(b, a) for a, b in looks]),
            mean_of([identity_distance(own, b) for _, b in looks]),
            follows(lip_gap_per_mouth_width),
            follows(lid_gap_per_eye_width),
            follows(yaw),
            follows(roll_deg),
            path(ours) / far if far > 0 else float("nan"),
            interocular_px(face) / interocular_px(theirs[0]) if theirs else float("nan"),
        )


def summary(results: Sequence[PairResult]) -> dict[str, Any]:
    """Means over pairs, and whether the identity bar is met."""
    means = {name: mean_of([getattr(r, name) for r in results]) for name in FIGURES}
    return {
        "pairs": len(results),
        "id_portrait_bar": IDENTITY_BAR,
        "id_portrait_met": means["id_portrait"] <= IDENTITY_BAR,
        "portrait_nearer_than_driver": sum(r.id_portrait < r.id_driver for r in results),
    } | means


def report(results: Sequence[PairResult]) -> str:
    """A line per pair, the means and the bar, as text."""

    def line(name: str, values: Sequence[float]) -> str:
        return f"{name:<18}" + "".join(f"{value:>13.3f}" for value in values)

    found = summary(results)
    lines = [f"{'driver -> portrait':<18}" + "".join(f"{name:>13}" for name in FIGURES)]
    lines += [
        line(f"{r.driver} -> {r.portrait}", [getattr(r, name) for name in FIGURES]) for r in results
    ]
    lines.append(line("mean", [found[name] for name in FIGURES]))
    lines.append(
        f"identity distance to the portrait, at most {IDENTITY_BAR}: {found['id_portrait']:.3f}  "
        f"{'met' if found['id_portrait_met'] else 'MISSED'}; nearer to the portrait than to the driver: "
        f"{found['portrait_nearer_than_driver']} of {found['pairs']}"
    )
    return "\n".join(lines)


_SHOWN = (
    ("id_portrait", "identity distance to the portrait ↓", ".3f"),
    ("id_driver", "to the driver", ".3f"),
    ("id_apart", "portrait and driver apart", ".3f"),
    ("mouth_corr", "mouth opening, correlation with the driver's ↑", ".2f"),
    ("blink_corr", "eye opening", ".2f"),
    ("yaw_corr", "turn", ".2f"),
    ("roll_corr", "tilt", ".2f"),
    ("path_ratio", "length of the path (1 is right)", ".2f"),
)


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON of `crossid`."""
    data = read(path)
    found, known = data["summary"], data["conditions"]
    rows = [
        f"| {name} | {found[key]:{form}} |"
        for key, name, form in _SHOWN
        if found.get(key) is not None
    ]
    met = "met" if found["id_portrait_met"] else "missed"
    return [
        "| mean over pairs | |",
        "|---|---:|",
        *rows,
        "",
        f"{found['pairs']} pairs, 3 s each, every 5th frame; the bar for the first row, {found['id_portrait_bar']:.2f}, "
        f"is {met}; nearer to the portrait than to the driver: {found['portrait_nearer_than_driver']} of {found['pairs']}. "
        f"{known['machine']['cpu']}; {known['date_utc']}.",
    ]
