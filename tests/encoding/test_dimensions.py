"""A motion space of more than 48 dimensions, file to file with stand-in models: encoded, looked at, decoded, refused."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.encoded import coded, stream
from tests.support.pipeline import (
    FakeRenderer,
    FakeSpace,
    decoder_parts,
    encoder_parts,
    write_swaying,
)
from vqcodec.api import info
from vqcodec.codec.tokens import TokenSequence
from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.decoding.pipeline import decode, decode_frames
from vqcodec.decoding.selected import selected_frames
from vqcodec.errors import UnsupportedError
from vqcodec.stream.walk import posed_groups
from vqcodec.types import PortraitUnit

DIMS = 64
FRAMES = 30


def space() -> FakeSpace:
    return FakeSpace(units=np.full(DIMS, 0.5, np.float32))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_swaying(tmp_path_factory.mktemp("clip") / "clip.mp4", FRAMES)


def made(clip: Path, **options: Any) -> bytes:
    return coded(clip, EncodeOptions(**options), encoder_parts(space()))


@pytest.mark.parametrize("options", [{}, {"rdo": 1.0, "layers": 2}, {"live": True}])
def test_every_dimension_reaches_the_renderer(clip: Path, options: dict[str, Any]) -> None:
    data = made(clip, **options)
    head = stream(data).head
    assert (head.groups, head.dims) == (16, DIMS)
    assert info(io.BytesIO(data))["dimension_groups"] == 16
    tokens = TokenSequence.read(data)
    assert tokens.tokens.shape == (FRAMES, 16, head.layers) and tokens.to_bytes() == data
    portraits = [item for item in stream(data) if isinstance(item, PortraitUnit)]
    assert {portrait.features.shape for portrait in portraits} == {(DIMS,)}
    renderer = FakeRenderer(dims=DIMS)
    shown = list(decode_frames(io.BytesIO(data), parts=decoder_parts(renderer, space())))
    assert len(shown) == FRAMES
    rows = np.concatenate([group.features for group in posed_groups(stream(data), space().units)])
    assert np.array_equal(np.concatenate(renderer.rendered), rows)
    assert np.ptp(rows[:, 48:], axis=0).max() > 5  # the further dimensions move, too


def test_a_part_of_the_clip(clip: Path) -> None:
    options = DecodeOptions(start_s=Fraction(1, 2), layers=1)
    parts = decoder_parts(FakeRenderer(dims=DIMS), space())
    assert len(list(decode_frames(io.BytesIO(made(clip)), options, parts=parts))) == FRAMES - 13


@pytest.mark.parametrize("dims", [48, 80])
def test_a_space_of_another_size_is_refused(clip: Path, dims: int, tmp_path: Path) -> None:
    other = FakeSpace(units=np.full(dims, 0.5, np.float32))
    parts = decoder_parts(FakeRenderer(dims=dims), other)
    data = made(clip)
    for use in (
        lambda: decode(io.BytesIO(data), tmp_path / "out.mp4", parts=parts),
        lambda: list(selected_frames(io.BytesIO(data), parts, lambda number: True)),
    ):
        with pytest.raises(UnsupportedError, match=f"64 motion dimensions.* has {dims}") as caught:
            use()
        assert caught.value.hint and caught.value.exit_code == 4
    assert not list(tmp_path.iterdir())


def test_features_of_tokens_need_a_space_of_that_size(clip: Path) -> None:
    from vqcodec.models import store

    tokens = TokenSequence.read(made(clip))
    shipped = store.plain_motion_space().id  # of 48 dimensions
    with pytest.raises(UnsupportedError, match="64 motion dimensions"):
        replace(tokens, head=replace(tokens.head, motion_space=shipped)).features()
