"""Convolutions in 8 bits: near those in float32, steps where the range says, layers left out, ranges that don't fit."""

from __future__ import annotations

import importlib.util
import inspect

import numpy as np
import pytest
import torch

from vqcodec.errors import ModelError
from vqcodec.runtime.openvino import Graph, compiled, key_of
from vqcodec.runtime.quantize import Ranges, layers, range_of, wider

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="the extra [fast] is not installed"
)

RANGES = {"first": (0.0, 1.0), "second.conv": (0.0, 2.0)}


class Small(torch.nn.Module):
    """Two convolutions, one of them within another module."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.first = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.second = torch.nn.Sequential()
        self.second.add_module("conv", torch.nn.Conv2d(8, 4, 1))
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x).relu())


def graph(
    precision: torch.dtype, ranges: Ranges | None = None, in_float: tuple[str, ...] = ()
) -> Graph:
    return compiled(
        key_of(inspect.getsource(Small)),
        lambda: (Small(), (torch.zeros(1, 3, 16, 16),)),
        precision=precision,
        threads=1,
        ranges=ranges,
        in_float=in_float,
    )


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def plain(picture: torch.Tensor) -> torch.Tensor:
    return graph(torch.float32)(picture)[0]


def test_it_is_near_and_not_the_same(picture: torch.Tensor, plain: torch.Tensor) -> None:
    found = graph(torch.int8, RANGES)(picture)[0]
    away = (found - plain).abs().max()
    assert 1e-4 < away < 0.05 * plain.abs().max()


def test_layers_that_are_left_out_are_not_rounded(
    picture: torch.Tensor, plain: torch.Tensor
) -> None:
    rounded = graph(torch.int8, RANGES)(picture)[0]
    half = graph(torch.int8, RANGES, ("second",))(picture)[0]
    assert 0 < (half - plain).abs().mean() < (rounded - plain).abs().mean()
    same = graph(torch.int8, {}, ("first", "second"))(picture)[0]
    assert torch.equal(same, plain)


def test_what_is_beyond_the_range_is_cut(picture: torch.Tensor) -> None:
    narrow = {**RANGES, "first": (0.0, 0.25)}
    cut = graph(torch.int8, narrow)(picture)[0]
    clamped = graph(torch.int8, narrow)(picture.clamp(0, 0.25))[0]
    assert torch.allclose(cut, clamped, atol=1e-3)


def test_a_part_of_a_layer_has_the_range_of_the_whole(picture: torch.Tensor) -> None:
    """blocks.Phases makes two convolutions of one."""
    whole = graph(torch.int8, RANGES)(picture)[0]
    parts = graph(torch.int8, {"first": (0.0, 1.0), "second": (0.0, 2.0)})(picture)[0]
    assert torch.equal(whole, parts)


def test_ranges_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match=r"no range is known of the layer 'second\.conv'"):
        graph(torch.int8, {"first": (0.0, 1.0)})


def test_ranges() -> None:
    values = np.linspace(-1, 3, 100_001, dtype=np.float32)
    assert range_of(values) == pytest.approx((-1, 3), abs=1e-3)
    assert range_of(values + 5)[0] == 0
    assert wider((0, 2), (-1, 1)) == (-1, 2)
    assert dict(layers({"a": [0, 1]})) == {"a": (0.0, 1.0)}
    for wrong in ([1, 0], [0, float("nan")], [0], [0, 1, 2]):
        with pytest.raises(ValueError, match=r"range of|not enough|too many"):
            dict(layers({"a": wrong}))
