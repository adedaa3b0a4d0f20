"""The specification's folder, its vectors and its reference decoder, for the tests."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

SPEC = Path(__file__).resolve().parents[2] / "bitstream_spec"
VECTORS = SPEC / "vectors"
VALID = sorted(path.stem for path in (VECTORS / "valid").glob("*.vqt"))
INVALID: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    for path in sorted((VECTORS / "invalid").glob("*.vqt"))
}
TWINS = {"unsupported-major": "order-key-frame-in-2"}
"""Vectors that hold for decoders of version 1 alone, and those that say what later ones find in the same bytes."""
VQT_TEXT = (SPEC / "vqt.md").read_text(encoding="utf-8")


def number(text: str) -> int:
    """An integer as the specification writes it, in groups of three digits."""
    return int(text.replace(" ", ""))


def tables(heading: str) -> list[list[list[str]]]:
    """The tables of vqt.md between a heading and the next one, as rows of cells, header and ruler left out."""
    section = re.split(r"^## ", VQT_TEXT.split(heading, 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"(?:^\|.*\|\n)+", section, re.MULTILINE)
    return [
        [
            [cell.strip() for cell in row.strip("|").split("|")]
            for row in block.strip().split("\n")[2:]
        ]
        for block in blocks
    ]


def load(path: Path) -> ModuleType:
    """A Python file of the specification as a module; its folder is importable meanwhile."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


REFERENCE = load(SPEC / "reference_decoder.py")


def reference_result(data: bytes) -> tuple[str, int] | dict[str, Any]:
    """What the reference decoder says: the JSON of a valid stream, or error code and byte offset."""
    try:
        result: dict[str, Any] = REFERENCE.Decoder(data).run()
    except REFERENCE.Fault as fault:
        return fault.args
    return result


def vector(folder: str, name: str) -> bytes:
    """The bytes of one vector."""
    return (VECTORS / folder / f"{name}.vqt").read_bytes()
