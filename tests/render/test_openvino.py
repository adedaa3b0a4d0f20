"""The renderer as an OpenVINO graph: the pictures of torch, alone and in batches, of one portrait and of two."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.drawn import drawn_shot
from vqcodec.config import RuntimeOptions
from vqcodec.errors import UnsupportedError, UsageError
from vqcodec.evaluation.conformance import compare
from vqcodec.evaluation.render_setting import TOLERANCES
from vqcodec.render.graph import _PlainNorm
from vqcodec.render.portrait import PortraitState
from vqcodec.render.ranges import ranges_of
from vqcodec.render.renderer import Renderer
from vqcodec.runtime.backend import choose_backend
from vqcodec.types import ModelId

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="the extra [fast] is not installed"
)
FRAMES = 3


def drawn(renderer: Renderer) -> tuple[list[PortraitState], np.ndarray]:
    portraits, features = drawn_shot(renderer.layout, FRAMES)
    return [renderer.prepare(*portrait) for portrait in portraits], features


@pytest.fixture(scope="module")
def expected() -> dict[tuple[int, int], np.ndarray]:
    """What torch draws, by number of portraits and size."""
    renderer = Renderer.load(device="cpu", precision=torch.float32)
    states, features = drawn(renderer)
    return {
        (count, size_px): renderer.render(states[:count], features, size_px)
        for count in (1, 2)
        for size_px in (256, 512)
    }


@needs_openvino
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.int8], ids=str)
def test_pictures_are_those_of_torch(
    expected: dict[tuple[int, int], np.ndarray], precision: torch.dtype
) -> None:
    renderer = Renderer.load(device="cpu", precision=precision, backend="openvino")
    assert renderer.backend == "openvino"
    states, features = drawn(renderer)
    allowed = TOLERANCES[32 if precision == torch.float32 else 16]
    for (count, size_px), wanted in expected.items():
        together = renderer.render(states[:count], features, size_px)
        alone = [renderer.render(states[:count], row[None], size_px)[0] for row in features]
        assert together.shape == wanted.shape and together.dtype == np.uint8
        # a sum in another order may end on the other side of a step of 8 bits
        most = 4 if precision == torch.int8 else 1
        assert np.abs(together.astype(int) - np.stack(alone)).max() <= most
        for one, other in zip(together, wanted, strict=True):
            psnr_db, share = compare(other, one)
            assert psnr_db >= allowed.min_psnr_db and share <= allowed.max_share, (count, size_px)


@needs_openvino
def test_a_512_head_stays_with_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from vqcodec.render import renderer as module

    def with_head(net: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
        net.load_state_dict({**net.state_dict(), "detail.out.weight": torch.ones(20, 16, 3, 3)})

    monkeypatch.setattr(module, "take_weights", with_head)
    assert Renderer.load(device="cpu", backend="openvino").backend == "torch"


def test_a_plain_norm_is_a_group_norm() -> None:
    norm = torch.nn.GroupNorm(8, 32)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = 3 * torch.randn(2, 32, 9, 7) + 5
    assert torch.allclose(_PlainNorm(norm)(x), norm(x), atol=1e-4)


@needs_openvino
def test_ranges_are_of_the_shipped_renderer_and_of_all_its_layers() -> None:
    renderer = Renderer.load(device="cpu", precision=torch.float32)
    known = ranges_of(renderer.id)
    layers = {n for n, m in renderer.net.named_modules() if isinstance(m, torch.nn.Conv2d)}
    assert set(known) <= layers and {"decoder.up1.conv", "head.expand"} <= set(known)
    with pytest.raises(UnsupportedError, match="is of another renderer"):
        ranges_of(ModelId("other", bytes(32)))


@pytest.mark.parametrize("options", [{"backend": "torch"}, {"device": "cuda"}])
def test_int8_is_of_openvino_on_a_cpu(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="int8 runs in openvino"):
        RuntimeOptions(precision="int8", **options)
    assert choose_backend("auto", "cpu", "fp32") == "torch"


@needs_openvino
def test_int8_takes_openvino_by_itself() -> None:
    assert choose_backend("auto", "auto", "int8") == "openvino"
