"""The conformance vectors: both decoders say what the vectors expect, the recipes still make them, and none changes."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.spec import (
    INVALID,
    SPEC,
    TWINS,
    VALID,
    VECTORS,
    load,
    reference_result,
    vector,
)
from vqcodec.container import Reader
from vqcodec.container.faults import HINTS, UNSUPPORTED_HINTS
from vqcodec.errors import BitstreamError
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.types import PortraitUnit


@pytest.fixture(scope="module")
def make() -> ModuleType:
    return load(VECTORS / "make.py")


def test_there_are_vectors_for_everything() -> None:
    assert len(VALID) >= 75
    assert len(INVALID) >= 100
    unreachable = {"too-many"}  # needs 2**20 groups
    assert {expected["error"] for expected in INVALID.values()} == {
        *HINTS,
        *UNSUPPORTED_HINTS,
    } - unreachable
    stored = [path for folder in ("valid", "invalid") for path in (VECTORS / folder).iterdir()]
    assert sum(path.stat().st_size for path in stored) < 600_000


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
    expected = INVALID[TWINS.get(name, name)]
    data = vector("invalid", name)
    assert make.failure(data) == {"error": expected["error"], "offset": expected["offset"]}
    assert reference_result(data) == (expected["error"], expected["offset"])


def test_what_holds_for_version_1_alone(make: ModuleType) -> None:
    """A stream of version 2.0 is refused by decoders of version 1; for others a second vector has the same bytes."""
    assert {name: twin for name, (twin, _) in make.VERSION_1_ONLY.items()} == TWINS
    for name, twin in TWINS.items():
        assert vector("invalid", name) == vector("invalid", twin)
        assert INVALID[name] == {"error": "unsupported-version", "offset": 8, "why": "version 2.0"}


def test_an_index_with_a_false_end_is_not_used() -> None:
    expected = INVALID["fuzz-end-at-zero"]
    reader = Reader(io.BytesIO(vector("invalid", "fuzz-end-at-zero")))
    for use in (reader.index, lambda: reader.groups_from(0)):
        with pytest.raises(BitstreamError) as caught:
            use()
        assert (caught.value.code, caught.value.offset) == (expected["error"], expected["offset"])


def test_recipes_make_the_stored_files(make: ModuleType) -> None:
    assert sorted(make.VALID) == VALID
    assert {name: vector("valid", name) for name in VALID} == make.VALID
    for name, (code, why, data) in make.INVALID.items():
        assert vector("invalid", name) == data, name
        found = make.failure(data)
        if name in TWINS:
            found["offset"] = make.VERSION_1_ONLY[name][1]
        assert INVALID[name] == found | {"error": code, "why": why}


def test_every_vector_is_frozen(make: ModuleType) -> None:
    stored = {
        path.relative_to(VECTORS).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("valid", "invalid")
        for path in (VECTORS / folder).iterdir()
    }
    assert make.frozen() == stored, "vectors are only added, by make.py (see README.md beside them)"


def test_make_refuses_to_change_or_remove_a_frozen_vector(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {VECTORS / path: (VECTORS / path).read_bytes() for path in make.frozen()}
    assert make.changed(files) == []
    smallest, longest = VECTORS / "valid/smallest.vqt", VECTORS / "valid/long-hour.vqt"
    broken = files | {smallest: b"other", VECTORS / "valid/new.vqt": b""}
    del broken[longest]
    assert sorted(make.changed(broken)) == ["valid/long-hour.vqt", "valid/smallest.vqt"]
    monkeypatch.setattr(make, "recipes", lambda: broken)
    monkeypatch.setattr(sys, "argv", ["make.py"])
    with pytest.raises(SystemExit, match=r"frozen.*valid/long-hour\.vqt, valid/smallest\.vqt"):
        make.main()
    assert {path: path.read_bytes() for path in files} == files
    assert not (VECTORS / "valid/new.vqt").exists()


def test_vectors_of_portraits() -> None:
    """Each rule about portraits, runs and units has a vector; every one of the valid ones shows what it is for."""
    of_2 = [name for name in INVALID if name.startswith("2-")]
    codes = [INVALID[name]["error"] for name in of_2]
    assert codes.count("bad-unit") >= 20 and codes.count("bad-portrait") >= 12
    expected = {
        name: json.loads((VECTORS / "valid" / f"{name}.json").read_text(encoding="utf-8"))
        for name in VALID
    }
    portraits = {name: e.get("portraits") for name, e in expected.items()}
    assert all((portraits[name] is not None) == name.startswith("2-") for name in VALID)
    assert [p["depends_on"] for p in portraits["2-chain"]] == [None, *range(7)]
    assert [p["depends_on"] for p in portraits["2-svt-av1"]] == [None, 0, 1, 0]
    assert [p["continues"] for p in portraits["2-shots"]] == [False, False, True, False, False]
    assert expected["2-live"]["delay_ms"] == 120 and expected["2-smallest"]["delay_ms"] is None
    rest = hashlib.sha256(bytes.fromhex("0000ffff00000001")).hexdigest()
    assert expected["2-smallest"]["shown_sha256"] == rest
    thinned = expected["2-thinned-to-2-layers"]
    assert thinned["shown_sha256"] == expected["2-live"]["shown_sha256"]
    assert thinned["portraits"] == portraits["2-live"] and thinned["layers"] == 2


def test_units_of_an_encoder_show_the_drawn_face() -> None:
    units = {
        item.number: item
        for item in Reader(io.BytesIO(vector("valid", "2-svt-av1")))
        if isinstance(item, PortraitUnit)
    }
    decoder = PathDecoder()
    mouth = [
        decoder.picture([units[n].unit for n in path])[330:410, 250:262, 0]
        for path in ((0,), (0, 1), (0, 1, 2), (0, 3))
    ]
    dark = [int((part < 160).sum()) for part in mouth]
    assert dark[0] < dark[3] < dark[1] < dark[2]


def test_long_vectors_keep_exact_time() -> None:
    hour, ntsc, sound = (
        json.loads((VECTORS / "valid" / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("long-hour", "long-hour-29.97", "sound-hours")
    )
    assert Fraction(hour["time_base_s"]) * hour["end_tick"] > 3600
    assert Fraction(ntsc["time_base_s"]) * ntsc["end_tick"] == Fraction(36036, 10)
    assert Fraction(ntsc["frame_rate_hz"]) == Fraction(30_000, 1001)
    assert Fraction(sound["time_base_s"]) * sound["last_tick"] == 59 * 540
    # the tick of every frame, by counting frames: nothing drifts
    frames = [number for i in range(1200) for number in (90 * i, 90 * i + 1)]
    ticks = b"".join((1001 * number).to_bytes(8, "big") for number in frames)
    assert ntsc["ticks_sha256"] == hashlib.sha256(ticks).hexdigest()


def test_final_states_are_of_every_layer() -> None:
    for name in ("layers-1", "layers-4", "tokens-all-312"):
        expected = json.loads((VECTORS / "valid" / f"{name}.json").read_text(encoding="utf-8"))
        assert len(expected["final_states"]) == expected["layers"]
        for code, span, taken in expected["final_states"]:
            assert 0 <= code < span <= 2**32 and span >= 2**24 and taken >= 4
    empty = json.loads((VECTORS / "valid" / "tokens-all-312.json").read_text(encoding="utf-8"))
    assert empty["sizes"]["motion"] == 0 and all(code == 0 for code, _, _ in empty["final_states"])


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """In an interpreter that sees the standard library and the script's folder only."""
    command = [sys.executable, "-S", "-E", "-s", str(SPEC / "reference_decoder.py"), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "status"), [("cut-in-crc", 3), ("empty", 3), ("unsupported-major-3", 4)]
)
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
    files = {path.name for path in (VECTORS / "invalid").iterdir()}
    assert files == {f"{name}{end}" for name in INVALID for end in (".vqt", ".json")}
    assert Path(VECTORS / "README.md").is_file()
