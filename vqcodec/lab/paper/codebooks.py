"""Table 3 of the paper at our scale: measure the quantizers that `python -m vqcodec.lab codebooks-train` trained.

    python -m vqcodec.lab codebooks DIR --data CORPUS [--out codebooks.json] [--clips N]

DIR holds the trained rows. For each: cross-identity driving (codebook_driving.py says which clips drive which portraits),
identity, motion stability, use of the codes, and what the pose loses; beside the same figures without any quantizer and
with the codec's own. What was measured is kept in DIR row by row, so that it can be stopped and gone on with.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqcodec.config import RuntimeOptions
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import ModelError, UsageError
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.validate.record import mean_of
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.format import CODES, DIMS, FEATURE_SIZE_PX, GROUPS, LAYERS
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.paper import motioncoder
from vqcodec.lab.paper.codebook_counts import counted_bits, utilisation_pct
from vqcodec.lab.paper.codebook_driving import (
    FRAMES,
    IDENTITY_EVERY,
    Coder,
    Driven,
    DrivingStage,
    Material,
    material,
    pairs,
    plain,
    shipped,
    trained,
)
from vqcodec.lab.paper.codebook_table import CODEC, FLOATS, QuantizerRow, QuantizerTable, show
from vqcodec.lab.paper.designs import DESIGNS, FRAME_RATE_HZ, Design
from vqcodec.lab.paper.train_codebooks import SPACE
from vqcodec.models import store
from vqcodec.models.store import file_sha256
from vqcodec.motion.space import MotionSpace
from vqcodec.render.renderer import Renderer
from vqcodec.runtime.allocator import tune_allocator

_FLOAT_BITS = 32


def replace_conditioning(renderer: Renderer, weights: Mapping[str, Tensor]) -> None:
    """Take other weights for the layers from motion to FiLM's input: the rows train these alone.

    Raises:
        ModelError: they don't fit.
    """
    try:
        renderer.net.film.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(f"these are no conditioning weights of {renderer.id}: {error}") from error


class Bench:
    """Measures coders on the same clips.

    Args:
        clips: in order of their names.
        space: the motion space of their features.
        stage: renders and measures.
    """

    def __init__(self, clips: Sequence[Material], space: MotionSpace, stage: DrivingStage) -> None:
        self.clips, self._space, self._stage = clips, space, stage

    def row(
        self,
        key: str,
        code: Coder,
        codes: int,
        raw_kbps: float,
        *,
        conditioning: dict[str, Tensor] | None = None,
        motion_loss: float | None = None,
    ) -> QuantizerRow:
        """All figures of one coder, with the shipped renderer or one with other conditioning."""
        renderer = Renderer.load(space=self._space.id, device="cpu")
        if conditioning is not None:
            replace_conditioning(renderer, conditioning)
        driven = [
            self._stage.drive(driver, portrait, code, renderer)
            for driver, portrait in pairs(self.clips)
        ]
        coded = [code(clip.delta) for clip in self.clips]
        indices = [found for _, found in coded if found is not None]
        frames = sum(len(clip.features) for clip in self.clips)
        id_dist, csim, msi = (
            mean_of([getattr(d, name) for d in driven]) for name in ("id_dist", "csim", "msi")
        )
        counted = counted_bits(indices, codes) * FRAME_RATE_HZ / frames / 1000 if indices else None
        return QuantizerRow(
            key,
            raw_kbps,
            counted,
            id_dist,
            csim,
            msi,
            utilisation_pct(indices, codes) if indices else None,
            self._pose_px([delta for delta, _ in coded]),
            _faces_pct(driven),
            motion_loss,
        )

    def _pose_px(self, decoded: Sequence[np.ndarray]) -> float:
        errors = []
        for clip, delta in zip(self.clips, decoded, strict=True):
            given, made = (
                self._space.landmarks(x) for x in (clip.features, clip.features[0] + delta)
            )
            errors.append(np.linalg.norm(made - given, axis=-1).mean(1) * FEATURE_SIZE_PX)
        return float(np.mean(np.concatenate(errors)))

    def driver_msi(self) -> float:
        """MSI of the drivers' own frames."""
        return mean_of([self._stage.stability(driver.shown) for driver, _ in pairs(self.clips)])


def _faces_pct(driven: Sequence[Driven]) -> float:
    return 100 * sum(d.faces for d in driven) / sum(d.frames for d in driven)


