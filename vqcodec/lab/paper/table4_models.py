"""The four models of the paper's Table 4 at this project's scale: continuous or discrete speech in and motion out.

    python -m vqcodec.lab table4-train CORPUS OUT --cache CACHE --features SOUNDS [--minutes 6] [--rows cc dc cd dd]

All of them have the same network but for its first and last layer, the same examples and the same time. `--rows` also takes
`df` and `dg`, discrete in and out with a logit for each digit, and with one for each of a group's 625 classes.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file

from vqcodec.generate.inputs import network_inputs
from vqcodec.generate.network import GeneratorNetwork
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.controls import Controls, HeadShape
from vqcodec.geometry.headpose import read_head
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.lab.command import perform
from vqcodec.lab.paper.generator_forms import built, form_of
from vqcodec.models import store
from vqcodec.training.common.recipe import load_plain
from vqcodec.training.generator.form import GeneratorForm
from vqcodec.training.generator.run import train_speech
from vqcodec.training.speech_tokens.teacher import FEATURES

ROWS: dict[str, dict[str, int]] = {
    "cc": dict(codes=0, speech=FEATURES, continuous=1),
    "dc": dict(continuous=1),
    "cd": dict(codes=0, speech=FEATURES, ordinal=1),
    "dd": dict(ordinal=1),
    "df": {},
    "dg": dict(groups=1),
}


@dataclass(frozen=True, slots=True)
class RowModel:
    """A trained row."""

    network: GeneratorNetwork
    form: GeneratorForm
    basis: LandmarkBasis
    shape: HeadShape

    def motion(
        self, speech: NDArray[Any], controls: Controls, portrait: PortraitFacts
    ) -> NDArray[np.float32]:
        """Motion features f_t of every frame.

        Args:
            speech: (T,) speech tokens or (T, 1024) features of the teacher.
            controls: T frames.
            portrait: whose face moves.

        Returns:
            (T, 48) float32; of a discrete row whole units away from f_s, as a stream would hold them.
        """
        table, turned, facts = network_inputs(
            portrait.landmarks,
            portrait.controls,
            controls,
            portrait.features,
            self.basis,
            self.shape,
        )
        heard = speech.astype(np.float32 if self.form.features else np.int64)
        given = (
            torch.from_numpy(np.ascontiguousarray(x))[None] for x in (heard, table, turned, facts)
        )
        values = self.form.motion(self.network, *given)[0].numpy().clip(-170, 170)
        values[:, 36:40] = 0  # the background, as the generator has it
        return np.asarray(portrait.features + values * self.basis.units, np.float32)


def load_row(path: Path) -> RowModel:
    """A row that `main` trained.

    Raises:
        OSError, KeyError: the file is missing or something else.
    """
    with safe_open(str(path), "pt") as handle:
        facts = json.loads((handle.metadata() or {})["shape"])
    network = built(facts, dropout=0.0)
    network.load_state_dict({k: v.float() for k, v in load_file(str(path)).items()})
    return RowModel(
        network.eval(),
        form_of(facts),
        read_basis(store.plain_motion_space().path),
        read_head(store.current("head").path),
    )


def row_recipe(base: str, row: str) -> str:
    """The text of a recipe file for a row: a base recipe's with the row's shape."""
    lines = []
    for line in base.splitlines():
        lines.append(line)
        if line.strip() == "[shape]":
            lines += [f"{key} = {value}" for key, value in ROWS[row].items()]
        elif line.split("=")[0].strip() in ROWS[row]:
            lines.pop()
    return "\n".join(lines) + "\n"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("corpus", type=Path, help="corpus folder")
    parser.add_argument("out", type=Path, help="folder for the trained rows")
    parser.add_argument("--cache", type=Path, required=True, help="folder of its prepared clips")
    parser.add_argument(
        "--features", type=Path, required=True, help="folder of the teacher's features"
    )
    parser.add_argument("--minutes", type=float, default=6.0, help="of training, each (6)")
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=list(ROWS),
        default=["cc", "dc", "cd", "dd"],
        help="(all but dg)",
    )


def _job(options: Namespace) -> int:
    base = Path(__file__).with_name("table4.toml").read_text()
    options.out.mkdir(parents=True, exist_ok=True)
    for row in options.rows:
        recipe = options.out / f"row-{row}.toml"
        recipe.write_text(row_recipe(base, row))
        made = train_speech(
            options.corpus,
            options.out / row,
            recipe=str(recipe),
            cache=options.cache,
            features=options.features,
            minutes=options.minutes,
            prepared=True,
            form=form_of(load_plain(str(recipe)).shape),
        )
        target = options.out / f"row-{row}.safetensors"
        target.write_bytes(made.read_bytes())
        print(f"{row}: {target}", flush=True)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("table4-train", _options, _job, arguments)
