"""The short programs of sample_media/examples do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vqcodec
from tests.support.short_clip import FRAMES
from vqcodec.geometry.layout import read_layout
from vqcodec.models import store

EXAMPLES = Path(__file__).resolve().parents[2] / "sample_media" / "examples"
DIMENSIONS = read_layout(store.current("motion_space").path).dims
PUBLIC = {name for name in vqcodec.__all__ if not name.startswith("_")}


def run(name: str, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_short_and_public(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    assert "from vqcodec" not in text and "vqcodec._" not in text
    assert text.startswith('"""') and f"python {path.name}" in text


@pytest.mark.slow
def test_tokens_of_a_clip(media: Path, tmp_path: Path) -> None:
    told = run("tokens_of_a_clip.py", media / "talk.mp4", tmp_path / "tokens.npz")
    groups = DIMENSIONS // 4
    assert told.startswith(f"{FRAMES} frames, {groups} groups, 4 layers, 1 portrait(s)\n")
    kept = np.load(tmp_path / "tokens.npz")
    assert kept["tokens"].shape == (FRAMES, groups, 4) and kept["tokens"].max() < 625
    assert kept["portrait"].shape == (512, 512, 3)
    assert kept["portrait_features"].shape == (DIMENSIONS,)
    assert np.allclose(np.diff(kept["times_s"]), 0.04)


@pytest.mark.slow
def test_live_frames(media: Path) -> None:
    told = f"frame 0: tokens ({FRAMES}, {DIMENSIONS // 4}, 4)\n"
    assert run("live_frames.py", media / "talk.mp4") == told


@pytest.mark.slow
def test_render_tokens(media: Path, tmp_path: Path) -> None:
    target, sheet = tmp_path / "out.vqt", tmp_path / "sheet.png"
    run("render_tokens.py", media / "talk.vqt", media / "portrait.png", target, sheet)
    told = vqcodec.info(target)
    assert told["frames"] == 2 * FRAMES and told["synthetic"]
    with Image.open(sheet) as picture:
        assert picture.size == (256, 256) and np.asarray(picture).std() > 20


def test_bits_of_a_stream(media: Path) -> None:
    head, *rows = run("bits_of_a_stream.py", media / "talk.vqt").splitlines()
    assert head.split()[:2] == ["layer", "alike"] and len(rows) == 4
    table = np.array([[float(cell) for cell in row.split()] for row in rows])
    alike = round(DIMENSIONS * 25 * np.log2(5) / 1000, 2)
    assert (table[:, 0] == [1, 2, 3, 4]).all() and (table[:, 1] == alike).all()
    assert (table[:, 2] <= alike).all() and (table[:, 4] >= 0).all()
    assert abs(table[:, 4].sum() - vqcodec.info(media / "talk.vqt")["motion_kbps"]) < 0.03
