"""`vqcodec train speech` from a prepared cache to weights that a dub can load, stopped and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.generator import drawn_face
from vqcodec.errors import UsageError
from vqcodec.generate.generator import MotionGenerator
from vqcodec.training.generator.run import train_speech

RECIPE = """
batch = 2
[schedule]
steps = 4
lr = 1e-3
lr_end = 1e-4
warmup = 1
check_every = 2
[shape]
width = 16
layers = 1
heads = 2
codes = 3125
ordinal = 1
[settings]
length = 24
dropout = 0.0
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Six people of 40 frames each, of whom the last is one that is held out, and a silence."""
    folder, rng = tmp_path / "cache", np.random.default_rng(0)
    folder.mkdir()
    for person in (*range(5), 17):
        rows = np.concatenate(
            [drawn_face(40, person).reshape(40, -1), rng.normal(0, 0.02, (40, 12))], 1
        )
        np.save(folder / f"p{person}.motion.npy", rows.astype(np.float32))
        np.save(folder / f"p{person}.codes.npy", rng.integers(0, 3125, (2, 40)).astype(np.int16))
        (folder / f"p{person}.json").write_text(
            json.dumps({"kind": "real", "identity": person, "split": "train", "frames": 40})
        )
    np.save(folder / "silence.codes.npy", np.zeros((2, 60), np.int16))
    return folder


def steps_of(out: Path) -> list[int]:
    return [
        json.loads(line)["step"]
        for line in (out / "log.jsonl").read_text().splitlines()
        if "check" in json.loads(line)
    ]


def test_a_generator_is_trained_and_gone_on_with(tmp_path: Path, cache: Path) -> None:
    recipe, out = tmp_path / "tiny.toml", tmp_path / "out"
    recipe.write_text(RECIPE)
    made = train_speech(
        tmp_path, out, recipe=str(recipe), cache=cache, steps=2, device="cpu", prepared=True
    )
    first = made.read_bytes()
    assert MotionGenerator.load(made, "cpu", finish=None).lip_gain == 1 and steps_of(out) == [2]
    again = train_speech(
        tmp_path, out, recipe=str(recipe), cache=cache, resume=True, device="cpu", prepared=True
    )
    assert again == made and made.read_bytes() != first and steps_of(out)[-1] == 4


def test_an_empty_cache_is_told(tmp_path: Path) -> None:
    recipe, folder = tmp_path / "tiny.toml", tmp_path / "cache"
    recipe.write_text(RECIPE)
    folder.mkdir()
    with pytest.raises(UsageError, match="no training clips with sound"):
        train_speech(
            tmp_path,
            tmp_path / "out",
            recipe=str(recipe),
            cache=folder,
            device="cpu",
            prepared=True,
        )
    assert not (tmp_path / "out" / "models").exists()
