"""What must be in a wheel, and what must not: python .ci/look_into_wheel.py FILE.whl ."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

MANIFEST = "vqcodec/models/manifest.json"
NEEDED = (
    "vqcodec/py.typed",
    "vqcodec_cli/main.py",
    "vqcodec/entropy/motion-1.json",
    "vqcodec/entropy/motion-3.json",
    MANIFEST,
)
PAGE = (
    "index.html",
    "js/player/worker.js",
    "vendor/ort/ort-wasm-simd-threaded.wasm",
    "vendor/LICENCES.txt",
)
"""Of the page of `vqcodec web`, where it was built."""
STRANGERS = ("vqcodec/lab/", "vqcodec/web/", "tests/", "sample_media/", "cli/", "bitstream_spec/")


def faults(wheel: zipfile.ZipFile) -> list[str]:
    """What is wrong with a wheel, in words."""
    names = wheel.namelist()
    missing = [name for name in NEEDED if name not in names]
    if not missing:
        models = json.loads(wheel.read(MANIFEST))["models"]
        files = [f"vqcodec/models/{model['file']}" for model in models]
        missing += [name for name in files if name not in names]
    page = [f"vqcodec/publishing/page/{name}" for name in PAGE]
    if any(name in names for name in page):
        missing += [name for name in page if name not in names]
    return [f"{name} is missing" for name in missing] + [
        f"{name} doesn't belong there" for name in names if name.startswith(STRANGERS)
    ]


def main() -> None:
    """Print the wheel's size; exit with its faults."""
    path = Path(sys.argv[1])
    with zipfile.ZipFile(path) as wheel:
        found, count = faults(wheel), len(wheel.namelist())
    if found:
        sys.exit("\n".join(found))
    sys.stdout.write(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {count} files\n")


if __name__ == "__main__":
    main()
