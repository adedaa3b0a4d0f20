"""`vqcodec train tokenizer`: from a folder of clips to weights that ship, in one call."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from vqcodec.config import Device
from vqcodec.errors import UsageError
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.models import store
from vqcodec.runtime.allocator import tune_allocator
from vqcodec.runtime.device import choose_device
from vqcodec.training.common.cache import build_cache
from vqcodec.training.common.export import export_motion_space, export_renderer, name_pictures
from vqcodec.training.common.recipe import Recipe, load_recipe
from vqcodec.training.picture.basis_fit import fit_basis
from vqcodec.training.picture.loop import Trainer


def fit_from_cache(cache: Path, settings: dict[str, float], seed: int = 0) -> LandmarkBasis:
    """Landmark basis from the cached training clips: 30 frames and 120 frame pairs of each."""
    rng = np.random.default_rng(seed)
    shapes, motions = [], []
    for facts in sorted(cache.glob("*.json")):
        landmarks = np.load(cache / f"{facts.stem}.lm.npy")
        landmarks = landmarks[np.isfinite(landmarks[:, 0, 0])]
        if len(landmarks) < 10 or json.loads(facts.read_text())["split"] != "train":
            continue
        shapes.append(landmarks[rng.integers(len(landmarks), size=30)])
        first, second = rng.integers(len(landmarks), size=(2, 120))
        motions.append(landmarks[first] - landmarks[second])
    if not shapes:
        raise UsageError(
            f"no training clips with faces in {cache}", hint="Pass --data with the corpus folder."
        )
    return fit_basis(np.concatenate(shapes), np.concatenate(motions), **settings)


def _basis(recipe: Recipe, cache: Path, out: Path, *, shipped: bool) -> LandmarkBasis:
    """The run's basis: the one it started with, else the shipped motion space's if wanted, else a new one."""
    path = out / "basis.safetensors"
    if path.is_file():
        return LandmarkBasis(**load_file(str(path)))
    if shipped or recipe.keep_motion_space:
        basis = read_basis(store.current("motion_space").path)
    else:
        basis = fit_from_cache(cache, recipe.basis)
    out.mkdir(parents=True, exist_ok=True)
    save_file(dict(mean=basis.mean, components=basis.components, units=basis.units), str(path))
    return basis


def _start_processes() -> tuple[int, int]:
    """Rank and number of processes under torchrun; starts the process group when there are several."""
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1 and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return rank, world


def train_tokenizer(
    data: Path,
    out: Path,
    *,
    recipe: str = "base",
    cache: Path | None = None,
    resume: bool = False,
    minutes: float | None = None,
    steps: int | None = None,
    device: Device = "auto",
) -> Path:
    """Train motion space and renderer.

    Args:
        data: corpus folder with index.tsv, train/ and val/.
        out: folder for checkpoint, log, sheets and exported weights.
        recipe: name of a shipped recipe or path of a TOML file.
        cache: folder for decoded frames; `out`/cache by default.
        resume: go on from the checkpoint in `out`; if there is none, from the shipped weights.
        minutes: stop after this time.
        steps: stop after this many further steps.
        device: auto, cpu or cuda.

    Returns:
        The folder with the exported weights (`out`/models).

    Raises:
        UsageError, ModelError, MediaError: bad recipe, missing package or missing data.
    """
    tune_allocator()
    settings = load_recipe(recipe)
    rank, world = _start_processes()
    cache = cache or out / "cache"
    if rank == 0:
        build_cache(data, cache)
        basis = _basis(settings, cache, out, shipped=resume)
    if world > 1:
        torch.distributed.barrier()
        basis = _basis(settings, cache, out, shipped=resume)
    trainer = Trainer(settings, basis, cache, out, device=choose_device(device))
    if resume:
        trainer.resume()
    trainer.run(minutes=minutes, steps=steps)
    if rank == 0:
        export_all(trainer, out / "models", name=settings.name)
    if world > 1:
        torch.distributed.destroy_process_group()
    return out / "models"


def export_all(trainer: Trainer, folder: Path, *, name: str) -> None:
    """Write motion space, renderer and manifest of a trainer's averaged weights into a folder.

    A recipe that keeps the motion space gets the shipped files, byte for byte: their sha256 is what streams name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if trainer.recipe.keep_motion_space:
        spaces = [folder / shipped.path.name for shipped in store.motion_spaces()]
        for shipped, space in zip(store.motion_spaces(), spaces, strict=True):
            space.write_bytes(shipped.path.read_bytes())
    else:
        spaces = [folder / f"motion-{name}.safetensors"]
        export_motion_space(trainer.model, trainer.ema, trainer.basis, spaces[0], f"motion-{name}")
    renderer = folder / f"renderer-{name}.safetensors"
    export_renderer(trainer.model, trainer.ema, spaces, renderer, f"renderer-{name}")
    name_pictures(folder, spaces, renderer)
