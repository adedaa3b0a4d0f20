"""Bits of files of the length that people store: half a minute and a minute, joined from takes of one person.

    python -m vqcodec.lab compare-long --data CORPUS [--out long.json] [--seconds 30,60] [--every 25] [--keep FOLDER]

The takes are TRAINING clips, the longest ones of one person, one after the other: there are cuts between them. So the table
is about rates; figures of quality are there to compare two versions of this codec with, not with anything else. The joined
files lie in a temporary folder, or where --keep says (`vqcodec compare` takes them, too).

JSON: {"schema_version": 1, "conditions": {...}, "cases": [{"seconds", "frames", "identity", "takes": [file, ...], "points":
[{"setting", "portraits", "portrait_kbps", "motion_kbps", "container_kbps", "file_kbps", "running_kbps", "first_bytes", "perc",
"st_lpips", "psnr_db"} or {"setting", "refused"}, ...]}]}. `running_kbps` leaves the file's first portrait out, of `first_bytes`.
"""

from __future__ import annotations

import io
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.comparison import points as vqtpoints
from vqcodec.comparison.coding import decoder_of
from vqcodec.comparison.reference import ReferenceClip
from vqcodec.container import Reader
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.fidelity import psnr_db
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.metrics.shift_tolerant import ShiftTolerantLpips
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, Picture, to_side
from vqcodec.lab.command import corpus_options, perform, publish
from vqcodec.lab.compare.joined import chosen, join, takes_by_identity
from vqcodec.lab.markdown import number, read, where
from vqcodec.models import store as models
from vqcodec.types import KeyFrame, PortraitUnit

SCHEMA_VERSION = 1
SETTINGS = vqtpoints.QUICK
COLUMNS = (
    ("portraits", "portraits", ".0f"),
    ("portrait_kbps", "portraits, kbit/s", ".2f"),
    ("motion_kbps", "motion", ".2f"),
    ("container_kbps", "container", ".2f"),
    ("file_kbps", "file without sound", ".2f"),
    ("running_kbps", "running: without the first portrait", ".2f"),
    ("perc", "perceptual distance ↓", ".3f"),
    ("st_lpips", "ST-LPIPS ↓", ".3f"),
    ("psnr_db", "PSNR, dB ↑", ".2f"),
)

LongPoint = dict[str, Any]


