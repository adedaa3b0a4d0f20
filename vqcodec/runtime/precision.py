"""bfloat16 or float32 on this processor: not by its flags, which don't say how fast the library is, but by a short trial.

The trial draws with layers like the renderer's, in turns, and counts the processor's time, not the clock's: other work on
the machine must not decide. What it found is remembered in the process, and in a small file for the next one: the same
machine goes on with the same arithmetic.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from vqcodec.runtime.model_cache import cache_folder

if TYPE_CHECKING:
    import torch

_FILE = "precision.json"
_MOST_BYTES = 10_000
_TURNS = 4
_WORTH = 0.9
"""bfloat16 is less exact: it must take less than this share of float32's time."""
_CHANNELS, _SIDE_PX = 64, 64


@lru_cache(maxsize=1)
def bfloat16_pays() -> bool:
    """Whether rendering is faster in bfloat16 than in float32 here, in the library as it is set up."""
    key = _machine()
    known = _remembered().get(key)
    if not isinstance(known, bool):
        known = trial()
        _remember(key, known)
    return known


def trial() -> bool:
    """Measure it: about a tenth of a second, some more on a slow machine."""
    import torch

    kinds = (torch.float32, torch.bfloat16)
    with torch.random.fork_rng(devices=[]):  # layers are drawn, and the caller's seed is not ours
        works = [_Work(kind) for kind in kinds]
    for work in works:
        work.seconds()  # the first turn prepares, too
    turns = [[work.seconds() for work in works] for _ in range(_TURNS)]
    plain_s, short_s = (min(turn[number] for turn in turns) for number in range(len(kinds)))
    return bool(short_s < _WORTH * plain_s)


class _Work:
    """Two convolutions and what stands between them, in one precision."""

    def __init__(self, kind: torch.dtype) -> None:
        import torch

        form = torch.channels_last
        self._layers = torch.nn.Sequential(
            torch.nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1),
            torch.nn.GroupNorm(8, _CHANNELS),
            torch.nn.SiLU(),
            torch.nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1),
        )
        self._layers.to(kind, memory_format=form)  # type: ignore[call-overload]
        picture = torch.zeros(1, _CHANNELS, _SIDE_PX, _SIDE_PX, dtype=kind)
        self._picture = picture.contiguous(memory_format=form)

    def seconds(self) -> float:
        """Processor time of one turn, of all threads."""
        import torch

        started_s = time.process_time()
        with torch.inference_mode():
            self._layers(self._picture)
        return time.process_time() - started_s


def _machine() -> str:
    """What the answer depends on: processor, library and its settings, threads."""
    import torch

    settings = [f"{name}={os.environ[name]}" for name in sorted(os.environ) if "DNN" in name]
    parts = [_processor(), torch.__version__, str(torch.get_num_threads()), *settings]
    return " | ".join(parts)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _path() -> Path:
    return cache_folder() / _FILE


def _remembered() -> dict[str, object]:
    """What earlier trials found; nothing where that can't be read."""
    with suppress(OSError, RuntimeError, ValueError, RecursionError):
        path = _path()
        if path.is_file() and path.stat().st_size <= _MOST_BYTES:
            found = json.loads(path.read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else {}
    return {}


def _remember(key: str, pays: bool) -> None:
    """Write it down where that can be done; where not, the next process tries again."""
    with suppress(OSError, RuntimeError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        note = json.dumps({**_remembered(), key: pays}, indent=1)
        # a folder of this process's own, which goes again whatever happens
        with tempfile.TemporaryDirectory(dir=path.parent) as name:
            part = Path(name) / _FILE
            part.write_text(note, encoding="utf-8")
            os.replace(part, path)
