"""The landmark basis, the layout and the mean head as files hold them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.support.geometry import shipped_basis
from vqcodec.errors import ModelError
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.headpose import read_head
from vqcodec.geometry.layout import read_layout


def test_landmarks_come_back_from_their_coefficients() -> None:
    basis = shipped_basis()
    coefficients = np.random.default_rng(0).normal(0, 5, (3, 36)).astype(np.float32)
    again = basis.project(basis.landmarks(coefficients))
    np.testing.assert_allclose(again, coefficients, atol=1e-3)


@pytest.mark.parametrize("read", [read_basis, read_head])
def test_a_file_without_the_tensors_is_refused(tmp_path: Path, read: Callable) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"something": np.zeros(3, np.float32)}, str(path))
    with pytest.raises(ModelError, match=r"other.safetensors is not a"):
        read(path)


@pytest.mark.parametrize("read", [read_basis, read_head, read_layout])
def test_a_file_of_something_else_is_refused(tmp_path: Path, read: Callable) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(b"something else")
    with pytest.raises(ModelError, match=r"other.safetensors is not a"):
        read(path)


def test_a_layout_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": np.zeros(3, np.float32)}, str(path), metadata={"layout": '{"surround": 3}'})
    with pytest.raises(ModelError, match=r"other.safetensors is not a motion space"):
        read_layout(path)
