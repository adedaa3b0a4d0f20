"""The networks of the page: in ONNX Runtime they draw what torch draws, from one portrait and from two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.drawn import drawn_shot
from vqcodec.evaluation.conformance import compare
from vqcodec.geometry.similarity import between
from vqcodec.models import store
from vqcodec.publishing.graphs import FEATURES, VIEW_INPUTS
from vqcodec.publishing.networks import write_networks
from vqcodec.publishing.tables import write_tables
from vqcodec.render.conditioning import conditioning_inputs
from vqcodec.render.field_flow import field_flow
from vqcodec.render.maps import draw_maps
from vqcodec.render.renderer import Renderer

pytest.importorskip("onnx", reason="the extra [web] is not installed")
onnxruntime = pytest.importorskip("onnxruntime")

MIN_PSNR_DB, MAX_SHARE = 50.0, 0.001
"""Both sides warp in float32; torch's takes positions of the picture to 1/32 of a pixel."""


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.load(device="cpu", precision=torch.float32)


@pytest.fixture(scope="module")
def networks(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    names = write_networks(renderer.net, folder)
    assert names == {name: f"{name}.onnx" for name in ("restore", "encode", "frame-1", "frame-2")}
    return folder


class Runner:
    """The networks in ONNX Runtime, on one core, with inputs made as the page makes them."""

    def __init__(self, folder: Path, renderer: Renderer) -> None:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        self._sessions = {
            path.stem: onnxruntime.InferenceSession(str(path), settings)
            for path in folder.glob("*.onnx")
        }
        self._renderer = renderer

    def _of_pose(self, features: np.ndarray) -> dict[str, np.ndarray]:
        points = self._renderer.basis.landmarks(features[None])
        return {"maps": draw_maps(points[0])[None] / np.float32(255), "landmarks": points * 2 - 1}

    def prepare(self, rgb: np.ndarray, features: np.ndarray) -> dict[str, Any]:
        pose = self._of_pose(features)
        picture = np.moveaxis(rgb, -1, 0)[None] / np.float32(255)
        small = self._sessions["restore"].run(None, {"rgb": picture})[0]
        made = self._sessions["encode"].run(None, {"small": small, "maps": pose["maps"]})
        kept = dict(zip(FEATURES, made, strict=True))
        return {"small": small, **kept, **pose, "own": features}

    def render(self, states: list[dict[str, Any]], features: np.ndarray) -> np.ndarray:
        feed = self._of_pose(features)
        for number, state in enumerate(states):
            row = {**state, **self._difference(state["own"], features)}
            feed |= {f"{name}{number}": row[name] for name in VIEW_INPUTS}
        picture = self._sessions[f"frame-{len(states)}"].run(None, feed)[0]
        return np.moveaxis((picture[0] * 255 + 0.5).clip(0, 255).astype(np.uint8), 0, -1)

    def _difference(self, own: np.ndarray, features: np.ndarray) -> dict[str, np.ndarray]:
        renderer, row = self._renderer, features[None]
        layout = renderer.layout
        delta, state = conditioning_inputs(own, row, renderer.basis.units, layout)
        span = layout.surround_span
        assert renderer.field_components is not None
        told = torch.from_numpy(row[:, layout.field_span] - own[layout.field_span])
        field = field_flow(told, renderer.field_components).numpy()
        around = between(own[None, span], row[:, span])
        return {"delta": delta, "state": state, "around": around, "field": field}


@pytest.mark.parametrize("portraits", [1, 2])
def test_pictures_are_those_of_torch(renderer: Renderer, networks: Path, portraits: int) -> None:
    runner = Runner(networks, renderer)
    shot, features = drawn_shot(renderer.layout, 2)
    states = [renderer.prepare(*portrait) for portrait in shot[:portraits]]
    wanted = renderer.render(states, features, 256)
    ready = [runner.prepare(*portrait) for portrait in shot[:portraits]]
    for row, expected in zip(features, wanted, strict=True):
        psnr_db, share = compare(runner.render(ready, row), expected)
        assert psnr_db >= MIN_PSNR_DB and share <= MAX_SHARE, (psnr_db, share)


def test_weights_lose_nothing_in_half_of_their_bytes(renderer: Renderer, networks: Path) -> None:
    import onnx

    model = onnx.load(networks / "frame-1.onnx")
    kept = {w.name: onnx.numpy_helper.to_array(w) for w in model.graph.initializer}
    weight = renderer.net.head.expand.weight.numpy()
    found = [values for values in kept.values() if values.shape == weight.shape]
    assert [values.dtype for values in found] == [np.float16]
    assert np.array_equal(found[0].astype(np.float32), weight)
    assert all(values.dtype != np.float32 or values.nbytes < 300_000 for values in kept.values())


def test_tables_turn_motion_into_landmarks(renderer: Renderer, tmp_path: Path) -> None:
    write_tables(tmp_path, renderer.id, store.motion_spaces(), {"encode": "encode.onnx"})
    about = json.loads((tmp_path / "models.json").read_text(encoding="utf-8"))
    numbers = np.fromfile(tmp_path / "tables.bin", "<f4")

    def array(place: dict[str, Any]) -> np.ndarray:
        size = int(np.prod(place["shape"]))
        return numbers[place["at"] : place["at"] + size].reshape(place["shape"])

    space = next(s for s in about["spaces"] if s["sha256"] == renderer.motion_space.sha256.hex())
    features = drawn_shot(renderer.layout, 1)[1]
    points = array(space["mean"]) + features[:, :36] @ array(space["components"])
    expected = renderer.basis.landmarks(features).reshape(1, -1)
    assert np.abs(points - expected).max() < 1e-5
    assert np.array_equal(array(space["units"]), renderer.basis.units)
    assert renderer.field_components is not None
    assert np.array_equal(array(space["flows"]), renderer.field_components.numpy())
    assert {s["name"] for s in about["spaces"]} == {"motion-1", "motion-2", "motion-3"}
