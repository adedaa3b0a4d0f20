"""Lips that meet: the network's shape and limits, what it is bound to, and the curve that shuts lips."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vqcodec.errors import ModelError
from vqcodec.speech.closure import ClosureNetwork, ClosureShape, LipClosure, closing
from vqcodec.speech.encoder import TOKEN_CODES
from vqcodec.speech.tokenizer import SpeechTokenizer
from vqcodec.types import ModelId


def written(path: Path, **facts: str) -> Path:
    torch.manual_seed(3)
    shape = ClosureShape(width=8, layers=2)
    known = {"shape": json.dumps(shape.to_facts()), "speech_tokenizer": "x@" + "ab" * 32}
    save_file(
        ClosureNetwork(shape).state_dict(),
        str(path),
        metadata=known | {"sure": "[0.5, 0.5]"} | facts,
    )
    return path


def test_lips_are_half_way_a_frame_before_and_after_they_meet() -> None:
    meet = np.array([0, 0.6, 0, 0, 0.1, 0.7, 0.9, 0.49], np.float32)
    odds = np.stack([meet, np.zeros(8, np.float32)], 1)
    np.testing.assert_allclose(closing(odds, (0.5, 0.5)), [0.45, 1, 0.45, 0, 0.45, 1, 1, 0.45])
    teeth = odds[:, ::-1]
    np.testing.assert_allclose(closing(teeth, (0.5, 0.5)), closing(odds, (0.5, 0.5)) / 2)
    odds[2, 1] = 0.6
    assert closing(odds, (0.5, 0.55))[2] == 0.5 and closing(odds, (0.5, 0.7))[2] == pytest.approx(
        0.45
    )
    assert closing(np.zeros((0, 2), np.float32), (0.5, 0.5)).shape == (0,)
    assert not closing(np.full((5, 2), 0.3, np.float32), (0.5, 0.5)).any()


def test_a_frame_hears_its_neighbours_only(tmp_path: Path) -> None:
    lips = LipClosure.load(written(tmp_path / "c.safetensors"))
    tokens = np.random.default_rng(1).integers(0, TOKEN_CODES, 200)
    odds = lips.odds(tokens)
    assert (
        odds.shape == (200, 2)
        and odds.dtype == np.float32
        and (odds > 0).all()
        and (odds < 1).all()
    )
    changed = tokens.copy()
    changed[100] = (changed[100] + 1234) % TOKEN_CODES
    differs = np.flatnonzero(np.abs(lips.odds(changed) - odds).max(1) > 1e-7)
    assert 96 <= differs.min() <= 100 <= differs.max() <= 104
    long = np.tile(tokens, 45)  # in pieces, as in one
    whole = lips._network(torch.from_numpy(long)[None])[0].sigmoid().detach().numpy()
    np.testing.assert_allclose(lips.odds(long), whole, atol=1e-5)
    assert lips(tokens).max() <= 1 and lips.odds(tokens[:0]).shape == (0, 2)


def test_other_tokens_are_refused(tmp_path: Path) -> None:
    lips = LipClosure.load(written(tmp_path / "c.safetensors"))
    lips.understands(ModelId("whatever it is called", bytes.fromhex("ab" * 32)))
    with pytest.raises(ModelError, match="doesn't know the tokens of"):
        lips.understands(ModelId("x", bytes(32)))


@pytest.mark.parametrize(
    "facts", [{"shape": "{}", "sure": "x"}, {"shape": "[]"}, {"speech_tokenizer": "x@zz"}]
)
def test_a_file_that_is_none_is_told(tmp_path: Path, facts: dict[str, str]) -> None:
    path = written(tmp_path / "c.safetensors", **facts)
    with pytest.raises(ModelError, match="closure network"):
        LipClosure.load(path)


def test_the_shipped_one_knows_the_shipped_tokens_and_silence_asks_for_nothing() -> None:
    lips, tokenizer = LipClosure.load(), SpeechTokenizer.load()
    lips.understands(tokenizer.id)
    assert not lips(tokenizer.tokens(np.zeros(32000, np.float32))).any()
