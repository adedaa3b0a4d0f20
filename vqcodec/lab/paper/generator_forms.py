"""Forms of the generator that the paper's Table 4 compares with the shipped one: what it hears, and how it tells motion.

    hears   speech tokens, or continuous features of a teacher
    tells   ordinal      where the motion is expected and how surely: the shipped form
            digits       a number for each of a digit's five values
            groups       a number for each of a group's 625 tokens, as the paper does
            continuous   48 numbers at once, no digits

All have the same transformer; each trains and is run through its `GeneratorForm`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqcodec.format import DIMS, GROUP_DIMS, GROUPS, HALF, LAYER_STEPS, LAYERS, LEVELS
from vqcodec.generate.network import (
    GeneratorNetwork,
    GeneratorShape,
    SpeechInput,
    expected_motion,
)
from vqcodec.generate.passes import coarse_to_fine
from vqcodec.training.common.plain_loop import Batch
from vqcodec.training.generator.clips import MotionClip
from vqcodec.training.generator.form import GeneratorForm, Loss
from vqcodec.training.generator.losses import (
    asked,
    drawn_layers,
    far,
    importance,
    likelihood,
    motion_loss,
    surprise,
    tied,
    wanted_classes,
)


@dataclass(frozen=True, slots=True)
class FormShape(GeneratorShape):
    """Size of a network and which form it has; the entries of a row's file and recipe.

    Attributes:
        codes: number of speech tokens; 0: speech comes as continuous features.
        speech: width of continuous features.
        groups: 1: 625 classes a group instead of four digits of five.
        continuous: 1: 48 numbers come out at once, not digits.
        ordinal: 1: the shipped form.
    """

    speech: int = 0
    groups: int = 0
    continuous: int = 0
    ordinal: int = 0


class FeatureInput(nn.Module):
    """Continuous features of speech.

    Attributes:
        mean: (speech,) of the features, set from the training material.
        scale: (speech,) their standard deviation.
    """

    def __init__(self, shape: FormShape) -> None:
        super().__init__()
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(shape.speech))
        self.register_buffer("scale", torch.ones(shape.speech))
        width = shape.width
        self.parts = nn.Sequential(
            nn.Linear(shape.speech, width), nn.GELU(), nn.Linear(width, width)
        )
        self.near = nn.Conv1d(width, width, 5, padding=2)

    def forward(self, speech: Tensor) -> Tensor:
        """(B, T, speech) features -> (B, T, width)."""
        x = self.parts((speech - self.mean) / self.scale)
        near: Tensor = x + self.near(x.transpose(1, 2)).transpose(1, 2)
        return near


class DigitGenerator(GeneratorNetwork):
    """Tells (B, T, 48, 5) logits of the digits."""

    OUTPUTS = DIMS * LEVELS

    def forward(self, *given: Any) -> Tensor:
        """As of GeneratorNetwork; returns logits of the digits."""
        return self.outputs(*given).unflatten(-1, (DIMS, LEVELS))

    def logits(self, *given: Any) -> Tensor:
        """The same."""
        told: Tensor = self(*given)
        return told


class GroupGenerator(GeneratorNetwork):
    """Tells (B, T, 12, 625) logits of the groups' tokens."""

    OUTPUTS = GROUPS * LEVELS**GROUP_DIMS

    def forward(self, *given: Any) -> Tensor:
        """As of GeneratorNetwork; returns logits of the tokens."""
        return self.outputs(*given).unflatten(-1, (GROUPS, -1))


class ContinuousGenerator(GeneratorNetwork):
    """Tells (B, T, 48) motion in units."""

    OUTPUTS = DIMS

    def forward(self, *given: Any) -> Tensor:
        """As of GeneratorNetwork; returns motion."""
        return expected_motion(self.outputs(*given), given[2])


def built(facts: Mapping[str, int], dropout: float) -> GeneratorNetwork:
    """The network of a FormShape's entries."""
    shape = FormShape(**facts)
    kind: type[GeneratorNetwork] = DigitGenerator
    if shape.continuous:
        kind = ContinuousGenerator
    elif shape.groups:
        kind = GroupGenerator
    elif shape.ordinal:
        kind = GeneratorNetwork
    return kind(shape, dropout, SpeechInput(shape) if shape.codes else FeatureInput(shape))


def tokens_of(digits: Tensor) -> Tensor:
    """(..., 48) digits 0..4 -> (..., 12) tokens 0..624, the first digit counting least."""
    places = LEVELS ** torch.arange(GROUP_DIMS, device=digits.device)
    return (digits.unflatten(-1, (GROUPS, GROUP_DIMS)) * places).sum(-1)


