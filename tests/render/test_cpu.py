"""What makes rendering on a CPU fast must not change pictures."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import Tensor

from vqcodec.render.blending import blend, premultiplied, without_ghost
from vqcodec.render.blocks import cat
from vqcodec.render.compositing import composited
from vqcodec.runtime.halves import Workers


@pytest.mark.parametrize("stills", [1, 3])
def test_compositing_by_planes_is_the_blend(stills: int) -> None:
    torch.manual_seed(0)
    layers = 2 * torch.randn(3, 9, 64, 64).contiguous(memory_format=torch.channels_last)
    warped, still = (torch.rand(n, 128, 128, 3).permute(0, 3, 1, 2) for n in (3, stills))
    small = premultiplied(layers)
    large = torch.nn.functional.interpolate(
        small, scale_factor=2.0, mode="bilinear", align_corners=False
    )
    expected = (blend(large, warped, still) * 255).clamp(0, 255).permute(0, 2, 3, 1).numpy()
    made = composited(small, warped, still)
    assert made.dtype == np.uint8 and np.abs(made - expected).max() <= 0.51
    assert (made == 0).any() and (made == 255).any()  # what is out of range was met


def test_a_ghost_is_taken_out_while_compositing() -> None:
    torch.manual_seed(1)
    small = premultiplied(2 * torch.randn(3, 9, 64, 64))
    warped, still = (torch.rand(3, 128, 128, 3).permute(0, 3, 1, 2) for _ in range(2))
    ghost = torch.rand(3, 1, 32, 32)
    ghost[1] = 0  # nothing moves in this frame
    made = composited(small, warped, still, ghost).astype(int)
    before = composited(small, warped, without_ghost(still, warped, ghost)).astype(int)
    assert np.abs(made - before).max() <= 1
    assert np.abs(made - composited(small, warped, still)).max() > 50


def test_a_single_channel_does_not_change_the_layout() -> None:
    wide = torch.rand(2, 8, 16, 16).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        joined = cat(wide, torch.rand(2, 1, 16, 16))
        assert (
            joined.is_contiguous(memory_format=torch.channels_last) and not joined.is_contiguous()
        )
    one = torch.rand(2, 1, 16, 16, requires_grad=True)
    cat(wide, one).sum().backward()
    assert isinstance(one.grad, Tensor) and (one.grad == 1).all()


@pytest.mark.parametrize("count", [2, 3, 16])
def test_two_workers_make_one_result_in_order(count: int) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        workers = Workers(4)
        seen = set[tuple[str, int]]()

        def double(rows: np.ndarray) -> np.ndarray:
            torch.ones(100_000).sum()
            seen.add((threading.current_thread().name, torch.get_num_threads()))
            return (2 * rows).astype(np.uint8)

        rows = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
        assert np.array_equal(workers(double, rows), 2 * rows)
        assert {threads for _, threads in seen} == {2} and torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_an_error_in_a_half_comes_out() -> None:
    def refuse(rows: np.ndarray) -> np.ndarray:
        raise ValueError("no")

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(ValueError, match="no"):
            Workers(2)(refuse, np.zeros((4, 1), np.float32))
    finally:
        torch.set_num_threads(before)
