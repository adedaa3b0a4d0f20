"""Portraits as a renderer is shown them, for training: some frames of each clip coded as AV1, once, into the cache.

    NAME.512.npy (or NAME.256.npy, enlarged) --COUNT frames--> one low-delay AV1 sequence per CRF, 512x512
        --decoded, restored by the shipped renderer, 256x256--> NAME.coded.npy (Q, COUNT, 256, 256, 3) uint8
                                                                NAME.coded.tsv: places and CRFs

The first picture of a sequence is a key picture, the others are predicted from those before, as in a portrait stream.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.models import store
from vqcodec.render.restoration import Restoration
from vqcodec.training.restoration.export import PREFIX

COUNT = 6
CRF_RANGES = ((30, 42), (43, 53), (54, 63))
"""What the encoder asks for from 8 to 60 kbit/s, with the boost it uses there."""
SIDE_PX = 512
_PRESET = 5


@dataclass(frozen=True, slots=True)
class CodedPortraits:
    """Coded frames of one clip.

    Attributes:
        frames: (Q, C, 256, 256, 3) uint8, Q qualities of the same C frames.
        places: (C,) their numbers among the clip's cached 256 px frames.
    """

    frames: NDArray[np.uint8]
    places: NDArray[np.int64]


def through_av1(pictures: list[NDArray[np.uint8]], crf: int) -> list[NDArray[np.uint8]]:
    """Code pictures as one low-delay AV1 sequence and decode them.

    Args:
        pictures: (S, S, 3) uint8 RGB each, as many as a path has units at most.
        crf: 0 (best) .. 63.

    Returns:
        As many pictures of the same size.

    Raises:
        MediaError: the encoder refuses.
    """
    side_px = pictures[0].shape[0]
    decoder, path, shown = PathDecoder(side_px), [], []
    with closing(PortraitCoder(crf, preset=_PRESET, size_px=side_px)) as coder:
        for picture in pictures:
            path.append(coder.add(picture).unit)
            shown.append(decoder.picture(path))
    return shown


@lru_cache(maxsize=1)
def _restoration() -> Restoration:
    net = Restoration()
    weights = load_file(str(store.current("renderer").path))
    part = {name: w.float() for name, w in weights.items() if name.startswith(PREFIX)}
    if part:
        net.load_state_dict({name.removeprefix(PREFIX): w for name, w in part.items()})
    return net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@torch.inference_mode()
def restored(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A decoded portrait as the shipped renderer restores it.

    Args:
        picture: (S, S, 3) uint8 RGB; S is a multiple of 16.

    Returns:
        The same shape; the same picture where that renderer restores nothing.
    """
    x = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255
    with torch.autocast("cpu", torch.bfloat16):
        shown = _restoration()(x.contiguous(memory_format=torch.channels_last))
    return (shown[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()


def _chosen(
    cache: Path, name: str, info: dict[str, Any]
) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """COUNT frames spread over a clip at 512, the first one among them, and their numbers among the 256 px frames."""
    large = cache / f"{name}.512.npy"
    frames = np.load(large if large.is_file() else cache / f"{name}.256.npy", mmap_mode="r")
    step = info["stride_512"] // info["stride"] if large.is_file() else 1
    seen = np.isfinite(np.load(cache / f"{name}.lm.npy")[:: info["stride"] * step, 0, 0])[
        : len(frames)
    ]
    valid = np.flatnonzero(seen)
    if not len(valid):
        return [], valid
    at = np.unique(
        valid[np.linspace(0, len(valid) - 1, min(COUNT, len(valid))).round().astype(int)]
    )
    pictures = [frames[i] for i in at]
    if frames.shape[1] != SIDE_PX:
        pictures = [
            cv2.resize(p, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC) for p in pictures
        ]
    return pictures, at * step


def build_coded(cache: Path, name: str, seed: int) -> None:
    """Code one clip's portraits into the cache, unless that is done."""
    target = cache / f"{name}.coded.npy"
    info = json.loads((cache / f"{name}.json").read_text())
    if info["split"] != "train" or target.is_file():
        return
    pictures, places = _chosen(cache, name, info)
    if not pictures:
        return
    rng = np.random.default_rng(seed)
    crfs = [int(rng.integers(low, high + 1)) for low, high in CRF_RANGES]
    shown = [
        [
            cv2.resize(restored(p), (256, 256), interpolation=cv2.INTER_AREA)
            for p in through_av1(pictures, crf)
        ]
        for crf in crfs
    ]
    (cache / f"{name}.coded.tsv").write_text(
        "\t".join(map(str, places)) + "\n" + "\t".join(map(str, crfs)) + "\n"
    )
    with target.with_suffix(".tmp").open("wb") as handle:
        np.save(handle, np.array(shown, np.uint8))
    os.replace(target.with_suffix(".tmp"), target)


def load_coded(cache: Path, name: str) -> CodedPortraits | None:
    """Coded portraits of a clip; None where there are none."""
    path = cache / f"{name}.coded.npy"
    if not path.is_file():
        return None
    places = (cache / f"{name}.coded.tsv").read_text().splitlines()[0].split("\t")
    return CodedPortraits(np.load(path, mmap_mode="r"), np.array(places, np.int64))


def _one_thread() -> None:
    torch.set_num_threads(1)


def build_all(cache: Path, *, workers: int = 2) -> None:
    """Code portraits of every training clip in a cache, in a fixed shuffled order."""
    names = sorted(p.stem for p in cache.glob("*.json"))
    order = np.random.default_rng(0).permutation(len(names))
    with ProcessPoolExecutor(workers, initializer=_one_thread) as pool:
        for done, _ in enumerate(
            pool.map(build_coded, [cache] * len(names), [names[i] for i in order], order.tolist()),
            1,
        ):
            if done % 50 == 0:
                print(f"coded portraits: {done} of {len(names)} clips", flush=True)


def main() -> None:
    """Command line: python -m vqcodec.training.picture.coded CACHE."""
    parser = argparse.ArgumentParser(description=build_all.__doc__)
    parser.add_argument("cache", type=Path)
    build_all(parser.parse_args().cache)


if __name__ == "__main__":
    main()
