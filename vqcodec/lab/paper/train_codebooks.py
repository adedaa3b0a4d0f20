"""Train the rows of the paper's Table 3 at our scale: equal, short training of every quantizer on the frozen networks.

    python -m vqcodec.lab codebooks-train --cache CACHE --out DIR [--rows vq,gvq]
        [--feature-steps 2000] [--picture-steps 200]

Frozen: landmark basis, image CNN and renderer. Trained anew for each row: motion head, quantizer, the way back to 48
features, and a copy of the renderer's conditioning layers. Every row gets the same number of steps on the same data in the
same order. Writes DIR/ROW.safetensors; rows that are there already with the same settings are kept, so that it can be
stopped and gone on with. `python -m vqcodec.lab codebooks` measures them.

CACHE is made by `python -m vqcodec.training.common.cache`; only its training split is used.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vqcodec.errors import ModelError, UsageError
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.layout import Layout
from vqcodec.lab.command import perform
from vqcodec.lab.paper import motioncoder
from vqcodec.lab.paper.codebook_data import MotionData, collected
from vqcodec.lab.paper.codebook_steps import PictureModel, RowSettings, RowTrainer, start_coder
from vqcodec.lab.paper.designs import DESIGNS, Design
from vqcodec.lab.paper.motioncoder import MotionCoder
from vqcodec.models import store
from vqcodec.motion.space import MotionSpace
from vqcodec.runtime.allocator import tune_allocator
from vqcodec.training.picture.batches import to_tensors
from vqcodec.training.picture.clips import CachedClip, load_clips
from vqcodec.training.picture.data import PairSampler
from vqcodec.training.picture.losses import PerceptualLoss

FEATURES_FILE = "motion.features"
SPACE = "motion-1"
"""The rows were defined and published for its 48 dimensions, all of which the trained conditioning sees."""
_TAIL_STEPS = 50


def chosen_rows(text: str | None) -> list[Design]:
    """Rows by key, separated by commas, in the paper's order; all of them without a text.

    Raises:
        UsageError: an unknown key.
    """
    keys = [d.key for d in DESIGNS] if text is None else text.split(",")
    unknown = sorted(set(keys) - {d.key for d in DESIGNS})
    if unknown:
        raise UsageError(
            f"there is no row {', '.join(unknown)}",
            hint=f"Rows: {', '.join(d.key for d in DESIGNS)}.",
        )
    return [d for d in DESIGNS if d.key in keys]


class RowRun:
    """What the rows share: data, frozen networks, settings."""

    def __init__(self, clips: list[CachedClip], data: MotionData, settings: RowSettings) -> None:
        self.clips, self.data, self.settings = clips, data, settings
        space = store.motion_space(SPACE)
        self.shipped = {
            "motion_space": str(space.id),
            "renderer": str(store.current("renderer").id),
        }
        self.basis = read_basis(space.path)
        self.pictures, self.perceptual = PictureModel(self.basis), PerceptualLoss()
        self.perceptual.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def facts(self) -> dict[str, object]:
        """What makes two trained rows the same."""
        return {"settings": self.settings.to_json(), "clips": len(self.clips), **self.shipped}

    def is_done(self, path: Path) -> bool:
        """Whether a row was trained already, with these very settings."""
        if not path.is_file():
            return False
        try:
            known = motioncoder.facts_of(path)
        except ModelError:
            return False
        return all(known.get(k) == v for k, v in self.facts().items())

    def _batches(self) -> Iterator[dict[str, Tensor]]:
        sampler = PairSampler(
            self.clips,
            self.basis,
            size=256,
            portraits=1,
            targets=self.settings.targets,
            seed=self.settings.seed,
            layout=Layout(),
        )
        while True:
            yield to_tensors(sampler.batch(), torch.device("cpu"))

    def train(self, design: Design, path: Path) -> dict[str, float]:
        """Train one row from the start and write it; returns the means of the losses over the last steps."""
        settings, started_s = self.settings, time.monotonic()
        torch.manual_seed(settings.seed)
        rng = np.random.default_rng(settings.seed)
        coder = MotionCoder(design, torch.from_numpy(self.basis.units))
        start_coder(coder, self.data, settings, rng)
        trainer = RowTrainer(coder, self.pictures, self.perceptual, settings)
        batches, seen = self._batches(), []
        for step in range(trainer.total):
            with_pictures = step >= settings.feature_steps
            deltas = self.data.deltas(rng, settings.motion_batch)
            seen.append(trainer.train_step(deltas, next(batches) if with_pictures else None))
        last = seen[-_TAIL_STEPS:]
        losses = {
            k: round(float(np.mean([s[k] for s in last if k in s])), 6)
            for k in (last[-1] if last else {})
        }
        motioncoder.save(
            path,
            coder,
            self.pictures.conditioning.state_dict(),
            {**self.facts(), "seconds": round(time.monotonic() - started_s), "losses": losses},
        )
        return losses


def train_rows(cache: Path, out: Path, rows: Sequence[Design], settings: RowSettings) -> None:
    """Train what is missing, telling of each row on stdout."""
    tune_allocator()
    out.mkdir(parents=True, exist_ok=True)
    clips = load_clips(cache, "train")
    data = collected(
        out / FEATURES_FILE, clips, MotionSpace.from_file(store.motion_space(SPACE), "cpu")
    )
    run = RowRun(clips, data, settings)
    for design in rows:
        path = out / f"{design.key}.safetensors"
        if run.is_done(path):
            sys.stdout.write(f"{design.key}: there already\n")
            continue
        started_s = time.monotonic()
        losses = run.train(design, path)
        told = ", ".join(f"{k} {v:.4f}" for k, v in losses.items())
        sys.stdout.write(f"{design.key}: {time.monotonic() - started_s:.0f} s; {told}\n")
        sys.stdout.flush()


def _options(parser: ArgumentParser) -> None:
    known = RowSettings()
    parser.add_argument(
        "--cache",
        type=Path,
        required=True,
        help="folder made by python -m vqcodec.training.common.cache",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the trained rows")
    parser.add_argument("--rows", help=f"some of {','.join(d.key for d in DESIGNS)} (all)")
    for item in fields(RowSettings):
        value = getattr(known, item.name)
        parser.add_argument(
            f"--{item.name.replace('_', '-')}", type=type(value), default=value, help=f"({value:g})"
        )


def _job(options: Namespace) -> int:
    settings = RowSettings(
        **{item.name: getattr(options, item.name) for item in fields(RowSettings)}
    )
    train_rows(options.cache, options.out, chosen_rows(options.rows), settings)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("codebooks-train", _options, _job, arguments)
