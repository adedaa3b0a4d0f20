"""From speech tokens to lips that meet.

    python -m vqcodec.training.closure.run SOUNDS VOICES OUT [--steps N]

SOUNDS is a folder of speech_tokens.sound_cache, VOICES one of speech_tokens.voices. OUT gets a cache, the log and
models/closure-2.safetensors. One sound of 25, by its name, is held out; from those the odds are taken from where on lips
shut: the largest with which they meet as often as filmed lips do.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from vqcodec.errors import UsageError
from vqcodec.runtime.allocator import tune_allocator
from vqcodec.speech.closure import SOUNDS, ClosureNetwork, ClosureShape
from vqcodec.speech.rest import runs
from vqcodec.speech.tokenizer import SpeechTokenizer
from vqcodec.training.closure.cache import build
from vqcodec.training.closure.labels import HAMA_LAG_S, PhoneReader, exact_spans, labels
from vqcodec.training.common.plain_loop import Batch, PlainLoop, Schedule
from vqcodec.training.speech_tokens.sound_cache import is_synthetic
from vqcodec.training.speech_tokens.steps import held_out

SCHEDULE = Schedule(2500, 2e-3, 2e-5, warmup=100, ema=0.99, decay=0.05, check_every=250)
BATCH, LENGTH = 32, 160
REAL_WEIGHT, DROPOUT, HIDDEN_SHARE = 3.0, 0.25, 0.05
FILMED_SHARES = (0.84, 0.7)
"""At so many of p, b and m filmed lips meet (407 of training clips; at other times: .47). Of f and v: set by hand."""
SURE = tuple(n / 100 for n in range(6, 96, 2))
NEAR = 1
"""Lips that shut so many frames beside a meeting aren't wrong."""


@dataclass(frozen=True, slots=True)
class HeardSound:
    """(V, T) int64 codes and (T, 2) labels of one sound."""

    codes: NDArray[np.int64]
    shut: NDArray[np.float32]
    synthetic: bool


def load(cache: Path, voices: Path) -> tuple[list[HeardSound], list[HeardSound]]:
    """Sounds to learn from, and held-out ones.

    Raises:
        UsageError: there are none.
    """
    train, held = list[HeardSound](), list[HeardSound]()
    for path in sorted(cache.glob("*.codes.npy")):
        name = path.name.removesuffix(".codes.npy")
        synthetic = is_synthetic(name)
        spans = exact_spans((voices if synthetic else cache) / f"{name}.phones.json")
        codes = np.load(path).astype(np.int64)
        shut = labels(spans, codes.shape[1], 0.0 if synthetic else HAMA_LAG_S)
        (held if held_out(name) else train).append(HeardSound(codes, shut, synthetic))
    if not train:
        raise UsageError(f"no sounds in {cache}", hint="It is filled from SOUNDS.")
    return train, held


