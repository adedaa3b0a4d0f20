"""The whole picture: what a scene costs, how soon a new slide is there, and whether the square's border shows.

    python -m vqcodec.lab scene --data CORPUS [--clips N] [--seconds S] [--out FILE.json]

Each clip is played forwards and backwards for S seconds in two forms:
    room      its own picture, of which a square of SQUARE_SHARE of its side around the face is coded as ever
    lecture   in the corner of drawn slides of 1920x1080, a new one every SLIDE_S

seam      difference of neighbouring pixels across the square's border, of the decoded picture over the source's: 1 is right
flicker   change from frame to frame in a ring around that border, likewise
delay     seconds from a new slide until the decoded one is nearer to it than to the old one

JSON: {"schema_version": 1, "conditions": {...}, "rows": [{"form", "clips", "scene_kbps", ...}]}; medians over clips.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.api import Codec
from vqcodec.config import EncodeOptions, SquareCrop
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.tools.frames import iter_frames, read_frames
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.markdown import read, table
from vqcodec.media.picture.frames import Frames
from vqcodec.runtime.opencv import cv2
from vqcodec.types import Crop

SCHEMA_VERSION = 1
RATE_HZ = 25
SLIDE_S = 6
SLIDE_SIZE, SPEAKER_PX = (1920, 1080), 430
SQUARE_SHARE = 0.7
RING_PX = 4
FIGURES = ("scene_kbps", "seam", "flicker", "delay_s")

Picture = NDArray[np.uint8]


def slide(number: int) -> Picture:
    """Paper with a title, lines of words and a chart, (1080, 1920, 3); other ones for each number."""
    width, height = SLIDE_SIZE
    rng = np.random.default_rng(number)
    page = np.full((height, width, 3), (246, 244, 238), np.uint8)
    cv2.rectangle(page, (0, 0), (width, 110), (40, 62, 120), -1)
    _write(page, f"{number}. What stands still", (50, 75), 1.7, 255)
    for line in range(9):
        words = " ".join(
            "".join(rng.choice(list("aeionrstlm"), rng.integers(2, 9))) for _ in range(7)
        )
        _write(page, words, (60, 210 + 75 * line), 1.0, 30)
    for bar, high in enumerate(rng.integers(60, 300, 5).tolist()):
        left = 1180 + 60 * bar
        colour = tuple(rng.integers(40, 220, 3).tolist())
        cv2.rectangle(page, (left, 520 - high), (left + 40, 520), colour, -1)
    return page


def _write(page: Picture, text: str, at: tuple[int, int], size: float, grey: int) -> None:
    colour = (grey, grey, grey)
    cv2.putText(page, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 2, cv2.LINE_AA)


def back_and_forth(clip: Picture, frames: int) -> Iterator[Picture]:
    """So many pictures of a clip, played forwards and backwards."""
    around = [*range(len(clip)), *range(len(clip) - 2, 0, -1)]
    return (clip[around[n % len(around)]] for n in range(frames))


def lecture(clip: Picture, frames: int) -> Iterator[Picture]:
    """A clip in the corner of slides."""
    page = slide(0)
    for n, picture in enumerate(back_and_forth(clip, frames)):
        if n % (SLIDE_S * RATE_HZ) == 0:
            page = slide(n // (SLIDE_S * RATE_HZ))
        shown = page.copy()
        fitted = cv2.resize(picture, (SPEAKER_PX, SPEAKER_PX), interpolation=cv2.INTER_AREA)
        shown[-SPEAKER_PX:, -SPEAKER_PX:] = fitted
        yield shown


@dataclass(slots=True)
class Border:
    """What is seen along a square's border, of one video.

    Attributes:
        crop: the square.
        steps, changes: sums over frames of what `seam` and `flicker` compare.
    """

    crop: Crop
    steps: float = 0.0
    changes: float = 0.0
    _last: NDArray[np.float32] | None = None

    def see(self, picture: Picture) -> None:
        """Take the next frame."""
        height, width = picture.shape[:2]
        left, top = self.crop.x_px, self.crop.y_px
        right, bottom = left + self.crop.side_px, top + self.crop.side_px
        x0, x1, y0, y1 = max(left, 0), min(right, width), max(top, 0), min(bottom, height)
        levels = picture.astype(np.float32)
        columns = [x for x in (left, right) if 0 < x < width]
        rows = [y for y in (top, bottom) if 0 < y < height]
        across = [np.abs(levels[y0:y1, x] - levels[y0:y1, x - 1]).mean() for x in columns]
        across += [np.abs(levels[y, x0:x1] - levels[y - 1, x0:x1]).mean() for y in rows]
        self.steps += float(np.mean(across))
        rings = [levels[y0:y1, max(x - RING_PX, 0) : x + RING_PX].ravel() for x in columns]
        rings += [levels[max(y - RING_PX, 0) : y + RING_PX, x0:x1].ravel() for y in rows]
        ring = np.concatenate(rings)
        if self._last is not None:
            self.changes += float(np.abs(ring - self._last).mean())
        self._last = ring


def delays_s(decoded: Iterator[tuple[int, Picture]]) -> list[float]:
    """Seconds from each new slide until it is nearer than the old one; frames come with their number."""
    found: list[float] = []
    waiting: int | None = None
    for n, picture in decoded:
        number = n // (SLIDE_S * RATE_HZ)
        if number and n % (SLIDE_S * RATE_HZ) == 0:
            waiting = n
        if waiting is None:
            continue
        page = picture[:, : SLIDE_SIZE[0] - SPEAKER_PX]
        new, old = (
            np.abs(page.astype(np.int16) - slide(k)[:, : page.shape[1]]).mean()
            for k in (number, number - 1)
        )
        if new < old:
            found.append((n - waiting) / RATE_HZ)
            waiting = None
    return found


def measured(
    codec: Codec, clip: Picture, form: str, seconds: int, folder: Path
) -> dict[str, float]:
    """One clip in one form, there and back."""
    frames = seconds * RATE_HZ
    source = lecture if form == "lecture" else back_and_forth
    options = EncodeOptions(scene=True, crop=_square(clip) if form == "room" else "auto")
    stream, video = folder / "a.vqt", folder / "a.mp4"
    report = codec.encode(
        Frames(source(clip, frames), Fraction(RATE_HZ)), stream, options, force=True
    )
    codec.decode(stream, video, force=True)
    assert report.crop is not None  # a file has one
    ours, theirs = Border(report.crop), Border(report.crop)
    for decoded, true in zip(iter_frames(video), source(clip, frames), strict=False):
        ours.see(decoded)
        theirs.see(true)
    row = {"scene_kbps": report.sizes.scene * 8 / 1000 / float(report.sizes.seconds)}
    if form == "lecture":  # the square ends on blank paper there
        return row | {"delay_s": max(delays_s(enumerate(iter_frames(video))))}
    return row | {"seam": ours.steps / theirs.steps, "flicker": ours.changes / theirs.changes}


def _square(clip: Picture) -> SquareCrop:
    height, width = clip.shape[1:3]
    side = round(SQUARE_SHARE * min(height, width))
    return SquareCrop((width - side) // 2, (height - side) // 3, side)


def _options(parser: ArgumentParser) -> None:
    clips_options(parser)
    parser.add_argument("--seconds", type=int, default=60, help="of each video")


def _job(options: Namespace) -> int:
    codec = Codec()
    found: dict[str, list[dict[str, float]]] = {"room": [], "lecture": []}
    with tempfile.TemporaryDirectory() as folder:
        for path in validation_clips(options.data, options.clips):
            clip = read_frames(path, None)
            for form, rows in found.items():
                rows.append(measured(codec, clip, form, options.seconds, Path(folder)))
    results = {
        "schema_version": SCHEMA_VERSION,
        "conditions": conditions(seconds=options.seconds),
        "rows": rounded([_row(form, rows) for form, rows in found.items()]),
    }
    return publish(told(results), options.out, lambda path: save_json(path, results))


def _row(form: str, rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    medians = {name: median(row[name] for row in rows) for name in FIGURES if name in rows[0]}
    return {"form": form, "clips": len(rows), **medians}


def told(results: dict[str, Any]) -> str:
    """The table."""
    rows = [
        (row["form"], [str(row["clips"]), *(f"{row[f]:.2f}" if f in row else "" for f in FIGURES)])
        for row in results["rows"]
    ]
    return "\n".join(table(("clips", *FIGURES), rows))


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    results = read(path)
    seconds = results["conditions"]["seconds"]
    return [*told(results).split("\n"), "", f"Videos of {seconds} s; medians over clips."]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("scene", _options, _job, arguments)
