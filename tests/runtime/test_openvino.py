"""Graphs of OpenVINO: torch's results, from several threads; kept between processes, and made again where they are broken."""

from __future__ import annotations

import importlib.util
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vqcodec.config import Backend, Device, RuntimeOptions
from vqcodec.errors import UsageError
from vqcodec.runtime import backend, model_cache
from vqcodec.runtime.backend import backends, choose_backend
from vqcodec.runtime.extras import MissingExtraError
from vqcodec.runtime.openvino import Graph, Traceable, compiled, key_of, package

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="the extra [fast] is not installed"
)


class Small(nn.Module):
    """Two inputs, two results."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        y = self.layer(x + shift)
        return y, y.mean((2, 3))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "vqcodec" / model_cache.FOLDER


class Making:
    """Makes the small network, and counts how often."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.net, self.made = Small().requires_grad_(False), 0

    def __call__(self) -> Traceable:
        self.made += 1
        return self.net, (torch.rand(1, 3, 8, 8), torch.rand(1, 3, 1, 1))

    def graph(self) -> Graph:
        return compiled(key_of("small"), self, precision=torch.float32, threads=2)


@needs_openvino
def test_frames_of_a_batch_as_in_torch_and_from_several_threads(folder: Path) -> None:
    making = Making()
    graph = making.graph()
    x, shift = torch.rand(5, 3, 8, 8), torch.rand(1, 3, 1, 1)
    expected = making.net(x, shift)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: graph(x.permute(0, 1, 3, 2).mT, shift), range(8)))
    for results in found:
        assert [r.shape for r in results] == [(5, 4, 8, 8), (5, 4)]
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(results, expected, strict=True))


@needs_openvino
def test_it_is_made_once_and_again_where_it_is_broken(folder: Path) -> None:
    making = Making()
    x, shift = torch.rand(1, 3, 8, 8), torch.zeros(1, 3, 1, 1)
    first = making.graph()(x, shift)
    assert torch.equal(making.graph()(x, shift)[0], first[0]) and making.made == 1
    assert {path.suffix for path in folder.iterdir()} == {".xml", ".bin", ".json"}
    [weights], [digests] = folder.glob("*.bin"), folder.glob("*.json")
    for path, broken in ((weights, weights.read_bytes()[:-4]), (digests, b"[" * 100_000)):
        path.write_bytes(broken)
        made = making.made
        assert torch.equal(making.graph()(x, shift)[0], first[0]) and making.made == made + 1
    weights.unlink()
    making.graph()
    assert weights.is_file() and key_of("small") != key_of("other")


@needs_openvino
def test_a_folder_that_cannot_be_made_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    making = Making()
    assert making.graph() is not making.graph() and making.made == 2


def test_only_the_newest_are_kept(folder: Path) -> None:
    def save(path: Path) -> None:
        path.write_text("graph")
        path.with_suffix(".bin").write_bytes(b"weights")

    for number in range(model_cache.MOST_NETWORKS + 2):
        model_cache.keep(f"n{number}", save)
        assert model_cache.cached(f"n{number}") == folder / f"n{number}.xml"
        model_cache.cached("n0")  # in use
    kept = {path.stem for path in folder.glob("*.json")}
    assert len(kept) == model_cache.MOST_NETWORKS and "n0" in kept
    assert len(list(folder.iterdir())) == 3 * len(kept)
    assert json.loads((folder / "n0.json").read_text()).keys() == {".xml", ".bin"}


@needs_openvino
def test_its_maker_is_told_nothing() -> None:
    package()
    assert sys.modules["openvino_telemetry"] is None  # the package that reports each import
    from openvino.tools.ovc import telemetry_utils

    assert telemetry_utils.tm.__name__.endswith("telemetry_stub")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that doesn't have the package."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "openvino" else found(name, *more),
    )


@pytest.mark.usefixtures("without")
def test_torch_where_it_is_not_installed() -> None:
    assert choose_backend() == "torch" and backends("cpu") == ("torch",)
    with pytest.raises(MissingExtraError, match=r"\[fast\].* openvino is not") as caught:
        choose_backend("openvino")
    assert caught.value.exit_code == 9 and "[fast]" in caught.value.hint


@pytest.mark.parametrize(("choice", "device"), [("openvino", "cuda"), ("other", "cpu")])
def test_what_there_is_not(choice: Backend, device: Device) -> None:
    with pytest.raises(UsageError):
        choose_backend(choice, device)
    if choice == "other":
        with pytest.raises(UsageError, match="other"):
            RuntimeOptions(backend=choice)


@needs_openvino
def test_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_backend("auto", "cpu") == choose_backend("torch") == "torch"
    assert choose_backend("openvino", "cpu") == "openvino"
    assert backends("cpu") == ("torch", "openvino")
    monkeypatch.setattr(backend, "choose_device", lambda choice: torch.device("cuda"))
    assert backends("auto") == ("torch",)
