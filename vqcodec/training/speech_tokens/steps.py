"""Training of the speech tokenizer's head.

From what Whisper's lower layers hear of spoilt speech to what all of its layers make of it clean, by five numbers a token.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from vqcodec.errors import UsageError
from vqcodec.format import SPEECH_TOKEN_SAMPLES
from vqcodec.speech.encoder import EncoderShape, SpeechEncoder, TokenHead
from vqcodec.speech.mel import BANDS, FRAMES_PER_TOKEN, log_mel
from vqcodec.speech.tokenizer import WINDOW_TOKENS
from vqcodec.speech.trunk import HEARD, Trunk
from vqcodec.training.common.plain_loop import Batch
from vqcodec.training.generator.lip_reader import LipReader
from vqcodec.training.generator.lip_tracks import SIGNALS
from vqcodec.training.speech_tokens.sound_cache import is_synthetic
from vqcodec.training.speech_tokens.teacher import FEATURES
from vqcodec.training.speech_tokens.teacher_head import TeacherHead

HELD_OUT = 25
"""Every 25th sound, by its name, is for checks only."""
REAL_WEIGHT = 2.0
AXES = 128
CLEAN_SHARE = 0.3
ROUNDED_SHARE = 0.5
MEL_MEAN, MEL_SCALE = -3.5, 2.0
"""Bring log-mel to about unit scale."""
WEIGHTS = dict(taught=1.0, direct=0.5, mel=0.3, lips=2.0)


@dataclass(frozen=True, slots=True)
class TaughtSound:
    """A training sound.

    Attributes:
        samples: (N,) int16, 16 kHz mono; memory-mapped, as the next two are.
        heard: (V, T, 1024) float16 of the trunk: of the sound as it is, then of spoilt copies.
        features: (T, 1024) float16 of the teacher.
        synthetic: whether it is a synthetic voice's.
        lips: (T, 3) likely lips (lip_reader).
    """

    samples: NDArray[np.int16]
    heard: NDArray[np.float16]
    features: NDArray[np.float16]
    synthetic: bool
    lips: NDArray[np.float32] | None = None


def held_out(name: str) -> bool:
    """Whether a sound is kept out of training; copies at other speeds go with it."""
    return zlib.crc32(name.split("@")[0].encode()) % HELD_OUT == 0


def load_sounds(
    cache: Path, clips: Path | None = None
) -> tuple[list[TaughtSound], list[TaughtSound]]:
    """Training sounds and held-out ones of a cache (speech_tokens.sound_cache).

    Args:
        cache: the folder.
        clips: folder with the clips' motion and sync.json (generator.lip_tracks), to learn what sound does to lips as well.

    Raises:
        UsageError: the cache is empty.
    """
    train, held = list[TaughtSound](), list[TaughtSound]()
    reader = (
        None
        if clips is None
        else LipReader.fit(
            clips,
            cache,
            frozenset(
                path.name.removesuffix(".motion.npy")
                for path in clips.glob("*.motion.npy")
                if held_out(path.name.removesuffix(".motion.npy"))
            ),
        )
    )
    for path in sorted(cache.glob("*.teacher.npy")):
        name = path.name.removesuffix(".teacher.npy")
        features = np.load(path, mmap_mode="r")
        heard = np.load(cache / f"{name}.heard.npy", mmap_mode="r")
        sound = TaughtSound(
            np.load(cache / f"{name}.pcm.npy", mmap_mode="r"),
            heard,
            features,
            synthetic=is_synthetic(name),
            lips=None if reader is None else reader(heard[0]),
        )
        (held if held_out(name) else train).append(sound)
    if not train:
        raise UsageError(
            f"no sounds in {cache}", hint="It is filled from --data, --voices and --teacher."
        )
    return train, held


class Windows:
    """Random windows of the tokenizer's own length.

    Args:
        sounds: to draw from, by duration.
        batch: windows in a batch.
        seed: of the draws.
        spoil: whether sound is augmented (the teacher always heard it clean).
    """

    def __init__(
        self, sounds: list[TaughtSound], batch: int, seed: int, *, spoil: bool = True
    ) -> None:
        self._sounds, self._batch, self._spoil = sounds, batch, spoil
        self._rng = np.random.default_rng(seed)
        weights = np.array(
            [len(s.features) * (1.0 if s.synthetic else REAL_WEIGHT) for s in sounds]
        )
        self._odds = weights / weights.sum()

    def _draw(self) -> dict[str, NDArray[np.float32]]:
        """What is heard, the token's clean log-mel, the teacher's features, lips, and which of them are meant."""
        sound = self._sounds[self._rng.choice(len(self._sounds), p=self._odds)]
        start = int(self._rng.integers(-10, max(len(sound.features) - WINDOW_TOKENS + 10, -9)))
        first = max(start, 0)
        cut = (
            sound.samples[
                first * SPEECH_TOKEN_SAMPLES : (start + WINDOW_TOKENS) * SPEECH_TOKEN_SAMPLES
            ].astype(np.float32)
            / 32768
        )
        clean = np.zeros(WINDOW_TOKENS * SPEECH_TOKEN_SAMPLES, np.float32)
        clean[(first - start) * SPEECH_TOKEN_SAMPLES :][: len(cut)] = cut
        target = np.zeros((WINDOW_TOKENS, FEATURES), np.float32)
        known = sound.features[first : start + WINDOW_TOKENS]
        target[first - start : first - start + len(known)] = known
        spoilt = self._spoil and self._rng.random() > CLEAN_SHARE
        version = int(self._rng.integers(1, len(sound.heard))) if spoilt else 0
        known = sound.heard[version, first : start + WINDOW_TOKENS]
        heard = np.zeros((WINDOW_TOKENS, HEARD), np.float32)
        heard[first - start : first - start + len(known)] = known
        mel = log_mel(clean).reshape(WINDOW_TOKENS, FRAMES_PER_TOKEN, BANDS).mean(1)
        mask = np.zeros(WINDOW_TOKENS, np.float32)
        mask[first - start : first - start + len(known)] = 1
        lips, seen = (
            np.zeros((WINDOW_TOKENS, len(SIGNALS)), np.float32),
            np.zeros(WINDOW_TOKENS, np.float32),
        )
        if sound.lips is not None:
            part = sound.lips[first : start + WINDOW_TOKENS]
            lips[first - start : first - start + len(part)] = part
            seen[first - start : first - start + len(part)] = 1
        return dict(heard=heard, mel=mel, target=target, mask=mask, lips=lips, seen=seen)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            rows = [self._draw() for _ in range(self._batch)]
            yield {key: torch.from_numpy(np.stack([row[key] for row in rows])) for key in rows[0]}


class SpeechModel(nn.Module):
    """What ships beside the trunk, and what teaches it.

    Args:
        shape: of the encoder.
        mean: (1024,) of the teacher's features over the training sounds.
        axes: (1024, 128) from features to what is predicted.
    """

    def __init__(self, shape: EncoderShape, mean: Tensor, axes: Tensor) -> None:
        super().__init__()
        self.encoder = TokenHead(shape)
        self.head = TeacherHead(shape.width, 1, shape.heads, AXES)
        self.direct = nn.Linear(shape.width, AXES)
        self.mean: Tensor
        self.axes: Tensor
        self.register_buffer("mean", mean)
        self.register_buffer("axes", axes)

    def forward(self, heard: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, T, 1024) heard -> (B, T, 128), log-mel (B, T, 80), lips (B, T, 3) by levels; (B, T, 128) without the bottleneck.

        In training, half of the examples keep their levels unrounded: a head that has seen both teaches the encoder faster.
        """
        wide = self.encoder.wide(heard)
        bounded = self.encoder.bounded(wide)
        levels = self.encoder.quantized(bounded)
        if self.training:
            rounded = torch.rand(len(levels), 1, 1, device=levels.device) < ROUNDED_SHARE
            levels = torch.where(rounded, levels, bounded)
        return *self.head(levels), self.direct(wide)


