"""The reference decoder as a second opinion on streams that aren't vectors."""

from __future__ import annotations

import ast
import io
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.container import make_group, make_head, make_key_frame, make_stream
from tests.support.spec import SPEC, VECTORS, load, reference_result
from vqcodec.container import Writer
from vqcodec.types import MotionGroup

MAKE = load(VECTORS / "make.py")


def test_it_is_short_and_needs_the_standard_library_only() -> None:
    own = {path.stem for path in SPEC.glob("reference_*.py")}
    imported = set()
    for name in own:
        text = (SPEC / f"{name}.py").read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module)
    assert imported - own <= sys.stdlib_module_names


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32))
@settings(deadline=None, max_examples=12)
def test_any_tokens(layers: int, frames: int, seed: int) -> None:
    indices = np.random.default_rng(seed).integers(0, 625, (frames, 12, layers)).astype(np.uint16)
    sink = io.BytesIO()
    with Writer(sink, make_head(layers=layers)) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(MotionGroup(0, np.arange(frames), np.zeros(frames, dtype=np.bool_), indices))
    data = sink.getvalue()
    result = reference_result(data)
    assert isinstance(result, dict)
    assert result == MAKE.describe(data)
    assert result["last_tokens"] == indices[-1].ravel().tolist()


@pytest.mark.parametrize("layers", [1, 4])
def test_smooth_tokens_over_many_frames(layers: int) -> None:
    sink = io.BytesIO()
    with Writer(sink, make_head(layers=layers)) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(make_group(0, 40, layers, held=(3, 39)))
    assert reference_result(sink.getvalue()) == MAKE.describe(sink.getvalue())


def test_key_frames_and_sound() -> None:
    data = make_stream(3, 2, cut=1, layers=1)
    assert reference_result(data) == MAKE.describe(data)
