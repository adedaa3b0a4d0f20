"""`vqcodec benchmark` beside the last committed figures; tells, and never fails.

    python .ci/benchmark.py [--write]

--write puts this machine's figures into benchmark.json, to be committed when a change of speed is meant: on a machine that
does nothing else. Without that file the rates of whole files in the laboratory's validation are what is compared with.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("benchmark.json")
VALIDATION = KEPT.parent.parent / "vqcodec" / "lab" / "results" / "val.json"
COMMAND = [
    "vqcodec",
    "benchmark",
    "sample_media/talking.mp4",
    "--batch",
    "1,16",
    "--repeat",
    "3",
    "--json",
]


def rates(found: dict[str, Any]) -> dict[str, float]:
    """Frames per second by name."""
    out = {
        f"render {_way(r)} {r['size_px']} px, {r['batch']} at once": r["fps"]
        for r in found["render"]
        if r["fps"] is not None
    }
    files = found["files"] or {}
    return out | {
        f"file to file, {k[:-4]}": v for k, v in files.items() if k.endswith("_fps") and v
    }


def _way(rate: dict[str, Any]) -> str:
    """Precision, and the library where it isn't torch."""
    library = rate.get("backend", "torch")
    return rate["precision"] if library == "torch" else f"{library} {rate['precision']}"


def committed() -> dict[str, Any]:
    """What was measured last: by --write, else medians over the validation's clips."""
    if KEPT.is_file():
        return dict(json.loads(KEPT.read_text(encoding="utf-8")))
    known = json.loads(VALIDATION.read_text(encoding="utf-8"))
    clips = known["runs"][0]["clips"]
    files = {k: statistics.median(c[k] for c in clips) for k in ("encode_fps", "decode_fps")}
    return {"conditions": known["conditions"], "render": [], "files": files}


def lines(now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """The machine of each, then a rate a line: now, before, and by how much it changed."""
    told = []
    for name, found in (("now", now), ("before", before)):
        machine = found["conditions"]["machine"]
        told.append(
            f"{name}: {machine['cpu']}, {machine['cores']} cores, load {machine['load_average_1min']}"
        )
    old = rates(before)
    for name, fps in rates(now).items():
        change = f"{old[name]:8.1f}  {fps / old[name] - 1:+.0%}" if name in old else "     new"
        told.append(f"{name:<34}{fps:8.1f}{change}")
    return told


def main() -> None:
    """Measure and compare, or measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    done = subprocess.run(COMMAND, cwd=KEPT.parent.parent, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.stderr.write("the benchmark failed\n")
        sys.exit(1 if write else 0)
    now = json.loads(done.stdout)
    if write:
        KEPT.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    else:
        sys.stdout.write("\n".join(lines(now, committed())) + "\n")


if __name__ == "__main__":
    main()
