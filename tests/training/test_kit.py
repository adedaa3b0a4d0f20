"""Training on another machine: pieces keep their size and are checked, and what is packed there trains there."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.training import draw_face, moving_landmarks
from vqcodec.errors import MediaError, UsageError
from vqcodec.training.common.cache import read_index
from vqcodec.training.picture import kit, pieces
from vqcodec.training.picture.check import DURING

LIMIT = 400_000
FRAMES = 26
RECIPE = """name = "tiny"
seed = 1
ema = 0.9
check_every = 1000
save_every_s = 1e9
keep_motion_space = true
[losses]
output = 10.0
generated = 2.0
warped = 2.0
perceptual = 0.2
landmark = 20.0
smooth = 1.0
rate = 0.0
[[stage]]
name = "t"
size_px = 128
steps = 5
lr = 1e-4
lr_end = 1e-4
portraits = 1
targets = 2
freeze_space = true
draw = { pairs = 1.0, coded = 1.0 }
"""


def write_clip(path: Path, seed: int) -> None:
    points = moving_landmarks(FRAMES, seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        for p in points:
            picture = av.VideoFrame.from_ndarray(draw_face(p, seed, 256), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A corpus of three drawn clips and a cache that holds only their landmarks."""
    folder, cache = tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("cache")
    lines = ["file\tsplit\tkind\tidentity\taudio"]
    for seed, split in enumerate(("train", "train", "val")):
        (folder / split).mkdir(exist_ok=True)
        write_clip(folder / split / f"c{seed}.mp4", seed)
        np.save(cache / f"c{seed}.lm.npy", moving_landmarks(FRAMES, seed))
        lines.append(f"{split}/c{seed}.mp4\t{split}\tgenerated\t{seed}\t0")
    (folder / "index.tsv").write_text("\n".join(lines) + "\n")
    return folder, cache


def test_pieces_are_no_larger_than_asked_and_join_to_the_same_files(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    files = []
    for number, size in enumerate((0, 10, 250_000, 90_001)):
        path = tmp_path / f"f{number}"
        path.write_bytes(noise.bytes(size))
        files.append((path, f"in/f{number}"))
    count = pieces.write_pieces(files, tmp_path / "out", limit=100_000)
    sizes = [p.stat().st_size for p in sorted((tmp_path / "out").glob("piece.*"))]
    assert len(sizes) == count >= 4 and max(sizes) == 100_000
    assert pieces.read_pieces(tmp_path / "out", tmp_path / "back") == [name for _, name in files]
    for path, name in files:
        assert (tmp_path / "back" / name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("harm", ["missing", "changed", "no index"])
def test_a_piece_that_is_not_what_was_written_is_refused(tmp_path: Path, harm: str) -> None:
    (tmp_path / "f").write_bytes(np.random.default_rng(0).bytes(3000))
    pieces.write_pieces([(tmp_path / "f", "f")], tmp_path / "out", limit=1000)
    piece = tmp_path / "out" / ("index.json" if harm == "no index" else "piece.001")
    if harm == "changed":
        piece.write_bytes(piece.read_bytes()[:-1] + b"!")
    else:
        piece.unlink()
    with pytest.raises(MediaError, match=piece.name):
        kit.bring(tmp_path / "out", tmp_path / "back")


def test_a_kit_holds_clips_landmarks_and_code(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    folder, cache = corpus
    count = kit.pack(folder, cache, tmp_path / "kit", clips=1, limit=LIMIT)
    made = list((tmp_path / "kit").glob("piece.*"))
    assert len(made) == count > 1 and max(p.stat().st_size for p in made) <= LIMIT
    names = pieces.read_pieces(tmp_path / "kit", tmp_path / "work")
    rows = read_index(tmp_path / "work" / "data")
    assert sorted(row.split for row in rows) == ["train", "val"]
    assert all(f"data/{row.file}" in names and f"cache/{row.name}.lm.npy" in names for row in rows)
    assert "code/vqcodec/models/manifest.json" in names
    assert (tmp_path / "kit" / "start.sh").stat().st_mode & 0o100
    with pytest.raises(UsageError, match="not empty"):
        kit.pack(folder, cache, tmp_path / "kit")


@pytest.mark.slow
def test_a_kit_trains_and_its_result_comes_back(corpus: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    folder, cache = corpus
    kit.pack(folder, cache, tmp_path / "kit")
    pieces.read_pieces(tmp_path / "kit", tmp_path / "work")
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    assert kit.train(tmp_path / "work", recipe=str(recipe), steps=1, limit=1 << 20) > 1
    kit.bring(tmp_path / "work" / kit.RESULT, tmp_path / "run")
    entries = [
        json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    ]
    assert entries[0]["step"] == 1 and set(entries[1]["check"]) == set(DURING)
    assert (tmp_path / "run" / "models" / "renderer-tiny.safetensors").is_file()
    assert list((tmp_path / "run").glob("sheet-*.png"))
