"""Training of the generator: the paper's loss, digit by digit, with most weight on what moves the lips."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from vqcodec.evaluation.metrics.lipsync import lip_correlation, opening_track
from vqcodec.format import DIMS, GROUP_DIMS, GROUPS, HALF, LAYER_STEPS, LAYERS, LEVELS
from vqcodec.generate.network import GeneratorNetwork, ordinal_logits
from vqcodec.generate.passes import coarse_to_fine
from vqcodec.geometry.basis import LandmarkBasis, landmark_weights
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.geometry.mesh import LIPS
from vqcodec.training.common.plain_loop import Batch
from vqcodec.training.generator.clips import MotionClip
from vqcodec.training.generator.data import Stretches
from vqcodec.types import ModelId

PIXELS_OF_LIKELY = 10.0
"""About as far as lips move in the picture for 1 of a lip reader's; the size itself doesn't count."""
LAYER_ODDS = (0.3, 0.3, 0.25, 0.15)
TIE_WEIGHT, LIKELY_WEIGHT, FAR_WEIGHT = 0.5, 0.5, 0.2
SURROUND_WEIGHTS = (0.05,) * 4 + (0.3,) * 4 + (0.3,) * 4
"""Of background, which nobody can guess, torso and learned dimensions."""


def lip_weights(basis: LandmarkBasis, lips: float = 6.0) -> Tensor:
    """(48,) weights of the dimensions: more, the more of a dimension's motion is in the lips; 1 on average.

    Args:
        basis: of the motion space.
        lips: how much a dimension of nothing but lips would count beside one without any.
    """
    points = basis.components.reshape(LANDMARK_DIMS, -1, 2)
    share = (points[:, list(LIPS)] ** 2).sum((1, 2))
    weights = np.concatenate([1 + (lips - 1) * share, SURROUND_WEIGHTS])
    return torch.from_numpy((weights / weights.mean()).astype(np.float32))


def lip_directions(basis: LandmarkBasis) -> Tensor:
    """(36, 3) from units of landmark dimensions to pixels: inner opening, outer height and width of the mouth."""
    points = (basis.components / landmark_weights()).reshape(LANDMARK_DIMS, -1, 2) * basis.units[
        :LANDMARK_DIMS, None, None
    ]
    rows = [
        points[:, 14, 1] - points[:, 13, 1],
        points[:, 17, 1] - points[:, 0, 1],
        points[:, 291, 0] - points[:, 61, 0],
    ]
    return torch.from_numpy(np.stack(rows, 1).astype(np.float32))


def lip_track(values: Tensor, turned: Tensor, lips: Tensor) -> Tensor:
    """(B, T, 48) motion in units -> (B, T, 3) of `lip_directions`, the head's turn (B, T, 36) left out."""
    return (values[..., :LANDMARK_DIMS].float() - turned) @ lips


def disagreement(given: Tensor, right: Tensor, mask: Tensor) -> Tensor:
    """(B,) 1 - Pearson's correlation over the frames of each stretch, mean of the tracks.

    What keeps time with a voice is a small part of what the likelihood is about; this is about nothing else.

    Args:
        given: (B, T, 3) tracks of the expected motion.
        right: (B, T, 3) what they should follow, in any unit.
        mask: (B, T) frames that count.
    """
    share = mask.float()[..., None] / mask.sum(1).clamp(min=1)[:, None, None]
    a, b = (track - (track * share).sum(1, keepdim=True) for track in (given, right))
    spread = ((a * a * share).sum(1) + 1e-2) * ((b * b * share).sum(1) + 1e-2)
    return 1 - ((a * b * share).sum(1) / spread.sqrt()).mean(-1)


def _classes(digits: Tensor, *, groups: bool) -> Tensor:
    """(B, T, 48) digits -2..2 -> (B, T, 48) classes 0..4, or (B, T, 12) classes 0..624."""
    classes = digits.long() + HALF
    if not groups:
        return classes
    places = LEVELS ** torch.arange(GROUP_DIMS, device=digits.device)
    return (classes.unflatten(-1, (GROUPS, GROUP_DIMS)) * places).sum(-1)


def motion_loss(
    model: nn.Module, batch: Batch, weights: Tensor, lips: Tensor | None = None
) -> dict[str, Tensor]:
    """Negative log-likelihood of one layer of each stretch, given those before (paper's L(G | C_r)), weighted by dimension.

    Args:
        model: a GeneratorNetwork.
        batch: of Stretches.
        weights: (48,) of `lip_weights`.
        lips: of `lip_directions`: expected lips are tied to real ones as well; None leaves that out.
    """
    assert isinstance(model, GeneratorNetwork)
    layer = torch.multinomial(torch.tensor(LAYER_ODDS), len(batch["speech"]), replacement=True).to(
        weights.device
    )
    filmed = batch["filmed"]
    layer = torch.zeros_like(layer) if model.shape.continuous else torch.where(filmed, layer, 0)
    known = torch.arange(LAYERS, device=layer.device) < layer[:, None]
    digits = batch["used"].float() * known[:, None, None]
    out = model(
        batch["speech"],
        batch["controls"],
        batch["turned"],
        batch["portrait"],
        digits,
        layer,
        batch["mask"],
    )
    mask = batch["mask"].float()[..., None]
    each = (weights * batch["weights"] * filmed[:, None])[:, None] * mask
    if model.shape.continuous:
        error = functional.smooth_l1_loss(
            out.float(), batch["values"].float(), reduction="none", beta=4.0
        )
        loss = (error * each).sum() / each.sum().clamp(min=1e-6)
        return _tied(dict(total=loss), out, batch, lips)
    mean = out[..., 0] if model.shape.ordinal else None
    if mean is not None:
        out = ordinal_logits(out, digits, layer)
    index = layer[:, None, None, None].expand(-1, *batch["wanted"].shape[1:3], 1)
    wanted = batch["wanted"].long().gather(-1, index)[..., 0]
    right = _classes(wanted, groups=bool(model.shape.groups))
    surprise = functional.cross_entropy(
        out.float().flatten(0, 2), right.flatten(), reduction="none"
    ).view(right.shape)
    if model.shape.groups:  # spread over the group's four dimensions
        surprise = surprise.repeat_interleave(GROUP_DIMS, -1) / GROUP_DIMS
    losses = dict(
        total=(surprise * each).sum() / each.sum().clamp(min=1e-6),
        nats=(surprise * mask).sum() / mask.sum(),
    )
    if model.shape.groups:
        return losses
    if mean is not None:
        error = functional.smooth_l1_loss(mean, batch["values"].float(), reduction="none", beta=4.0)
        losses["far"] = (error * each).sum() / each.sum().clamp(min=1e-6)
        losses["total"] = losses["total"] + FAR_WEIGHT * losses["far"]
        return _tied(losses, mean, batch, lips)
    steps = torch.tensor(LAYER_STEPS, dtype=torch.float32, device=digits.device)
    levels = torch.arange(LEVELS, device=digits.device) - HALF
    expected = (
        digits @ steps + (out.float().softmax(-1) * levels).sum(-1) * steps[layer][:, None, None]
    )
    return _tied(losses, expected, batch, lips)


