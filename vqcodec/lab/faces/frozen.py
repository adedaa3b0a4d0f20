"""How long something stands still in the decoded picture that the source shows no longer: a hand in the air.

    python -m vqcodec.lab frozen --data CORPUS [--clips N] [--sheet SHEET.png] [--out FILE.json]

Each clip is coded with one portrait a shot and at the default setting. A block of BLOCK_PX pixels at 256x256 is wrong
where it differs from the source by more than WRONG levels on average; it is frozen as long as it is wrong and stays
within STILL levels of what it showed when that began. A clip's figure is the longest time for which BLOCKS blocks are
frozen at once; the share is that of blocks and frames frozen for LIMIT_S seconds or more.

--sheet draws each clip's worst moment with one portrait: source, one portrait, default; in frames, what is frozen for
SHOWN_S seconds or more.

JSON: {"schema_version": 1, "conditions": {...}, "clips": {name: {"one": {"longest_s", "share"}, "default": {...}}}}.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.api import Codec
from vqcodec.config import AudioChoice, EncodeOptions
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, Picture, coded_square
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.markdown import read, table, where
from vqcodec.lab.rate.layersheet import write_sheet
from vqcodec.media.picture.source import VideoSource
from vqcodec.models import store as models
from vqcodec.runtime.opencv import cv2

SCHEMA_VERSION = 1
BLOCK_PX, BLOCKS = 16, 3
WRONG, STILL = 24.0, 8.0
LIMIT_S, SHOWN_S = 2.0, 1.0
NO_SOUND = AudioChoice("none")
SETTINGS = {
    "one": EncodeOptions(refs=1, audio=NO_SOUND),
    "default": EncodeOptions(audio=NO_SOUND),
}
NAMES = {"one": "one portrait a shot", "default": "default"}

Runs = NDArray[np.int64]


def _means(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of blocks: (side, side) to (side / BLOCK_PX, side / BLOCK_PX)."""
    many = len(levels) // BLOCK_PX
    return np.asarray(levels.reshape(many, BLOCK_PX, many, BLOCK_PX).mean((1, 3)), np.float32)


def frozen_runs(source: Picture, shown: Picture) -> Runs:
    """For how many frames each block has been frozen, this one included.

    Args:
        source: (N, S, S, 3).
        shown: likewise, aligned.

    Returns:
        (N, S / BLOCK_PX, S / BLOCK_PX).
    """
    many = source.shape[1] // BLOCK_PX
    runs = np.zeros((len(source), many, many), np.int64)
    begun = np.zeros(shown.shape[1:], np.float32)
    last = np.zeros((many, many), np.int64)
    for n, (true, ours) in enumerate(zip(source, shown, strict=True)):
        picture = cv2.blur(ours.astype(np.float32), (3, 3))
        wrong = _means(np.abs(cv2.blur(true.astype(np.float32), (3, 3)) - picture).mean(2)) > WRONG
        still = _means(np.abs(picture - begun).mean(2)) <= STILL
        last = np.where(wrong, np.where(still, last, 0) + 1, 0)
        anew = np.kron(last == 1, np.ones((BLOCK_PX, BLOCK_PX), bool))
        begun[anew] = picture[anew]
        runs[n] = last
    return runs


def longest(runs: Runs) -> tuple[int, int]:
    """Frames for which BLOCKS blocks at once have been frozen at most, and the frame where that is so."""
    at_once = np.sort(runs.reshape(len(runs), -1), 1)[:, -BLOCKS]
    worst = int(at_once.argmax())
    return int(at_once[worst]), worst


@dataclass(frozen=True, slots=True)
class Seen:
    """A clip coded with one setting.

    Attributes:
        source, shown: (N, 256, 256, 3).
        runs: of `frozen_runs`.
        rate_hz: frames a second.
    """

    source: Picture
    shown: Picture
    runs: Runs
    rate_hz: float

    def figures(self) -> dict[str, float]:
        """As the JSON has them."""
        lasting = self.runs >= LIMIT_S * self.rate_hz
        return {"longest_s": longest(self.runs)[0] / self.rate_hz, "share": float(lasting.mean())}

    def marked(self, frame: int) -> Picture:
        """A decoded picture with what has been frozen for SHOWN_S in a frame of its own."""
        picture = self.shown[frame].copy()
        for y, x in np.argwhere(self.runs[frame] >= SHOWN_S * self.rate_hz) * BLOCK_PX:
            corner = int(x + BLOCK_PX - 1), int(y + BLOCK_PX - 1)
            cv2.rectangle(picture, (int(x), int(y)), corner, (255, 40, 40), 1)
        return picture


