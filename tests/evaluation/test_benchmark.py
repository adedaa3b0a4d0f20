"""The benchmark: what it times, what it prints, on a short clip and with a stand-in renderer."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.conftest import Cli
from tests.support.evaluation import moving, write_video
from tests.support.shots import level, shot_stream
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation import benchmark as measuring
from vqcodec.evaluation.render_rate import (
    RenderRate,
    Scene,
    checked_precisions,
    precisions,
    render_rate,
    ways,
)
from vqcodec.models import store
from vqcodec.types import ModelId

FRAMES = 6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("bench") / "short.mp4", moving(FRAMES, 512))


class Counting:
    """A renderer that only counts, and may have no memory for large batches."""

    device = "cpu"
    id = "counting"

    def __init__(self, most: int = 1000) -> None:
        self.most, self.batches = most, list[int]()

    def prepare(self, portrait: NDArray[np.uint8], features: NDArray[np.float32]) -> Any:
        assert portrait.shape == (512, 512, 3) and features.ndim == 1
        return "ready"

    def render(self, state: Any, features: NDArray[np.float32], size_px: int) -> NDArray[np.uint8]:
        assert state == "ready" and features.dtype == np.float32
        if len(features) > self.most:
            raise torch.OutOfMemoryError("full")
        self.batches.append(len(features))
        return np.zeros((len(features), size_px, size_px, 3), np.uint8)


def scene() -> Scene:
    rng = np.random.default_rng(0)
    return Scene(
        np.zeros((512, 512, 3), np.uint8),
        np.zeros(48, np.float32),
        rng.normal(size=(9, 48)).astype(np.float32),
    )


def test_poses_lie_between_those_of_the_clip() -> None:
    made = scene()
    poses = made.mixed(200, np.random.default_rng(1))
    assert poses.shape == (200, 48) and poses.dtype == np.float32
    assert (poses >= made.poses.min(0) - 1e-6).all() and (poses <= made.poses.max(0) + 1e-6).all()
    assert np.array_equal(poses, made.mixed(200, np.random.default_rng(1)))
    assert len(np.unique(poses, axis=0)) > 100


def test_every_round_is_warmed_up_and_long_enough() -> None:
    renderer = Counting()
    rate = render_rate(renderer, scene(), 256, 4, "fp32", repeats=3)  # type: ignore[arg-type]
    assert renderer.batches == [4] * 4 * (1 + 3)
    assert (
        rate.fps is not None
        and rate.ms_per_batch == pytest.approx(4 / rate.fps * 1000)
        and rate.peak_mib is None
    )


def test_a_batch_too_large_is_said_and_not_fatal() -> None:
    assert render_rate(Counting(8), scene(), 512, 16, "fp32") == RenderRate(
        512, 16, "fp32", None, None
    )  # type: ignore[arg-type]


def test_precisions_by_device() -> None:
    assert precisions(torch.device("cuda")) == ("fp16", "bf16", "fp32")
    assert precisions(torch.device("cpu"))[-2:] == ("fp32", "int8")
    assert checked_precisions(("bf16", "bf16"), torch.device("cpu")) == ("bf16",)
    assert checked_precisions(("fp16",), torch.device("cuda")) == ("fp16",)
    for name, device in (("fp16", "cpu"), ("int4", "cpu"), ("int8", "cuda")):
        with pytest.raises(UsageError, match=name):
            checked_precisions((name,), torch.device(device))


def test_int8_is_drawn_by_openvino_alone() -> None:
    assert ways(("fp32", "int8"), ("torch", "openvino")) == [
        ("fp32", "torch"),
        ("fp32", "openvino"),
        ("int8", "openvino"),
    ]
    assert ways(("fp32", "int8"), ("torch",)) == [("fp32", "torch")]
    with pytest.raises(UsageError, match="int8 runs in openvino"):
        ways(("int8",), ("torch",))


@pytest.mark.parametrize(
    "settings", [{"batches": (0,)}, {"batches": ()}, {"sizes_px": (128,)}, {"repeats": 0}]
)
def test_settings_out_of_range(clip: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="can't be measured"):
        measuring.benchmark(clip, device="cpu", **settings)


def test_the_scene_of_a_stream_of_shots_is_its_first_shot(tmp_path: Path) -> None:
    (tmp_path / "a.vqt").write_bytes(shot_stream())
    known = measuring.read_scene(tmp_path / "a.vqt", np.ones(48, np.float32))
    assert known.poses.shape == (20, 48) and (known.own == 20).all()
    assert abs(level(known.portrait[None]) - 60) <= 2


def test_a_stream_is_timed_without_an_encode(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = tmp_path / "a.vqt"
    measuring.Codec(device="cpu").encode(clip, stream)
    units, _ = measuring._units(stream)
    known = measuring.read_scene(stream, units)
    assert known.poses.shape == (FRAMES, len(units)) and known.portrait.shape == (512, 512, 3)
    asked: list[tuple[str, torch.dtype]] = []

    def load(*, device: str, precision: torch.dtype, space: ModelId, backend: str) -> Any:
        assert backend == "torch" and space == store.current("motion_space").id
        asked.append((device, precision))
        return Counting()

    monkeypatch.setattr(measuring.Codec, "decode", lambda *a, **k: SimpleNamespace(frames=FRAMES))
    monkeypatch.setattr(measuring.Codec, "encode", lambda *a, **k: pytest.fail("nothing to encode"))
    both = dict(batches=(1, 2), sizes_px=(512,), precision=("fp32", "bf16"), repeats=1)
    found = measuring.benchmark(stream, device="cpu", backend="torch", load=load, **both)  # type: ignore[arg-type]
    assert asked == [("cpu", torch.float32), ("cpu", torch.bfloat16)]
    assert [(r.size_px, r.batch, r.precision) for r in found.render] == [
        (512, 1, "fp32"),
        (512, 2, "fp32"),
        (512, 1, "bf16"),
        (512, 2, "bf16"),
    ]
    assert (
        found.files is not None and found.files.encode_fps is None and found.files.frames == FRAMES
    )
    once = dict(batches=(1,), precision=("fp32",), repeats=1, files=False, backend="torch")
    again = measuring.benchmark(stream, device="cpu", load=load, **once)  # type: ignore[arg-type]
    assert again.files is None and again.to_json()["files"] is None


def test_command_as_json(cli: Cli, clip: Path) -> None:
    options = "--batch 1,2 --size 256 --precision fp32 --repeat 1 --device cpu --json"
    done = cli("benchmark", clip, *options.split())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (
        set(found) == {"schema_version", "conditions", "render", "files"}
        and found["schema_version"] == 1
    )
    libraries = ("torch", "openvino") if importlib.util.find_spec("openvino") else ("torch",)
    assert [(r["size_px"], r["batch"], r["precision"], r["backend"]) for r in found["render"]] == [
        (256, batch, "fp32", library) for library in libraries for batch in (1, 2)
    ]
    assert found["files"]["backend"] == libraries[-1]
    for rate in found["render"]:
        assert set(rate) == {
            "size_px",
            "batch",
            "precision",
            "fps",
            "ms_per_batch",
            "peak_mib",
            "backend",
        }
        assert rate["fps"] > 0 and rate["peak_mib"] is None
    assert (
        found["files"]["frames"] == FRAMES
        and found["files"]["encode_fps"] > 0
        and found["files"]["decode_fps"] > 0
    )
    known = found["conditions"]
    assert known["device"] == "cpu" and known["threads"] >= 1 and known["source"] == "short.mp4"
    assert known["renderer"].startswith("renderer-") and known["motion_space"].startswith("motion-")
    assert known["machine"]["cpu"] and known["versions"]["torch"]
    assert str(clip.parent) not in done.stdout.decode()


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from vqcodec_cli.benchmark import show

    known = {
        "device": "cuda:0",
        "device_name": "A card",
        "machine": {"cpu": "A CPU", "cores": 2, "load_average_1min": 0.1},
        "versions": {"torch": "2"},
        "source": "a.mp4",
        "renderer": "r",
        "motion_space": "m",
        "default_precision": "fp16",
        "repeats": 5,
        "threads": 2,
    }
    rates = (RenderRate(512, 1, "fp16", 200.0, 5.0, 900.0), RenderRate(512, 64, "fp16", None, None))
    show(measuring.Benchmark(known, rates, measuring.FileRates(10, None, 31.4)))
    shown = capsys.readouterr().out
    assert (
        "A card" in shown and "200.0" in shown and "900 MiB" in shown and "out of memory" in shown
    )
    assert "torch fp16 512x512" in shown and "by torch" in shown
    assert "decode 31.4" in shown and "encode" not in shown


def test_command_says_what_is_wrong(cli: Cli, clip: Path) -> None:
    done = cli("benchmark", "absent.mp4")
    assert done.returncode == MediaError.exit_code and b"absent.mp4" in done.stderr
    done = cli("benchmark", clip, "--batch", "1,x")
    assert done.returncode == UsageError.exit_code and b"--batch" in done.stderr
