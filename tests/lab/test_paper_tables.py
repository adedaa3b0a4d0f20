"""The paper's tables at our scale: values, JSON, pages in step, and how rows are measured."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.support.evaluation import moving, write_video
from vqcodec.config import RuntimeOptions
from vqcodec.container import Reader
from vqcodec.decoding.parts import DecoderParts
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import ModelError, UsageError
from vqcodec.lab.paper import codebook_table, motioncoder, papertable
from vqcodec.lab.paper.codebook_driving import (
    Driven,
    DrivingStage,
    Material,
    material,
    pairs,
    plain,
    shipped,
    trained,
)
from vqcodec.lab.paper.codebook_table import QuantizerRow, QuantizerTable
from vqcodec.lab.paper.codebooks import Bench, Kept, replace_conditioning, trained_rows
from vqcodec.lab.paper.designs import DESIGNS
from vqcodec.lab.paper.motioncoder import MotionCoder
from vqcodec.lab.paper.paperdata import TABLE_1
from vqcodec.lab.rate import layertable
from vqcodec.lab.rate.layers import source_squares, streams
from vqcodec.lab.rate.layersheet import compose, write_sheet
from vqcodec.lab.rate.layertable import SCORES, LayerRow, Layers
from vqcodec.lab.rate.rdo import rendered, track
from vqcodec.motion.space import MotionSpace
from vqcodec.render.renderer import Renderer

RESULTS = Path(__file__).resolve().parents[2] / "vqcodec" / "lab" / "results"
FRAMES = 16


def row(key: str, **changes: float | None) -> QuantizerRow:
    values: dict[str, float | None] = dict(
        raw_kbps=8.0,
        counted_kbps=4.5,
        id_dist=0.31,
        csim=0.97,
        msi=0.9,
        utilisation_pct=50.0,
        pose_px=0.4,
        faces_pct=100.0,
    )
    return QuantizerRow(key, **values | changes)  # type: ignore[arg-type]


def measured() -> QuantizerTable:
    known = {
        "pairs": 12,
        "frames": 50,
        "identity_every": 10,
        "motion_frames": 4244,
        "clips": 24,
        "date_utc": "2026-01-02",
        "motion_space": "m@1",
        "renderer": "r@2",
        "training": {
            "settings": {"feature_steps": 8, "picture_steps": 2, "motion_batch": 256, "targets": 4},
            "clips": 451,
        },
    }
    references = [
        row(codebook_table.FLOATS, utilisation_pct=None, counted_kbps=None),
        row(codebook_table.CODEC),
    ]
    return QuantizerTable(known, 1.1, [row("vq", msi=math.nan), row("gvq")], references)


def test_codebooks_json_and_table(tmp_path: Path) -> None:
    path = tmp_path / "codebooks.json"
    measured().save(path)
    again = QuantizerTable.load(path)
    assert again.rows[0].msi is None and again.rows[1] == row("gvq")
    lines = codebook_table.table(again)
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith(
        "| VQ | 1 | - | - | 8196 | 8.00 | 4.50 | 0.310 | 0.970 | - | 50.00 | 0.40 | <1 | 0.588 |"
    )
    assert "no quantizer" in lines[4] and "drivers' own" in lines[6] and "1.100" in lines[6]
    assert "Not trained: rvq, grvq" in codebook_table.caption(again)
    path.write_text("{}")
    with pytest.raises(UsageError, match="not measured codebooks"):
        QuantizerTable.load(path)


def test_layers_json_and_table(tmp_path: Path) -> None:
    scores = dict.fromkeys(SCORES, 0.5)
    known = {
        "clips": 24,
        "every": 10,
        "date_utc": "2026-01-02",
        "motion_space": "m@1",
        "renderer": "r@2",
    }
    found = Layers(
        known,
        [LayerRow(n, 0.8 * n, scores | ({"perc": math.nan} if n == 2 else {})) for n in range(5)],
    )
    found.save(tmp_path / "layers.json")
    again = Layers.load(tmp_path / "layers.json")
    assert again.rows[4] == found.rows[4] and again.rows[2].scores["perc"] is None
    lines = layertable.table(again)
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| none: still first frame | 0.0 | 0.00 |") and lines[6].startswith(
        "| 4 | 11.1 | 3.20 |"
    )


def test_table_1_is_in_step_with_the_published_results() -> None:
    published = [str(RESULTS / "val.json"), "--out", str(RESULTS / "papertable.json")]
    assert papertable.main([*published, "--check"]) == 0


def test_a_stale_table_1_is_found(tmp_path: Path) -> None:
    old = json.loads((RESULTS / "papertable.json").read_text())
    old["groups"][2]["rows"][1]["values"]["ssim"] += 0.01
    stale = tmp_path / "papertable.json"
    stale.write_text(json.dumps(old))
    assert papertable.main([str(RESULTS / "val.json"), "--out", str(stale), "--check"]) == 1
    assert papertable.main([str(RESULTS / "val.json"), "--out", str(stale)]) == 0
    assert papertable.main([str(RESULTS / "val.json"), "--out", str(stale), "--check"]) == 0


def test_table_1_says_what_it_compares() -> None:
    found = json.loads((RESULTS / "papertable.json").read_text())
    assert [g["name"] for g in found["groups"]] == [
        "The paper's Table 1",
        "The authors' demo clips",
        "This codec",
    ]
    paper = {r["method"]: r["values"] for r in found["groups"][0]["rows"]}
    assert len(paper) == len(TABLE_1) and paper["VQTalker"]["lpips"] == 0.083
    ours = found["groups"][2]["rows"][1]
    assert (
        ours["values"]["raw_kbps"] == pytest.approx(11.145, abs=1e-3)
        and "lpips" not in ours["values"]
    )
    text = papertable.caption(found)
    assert "clips differ" in text and "LPIPS and the perceptual distance" in text


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two short videos of the same face: one moves, one is its mirror image."""
    folder = tmp_path_factory.mktemp("clips")
    frames = moving(FRAMES, 512)
    return [
        write_video(folder / "a.mp4", frames),
        write_video(folder / "b.mp4", np.ascontiguousarray(frames[:, :, ::-1])),
    ]