def _shown(codec: Codec, stream: Path) -> Iterator[tuple[float, Picture]]:
    with codec.open(stream) as opened:
        for frame in opened.frames(size_px=METRIC_SIDE_PX):
            yield round(float(frame.time_s), 3), frame.rgb


def seen(codec: Codec, clip: Path, options: EncodeOptions, stream: Path) -> Seen:
    """Code a clip and decode it.

    Raises:
        VqcodecError: whatever encode and decode raise.
    """
    report = codec.encode(clip, stream, options, force=True)
    ours = dict(_shown(codec, stream))
    with VideoSource(str(clip)) as video:
        both = [
            (coded_square(frame.rgb, report.crop, METRIC_SIDE_PX), ours[time])
            for frame in video
            if (time := round(float(frame.time_s), 3)) in ours
        ]
    source, shown = (np.stack(pictures) for pictures in zip(*both, strict=True))
    rate_hz = len(both) / float(report.sizes.seconds)
    return Seen(source, shown, frozen_runs(source, shown), rate_hz)


def sheet_row(name: str, found: Mapping[str, Seen]) -> Picture:
    """A clip's worst moment with one portrait: source, and both settings."""
    _, worst = longest(found["one"].runs)
    worst = min(worst, *(len(s.shown) - 1 for s in found.values()))
    row = np.concatenate(
        [found["one"].source[worst], *(found[s].marked(worst) for s in SETTINGS)], 1
    )
    cv2.putText(row, name, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 0), 1, cv2.LINE_AA)
    return row


def told(clips: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """The table: clips where something is frozen for LIMIT_S seconds with either setting, then all together."""
    rows = [
        (name, [f"{found[s][f]:{form}}" for f, form in _COLUMNS for s in SETTINGS])
        for name, found in clips.items()
        if max(found[s]["longest_s"] for s in SETTINGS) >= LIMIT_S
    ]
    rows += [
        (
            f"**clips with {LIMIT_S:g} s or more, of {len(clips)}**",
            [
                str(sum(found[s]["longest_s"] >= LIMIT_S for found in clips.values()))
                for s in SETTINGS
            ]
            + [f"{np.mean([found[s]['share'] for found in clips.values()]):.2%}" for s in SETTINGS],
        )
    ]
    heads = [f"{what}: {name}" for what in ("longest, s", "frozen") for name in NAMES.values()]
    return table(heads, rows)


_COLUMNS = (("longest_s", ".1f"), ("share", ".2%"))


def _options(parser: ArgumentParser) -> None:
    clips_options(parser)
    parser.add_argument("--sheet", type=Path, help="picture of the worst moments to write")


def _job(options: Namespace) -> int:
    codec, clips, rows = Codec(), {}, []
    with tempfile.TemporaryDirectory() as folder:
        stream = Path(folder, "clip.vqt")
        for path in validation_clips(options.data, options.clips):
            found = {name: seen(codec, path, wish, stream) for name, wish in SETTINGS.items()}
            clips[path.stem] = {name: one.figures() for name, one in found.items()}
            rows.append(sheet_row(path.stem, found))
    if options.sheet is not None:
        write_sheet(np.concatenate(rows), options.sheet, force=True)
    named = {what: str(models.current(what).id) for what in ("motion_space", "renderer")}
    results: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "conditions": conditions(**named),
        "clips": rounded(clips),
    }
    return publish(
        "\n".join(told(results["clips"])), options.out, lambda path: save_json(path, results)
    )


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    results = read(path)
    return [*told(results["clips"]), "", where(results["conditions"], "motion_space", "renderer")]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("frozen", _options, _job, arguments)
