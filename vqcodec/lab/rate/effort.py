"""What `encode --effort` gains, and what it takes in time and bits.

    python -m vqcodec.lab effort --data CORPUS [--out effort.json] [--clips N] [--seconds 3] [--every 1]
        [--efforts 0,1,2,3]

The first seconds of each clip are tracked once and coded at every effort to the bytes that `encode` writes (portrait =
first frame, whole picture), decoded, rendered and measured at 256x256. The pictures don't pass through H.264.

JSON: {"schema_version": 1, "conditions": {...}, "rows": [{"effort", "steps", "perc", "st_lpips", "psnr_db", "lmd",
"lmd_mouth", "jitter", "motion_kbps", "seconds_a_frame", "gain"}, ...]}; figures are means over clips. `seconds_a_frame` is what
refinement alone takes; `gain` is the share of its own distance that it took away.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import MAX_EFFORT
from vqcodec.decoding.parts import DecoderParts
from vqcodec.encoding.effort import STEPS, Refiner
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.landmarks import interocular_px, jitter, landmark_step
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.markdown import measured, read, where
from vqcodec.lab.rate.rdo import Measure, MotionSetting, Pictures, Tracked, code, rendered, track

SCHEMA_VERSION = 1
COLUMNS = (
    ("perc", "perc", ".4f"),
    ("st_lpips", "ST-LPIPS", ".4f"),
    ("psnr_db", "PSNR dB", ".2f"),
    ("lmd", "lmd", ".5f"),
    ("lmd_mouth", "lmd mouth", ".5f"),
    ("jitter", "jitter", ".3f"),
    ("motion_kbps", "motion kbit/s", ".2f"),
    ("seconds_a_frame", "s/frame", ".2f"),
)

Points = NDArray[np.float32] | None
EffortRow = dict[str, Any]


class _Timed:
    """A refiner with a watch: seconds inside it."""

    def __init__(self, refiner: Refiner) -> None:
        self.seconds = 0.0
        self.inner = refiner

    def portrait(
        self,
        rgb: NDArray[np.uint8],
        features: NDArray[np.float32],
        base: NDArray[np.float32],
    ) -> None:
        """See Refiner."""
        start_s = time.perf_counter()
        self.inner.portrait(rgb, features, base)
        self.seconds += time.perf_counter() - start_s

    def motion(
        self,
        pictures: NDArray[np.uint8],
        features: NDArray[np.float32],
        progress: Callable[[int], None],
    ) -> NDArray[np.float32]:
        """See Refiner."""
        start_s = time.perf_counter()
        refined = self.inner.motion(pictures, features, progress)
        self.seconds += time.perf_counter() - start_s
        return refined


def trembling(reference: Sequence[Points], shown: Sequence[Points]) -> float:
    """Jitter of the measured frames: landmark motion of the output over the reference's; NaN without a pair of frames."""
    steps: tuple[list[float], list[float]] = ([], [])
    for k in range(1, len(reference)):
        now, before, out, out_before = reference[k], reference[k - 1], shown[k], shown[k - 1]
        if now is None or before is None or out is None or out_before is None:
            continue
        unit = interocular_px(now)
        steps[0].append(landmark_step(before, now, unit))
        steps[1].append(landmark_step(out_before, out, unit))
    return jitter(*steps)


def one(
    tracked: Tracked,
    effort: int,
    judge: Measure,
    reference: tuple[Pictures, list[Points]],
    decoder: DecoderParts,
    encoder: EncoderParts,
) -> EffortRow:
    """Figures of one clip at one effort."""
    setting = MotionSetting(0.0).setting()
    timed = _Timed(Refiner.load(effort, setting, encoder.space.id)) if effort else None
    stream, size = code(tracked, setting, encoder.space, refiner=timed, meter=encoder.new_meter())
    shown = np.stack(list(rendered(stream, decoder, judge.every, METRIC_SIDE_PX)))
    seconds = float(len(tracked.frames) / tracked.head.frame_rate_hz)
    return judge.distances(*reference, shown) | {
        "jitter": trembling(reference[1], [judge.points(picture) for picture in shown]),
        "motion_kbps": size * 8 / seconds / 1000,
        "seconds_a_frame": timed.seconds / len(tracked.frames) if timed else 0.0,
        "gain": timed.inner.gain if timed else 0.0,
    }