class Judge:
    """Figures of every so many frames, at 256x256.

    Args:
        every: the step, >= 1.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._perceptual, self._shift_tolerant = PerceptualDistance(), ShiftTolerantLpips()

    def wanted(self, frames: int) -> list[int]:
        """Numbers of the frames, the first of them half a step into the file."""
        return list(range(self.every // 2, frames, self.every)) or [frames - 1]

    def figures(self, reference: Picture, shown: Picture) -> dict[str, float]:
        """Means over two aligned stacks (N, 256, 256, 3)."""
        return {
            "perc": float(np.mean(self._perceptual(reference, shown))),
            "st_lpips": float(np.mean(self._shift_tolerant(reference, shown))),
            "psnr_db": float(np.mean(psnr_db(reference, shown))),
        }


def portraits_of(data: bytes) -> list[int]:
    """Bytes of each portrait of a file, in order."""
    return [
        len(item.still if isinstance(item, KeyFrame) else item.unit)
        for item in Reader(io.BytesIO(data))
        if isinstance(item, KeyFrame | PortraitUnit)
    ]


def rates(file: vqtpoints.VqtFile, seconds: float) -> LongPoint:
    """Kbit/s of a file by purpose."""
    portraits, factor = portraits_of(file.data), 8 / seconds / 1000
    return {
        "portraits": len(portraits),
        "portrait_kbps": file.sizes.portrait * factor,
        "motion_kbps": file.sizes.motion * factor,
        "container_kbps": file.sizes.container * factor,
        "file_kbps": len(file.data) * factor,
        "running_kbps": (len(file.data) - portraits[0]) * factor,
        "first_bytes": portraits[0],
    }


def measure(reference: ReferenceClip, judge: Judge) -> list[LongPoint]:
    """Code, decode and measure a file with all settings; a rate that is refused is told with its reason."""
    wanted = judge.wanted(reference.frames)
    some = set(wanted)
    source = np.stack([to_side(p) for n, p in enumerate(reference.rgb()) if n in some])
    points: list[LongPoint] = []
    known: dict[bytes, dict[str, float]] = {}
    for setting in SETTINGS:
        try:
            file = vqtpoints.encode(reference.path, setting)
        except vqtpoints.RefusedRateError as error:
            points.append({"setting": setting.name, "refused": str(error)})
            continue
        if file.data not in known:
            shown = vqtpoints.small(vqtpoints.pictures(file.data, decoder_of(file.data), some))
            known[file.data] = judge.figures(source, np.stack([p for _, p in shown]))
        made = rates(file, float(reference.seconds)) | known[file.data]
        points.append({"setting": setting.name} | made)
        sys.stderr.write(f"{reference.name} {setting.name}: {made['file_kbps']:.2f} kbit/s\n")
    return points


def run(corpus: Path, lengths_s: Sequence[int], every: int, folder: Path) -> dict[str, Any]:
    """Join and measure all lengths; the content of the JSON file."""
    takes, judge = takes_by_identity(corpus), Judge(every)
    cases: list[dict[str, Any]] = []
    for seconds in sorted(lengths_s, reverse=True):  # the longest has the least choice
        who, own = chosen(takes, seconds, [case["identity"] for case in cases])
        reference = join(corpus, own, seconds, folder / f"joined-{seconds}s.mp4")
        about = {
            "seconds": seconds,
            "frames": reference.frames,
            "identity": who,
            "takes": [take.file for take in own],
        }
        cases.append(about | {"points": measure(reference, judge)})
    named = {what: str(models.current(what).id) for what in ("motion_space", "renderer")}
    known = conditions(every=every, side_px=METRIC_SIDE_PX, clips_are="training clips", **named)
    return {"schema_version": SCHEMA_VERSION, "conditions": known, "cases": rounded(cases[::-1])}


def _row(case: Mapping[str, Any], point: LongPoint) -> str:
    name = f"{case['seconds']} s, {len(case['takes'])} takes"
    if "refused" in point:
        return f"| {name} | {point['setting']} | {point['refused']}" + " |" * len(COLUMNS)
    cells = [number(point[key], form) for key, _, form in COLUMNS]
    return f"| {name} | {point['setting']} | " + " | ".join(cells) + " |"


def show(data: Mapping[str, Any]) -> list[str]:
    """Markdown lines."""
    known = data["conditions"]
    return [
        "| file | setting | " + " | ".join(name for _, name, _ in COLUMNS) + " |",
        "|---|---|" + "---:|" * len(COLUMNS),
        *(_row(case, point) for case in data["cases"] for point in case["points"]),
        "",
        "Each file is joined from the longest takes of one person, with cuts between them, cut to length, without sound. "
        "**They are training clips:** the table is about rates; its figures of quality are of pictures that the networks "
        f"have seen, every {known['every']}th frame at {known['side_px']}x{known['side_px']}, and serve only to compare "
        "versions of this codec. "
        f"{where(known, 'motion_space', 'renderer')}",
    ]


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    return show(read(path))


def _options(parser: ArgumentParser) -> None:
    corpus_options(parser)
    parser.add_argument("--seconds", default="30,60", help="lengths of the files (%(default)s)")
    parser.add_argument(
        "--every", type=int, default=25, help="measure every so many frames (%(default)s)"
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the joined files here")


def _job(options: Namespace) -> int:
    parts = options.seconds.split(",")
    if not all(part.isdecimal() and int(part) >= 1 for part in parts):
        raise UsageError(f"{options.seconds!r} is no list of seconds", hint="Write 30,60.")
    if options.every < 1:
        raise UsageError("--every must be at least 1")
    lengths = [int(part) for part in parts]
    with tempfile.TemporaryDirectory(prefix="vqcodec-long-") as temporary:
        data = run(options.data, lengths, options.every, options.keep or Path(temporary))
    return publish("\n".join(show(data)), options.out, lambda path: save_json(path, data))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("compare-long", _options, _job, arguments)