def _tied(
    losses: dict[str, Tensor], expected: Tensor, batch: Batch, lips: Tensor | None
) -> dict[str, Tensor]:
    """The losses with those of the lips' timing: by the lips that were filmed, and by those that the sound lets expect."""
    if lips is None:
        return losses
    track, filmed = lip_track(expected, batch["turned"], lips), batch["filmed"].float()
    seen = disagreement(track, lip_track(batch["values"], batch["turned"], lips), batch["mask"])
    apart = (seen * filmed).sum() / filmed.sum().clamp(min=1)
    known = batch["mask"] & batch["likely"].isfinite().all(-1)
    told = known.any(1).float()
    unlike = disagreement(track, PIXELS_OF_LIKELY * batch["likely"].nan_to_num(), known)
    likely = (unlike * told).sum() / told.sum().clamp(min=1)
    return losses | dict(
        total=losses["total"] + TIE_WEIGHT * apart + LIKELY_WEIGHT * likely,
        apart=apart,
        likely=likely,
    )


class MotionCheck:
    """On held-out people: surprise by layer, and how lips follow the sound when all four layers come from the network.

    Args:
        clips: held-out ones.
        basis: of the motion space.
        length: frames of a stretch.
    """

    def __init__(
        self, clips: list[MotionClip], basis: LandmarkBasis, length: int, stretches: int = 24
    ) -> None:
        self._basis = basis
        longest = sorted(
            (c for c in clips if len(c) >= length), key=lambda c: (not c.real, -len(c))
        )[:stretches]
        draws = iter(
            Stretches(
                longest or clips,
                basis,
                batch=4,
                length=length,
                seed=5,
                real_weight=1.0,
                spoil=False,
            )
        )
        self._batches = [next(draws) for _ in range(max(len(longest) // 4, 1))] if clips else []

    def __call__(self, model: nn.Module) -> dict[str, Any]:
        """Figures for the log; `sync` is the mean correlation of lip opening, `still` that of a wrong sound."""
        assert isinstance(model, GeneratorNetwork)
        right, wrong, nats = list[float](), list[float](), list[float]()
        torch.manual_seed(1)
        for batch in self._batches:
            nats.append(float(motion_loss(model, batch, torch.ones(DIMS))["total"].detach()))
            right += self._sync(model, batch, batch["speech"])
            wrong += self._sync(model, batch, batch["speech"].roll(1, 0))
        if not self._batches:
            return {}
        return dict(
            nats_per_digit=round(float(np.mean(nats)), 4),
            sync=round(float(np.nanmean(right)), 4),
            wrong_sync=round(float(np.nanmean(wrong)), 4),
        )

    def _sync(self, model: GeneratorNetwork, batch: Batch, speech: Tensor) -> list[float]:
        told = (batch[key] for key in ("controls", "turned", "portrait", "mask"))
        values = coarse_to_fine(model, speech, *told, expected=True)
        out = []
        for row, true, portrait, mask in zip(
            values, batch["values"], batch["portrait"], batch["mask"], strict=True
        ):
            made, real = (self._opening(v[mask].numpy(), portrait.numpy()) for v in (row, true))
            out.append(lip_correlation(real, made, 25).correlation)
        return out

    def _opening(
        self, values: NDArray[np.number], portrait: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        start = portrait[:DIMS] * 64 * self._basis.units
        return opening_track(
            self._basis.landmarks((values * self._basis.units + start).astype(np.float32))
        )


def loss_for(basis: LandmarkBasis, lips: float) -> Any:
    """`motion_loss` with the basis' weights."""
    return partial(motion_loss, weights=lip_weights(basis, lips), lips=lip_directions(basis))


def export_generator(
    model: GeneratorNetwork, target: Path, name: str, tokenizer: ModelId, space: ModelId
) -> None:
    """Write the network in fp16, bound to the speech tokenizer and motion space by their sha256."""
    bound = {
        k: f"{m.name}@{m.sha256.hex()}"
        for k, m in (("speech_tokenizer", tokenizer), ("motion_space", space))
    }
    save_file(
        {k: v.half().contiguous() for k, v in model.state_dict().items()},
        str(target),
        metadata={
            "kind": "generator",
            "name": name,
            "shape": json.dumps(model.shape.to_facts()),
            **bound,
        },
    )
