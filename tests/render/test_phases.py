"""A convolution in phases is the convolution of the enlarged picture, to the border."""

from __future__ import annotations

import pytest
import torch

from vqcodec.render.blocks import ConvBlock, Phases, cat


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (3, 5)])
@pytest.mark.parametrize("beside", [[1], [2, 3]])
def test_phases_are_the_whole(height: int, width: int, beside: list[int]) -> None:
    torch.manual_seed(3)
    whole = torch.nn.Conv2d(6 + sum(beside), 5, 3, padding=1)
    small = torch.randn(2, 6, height, width)
    others = [torch.randn(2, count, 2 * height, 2 * width) for count in beside]
    enlarged = torch.nn.functional.interpolate(small, scale_factor=2.0)
    expected = whole(cat(enlarged, *others))
    assert torch.allclose(Phases(whole, 6)(small, *others), expected, atol=1e-5)


def test_a_block_gives_the_same_either_way() -> None:
    torch.manual_seed(4)
    block = ConvBlock(6 + 2, 8, film=3)
    assert block.film is not None
    torch.nn.init.normal_(block.film.weight)
    small, beside, z = torch.randn(2, 6, 4, 4), torch.randn(2, 2, 8, 8), torch.randn(2, 3)
    enlarged = torch.nn.functional.interpolate(small, scale_factor=2.0)
    expected = block(cat(enlarged, beside), z)
    assert torch.equal(block.enlarging(small, beside, z=z), expected)
    block.use_phases(6)
    assert torch.allclose(block.enlarging(small, beside, z=z), expected, atol=1e-5)
