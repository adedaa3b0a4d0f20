"""Training recipes: TOML files with stages; every number that shapes the weights is in them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from vqcodec.errors import UsageError
from vqcodec.training.common.plain_loop import Schedule


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training.

    Attributes:
        name: shown in logs.
        size_px: side of the pictures.
        steps: optimizer steps.
        lr: peak learning rate; falls along a cosine to `lr_end`.
        portraits, targets: batch of B portraits with K targets each.
        weights: loss weights by name.
        freeze_space: the motion space is final: its CNN takes its averaged weights and stays.
        real_weight: how much more often real footage is drawn than generated.
        draw: odds of kinds of samples by name, see training.picture.data.Draw.
        enlarged: how often the perceptual window is the mouth or the eyes, enlarged.
        enlarged_gain: how much more the discriminator's verdict counts there.
    """

    name: str
    size_px: int
    steps: int
    lr: float
    lr_end: float
    portraits: int
    targets: int
    weights: dict[str, float]
    real_weight: float = 2.0
    warmup: int = 100
    freeze_space: bool = False
    draw: dict[str, float] = field(default_factory=dict)
    enlarged: float = 0.4
    enlarged_gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole training: stages in order, and settings they share.

    Attributes:
        ema: decay of the averaged weights, which are the ones exported.
        check_every: steps between checks on validation pictures.
        basis: arguments of training.picture.basis_fit.fit_basis.
        keep_motion_space: train the renderer alone, for the shipped motion space: old streams stay valid.
    """

    name: str
    seed: int
    ema: float
    check_every: int
    save_every_s: float
    stages: tuple[Stage, ...]
    basis: dict[str, float] = field(default_factory=dict)
    keep_motion_space: bool = False

    @property
    def total_steps(self) -> int:
        """Steps of all stages."""
        return sum(s.steps for s in self.stages)

    def at(self, step: int) -> tuple[Stage, int]:
        """The stage of a global step and the step within it (the last stage goes on for ever)."""
        for stage in self.stages[:-1]:
            if step < stage.steps:
                return stage, step
            step -= stage.steps
        return self.stages[-1], step


def _stage(data: dict[str, Any], losses: dict[str, float]) -> Stage:
    return Stage(**{**data, "weights": {**losses, **data.get("weights", {})}})


def _read(name_or_path: str) -> dict[str, Any]:
    """A recipe's TOML, by file path or by name of one that ships with the package."""
    path = Path(name_or_path)
    shipped = resources.files("vqcodec.training") / "recipes" / f"{name_or_path}.toml"
    if path.suffix == ".toml" and path.is_file():
        return tomllib.loads(path.read_text())
    if shipped.is_file():
        return tomllib.loads(shipped.read_text())
    raise UsageError(
        f"no recipe {name_or_path}",
        hint="Give a .toml file, or the name of a shipped recipe: base.",
    )


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by file path, or by name of one that ships with the package.

    Raises:
        UsageError: no such recipe, or a key is missing or unknown.
    """
    data = _read(name_or_path)
    try:
        stages = tuple(_stage(s, data.get("losses", {})) for s in data.pop("stage"))
        data.pop("losses", None)
        return Recipe(stages=stages, **data)
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"recipe {name_or_path}: {error}", hint="Compare with the shipped recipe base.toml."
        ) from error


@dataclass(frozen=True, slots=True)
class PlainRecipe:
    """A training in one stage, of one of the speech networks.

    Attributes:
        schedule: see common.plain_loop.
        shape: size of the network, by name.
        batch: examples in a batch.
        settings: what else the training takes, by name.
    """

    schedule: Schedule
    shape: dict[str, int]
    batch: int
    settings: dict[str, float] = field(default_factory=dict)


def load_plain(name_or_path: str) -> PlainRecipe:
    """A recipe of one stage, as `load_recipe`.

    Raises:
        UsageError: no such recipe, or a key is missing or unknown.
    """
    data = _read(name_or_path)
    try:
        return PlainRecipe(**{**data, "schedule": Schedule(**data["schedule"])})
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"recipe {name_or_path}: {error}", hint="Compare with the shipped recipe speech.toml."
        ) from error
