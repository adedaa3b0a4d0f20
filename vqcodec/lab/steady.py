"""Which clips have a steady camera, by their picture's border alone.

python -m vqcodec.lab steady CORPUS|CLIP.mp4 [--json]
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from vqcodec.evaluation.tools.files import rounded
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.evaluation.validate.steady import MOTION_LIMIT_PX, Camera, camera
from vqcodec.lab.command import perform, publish


def report(found: dict[str, Camera]) -> str:
    """A line per clip, and how many are steady."""
    lines = [
        f"{name}  {'steady' if seen.steady else 'moving'}  border moves {seen.motion_px:6.2f} px, below "
        f"{MOTION_LIMIT_PX:g} px in {100 * seen.still_share:3.0f} % of {seen.frames} frames"
        for name, seen in found.items()
    ]
    many = sum(seen.steady for seen in found.values())
    return "\n".join([*lines, f"steady-camera clips: {many} of {len(found)}"])


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "clips", type=Path, help="corpus folder (val/*.mp4), a folder of .mp4 clips, or one clip"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON: {clip: {steady, motion_px, still_share, frames}}",
    )


def _job(options: Namespace) -> int:
    one = options.clips.is_file()
    clips = [options.clips] if one else validation_clips(options.clips)
    found = {path.stem: camera(read_frames(path)) for path in clips}
    if not options.json:
        return publish(report(found))
    values = rounded({name: seen.to_json() for name, seen in found.items()})
    return publish(json.dumps(values, indent=1))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("steady", _options, _job, arguments)
