"""The generator's loss: the paper's likelihood, digit by digit, with most weight on what moves the lips."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vqcodec.format import HALF, LAYERS
from vqcodec.generate.network import GeneratorNetwork, ordinal_logits
from vqcodec.geometry.basis import LandmarkBasis, landmark_weights
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.geometry.mesh import LIPS
from vqcodec.training.common.plain_loop import Batch

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


def drawn_layers(batch: Batch, device: torch.device) -> Tensor:
    """(B,) int64, which layer of each stretch is asked for: the first where no face was filmed, since none is known."""
    drawn = torch.multinomial(torch.tensor(LAYER_ODDS), len(batch["speech"]), replacement=True)
    return torch.where(batch["filmed"], drawn.to(device), 0)


def asked(model: GeneratorNetwork, batch: Batch, layer: Tensor) -> tuple[Tensor, Tensor]:
    """What a network says of (B,) layers of a batch, and the (B, T, 48, 4) digits of the layers before that it was told."""
    known = torch.arange(LAYERS, device=layer.device) < layer[:, None]
    digits = batch["used"].float() * known[:, None, None]
    given = (batch[key] for key in ("speech", "controls", "turned", "portrait"))
    told: Tensor = model(*given, digits, layer, batch["mask"])
    return told, digits


def importance(batch: Batch, weights: Tensor) -> Tensor:
    """(B, T, 48) how much each number of a batch counts: nothing where no face was filmed."""
    each = (weights * batch["weights"] * batch["filmed"][:, None])[:, None]
    return each * batch["mask"].float()[..., None]


def mean_by(errors: Tensor, each: Tensor) -> Tensor:
    """Mean of (B, T, 48) errors, weighted by `importance`."""
    return (errors * each).sum() / each.sum().clamp(min=1e-6)


def far(mean: Tensor, batch: Batch, each: Tensor) -> Tensor:
    """How far (B, T, 48) expected motion is from the real one, in units, weighted."""
    error = functional.smooth_l1_loss(mean, batch["values"].float(), reduction="none", beta=4.0)
    return mean_by(error, each)


def wanted_classes(batch: Batch, layer: Tensor) -> Tensor:
    """(B, T, 48) int64 in 0..4: the right digits of the layers that were asked for."""
    index = layer[:, None, None, None].expand(-1, *batch["wanted"].shape[1:3], 1)
    return batch["wanted"].long().gather(-1, index)[..., 0] + HALF


def surprise(logits: Tensor, classes: Tensor) -> Tensor:
    """Nats by which each of the right classes surprises: logits (..., C) and classes (...) -> (...)."""
    nats = functional.cross_entropy(
        logits.float().flatten(0, -2), classes.flatten(), reduction="none"
    )
    return nats.view(classes.shape)


def likelihood(nats: Tensor, batch: Batch, each: Tensor) -> dict[str, Tensor]:
    """The paper's L(G | C_r): `total`, weighted, and `nats`, plain, of (B, T, 48) surprise."""
    mask = batch["mask"].float()[..., None]
    return dict(total=mean_by(nats, each), nats=(nats * mask).sum() / mask.sum())


def motion_loss(
    model: GeneratorNetwork, batch: Batch, weights: Tensor, lips: Tensor | None = None
) -> dict[str, Tensor]:
    """Negative log-likelihood of one layer of each stretch, given those before (paper's L(G | C_r)), weighted by dimension.

    Args:
        model: the network.
        batch: of Stretches.
        weights: (48,) of `lip_weights`.
        lips: of `lip_directions`: expected lips are tied to real ones as well; None leaves that out.
    """
    layer = drawn_layers(batch, weights.device)
    told, digits = asked(model, batch, layer)
    each = importance(batch, weights)
    nats = surprise(ordinal_logits(told, digits, layer), wanted_classes(batch, layer))
    losses = likelihood(nats, batch, each)
    losses["far"] = far(told[..., 0], batch, each)
    losses["total"] = losses["total"] + FAR_WEIGHT * losses["far"]
    return tied(losses, told[..., 0], batch, lips)


def tied(
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
