"""The conformance vectors: both decoders say what the vectors expect, and the recipes still make them."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from spec_tools import INVALID, SPEC, VALID, VECTORS, load, reference_result, vector

from vqcodec.container.faults import CODES, UNSUPPORTED_CODES


@pytest.fixture(scope="module")
def make() -> ModuleType:
    return load(VECTORS / "make.py")


def test_there_are_vectors_for_everything() -> None:
    assert len(VALID) >= 40
    assert len(INVALID) >= 40
    unreachable = {"too-many"}  # needs 2**20 groups
    assert {expected["error"] for expected in INVALID.values()} == {*CODES, *UNSUPPORTED_CODES} - unreachable
    assert sum(path.stat().st_size for path in VECTORS.rglob("*") if path.is_file() and path.suffix != ".pyc") < 300_000


@pytest.mark.parametrize("name", VALID)
def test_valid(name: str, make: ModuleType) -> None:
    expected = json.loads((VECTORS / "valid" / f"{name}.json").read_text(encoding="utf-8"))
    assert make.describe(vector("valid", name)) == expected


@pytest.mark.parametrize("name", VALID)
def test_valid_by_the_reference_decoder(name: str) -> None:
    expected = json.loads((VECTORS / "valid" / f"{name}.json").read_text(encoding="utf-8"))
    assert reference_result(vector("valid", name)) == expected


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str, make: ModuleType) -> None:
    expected = INVALID[name]
    data = vector("invalid", name)
    assert make.failure(data) == {"error": expected["error"], "offset": expected["offset"]}
    assert reference_result(data) == (expected["error"], expected["offset"])


def test_recipes_make_the_stored_files(make: ModuleType) -> None:
    assert sorted(make.VALID) == VALID
    assert {name: vector("valid", name) for name in VALID} == make.VALID
    for name, (code, why, data) in make.INVALID.items():
        assert vector("invalid", name) == data, name
        assert INVALID[name] == make.failure(data) | {"error": code, "why": why}


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    script = str(SPEC / "reference_decoder.py")
    return subprocess.run([sys.executable, "-I", script, *arguments], input=stdin, capture_output=True, timeout=60)


@pytest.mark.parametrize(("name", "status"), [("cut-in-crc", 3), ("empty", 3), ("unsupported-major", 4)])
def test_reference_decoder_as_a_program(name: str, status: int) -> None:
    done = run(str(VECTORS / "invalid" / f"{name}.vqt"))
    assert done.returncode == status
    assert json.loads(done.stdout) == {key: INVALID[name][key] for key in ("error", "offset")}


def test_reference_decoder_reads_standard_input() -> None:
    done = run("-", stdin=vector("valid", "smallest"))
    assert done.returncode == 0
    assert done.stdout.replace(b"\r\n", b"\n") == (VECTORS / "valid" / "smallest.json").read_bytes()
    assert run().returncode not in (0, 3, 4)


def test_folders_hold_nothing_else() -> None:
    files = {path.name for path in (VECTORS / "valid").iterdir()}
    assert files == {f"{name}{end}" for name in VALID for end in (".vqt", ".json")}
    assert {path.stem for path in (VECTORS / "invalid").glob("*.vqt")} == set(INVALID)
    assert Path(VECTORS / "README.md").is_file()