class Pieces:
    """Endless batches of stretches of sounds, real ones REAL_WEIGHT times as often."""

    def __init__(self, sounds: list[HeardSound], seed: int) -> None:
        self._sounds, self._rng = sounds, np.random.default_rng(seed)
        weights = np.array([len(s.shut) * (1 if s.synthetic else REAL_WEIGHT) for s in sounds])
        self._odds = weights / weights.sum()

    def _draw(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
        rng = self._rng
        sound = self._sounds[int(rng.choice(len(self._sounds), p=self._odds))]
        first = int(rng.integers(0, max(len(sound.shut) - LENGTH, 0) + 1))
        count = min(len(sound.shut) - first, LENGTH)
        codes, shut = np.full(LENGTH, -1, np.int64), np.zeros((LENGTH, len(SOUNDS)), np.float32)
        codes[:count] = sound.codes[int(rng.integers(len(sound.codes))), first : first + count]
        codes[rng.random(LENGTH) < HIDDEN_SHARE] = -1
        shut[:count] = sound.shut[first : first + count]
        return codes, shut, np.arange(LENGTH) < count

    def __iter__(self) -> Iterator[Batch]:
        while True:
            rows = zip(*(self._draw() for _ in range(BATCH)), strict=True)
            yield {
                key: torch.from_numpy(np.stack(part))
                for key, part in zip(("codes", "shut", "mask"), rows, strict=True)
            }


def closure_loss(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Nats by which what is shut and what isn't surprises."""
    logits = model(batch["codes"])
    nats = functional.binary_cross_entropy_with_logits(
        logits.float(), batch["shut"], reduction="none"
    )
    mask = batch["mask"].float()[..., None]
    return dict(total=(nats * mask).sum() / mask.sum())


@torch.inference_mode()
def odds_of(model: nn.Module, sounds: list[HeardSound]) -> list[NDArray[np.float32]]:
    """(T, 2) of what a network says of each sound as it is."""
    return [
        model(torch.from_numpy(s.codes[:1]))[0].float().sigmoid().numpy().astype(np.float32)
        for s in sounds
    ]


def widened(shut: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With NEAR more frames on either side."""
    return np.asarray(np.convolve(shut, np.ones(2 * NEAR + 1), "same") > 0)


def score(
    odds: list[NDArray[np.float32]], sounds: list[HeardSound], sure: float, of: int
) -> dict[str, float]:
    """Of one of SOUNDS, by number: the share that is followed; of the frames that follow it, the share that lies at one."""
    met = meetings = right = shut = 0
    for told, sound in zip(odds, sounds, strict=True):
        closed, wanted = told[:, of] >= sure, sound.shut[:, of] > 0
        for first, stop in runs(wanted):
            meetings += 1
            met += bool(closed[max(first - NEAR, 0) : stop + NEAR].any())
        right += int((closed & widened(wanted)).sum())
        shut += int(closed.sum())
    return {"recall": met / max(meetings, 1), "precision": right / max(shut, 1)}


class ClosureCheck:
    """Figures of held-out sounds."""

    def __init__(self, sounds: list[HeardSound]) -> None:
        self._sounds = sounds

    def __call__(self, model: nn.Module) -> dict[str, Any]:
        """Recall and precision at some odds, of recordings and of voices."""
        found: dict[str, Any] = {}
        for name in ("real", "voices"):
            sounds = [s for s in self._sounds if s.synthetic == (name == "voices")]
            odds = odds_of(model, sounds)
            for of, sound in enumerate(SOUNDS):
                found[f"{name}, {sound}"] = {
                    f"{sure:g}": [round(v, 3) for v in score(odds, sounds, sure, of).values()]
                    for sure in (0.12, 0.3, 0.5)
                }
        return found


def surest(model: nn.Module, sounds: list[HeardSound]) -> list[float]:
    """Of each of SOUNDS the largest odds at which lips follow as often as filmed ones do, on recordings."""
    real = [s for s in sounds if not s.synthetic]
    odds = odds_of(model, real)
    enough = [
        [sure for sure in SURE if score(odds, real, sure, of)["recall"] >= share]
        for of, share in enumerate(FILMED_SHARES)
    ]
    return [max(known, default=SURE[0]) for known in enough]


def train(sounds: Path, voices: Path, out: Path, *, steps: int | None = None) -> Path:
    """Train and export; see the module."""
    tune_allocator()
    tokenizer = SpeechTokenizer.load()
    build(sounds, out / "cache", tokenizer, PhoneReader())
    learned, held = load(out / "cache", voices)
    torch.manual_seed(SCHEDULE.seed)
    network = ClosureNetwork(ClosureShape(), DROPOUT)
    loop = PlainLoop(network, SCHEDULE, out, torch.device("cpu"))
    loop.run(iter(Pieces(learned, SCHEDULE.seed)), closure_loss, ClosureCheck(held), steps=steps)
    model = loop.averaged().eval()
    target = out / "models" / "closure-2.safetensors"
    target.parent.mkdir(exist_ok=True)
    facts = {
        "kind": "closure",
        "name": "closure-2",
        "shape": json.dumps(network.shape.to_facts()),
        "speech_tokenizer": tokenizer.id.whole,
        "sure": json.dumps(surest(model, held)),
    }
    tensors = {k: v.half().contiguous() for k, v in model.state_dict().items()}
    save_file(tensors, str(target), metadata=facts)
    return target


def main() -> None:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sounds", type=Path)
    parser.add_argument("voices", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int)
    args = parser.parse_args()
    print(train(args.sounds, args.voices, args.out, steps=args.steps))


if __name__ == "__main__":
    main()