def measure(
    clips: Sequence[Path], efforts: Sequence[int], seconds: float, every: int
) -> dict[str, Any]:
    """Code and measure the first seconds of all clips at all efforts; the content of the JSON file."""
    encoder = EncoderParts.load()
    decoder: DecoderParts | None = None
    found: dict[int, list[EffortRow]] = {effort: [] for effort in efforts}
    with Measure(every) as judge:
        for clip in clips:
            tracked = track(clip, encoder, seconds)
            decoder = decoder or DecoderParts.load(tracked.head)
            reference = judge.reference(tracked)
            for effort in efforts:
                found[effort].append(one(tracked, effort, judge, reference, decoder, encoder))
                told_row = " ".join(
                    f"{name} {found[effort][-1][key]:{form}}" for key, name, form in COLUMNS
                )
                sys.stderr.write(f"{clip.stem} effort {effort}: {told_row}\n")
    rows = [
        {"effort": effort, "steps": STEPS[effort]}
        | {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        for effort, rows in found.items()
    ]
    known = conditions(
        clips=[clip.stem for clip in clips],
        seconds=seconds,
        every=every,
        side_px=METRIC_SIDE_PX,
        motion_space=str(encoder.space.id),
        renderer=str(decoder.renderer.id) if decoder else None,
    )
    return {"schema_version": SCHEMA_VERSION, "conditions": known, "rows": rounded(rows)}


def show(rows: Sequence[EffortRow]) -> str:
    """A Markdown table; figures that could not be measured are a dash."""
    columns = measured(COLUMNS, rows)
    lines = [
        "| effort | steps | " + " | ".join(name for _, name, _ in columns) + " |",
        "|" + "---|" * (len(columns) + 2),
    ]
    for row in rows:
        cells = [
            format(row[key], form) if row[key] is not None else "-" for key, _, form in columns
        ]
        lines.append(f"| {row['effort']} | {row['steps']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def parse_efforts(text: str) -> list[int]:
    """Read "0,1,2".

    Raises:
        UsageError: not efforts.
    """
    if not text.replace(",", "").isdecimal() or not all(
        0 <= int(part or -1) <= MAX_EFFORT for part in text.split(",")
    ):
        raise UsageError(
            f"{text!r} is not a list of efforts", hint=f"Write numbers of 0..{MAX_EFFORT}: 0,1,2."
        )
    return [int(part) for part in text.split(",")]


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    data = read(path)
    known = data["conditions"]
    return [
        *show(data["rows"]).splitlines(),
        "",
        f"The first {known['seconds']:g} s of {len(known['clips'])} clips, every frame at "
        f"{known['side_px']}x{known['side_px']}, means over clips; not passed through H.264. "
        f"{where(known, 'motion_space', 'renderer')}",
    ]


def _options(parser: ArgumentParser) -> None:
    clips_options(parser, every=1)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each clip (3)")
    parser.add_argument(
        "--efforts",
        default=",".join(map(str, range(MAX_EFFORT + 1))),
        help="efforts to compare (all)",
    )


def _job(options: Namespace) -> int:
    efforts = parse_efforts(options.efforts)
    if options.seconds <= 0 or options.every < 1:
        raise UsageError("--seconds must be above 0 and --every at least 1")
    data = measure(
        validation_clips(options.data, options.clips),
        efforts,
        options.seconds,
        options.every,
    )
    return publish(show(data["rows"]), options.out, lambda path: save_json(path, data))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("effort", _options, _job, arguments)
