"""What further portraits within a shot gain, and what they cost: `encode --refs N --refs-every S --portrait-quality Q`.

    python -m vqcodec.lab refs --data CORPUS [--out refs.json] [--clips N] [--every 10] [--settings 1:50,auto:50,1s:50]

Each clip is tracked once and coded with every setting to the bytes that `encode` writes without sound (whole picture, all
layers), decoded, rendered and measured at 256x256. The pictures don't pass through H.264, and a change of portrait is not
faded.

JSON: {"schema_version": 1, "conditions": {...}, "rows": [{"refs", "quality", "portraits", "file_kbps", "perc", "st_lpips",
"psnr_db", "lmd", "lmd_mouth"}, ...], "clips": {name: [row, ...]}}; `refs` is a number at most, "auto" or "1s" for one a
second; figures of `rows` are means over clips.
"""

from __future__ import annotations

import io
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.config import MAX_REFS, REFS_EVERY_RANGE_S, EncodeOptions
from vqcodec.container import verify
from vqcodec.decoding.parts import DecoderParts
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.ladder import setting_for
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.markdown import measured, read, where
from vqcodec.lab.rate.rdo import Measure, MotionSetting, Tracked, code, rendered, track

SCHEMA_VERSION = 1
COLUMNS = (
    ("portraits", "portraits a clip", ".1f"),
    ("file_kbps", "file without sound, kbit/s", ".1f"),
    ("perc", "perceptual ↓", ".3f"),
    ("st_lpips", "ST-LPIPS ↓", ".3f"),
    ("psnr_db", "PSNR, dB ↑", ".2f"),
    ("lmd", "landmarks ↓", ".4f"),
    ("lmd_mouth", "mouth ↓", ".4f"),
)

RefsRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which portraits, and their quality.

    Attributes:
        refs: "4", so many a shot at most; "auto", where they pay; "1s", one in so many seconds.
        quality: 1..100.
    """

    refs: str
    quality: int

    def spending(self) -> Spending:
        """The encoder's limits."""
        if self.refs == "auto":
            return Spending(0.0)
        if self.refs.endswith("s"):
            return Spending(0.0, every_s=Fraction(self.refs[:-1]))
        return Spending(0.0, at_most=int(self.refs))


_REFS = re.compile(r"auto|[1-9]\d{0,2}|\d{1,2}(\.\d)?s")


def parse_choices(text: str) -> list[Choice]:
    """Read "1:50,auto:30,0.5s:30".

    Raises:
        UsageError: not pairs of what `--refs` or `--refs-every` take and a quality.
    """
    choices = []
    for part in text.split(","):
        refs, _, quality = part.partition(":")
        known = _REFS.fullmatch(refs) is not None and quality.isdecimal()
        if known and refs.endswith("s"):
            known = REFS_EVERY_RANGE_S[0] <= Fraction(refs[:-1]) <= REFS_EVERY_RANGE_S[1]
        elif known and refs != "auto":
            known = int(refs) <= MAX_REFS
        if not known or not 1 <= int(quality) <= 100:
            raise UsageError(
                f"{part!r} is not portraits:quality",
                hint=f"Write 1..{MAX_REFS}, auto or 1s, a colon, 1..100: 1:50,auto:30.",
            )
        choices.append(Choice(refs, int(quality)))
    return choices


def measure_clip(
    tracked: Tracked,
    choices: Sequence[Choice],
    encoder: EncoderParts,
    decoder: DecoderParts,
    judge: Measure,
) -> list[RefsRow]:
    """Code and measure one clip, a row for each choice."""
    reference, points = judge.reference(tracked)
    seconds = float(len(tracked.frames) / tracked.head.frame_rate_hz)
    price = setting_for(EncodeOptions()).price
    rows: list[RefsRow] = []
    meter = encoder.new_meter()
    for choice in choices:
        setting = MotionSetting(0.0).setting(choice.quality, price)
        stream, _ = code(tracked, setting, encoder.space, choice.spending(), meter=meter)
        shown = np.stack(list(rendered(stream, decoder, judge.every)))
        rows.append(
            asdict(choice)
            | {
                "portraits": verify(io.BytesIO(stream)).key_frames,
                "file_kbps": len(stream) * 8 / seconds / 1000,
            }
            | judge.distances(reference, points, shown)
        )
    return rows


def measure(clips: Sequence[Path], choices: Sequence[Choice], every: int) -> dict[str, Any]:
    """Code and measure all clips with all choices; the content of the JSON file."""
    encoder = EncoderParts.load()
    decoder: DecoderParts | None = None
    by_clip: dict[str, list[RefsRow]] = {}
    with Measure(every) as judge:
        for clip in clips:
            tracked = track(clip, encoder)
            decoder = decoder or DecoderParts.load(tracked.head)
            rows = by_clip[clip.stem] = measure_clip(tracked, choices, encoder, decoder, judge)
            told_rows = "  ".join(
                f"{row['portraits']} {row['file_kbps']:.1f} {row['perc']:.3f}" for row in rows
            )
            sys.stderr.write(f"{clip.stem}: {told_rows}\n")
    means = [
        {key: float(np.mean([row[key] for row in same])) for key in same[0] if key != "refs"}
        | asdict(choice)
        for choice, same in zip(choices, zip(*by_clip.values(), strict=True), strict=True)
    ]
    known = conditions(
        clips=len(clips),
        every=every,
        side_px=METRIC_SIDE_PX,
        motion_space=str(encoder.space.id),
        renderer=str(decoder.renderer.id) if decoder else None,
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "conditions": known,
        "rows": rounded(means),
        "clips": rounded(by_clip),
    }


def show(rows: Sequence[RefsRow]) -> str:
    """A Markdown table."""
    columns = measured(COLUMNS, rows)
    lines = [
        "| `--refs` | `--portrait-quality` | " + " | ".join(name for _, name, _ in columns) + " |",
        "|" + "---:|" * (len(columns) + 2),
    ]
    for row in rows:
        cells = " | ".join(format(row[key], form) for key, _, form in columns)
        lines.append(f"| {row['refs']} | {row['quality']} | {cells} |")
    return "\n".join(lines) + "\n"


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    data = read(path)
    known = data["conditions"]
    return [
        *show(data["rows"]).splitlines(),
        "",
        f"{known['clips']} clips, every {known['every']}th frame at {known['side_px']}x{known['side_px']}, means over "
        "frames, then clips; not passed through H.264. "
        f"{where(known, 'motion_space', 'renderer')}",
    ]


def _options(parser: ArgumentParser) -> None:
    clips_options(parser, every=10)
    parser.add_argument(
        "--settings",
        default="1:50,auto:50,1s:50,1:25,auto:25,1s:25",
        help="portraits:quality, ... (%(default)s)",
    )


def _job(options: Namespace) -> int:
    choices = parse_choices(options.settings)
    if options.every < 1:
        raise UsageError("--every must be at least 1")
    data = measure(validation_clips(options.data, options.clips), choices, options.every)
    return publish(show(data["rows"]), options.out, lambda path: save_json(path, data))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("refs", _options, _job, arguments)