def principal_axes(sounds: list[TaughtSound]) -> tuple[Tensor, Tensor]:
    """What is predicted of the teacher's features: their strongest 128 directions.

    Whisper's numbers differ in size by a factor of twenty, and the largest ones tell the place in its window of 30 s: all are
    brought to one size first. Half of the variance is then in 900 weak directions that nothing predicts.

    Args:
        sounds: every fourth token of about 400 of them is looked at.

    Returns:
        (1024,) mean and (1024, 128) axes; projections have a total variance of 1 per axis on average.
    """
    every = sounds[:: max(len(sounds) // 400, 1)]
    sample = np.concatenate([np.asarray(s.features[::4], np.float32) for s in every])
    mean, scale = sample.mean(0), sample.std(0) + 1e-3
    centred = (sample - mean) / scale
    strength, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    axes = vectors[:, ::-1][:, :AXES] / np.sqrt(strength[::-1][:AXES].mean())
    return torch.from_numpy(mean), torch.from_numpy((axes / scale[:, None]).astype(np.float32))


def speech_loss(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Squared error of the teacher's features and, less, of the token's clean log-mel: loudness moves a mouth, too."""
    assert isinstance(model, SpeechModel)
    features, mel, lips, direct = model(batch["heard"])
    mask = batch["mask"][..., None] / batch["mask"].sum()
    seen = batch["seen"][..., None] / batch["seen"].sum().clamp(min=1)
    with torch.autocast(batch["target"].device.type, enabled=False):
        wanted = (batch["target"] - model.mean) @ model.axes

    def distance(given: Tensor, right: Tensor, where: Tensor = mask) -> Tensor:
        return (((given.float() - right) ** 2).mean(-1, keepdim=True) * where).sum()

    losses = dict(
        taught=distance(features, wanted),
        direct=distance(direct, wanted),
        mel=distance(mel, (batch["mel"] - MEL_MEAN) / MEL_SCALE),
        lips=distance(lips, batch["lips"], seen),
    )
    total = torch.stack([WEIGHTS[name] * value for name, value in losses.items()]).sum()
    return dict(total=total, **losses)


class SpeechCheck:
    """Explained variance of the teacher's features, and use of the codes, on held-out sounds."""

    def __init__(self, sounds: list[TaughtSound], batches: int = 8) -> None:
        draws = iter(Windows(sounds, 16, 1, spoil=False))
        self._batches = [next(draws) for _ in range(batches)] if sounds else []

    def __call__(self, model: nn.Module) -> dict[str, Any]:
        """Figures for the log."""
        assert isinstance(model, SpeechModel)
        losses, lips, codes = list[float](), list[float](), list[Tensor]()
        for batch in self._batches:
            told = speech_loss(model, batch)
            losses.append(float(told["taught"].detach()))
            lips.append(float(told["lips"].detach()))
            codes.append(model.encoder.codes(model.encoder(batch["heard"])).flatten())
        if not codes:
            return {}
        counts = torch.bincount(torch.cat(codes)).float()
        odds = counts[counts > 0] / counts.sum()
        return dict(
            taught=round(float(np.mean(losses)), 4),
            lips=round(float(np.mean(lips)), 4),
            codes_used=int((counts > 0).sum()),
            bits=round(float(-(odds * odds.log2()).sum()), 2),
        )


def export_tokenizer(model: SpeechModel, trunk: Trunk, target: Path, name: str) -> None:
    """Write trunk and head in fp16."""
    encoder = SpeechEncoder(model.encoder.shape)
    encoder.trunk.load_state_dict(trunk.state_dict())
    encoder.head.load_state_dict(model.encoder.state_dict())
    save_file(
        {k: v.half().contiguous() for k, v in encoder.state_dict().items()},
        str(target),
        metadata={
            "kind": "speech tokenizer",
            "name": name,
            "encoder": json.dumps(model.encoder.shape.to_facts()),
        },
    )