def trained_rows(folder: Path) -> list[tuple[Design, Path]]:
    """The rows there are, in the paper's order.

    Raises:
        UsageError: there is none, or they were trained differently.
    """
    found = [
        (d, folder / f"{d.key}.safetensors")
        for d in DESIGNS
        if (folder / f"{d.key}.safetensors").is_file()
    ]
    if not found:
        raise UsageError(
            f"no trained rows in {folder}",
            hint="Make them with python -m vqcodec.lab codebooks-train.",
        )
    kept = [
        {
            k: v
            for k, v in motioncoder.facts_of(path).items()
            if k in ("settings", "clips", "motion_space", "renderer")
        }
        for _, path in found
    ]
    odd = [d.key for (d, _), facts in zip(found, kept, strict=True) if facts != kept[0]]
    if odd:
        raise UsageError(
            f"rows {', '.join(odd)} were trained otherwise than {found[0][0].key}",
            hint="Run python -m vqcodec.lab codebooks-train again: it trains what differs.",
        )
    return found


class Kept:
    """Rows measured before, one small JSON file each; valid for the same weights and the same way to measure."""

    def __init__(self, folder: Path, rule: dict[str, Any]) -> None:
        self._folder, self._rule = folder, rounded(rule)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.measured.json"

    def get(self, key: str, weights: str) -> dict[str, Any] | None:
        """What was kept, or None."""
        try:
            data = json.loads(self._path(key).read_text(encoding="utf-8"))
            return (
                dict(data["found"])
                if data["rule"] == self._rule and data["weights"] == weights
                else None
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, weights: str, found: dict[str, Any]) -> None:
        """Keep it."""
        save_json(
            self._path(key), rounded({"rule": self._rule, "weights": weights, "found": found})
        )


def _references(bench: Bench, kept: Kept, units: np.ndarray, weights: str) -> list[QuantizerRow]:
    wanted = (
        (FLOATS, plain, 1, DIMS * _FLOAT_BITS * FRAME_RATE_HZ / 1000),
        (
            CODEC,
            shipped(units),
            CODES,
            GROUPS * LAYERS * float(np.log2(CODES)) * FRAME_RATE_HZ / 1000,
        ),
    )
    for key, code, codes, raw_kbps in wanted:
        if kept.get(key, weights) is None:
            kept.put(key, weights, asdict(bench.row(key, code, codes, raw_kbps)))
    return [QuantizerRow(**(kept.get(key, weights) or {})) for key, *_ in wanted]


def _rows(bench: Bench, kept: Kept, folder: Path) -> list[QuantizerRow]:
    rows = []
    for design, path in trained_rows(folder):
        weights = file_sha256(path).hex()
        found = kept.get(design.key, weights)
        if found is None:
            coder, conditioning = motioncoder.load(path)
            loss = motioncoder.facts_of(path).get("losses", {}).get("motion")
            found = asdict(
                bench.row(
                    design.key,
                    trained(coder),
                    design.codes,
                    design.raw_kbps,
                    conditioning=conditioning,
                    motion_loss=loss,
                )
            )
            kept.put(design.key, weights, found)
            sys.stdout.write(f"{design.key}: measured\n")
            sys.stdout.flush()
        rows.append(QuantizerRow(**rounded(found)))
    return rows


def measure(folder: Path, paths: Sequence[Path]) -> QuantizerTable:
    """Measure every trained row in `folder` on clips, or read what was measured before."""
    tune_allocator()
    first = trained_rows(folder)[0][1]
    space = MotionSpace.from_file(store.motion_space(SPACE), "cpu")
    parts = replace(EncoderParts.load(RuntimeOptions(device="cpu")), space=space)
    clips = [material(path, folder / "material", parts) for path in sorted(paths)]
    facts = motioncoder.facts_of(first)
    rule = {
        "clips": [c.name for c in clips],
        "frames": FRAMES,
        "identity_every": IDENTITY_EVERY,
        "renderer": str(parts.renderer),
        "motion_space": str(space.id),
    }
    kept = Kept(folder, rule)
    with DrivingStage() as stage, torch.inference_mode():
        bench = Bench(clips, space, stage)
        rows = _rows(bench, kept, folder)
        references = _references(bench, kept, space.units, str(parts.renderer))
        drivers = kept.get("drivers", "") or {"msi": bench.driver_msi()}
        kept.put("drivers", "", drivers)
    known = conditions(
        **rule | {"clips": len(clips)},
        pairs=len(pairs(clips)),
        motion_frames=sum(len(c.features) for c in clips),
        training={
            "settings": facts["settings"],
            "clips": facts["clips"],
            "seconds": {d.key: motioncoder.facts_of(p)["seconds"] for d, p in trained_rows(folder)},
        },
    )
    return QuantizerTable(known, drivers["msi"], rows, references)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="made by codebooks-train")
    clips_options(parser)


def _job(options: Namespace) -> int:
    found = measure(options.folder, validation_clips(options.data, options.clips))
    return publish(show(found), options.out, found.save)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("codebooks", _options, _job, arguments)
