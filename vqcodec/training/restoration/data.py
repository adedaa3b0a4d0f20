r"""Pairs of a portrait as AV1 leaves it and as it was, for training: made once, into the cache.

    NAME.512.npy --COUNT frames--> DRAWS low-delay sequences, each at settings of its own --decoded--> NAME.lost.npy
                              \-----------------------------------------------------------------> NAME.kept.npy

The first picture of a sequence is a key picture, the others are predicted from those before, as in a portrait stream.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.render.restoration import MULTIPLE_PX

COUNT, DRAWS = 4, 3
SIDE_PX, WINDOW_PX = 512, 256
VIEWS_PX, CUT_PX = ((176, 192, 208, 224, 240, 256), (96, 112, 128, 144)), 32
"""Sides that a loss sees windows at, few, because each takes its time to prepare; and how much it doesn't see of them."""
BOOSTED = 0.75
"""Share of the sequences with variance boost."""
CRFS_BOOSTED, CRFS_PLAIN = (34, 63), (54, 63)
UNTOUCHED = 0.08
"""Share of the samples whose portrait wasn't coded at all: it must stay."""
_PRESET = 5

Picture = NDArray[np.uint8]


def lost(pictures: list[Picture], crf: int, boosted: bool) -> list[Picture]:
    """Pictures (512, 512, 3) as one low-delay AV1 sequence brings them."""
    decoder, path, shown = PathDecoder(SIDE_PX), [], []
    with closing(PortraitCoder(crf, preset=_PRESET, boosted=boosted)) as coder:
        for picture in pictures:
            path.append(coder.add(picture).unit)
            shown.append(decoder.picture(path))
    return shown


def build_pairs(cache: Path, name: str, seed: int) -> None:
    """Code frames of one clip, unless that is done or it is smaller than 512 px or no training clip."""
    target, frames_file = cache / f"{name}.lost.npy", cache / f"{name}.512.npy"
    split = json.loads((cache / f"{name}.json").read_text())["split"]
    if split != "train" or target.is_file() or not frames_file.is_file():
        return
    frames = np.load(frames_file, mmap_mode="r")
    at = np.unique(np.linspace(0, len(frames) - 1, COUNT).round().astype(int))
    pictures, rng = [np.array(frames[i]) for i in at], np.random.default_rng(seed)
    draws = []
    for _ in range(DRAWS):
        boosted = bool(rng.random() < BOOSTED)
        low, high = CRFS_BOOSTED if boosted else CRFS_PLAIN
        draws.append(lost(pictures, int(rng.integers(low, high + 1)), boosted))
    np.save(cache / f"{name}.kept.npy", np.array(pictures))
    with target.with_suffix(".tmp").open("wb") as handle:
        np.save(handle, np.array(draws))
    os.replace(target.with_suffix(".tmp"), target)


def build_all(cache: Path, *, workers: int = 2) -> None:
    """Code frames of every training clip in a cache, in a fixed shuffled order."""
    names = sorted(p.stem for p in cache.glob("*.json"))
    order = np.random.default_rng(0).permutation(len(names)).tolist()
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(build_pairs, cache, names[i], i) for i in order]
        for done, job in enumerate(jobs, 1):
            job.result()
            if done % 50 == 0:
                print(f"pairs: {done} of {len(names)} clips", flush=True)


class Pairs:
    """Clips with pairs, split into those to train on and those to check on.

    Args:
        cache: where they are.
        held_out: one of so many clips is checked on.
    """

    def __init__(self, cache: Path, held_out: int = 16) -> None:
        files = sorted(cache.glob("*.lost.npy"))
        self.held_out = files[::held_out]
        self.training = [file for n, file in enumerate(files) if n % held_out]

    def batches(self, count: int, seed: int) -> Iterator[dict[str, torch.Tensor]]:
        """Endless batches of windows: "given" and "wanted", (count, 3, WINDOW_PX, WINDOW_PX) in 0..1, and "views".

        "views" is (2, 3) int64: to what side a loss should scale the windows, and where in them what it sees begins: CUT_PX
        less than that side, from a row and a column on.
        """
        rng = np.random.default_rng(seed)
        while True:
            rows = [self._window(rng) for _ in range(count)]
            given, wanted = (np.stack(side) for side in zip(*rows, strict=True))
            views = [[rng.choice(sides), *rng.integers(CUT_PX, size=2)] for sides in VIEWS_PX]
            yield {
                "given": tensor(given),
                "wanted": tensor(wanted),
                "views": torch.from_numpy(np.array(views)),
            }

    def _window(self, rng: np.random.Generator) -> tuple[Picture, Picture]:
        file = self.training[rng.integers(len(self.training))]
        draws = np.load(file, mmap_mode="r")
        kept = np.load(file.with_name(file.name.replace(".lost.", ".kept.")), mmap_mode="r")
        frame, draw = rng.integers(len(kept)), rng.integers(len(draws))
        y, x = rng.integers((SIDE_PX - WINDOW_PX) // MULTIPLE_PX + 1, size=2) * MULTIPLE_PX
        place = slice(y, y + WINDOW_PX), slice(x, x + WINDOW_PX)
        wanted = kept[frame][place]
        given = wanted if rng.random() < UNTOUCHED else draws[draw, frame][place]
        if rng.random() < 0.5:
            given, wanted = given[:, ::-1], wanted[:, ::-1]
        return given, wanted

    def whole(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Held-out frames, one of each draw of each clip: (DRAWS, 3, 512, 512) given and wanted."""
        for file in self.held_out:
            draws = np.load(file, mmap_mode="r")
            kept = np.load(file.with_name(file.name.replace(".lost.", ".kept.")), mmap_mode="r")
            at = [n % len(kept) for n in range(len(draws))]
            given = np.stack([draws[n, frame] for n, frame in enumerate(at)])
            yield tensor(given), tensor(np.stack([kept[frame] for frame in at]))


def tensor(pictures: Picture) -> torch.Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32 in 0..1, channels-last."""
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float().div(255)
    return x.contiguous(memory_format=torch.channels_last)


def main() -> None:
    """Command line: python -m vqcodec.training.restoration.data CACHE."""
    parser = argparse.ArgumentParser(description=build_all.__doc__)
    parser.add_argument("cache", type=Path)
    build_all(parser.parse_args().cache)


if __name__ == "__main__":
    main()
