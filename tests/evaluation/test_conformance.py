"""Level B: the reference frames belong to what is shipped, and this machine's pictures lie within the tolerance."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.pipeline import FakeSpace
from tests.support.shots import Painting, level, shot_stream
from tests.support.spec import SPEC, VECTORS, reference_result
from vqcodec.container import verify
from vqcodec.errors import MediaError, UnsupportedError
from vqcodec.evaluation import conformance, render_setting
from vqcodec.evaluation.conformance import References
from vqcodec.evaluation.render_setting import Setting
from vqcodec.models import store
from vqcodec.types import ModelId

FOLDER = VECTORS / "level_b"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def references() -> References:
    return References.load(FOLDER)


def test_the_folder(references: References) -> None:
    assert len(references.streams) == 5
    assert {frame.stream for frame in references.frames} == set(references.streams)
    assert {frame.rgb.shape for frame in references.frames} == {(256, 256, 3), (512, 512, 3)}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_500_000
    listed = {
        frame["file"] for stream in EXPECTED["streams"].values() for frame in stream["frames"]
    }
    assert {path.name for path in FOLDER.iterdir()} == listed | {
        f"{name}.vqt" for name in references.streams
    } | {"expected.json"}


def test_the_frames_are_of_the_shipped_renderer(references: References) -> None:
    references.check_renderer(store.current("renderer").id)
    assert EXPECTED["motion_space"]["sha256"] == store.current("motion_space").id.sha256.hex(), (
        "level_b is of another motion space: run python bitstream_spec/vectors/level_b.py"
    )


def test_frames_of_another_renderer_are_refused(references: References) -> None:
    with pytest.raises(
        UnsupportedError, match=r"of renderer .*, the shipped one is newer@0101"
    ) as caught:
        references.check_renderer(ModelId("newer", bytes([1] * 32)))
    assert "level_b.py" in caught.value.hint


def test_both_decoders_read_the_streams(references: References) -> None:
    for name, stream in references.streams.items():
        expected = EXPECTED["streams"][name]
        report = verify(io.BytesIO(stream))
        assert report.token_sha256 == expected["token_sha256"], (
            f"{name}: the entropy tables have changed; run python bitstream_spec/vectors/level_b.py"
        )
        assert report.key_frames == len(expected["stills_rgb_sha256"])
        assert report.head.layers == (2 if name == "layers-2" else 4)
    smallest = references.streams["layers-2"]
    found = reference_result(smallest)
    assert (
        isinstance(found, dict)
        and found["token_sha256"] == EXPECTED["streams"]["layers-2"]["token_sha256"]
    )


def test_streams_differ_in_what_they_show(references: References) -> None:
    reports = {name: verify(io.BytesIO(stream)) for name, stream in references.streams.items()}
    assert reports["two-portraits"].key_frames >= 2
    crop = reports["odd-source"].head.crop
    assert (
        crop is not None
        and (crop.source_width_px, crop.source_height_px) == (799, 601)
        and crop.x_px > 200
    )
    assert reports["odd-source"].head.frame_rate_hz == pytest.approx(29.97, abs=0.001)


def test_stills_decode_as_where_the_frames_were_made(references: References) -> None:
    """AV1 is exact, the way from YCbCr to RGB may differ by a level from one libavif to the next: part of the tolerance."""
    for name, stream in references.streams.items():
        stills = conformance.portraits(stream)
        assert {rgb.shape for rgb in stills} == {(512, 512, 3)}
        if conformance.versions()["versions"]["libavif"] == EXPECTED["made_with"]["libavif"]:
            found = [hashlib.sha256(rgb.tobytes()).hexdigest() for rgb in stills]
            assert found == EXPECTED["streams"][name]["stills_rgb_sha256"], name


@pytest.mark.parametrize(
    "setting",
    [
        Setting("cpu", "float32", 2, 1),
        Setting("cpu", "bfloat16", 1, 1),
        Setting("cpu", "bfloat16", 2, 4, backend="openvino"),
    ],
    ids=str,
)
def test_within_the_tolerance(references: References, setting: Setting) -> None:
    if setting.backend == "openvino" and importlib.util.find_spec("openvino") is None:
        pytest.skip("the extra [fast] is not installed")
    first = {frame.stream: frame for frame in reversed(references.frames)}
    threads = torch.get_num_threads()
    result = conformance.measure(references, setting, frames=list(first.values()))
    assert result["frames"] == 5
    assert result["within"], conformance.line(result)
    assert torch.get_num_threads() == threads


def test_tolerances_are_those_of_the_text() -> None:
    text = (SPEC / "conformance.md").read_text(encoding="utf-8")
    psnr = re.search(r"^\| PSNR at least \| (\d+) dB \| (\d+) dB \|$", text, re.MULTILINE)
    share = re.search(r"^\| share of samples .*\| ([\d.]+) % \| ([\d.]+) % \|$", text, re.MULTILINE)
    assert psnr is not None and share is not None
    stated = [
        (float(db), float(percent) / 100)
        for db, percent in zip(psnr.groups(), share.groups(), strict=True)
    ]
    assert [
        (t.min_psnr_db, pytest.approx(t.max_share))
        for t in map(render_setting.TOLERANCES.get, (32, 16))
    ] == stated
    assert EXPECTED["tolerance"]["32 bits"] == {"min_psnr_db": 48.0, "max_share": 0.0001}


def test_comparison() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    assert conformance.compare(grey, grey) == (conformance.SAME_DB, 0.0)
    other = grey.copy()
    other[0, 0] = (100, 108, 109)
    psnr_db, share = conformance.compare(grey, other)
    assert share == 1 / 48
    assert psnr_db == pytest.approx(10 * np.log10(255**2 * 48 / (64 + 81)))


def test_a_broken_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="can't be read") as caught:
        References.load(tmp_path)
    assert "level_b.py" in caught.value.hint
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    frame = copy / EXPECTED["streams"]["talking"]["frames"][0]["file"]
    frame.write_bytes((copy / EXPECTED["streams"]["extreme"]["frames"][0]["file"]).read_bytes())
    with pytest.raises(MediaError, match="not the file that expected"):
        References.load(copy)


def test_settings_that_a_machine_lacks_are_skipped(references: References) -> None:
    every = render_setting.settings("torch")
    assert {(s.device, s.precision) for s in every} == {
        (d, p) for d in ("cpu", "cuda") for p in render_setting.TORCH
    }
    assert {s.threads for s in every if s.device == "cpu"} == {1, 2, 4}
    both = render_setting.settings()
    assert both[: len(every)] == every and {s.backend for s in both[len(every) :]} <= {"openvino"}
    if not torch.cuda.is_available():
        [result] = conformance.measured(references, [Setting("cuda", "float16", 1, 1)])
        assert conformance.line(result).endswith("skipped, there is no CUDA device")


@pytest.mark.parametrize("batch_frames", [1, 4])
@pytest.mark.parametrize(
    ("frame", "expected"), [(3, 60), (11, 84), (15, 120), (19, 180), (33, 230)]
)
def test_a_frame_of_a_shot(frame: int, expected: int, batch_frames: int) -> None:
    shown = conformance.picture(
        Painting(),  # type: ignore[arg-type]
        shot_stream(),
        FakeSpace().units,
        frame,
        256,
        batch_frames,
    )
    assert shown.shape == (256, 256, 3) and abs(level(shown[None]) - expected) <= 2