@pytest.fixture(scope="module")
def encoder() -> EncoderParts:
    return EncoderParts.load(RuntimeOptions(device="cpu")).plain("cpu")


def test_rows_are_measured(clips: list[Path], encoder: EncoderParts, tmp_path: Path) -> None:
    found = [material(path, tmp_path, encoder) for path in clips]
    assert found[0].features.shape == (FRAMES, 48) and found[0].shown.shape == (FRAMES, 256, 256, 3)
    again = material(clips[0], tmp_path, encoder)
    assert np.array_equal(again.features, found[0].features) and np.array_equal(
        again.portrait, found[0].portrait
    )
    space = encoder.space
    assert isinstance(space, MotionSpace)
    torch.manual_seed(0)
    coder = MotionCoder(
        next(d for d in DESIGNS if d.key == "grfsq-12x2-5"), torch.from_numpy(space.units)
    )
    # fitted to far wider motion: coarse for these clips
    coder.fit(torch.from_numpy(np.concatenate([m.delta for m in found])).repeat(40, 1) * 20)
    film = Renderer.load(device="cpu").net.film.state_dict()
    with DrivingStage() as stage:
        bench = Bench(found, space, stage)
        own = bench.row("codec", shipped(space.units), 625, 11.145)
        floats = bench.row("floats", plain, 1, 38.4)
        coarse = bench.row("grfsq-12x2-5", trained(coder), 625, 5.57, conditioning=film)
        assert 0 < bench.driver_msi() <= 2
    assert floats.pose_px < 1e-4 < own.pose_px < 0.5 and floats.utilisation_pct is None
    assert own.id_dist == pytest.approx(floats.id_dist, abs=0.05) and own.faces_pct == 100
    assert 0 < coarse.utilisation_pct < 100 * 2 * FRAMES / 625 and coarse.pose_px > own.pose_px
    assert 0 < own.msi <= 2 and 0.5 < own.csim <= 1


