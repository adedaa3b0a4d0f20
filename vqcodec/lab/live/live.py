"""A live stream between two processes of this machine, over a line that loses and delays.

    python -m vqcodec.lab live CLIP [--fps 25 10] [--shared] [--out FILE.json] [--at-once N]

A clip is encoded once at its own pace, as `vqcodec live` does (with --shared as fast as it goes, and processor time counts); then
what was made is sent, each group when it was made, to a viewer in another process, through a relay (`relay.py`) that loses
datagrams by chance in both directions, and delays them each way.
A frame is shown when the viewer's clock has reached it; drawing it is left out.

JSON: {"schema_version": 1, "conditions": {...}, "encodes": [...], "rows": [{"fps", "loss", "delay_ms", ...}]}.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

from vqcodec.container import verify
from vqcodec.errors import MediaError
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.lab.command import perform, publish
from vqcodec.lab.live.made import STREAM, made_in, make
from vqcodec.lab.markdown import read, table, where

SCHEMA_VERSION = 1
LOSSES = (0.0, 0.01, 0.05, 0.1, 0.2)
DELAYS_S = (0.0, 0.1, 0.3)
HEADS = (
    "own tokens",
    "coarse",
    "shown in time",
    "sound",
    "delay, ms",
    "95 %",
    "behind the sound, ms",
    "kbit/s",
    "back",
)


def measured(folder: Path, loss: float, delay_s: float, seed: int) -> dict[str, Any]:
    """One sender and one viewer.

    Raises:
        MediaError: they didn't come together.
    """
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True}
    program = [sys.executable, "-m"]
    with subprocess.Popen([*program, "vqcodec.lab.live.sender", str(folder)], **pipes) as sender:
        try:
            assert sender.stdout is not None
            address = json.loads(sender.stdout.readline())["address"]
            arguments = [address, str(loss), str(delay_s), str(seed)]
            with subprocess.Popen(
                [*program, "vqcodec.lab.live.viewing", *arguments], stdin=subprocess.PIPE, **pipes
            ) as viewer:
                told, _ = viewer.communicate(sender.stdout.readline())
        finally:
            sender.kill()
    if not told:
        raise MediaError("the viewer has nothing to tell", hint="Its own words stand above.")
    figures: dict[str, Any] = json.loads(told)
    return figures


def row(folder: Path, fps: Fraction, loss: float, delay_s: float) -> dict[str, Any]:
    """The figures of one line, as shares of what was made."""
    with (folder / STREAM).open("rb") as file:
        sizes = verify(file).sizes
    found = measured(folder, loss, delay_s, round(1000 * loss + 10_000 * delay_s))
    frames = sizes.frames
    return {
        "fps": float(fps),
        "loss": loss,
        "delay_ms": round(1000 * delay_s),
        "own_share": found["exact"] / frames,
        "coarse_share": found["coarse"] / frames,
        "shown_share": found["shown"] / frames,
        "sound_share": found["sound_s"] / float(sizes.seconds),
        "shown_after_ms": found["delay_ms"],
        "shown_after_95_ms": found["delay_95_ms"],
        "behind_ms": found["behind_ms"],
        "down_kbps": found["down_kbps"],
        "up_kbps": found["up_kbps"],
        "connected_s": found["connected_s"],
    }


def encoded(clip: Path, fps: Fraction, folder: Path, *, shared: bool) -> dict[str, Any]:
    """Encode the clip, unless the folder has it; how late groups were made, in milliseconds."""
    made = made_in(folder) if (folder / STREAM).exists() else make(clip, fps, folder, shared=shared)
    late = sorted(1000 * each for each in made.late_s)
    with (folder / STREAM).open("rb") as file:
        sizes = verify(file).sizes
    return {
        "fps": float(fps),
        "frames": sizes.frames,
        "left_out": made.left_out,
        "seconds": float(sizes.seconds),
        "late_ms": late[len(late) // 2],
        "late_95_ms": late[int(0.95 * len(late))],
    }


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("clip", type=Path)
    parser.add_argument("--fps", type=Fraction, nargs="+", default=[Fraction(25), Fraction(10)])
    parser.add_argument(
        "--shared",
        action="store_true",
        help="others use the processors, too: an encode counts as processor time",
    )
    parser.add_argument("--at-once", type=int, default=5, help="lines measured at the same time")
    parser.add_argument("--made", type=Path, help="folder that keeps the encodes")
    parser.add_argument("--out", type=Path, help="JSON of the results")


def _job(options: Namespace) -> int:
    with tempfile.TemporaryDirectory() as temporary:
        base = options.made or Path(temporary)
        folders = {fps: base / f"{float(fps):g}" for fps in options.fps}
        encodes = [
            encoded(options.clip, fps, folder, shared=options.shared)
            for fps, folder in folders.items()
        ]
        lines_ = list(product(options.fps, DELAYS_S, LOSSES))
        with ThreadPoolExecutor(options.at_once) as pool:
            rows = list(pool.map(lambda at: row(folders[at[0]], at[0], at[2], at[1]), lines_))
    results = {
        "schema_version": SCHEMA_VERSION,
        "conditions": conditions(clip=options.clip.name, shared=options.shared),
        "encodes": rounded(encodes),
        "rows": rounded(rows),
    }
    return publish(told(results), options.out, lambda path: save_json(path, results))


def told(results: dict[str, Any]) -> str:
    """The table."""
    rows = [
        (
            f"{r['fps']:g} frames/s, {r['delay_ms']} ms, {100 * r['loss']:g} % loss",
            [
                *(f"{100 * r[n]:.0f} %" for n in ("own_share", "coarse_share", "shown_share")),
                f"{100 * min(r['sound_share'], 1):.0f} %",
                *(f"{r[n]:.0f}" for n in ("shown_after_ms", "shown_after_95_ms", "behind_ms")),
                *(f"{r[n]:.1f}" for n in ("down_kbps", "up_kbps")),
            ],
        )
        for r in results["rows"]
    ]
    return "\n".join(table(HEADS, rows))


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    results = read(path)
    made = "; ".join(
        f"at {e['fps']:g} frames/s a group was made {e['late_ms']:.0f} ms after its last frame (95 %: "
        f"{e['late_95_ms']:.0f}), {e['left_out']} of {e['frames'] + e['left_out']} frames were left out"
        for e in results["encodes"]
    )
    clip = results["conditions"]["clip"]
    made += (
        ", as processor time, since other work shared the machine" * results["conditions"]["shared"]
    )
    return [*told(results).split("\n"), "", f"`{clip}`; {made}. {where(results['conditions'])}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("live", _options, _job, arguments)
