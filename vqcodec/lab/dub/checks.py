"""Further things a dub must do: silence, speed, memory.

    python -m vqcodec.lab dubchecks --data CORPUS --out dubchecks.json [--only silence,speed,memory] [--threads 2]

    silence  20 s of silence, of noise at -60 dBFS and of speech, with the first frames of three clips, through `vqcodec.dub`;
             figures and bars: dubsilence.py
    speed    30 s of speech through the command `vqcodec dub`, start of the process included, to .vqt and to .mp4: median of three
    memory   the same with 1 minute and with 10 minutes to .vqt, and with 1 and 3 minutes to .mp4: most memory held by the process

`--only` measures anew what it names and keeps the rest of an existing file. JSON: {"schema_version": 1, "kind": "checks",
"conditions": {...}, "silence": {kind: [...]}, "speed": {...}, "memory": {...}, "checks": [{"name", "bar", "value", "met"}]}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.benchmark import read_scene
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.geometry.headpose import read_head
from vqcodec.lab.command import corpus_options, perform, publish
from vqcodec.lab.dub.clips import looped, read_pcm, speech_samples
from vqcodec.lab.dub.silence import SECONDS, SOUNDS, behaviour, checks, quiet, write_wav
from vqcodec.lab.dub.sync import shipped_basis
from vqcodec.lab.dub.table import checks_lines
from vqcodec.media.picture.source import VideoSource
from vqcodec.models import store

SCHEMA_VERSION = 1
KINDS = ("silence", "speed", "memory")
PORTRAITS, SPEED_S, REPEATS = 3, 30, 3
MEMORY_S = {"vqt": (60, 600), "mp4": (60, 180)}
MEMORY_GROWTH_MIB = 64
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

Dub = Callable[[Path, Path, Path], Any]
"""(sound, portrait, target): what is checked."""
Timed = Callable[[Path, Path, Path], tuple[float, float]]
"""The same in a process of its own: wall-clock seconds, and MiB of memory at the most."""


def by_api(sound: Path, portrait: Path, target: Path) -> Any:
    """`vqcodec.dub` as it comes."""
    from vqcodec import api

    return api.dub(sound, portrait, target, force=True)


def by_command(threads: int) -> Timed:
    """`vqcodec dub` on so many threads."""

    def run(sound: Path, portrait: Path, target: Path) -> tuple[float, float]:
        target.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "vqcodec_cli",
            "dub",
            str(sound),
            str(portrait),
            "-o",
            str(target),
        ]
        start_s = time.perf_counter()
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command,
                stdout=said,
                stderr=said,
                env=os.environ | dict.fromkeys(_THREADS, str(threads)),
            )
            peak = 0.0
            while process.poll() is None:
                peak = max(peak, _held_mib(process.pid))
                time.sleep(0.02)
            elapsed_s = time.perf_counter() - start_s
            if process.returncode:
                said.seek(0)
                raise MediaError(
                    f"vqcodec dub ended with {process.returncode}: {said.read().decode(errors='replace')[-400:]}"
                )
        return elapsed_s, peak

    return run


def _held_mib(pid: int) -> float:
    """Most memory a process held so far, MiB; 0 where the system doesn't tell.

    Linux' VmHWM, since what `wait4` tells of a process begins with what its parent held.
    """
    try:
        lines = (
            Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        )
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def portraits(data: Path, folder: Path) -> list[tuple[Path, Path]]:
    """(picture, clip): the first frames of clips evenly spread over the corpus, as PNG."""
    made = []
    for clip in validation_clips(data, PORTRAITS):
        with VideoSource(str(clip)) as video:
            frame = next(iter(video), None)
        if frame is None:
            raise MediaError(f"{clip.name} holds no picture")
        Image.fromarray(frame.rgb).save(folder / f"{clip.stem}.png")
        made.append((folder / f"{clip.stem}.png", clip))
    return made


def speech(clip: Path, seconds: int, folder: Path) -> Path:
    """A clip's sound, repeated to so many seconds, as WAV at 16 kHz."""
    return write_wav(
        folder / f"{clip.stem}-{seconds}.wav", speech_samples(looped(read_pcm(clip), seconds * 25))
    )


def silence(
    data: Path, folder: Path, dub: Dub, seconds: int = SECONDS
) -> dict[str, list[dict[str, float]]]:
    """`dubsilence.behaviour` of each sound and portrait."""
    basis, shape = shipped_basis(), read_head(store.current("head").path)
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in SOUNDS}
    for picture, clip in portraits(data, folder):
        for kind in SOUNDS:
            sound = (
                speech(clip, seconds, folder)
                if kind == "speech"
                else write_wav(folder / f"{kind}.wav", quiet(kind, seconds))
            )
            stream = folder / f"{clip.stem}-{kind}.vqt"
            dub(sound, picture, stream)
            found[kind].append(behaviour(read_scene(stream, basis.units), basis, shape))
            told_row = " ".join(f"{name} {value:.4g}" for name, value in found[kind][-1].items())
            sys.stderr.write(f"{clip.stem} {kind}: {told_row}\n")
    return found