class _Blind(DrivingStage):
    """Sees no face."""

    def __init__(self) -> None:
        super().__init__(lambda points: float("nan") if None in points else 1.0)

    def _points(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32] | None]:
        return [None] * len(pictures)


def test_without_a_face_nothing_is_measured(
    clips: list[Path], encoder: EncoderParts, tmp_path: Path
) -> None:
    one = material(clips[0], tmp_path, encoder)
    with _Blind() as stage:
        driven = stage.drive(one, one, plain, Renderer.load(device="cpu"))
    assert math.isnan(driven.id_dist) and math.isnan(driven.msi)
    assert (driven.faces, driven.frames) == (0, FRAMES)
    assert isinstance(driven, Driven)


def test_every_second_clip_drives_the_next_ones_portrait() -> None:
    def named(names: Sequence[str]) -> list[Material]:
        nothing = (
            np.zeros((1, 48), np.float32),
            np.zeros((1, 1, 3), np.uint8),
            np.zeros((1, 1, 1, 3), np.uint8),
        )
        return [Material(name, *nothing) for name in names]

    assert [(d.name, p.name) for d, p in pairs(named("abcd"))] == [("a", "b"), ("c", "d")]
    assert [(d.name, p.name) for d, p in pairs(named("abc"))] == [("a", "b"), ("c", "a")]


def test_measured_rows_are_kept_for_the_same_weights_and_rule(tmp_path: Path) -> None:
    kept = Kept(tmp_path, {"frames": 50})
    kept.put("vq", "abc", {"msi": math.nan})
    assert kept.get("vq", "abc") == {"msi": None}
    assert kept.get("vq", "abd") is None and kept.get("gvq", "abc") is None
    assert Kept(tmp_path, {"frames": 40}).get("vq", "abc") is None


def test_rows_trained_differently_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trained rows"):
        trained_rows(tmp_path)
    for key, steps in (("grfsq-12x4-5", 10), ("grfsq-12x2-5", 20)):
        coder = MotionCoder(next(d for d in DESIGNS if d.key == key), torch.ones(48))
        motioncoder.save(
            tmp_path / f"{key}.safetensors", coder, {}, {"settings": {"feature_steps": steps}}
        )
    with pytest.raises(
        UsageError, match="rows grfsq-12x4-5 were trained otherwise than grfsq-12x2-5"
    ):
        trained_rows(tmp_path)


def test_other_conditioning_is_used_and_foreign_weights_are_refused() -> None:
    renderer = Renderer.load(device="cpu")
    film = {k: torch.zeros_like(v) for k, v in renderer.net.film.state_dict().items()}
    replace_conditioning(renderer, film)
    assert not any(p.any() for p in renderer.net.film.parameters())
    with pytest.raises(ModelError, match="no conditioning weights"):
        replace_conditioning(renderer, {"x": torch.zeros(1)})


def test_a_stream_is_cut_to_fewer_layers(
    clips: list[Path], encoder: EncoderParts, tmp_path: Path
) -> None:
    tracked = track(clips[0], encoder)
    cut = streams(tracked, encoder)
    assert (
        [s.layers for s in cut]
        == [Reader(io.BytesIO(s.data)).head.layers for s in cut]
        == [1, 2, 3, 4]
    )
    assert all(a.motion_bytes < b.motion_bytes for a, b in pairwise(cut))
    squares = source_squares(tracked, 5, 512)
    shown = np.stack(
        list(
            rendered(
                cut[3].data, DecoderParts.load(tracked.head, RuntimeOptions(device="cpu")), 5, 512
            )
        )
    )
    assert shown.shape == squares.shape == (4, 512, 512, 3)
    sheet = compose([("source", squares), ("4 layers", shown)], [(256.0, 350.0)] * 4, 64)
    assert sheet.shape == (2 * (64 + 32), 72 + 4 * 64, 3)
    for kind in ("png", "jpg", "webp"):
        write_sheet(sheet, tmp_path / f"sheet.{kind}")
        assert (tmp_path / f"sheet.{kind}").stat().st_size > 1000
    with pytest.raises(UsageError, match=r"no \.png"):
        write_sheet(sheet, tmp_path / "sheet.gif")
