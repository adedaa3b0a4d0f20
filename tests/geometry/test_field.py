"""The field's basis: smooth between its vectors, linear in its coefficients, whole in its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vqcodec.errors import ModelError
from vqcodec.geometry.field import TENSOR, FieldBasis, read_field
from vqcodec.geometry.layout import MOTION_2, SURROUND_DIMS, Layout, read_layout


def some_basis(count: int = 8, seed: int = 0) -> FieldBasis:
    rng = np.random.default_rng(seed)
    return FieldBasis(rng.normal(size=(count, 16, 16, 2)).astype(np.float32))


def test_a_constant_component_stays_constant_on_every_grid() -> None:
    even = np.broadcast_to(np.float32([3, -1]), (1, 16, 16, 2))
    for side in (16, 64, 100, 256):
        finer = FieldBasis(np.ascontiguousarray(even)).at(side)
        assert finer.shape == (1, side, side, 2)
        assert np.allclose(finer, even[0, 0, 0], atol=1e-5)


def test_the_same_grid_gives_the_vectors_themselves() -> None:
    basis = some_basis()
    assert np.allclose(basis.at(16), basis.components, atol=1e-6)


def test_a_ramp_stays_a_ramp_away_from_the_edges() -> None:
    ramp = np.zeros((1, 16, 16, 2), np.float32)
    ramp[..., 0] = np.arange(16) + 0.5  # across, in cells
    finer = FieldBasis(ramp).at(64)[0, 32, :, 0]
    expected = (np.arange(64) + 0.5) / 4
    assert np.allclose(finer[8:-8], expected[8:-8], atol=1e-4)


def test_x_and_y_are_not_mixed_up() -> None:
    basis = np.zeros((1, 16, 16, 2), np.float32)
    basis[0, 2, 11, 1] = 1  # third row, twelfth column, downwards
    finer = FieldBasis(basis).at(64)[0]
    assert np.unravel_index(finer[..., 1].argmax(), (64, 64))[0] // 4 == 2
    assert np.unravel_index(finer[..., 1].argmax(), (64, 64))[1] // 4 == 11
    assert not finer[..., 0].any()


def test_flows_are_sums_of_components() -> None:
    basis = some_basis()
    a, b = np.random.default_rng(1).normal(size=(2, 1, 8)).astype(np.float32)
    both = basis.flow(a + b, 64)
    assert both.shape == (1, 64, 64, 2)
    assert np.allclose(both, basis.flow(a, 64) + basis.flow(b, 64), atol=1e-4)


def test_a_file_gives_its_field_back_and_a_space_without_one_has_none(tmp_path: Path) -> None:
    path, basis = tmp_path / "space.safetensors", some_basis()
    save_file({TENSOR: basis.components.astype(np.float16)}, str(path))
    found = read_field(path)
    assert found is not None and np.allclose(found.components, basis.components, atol=2e-3)
    save_file({"other": np.zeros(3, np.float32)}, str(path))
    assert read_field(path) is None
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="not a motion space"):
        read_field(path)


def test_a_layout_says_where_its_field_is(tmp_path: Path) -> None:
    layout = Layout(SURROUND_DIMS, MOTION_2.learned, 32)
    assert (layout.dims, MOTION_2.dims) == (80, 48)
    assert (layout.field_span, layout.learned_span) == (slice(48, 80), MOTION_2.learned_span)
    path = tmp_path / "space.safetensors"
    save_file({"x": np.zeros(1)}, str(path), {"layout": layout.to_text()})
    assert read_layout(path) == layout
    assert "field" not in MOTION_2.to_text()
    for wrong in (-4, 3):
        with pytest.raises(ValueError, match="field"):
            Layout(SURROUND_DIMS, MOTION_2.learned, wrong)