def speed(data: Path, folder: Path, timed: Timed, seconds: int = SPEED_S) -> dict[str, float]:
    """Seconds of sound that `vqcodec dub` works off in a second, medians: vqt_realtime, mp4_realtime."""
    (picture, clip), *_ = portraits(data, folder)
    sound, found = speech(clip, seconds, folder), {}
    for kind in ("vqt", "mp4"):
        took_s = [timed(sound, picture, folder / f"speed.{kind}")[0] for _ in range(REPEATS)]
        found[f"{kind}_realtime"] = seconds / float(np.median(took_s))
        sys.stderr.write(
            f"{seconds} s of sound to .{kind}: {', '.join(f'{one:.1f}' for one in took_s)} s\n"
        )
    return found


def memory(data: Path, folder: Path, timed: Timed) -> dict[str, dict[str, float]]:
    """Most memory held for a short and for a long sound, by output, MiB: short_mib, long_mib, growth_mib."""
    (picture, clip), *_ = portraits(data, folder)
    found = {}
    for kind, lengths_s in MEMORY_S.items():
        peaks = []
        for seconds in lengths_s:
            took_s, peak = timed(speech(clip, seconds, folder), picture, folder / f"memory.{kind}")
            peaks.append(peak)
            sys.stderr.write(f"{seconds} s of sound to .{kind}: {peak:.0f} MiB, {took_s:.0f} s\n")
        found[kind] = {
            "short_mib": peaks[0],
            "long_mib": peaks[-1],
            "growth_mib": peaks[-1] - peaks[0],
        }
    return found


def all_checks(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table, of whatever was measured."""
    rows = checks(data["silence"]) if "silence" in data else []
    if "speed" in data:
        for kind in ("vqt", "mp4"):
            value = data["speed"][f"{kind}_realtime"]
            rows.append(
                {
                    "name": f"{SPEED_S} s of speech to .{kind}, times as fast as it plays",
                    "bar": "above 1",
                    "value": value,
                    "met": value > 1,
                }
            )
    if "memory" in data:
        for kind, (short_s, long_s) in MEMORY_S.items():
            value = data["memory"][kind]["growth_mib"]
            rows.append(
                {
                    "name": f"memory, {long_s // 60} minutes over {short_s // 60}, to .{kind}, MiB",
                    "bar": f"at most {MEMORY_GROWTH_MIB}",
                    "value": value,
                    "met": value <= MEMORY_GROWTH_MIB,
                }
            )
    return rows


def measure(
    data: Path, kinds: Sequence[str], *, dub: Dub, timed: Timed, threads: int = 2
) -> dict[str, Any]:
    """The named parts of the JSON file."""
    from vqcodec.models import store

    models = {
        kind: str(store.current(kind).id)
        for kind in ("motion_space", "renderer", "speech_tokenizer", "generator", "behaviour")
    }
    known = conditions(threads=threads, **models)
    found: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": "checks",
        "conditions": known,
    }
    with tempfile.TemporaryDirectory(prefix="vqcodec-dubchecks-") as name:
        folder = Path(name)
        if "silence" in kinds:
            found["silence"] = silence(data, folder, dub)
        if "speed" in kinds:
            found["speed"] = speed(data, folder, timed)
        if "memory" in kinds:
            found["memory"] = memory(data, folder, timed)
    return rounded(found)


def parse_kinds(text: str) -> tuple[str, ...]:
    """Read "silence,speed".

    Raises:
        UsageError: not checks.
    """
    kinds = tuple(text.split(","))
    if not set(kinds) <= set(KINDS):
        raise UsageError(
            f"{text!r} is not a list of checks", hint=f"Write some of {','.join(KINDS)}."
        )
    return kinds


def _options(parser: ArgumentParser) -> None:
    corpus_options(parser)
    parser.add_argument("--only", default=",".join(KINDS), help="checks to make (all)")
    parser.add_argument("--threads", type=int, default=2, help="for speed and memory (2)")


def _job(options: Namespace, dub: Dub, timed: Timed | None) -> int:
    data = measure(
        options.data,
        parse_kinds(options.only),
        dub=dub,
        timed=timed or by_command(options.threads),
        threads=options.threads,
    )
    if options.out is not None and options.out.is_file():
        data = json.loads(options.out.read_text(encoding="utf-8")) | data
    data["checks"] = rounded(all_checks(data))
    publish("\n".join(checks_lines(data)), options.out, lambda path: save_json(path, data))
    return int(not all(row["met"] for row in data["checks"]))


def main(
    arguments: Sequence[str] | None = None, dub: Dub = by_api, timed: Timed | None = None
) -> int:
    """The command; returns its exit code: 0, or 1 when a bar is missed."""
    return perform("dubchecks", _options, lambda options: _job(options, dub, timed), arguments)