def digits_of_tokens(tokens: Tensor) -> Tensor:
    """(..., 12) tokens 0..624 -> (..., 48) digits 0..4."""
    places = LEVELS ** torch.arange(GROUP_DIMS, device=tokens.device)
    return (tokens[..., None] // places % LEVELS).flatten(-2)


@torch.inference_mode()
def grouped_passes(
    network: GeneratorNetwork,
    speech: Tensor,
    controls: Tensor,
    turned: Tensor,
    portrait: Tensor,
    mask: Tensor | None = None,
    *,
    expected: bool = False,
) -> Tensor:
    """`coarse_to_fine` of a GroupGenerator: the likeliest token of each group, which has no mean that could be expected."""
    batch, length = controls.shape[:2]
    digits = torch.zeros(batch, length, DIMS, LAYERS, device=controls.device)
    for layer in range(LAYERS):
        which = torch.full((batch,), layer, dtype=torch.int64, device=controls.device)
        told = network(speech, controls, turned, portrait, digits, which, mask)
        digits[..., layer] = digits_of_tokens(told.argmax(-1)).float() - HALF
    values: Tensor = digits @ torch.tensor(LAYER_STEPS, dtype=torch.float32, device=digits.device)
    return values


@torch.inference_mode()
def at_once(
    network: GeneratorNetwork,
    speech: Tensor,
    controls: Tensor,
    turned: Tensor,
    portrait: Tensor,
    mask: Tensor | None = None,
    *,
    expected: bool = False,
) -> Tensor:
    """(B, T, 48) motion of a ContinuousGenerator, which is expected motion whatever `expected` says."""
    batch, length = controls.shape[:2]
    nothing = torch.zeros(batch, length, DIMS, LAYERS, device=controls.device)
    first = torch.zeros(batch, dtype=torch.int64, device=controls.device)
    told: Tensor = network(speech, controls, turned, portrait, nothing, first, mask)
    return told.float()


def digit_loss(
    model: GeneratorNetwork, batch: Batch, weights: Tensor, lips: Tensor | None = None
) -> dict[str, Tensor]:
    """`motion_loss` of a DigitGenerator."""
    layer = drawn_layers(batch, weights.device)
    logits, digits = asked(model, batch, layer)
    nats = surprise(logits, wanted_classes(batch, layer))
    steps = torch.tensor(LAYER_STEPS, dtype=torch.float32, device=digits.device)
    levels = torch.arange(LEVELS, device=digits.device) - HALF
    mean = (logits.float().softmax(-1) * levels).sum(-1)
    expected = digits @ steps + mean * steps[layer][:, None, None]
    return tied(likelihood(nats, batch, importance(batch, weights)), expected, batch, lips)


def group_loss(
    model: GeneratorNetwork, batch: Batch, weights: Tensor, lips: Tensor | None = None
) -> dict[str, Tensor]:
    """`motion_loss` of a GroupGenerator: a token's nats are spread over its group's four dimensions; lips aren't tied."""
    layer = drawn_layers(batch, weights.device)
    logits, _ = asked(model, batch, layer)
    nats = surprise(logits, tokens_of(wanted_classes(batch, layer)))
    each = nats.repeat_interleave(GROUP_DIMS, -1) / GROUP_DIMS
    return likelihood(each, batch, importance(batch, weights))


def continuous_loss(
    model: GeneratorNetwork, batch: Batch, weights: Tensor, lips: Tensor | None = None
) -> dict[str, Tensor]:
    """How far a ContinuousGenerator's motion is from the real one."""
    told, _ = asked(model, batch, torch.zeros_like(batch["filmed"], dtype=torch.int64))
    total = far(told.float(), batch, importance(batch, weights))
    return tied(dict(total=total), told, batch, lips)


def tell_scale(model: GeneratorNetwork, clips: Sequence[MotionClip]) -> None:
    """Tell a network for features their mean and scale."""
    assert isinstance(model.speech, FeatureInput)
    sample = np.concatenate([np.asarray(clip.speech[0, ::4], np.float32) for clip in clips])
    model.speech.mean.copy_(torch.from_numpy(sample.mean(0)))
    model.speech.scale.copy_(torch.from_numpy(sample.std(0) + 1e-3))


def form_of(facts: Mapping[str, int]) -> GeneratorForm:
    """How the network of a FormShape's entries is built, trained and run."""
    shape = FormShape(**facts)
    ways: tuple[Loss, Callable[..., Tensor]] = (digit_loss, coarse_to_fine)
    if shape.continuous:
        ways = (continuous_loss, at_once)
    elif shape.groups:
        ways = (group_loss, grouped_passes)
    elif shape.ordinal:
        ways = (motion_loss, ways[1])
    if shape.codes:
        return GeneratorForm(built, *ways)
    return GeneratorForm(built, *ways, features=True, prepare=tell_scale)
