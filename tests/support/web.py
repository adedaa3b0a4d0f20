"""The TypeScript decoder of vqcodec/web, for the tests that compare it with the others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

WEB = Path(__file__).resolve().parents[2] / "vqcodec" / "web"
BATCH = WEB / "build" / "tests" / "batch.js"
BUILD = "run `npm ci && npm test` in vqcodec/web"


def _missing(why: str) -> NoReturn:
    """A clone without Node is tested all the same; continuous integration isn't."""
    if os.environ.get("VQCODEC_REQUIRE_WEB"):
        pytest.fail(why)
    pytest.skip(why)


def node() -> str:
    """The program, if it and the built decoder are there; else the test says what is missing."""
    found = shutil.which("node")
    if found is None:
        _missing("node is not installed: the TypeScript decoder is not compared with the others")
    if not BATCH.is_file():
        _missing(f"the TypeScript decoder is not built: {BUILD}")
    sources = [path for folder in ("src", "tests") for path in (WEB / folder).rglob("*.ts")]
    sources += [
        *WEB.glob("tools/*"),
        *(WEB.parents[1] / "bitstream_spec" / "tables").glob("*.json"),
    ]
    if max(path.stat().st_mtime for path in sources) > BATCH.stat().st_mtime:
        _missing(f"the TypeScript decoder has changed since it was built: {BUILD}")
    return found


def page() -> Path:
    """Where the page of `vqcodec web` is built, if it is there and new; else the test says what is missing."""
    from vqcodec.publishing.folder import built_page

    made = built_page() / "vendor" / "LICENCES.txt"  # written last
    if not made.is_file():
        _missing(f"the page is not built: {BUILD}")
    sources = [*(WEB / "src").rglob("*.ts"), *(WEB / "page").iterdir(), WEB / "package-lock.json"]
    if max(path.stat().st_mtime for path in sources) > made.stat().st_mtime:
        _missing(f"the page has changed since it was built: {BUILD}")
    return made.parents[1]


def decode_batch(streams: list[bytes], folder: Path, *, recover_every: int) -> list[dict[str, Any]]:
    """What the TypeScript decoder says of each stream: see vqcodec/web/tests/batch.ts.

    Args:
        streams: any bytes.
        folder: where the batch is written.
        recover_every: of each so many streams one is recovered, too, the first one first.
    """
    program, batch = node(), folder / "batch"
    batch.write_bytes(b"".join(len(data).to_bytes(4, "big") + data for data in streams))
    command = [program, str(BATCH), str(batch), str(recover_every)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.split(b"\n") if line]
