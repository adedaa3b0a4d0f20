r"""Pairs of a portrait as AV1 leaves it and as it was, for training: made once, into the cache.

    NAME.512.npy --COUNT frames--> DRAWS low-delay sequences, each at settings of its own --decoded--> NAME.lost.npy
                              \-----------------------------------------------------------------> NAME.kept.npy
    the same made smaller and larger again, as many recordings were before they came here --> NAME.soft.lost.npy, ..
    NAME.256.npy of clips that have no 512, enlarged as the encoder does it              --> NAME.small.lost.npy, ..

A network that has seen sharp pictures alone makes soft ones sharper than they were (ST-LPIPS +11 % at CRF 46 to 54).
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

import cv2
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
SOFT_PX = (224, 448)
"""Sides that soft pictures were made smaller to."""
KINDS = {"": 0.45, "soft": 0.25, "small": 0.3}
"""How often a window is of each, where there are such."""
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


def _frames(cache: Path, name: str, kind: str, seed: int) -> list[Picture]:
    """Frames of a clip as a kind of pairs shows them, 512x512; none where it has no such kind."""
    large, small = cache / f"{name}.512.npy", cache / f"{name}.256.npy"
    if large.is_file() == (kind == "small"):
        return []
    frames = np.load(small if kind == "small" else large, mmap_mode="r")
    at = np.unique(np.linspace(0, len(frames) - 1, COUNT).round().astype(int))
    pictures = [np.array(frames[i]) for i in at]
    if kind == "soft":
        side = int(np.random.default_rng([seed, 1]).integers(SOFT_PX[0], SOFT_PX[1] + 1))
        pictures = [cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in pictures]
    if kind:
        size = (SIDE_PX, SIDE_PX)
        pictures = [cv2.resize(p, size, interpolation=cv2.INTER_CUBIC) for p in pictures]
    return [np.asarray(p, np.uint8) for p in pictures]


def build_pairs(cache: Path, name: str, seed: int) -> None:
    """Code frames of one clip, unless that is done or it is no training clip."""
    if json.loads((cache / f"{name}.json").read_text())["split"] != "train":
        return
    for kind in KINDS:
        stem = f"{name}.{kind}" if kind else name
        target = cache / f"{stem}.lost.npy"
        pictures = [] if target.is_file() else _frames(cache, name, kind, seed)
        if not pictures:
            continue
        rng, draws = np.random.default_rng(seed), []
        for _ in range(DRAWS):
            boosted = bool(rng.random() < BOOSTED)
            low, high = CRFS_BOOSTED if boosted else CRFS_PLAIN
            draws.append(lost(pictures, int(rng.integers(low, high + 1)), boosted))
        np.save(cache / f"{stem}.kept.npy", np.array(pictures))
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


def clip_of(file: Path) -> str:
    """Name of the clip that a file of pairs was made of."""
    return file.name.split(".")[0]


def _files(cache: Path, kind: str) -> list[Path]:
    """Files of pairs of a kind: CLIP.lost.npy or CLIP.KIND.lost.npy."""
    name = f"{kind}.lost.npy" if kind else "lost.npy"
    return sorted(f for f in cache.glob(f"*.{name}") if f.name == f"{clip_of(f)}.{name}")


class Pairs:
    """Clips with pairs, split into those to train on and those to check on.

    Args:
        cache: where they are.
        held_out: one of so many clips is checked on.
    """

    def __init__(self, cache: Path, held_out: int = 16) -> None:
        files = {kind: _files(cache, kind) for kind in KINDS}
        checked = {clip_of(f) for kind in ("", "small") for f in files[kind][::held_out]}
        self.held_out = [f for many in files.values() for f in many if clip_of(f) in checked]
        kept = {k: [f for f in many if clip_of(f) not in checked] for k, many in files.items()}
        self._kinds = {kind: many for kind, many in kept.items() if many}
        odds = np.array([KINDS[kind] for kind in self._kinds])
        self._odds = odds / odds.sum()

    @property
    def training(self) -> list[Path]:
        """All files to train on."""
        return [file for many in self._kinds.values() for file in many]

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
        kind = list(self._kinds.values())[rng.choice(len(self._kinds), p=self._odds)]
        file = kind[rng.integers(len(kind))]
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
