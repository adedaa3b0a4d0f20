"""A BERT that names one residual layer of all frames at once (paper, "Coarse-to-Fine Motion Generation").

    every frame: [speech token A | pose h, gaze g, blink b | head turned so | layers so far R] --linear--> width
                                   + portrait f_g + layer indicator k
                                                    |
                                     12 layers that look both ways in time
                                                    |
              where the motion is expected, and how surely, for 48 dimensions: so likely are the 5 values of each
              digit of layer k + 1 (12 groups x 4 digits)

Four passes with the same weights, k = 0..3, coarse to fine; between them nothing is random in time. Digits are told by one
place and one sureness, not each by a number of its own: neighbouring digits share what is learned of them. The forms that the
paper's Table 4 compares with this one are in vqcodec.lab.paper.generator_forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqcodec.format import DIMS, HALF, LAYER_STEPS, LAYERS, LEVELS
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.runtime.transformer import Stack

CONTROL_NUMBERS = 9
PORTRAIT_NUMBERS = DIMS + CONTROL_NUMBERS
CONTROL_SCALE = (4.0, 4.0, 4.0, 8.0, 8.0, 4.0, 6.0, 6.0, 2.0)
"""Bring pose, gaze and blink to about unit scale."""
REACH_UNITS = 64.0


# what files of this form say of forms that a network could once have had
_OTHER_FORMS = {"speech": 0, "groups": 0, "continuous": 0, "ordinal": 1}


@dataclass(frozen=True, slots=True)
class GeneratorShape:
    """Size of the network.

    Attributes:
        width, layers, heads: of the transformer.
        codes: number of speech tokens.
    """

    width: int = 256
    layers: int = 12
    heads: int = 4
    codes: int = 3125

    @classmethod
    def from_facts(cls, facts: Mapping[str, int]) -> GeneratorShape:
        """Out of a file's header or a recipe.

        Raises:
            TypeError: an entry that isn't known.
            ValueError: another form of the network than this one.
        """
        for key, value in _OTHER_FORMS.items():
            if facts.get(key, value) != value:
                raise ValueError(f"{key} is {facts[key]}: another form of the generator")
        if facts.get("codes", 1) < 1:
            raise ValueError("no speech tokens: another form of the generator")
        return cls(**{key: value for key, value in facts.items() if key not in _OTHER_FORMS})

    def to_facts(self) -> dict[str, int]:
        """For a file's header."""
        return asdict(self)


class SpeechInput(nn.Module):
    """A speech token as its base-5 digits, which neighbours share, and as itself."""

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.digits = 0
        while LEVELS**self.digits < shape.codes:
            self.digits += 1
        self.whole = nn.Embedding(shape.codes, shape.width)
        nn.init.normal_(self.whole.weight, std=0.02)
        self.parts = nn.Sequential(
            nn.Linear(self.digits * LEVELS, shape.width),
            nn.GELU(),
            nn.Linear(shape.width, shape.width),
        )
        self.near = nn.Conv1d(shape.width, shape.width, 5, padding=2)

    def forward(self, speech: Tensor) -> Tensor:
        """(B, T) int64 codes, -1 where hidden -> (B, T, width)."""
        seen = (speech >= 0)[..., None]
        codes = speech.clamp(min=0)
        places = LEVELS ** torch.arange(self.digits, device=speech.device)
        split = functional.one_hot(codes[..., None] // places % LEVELS, LEVELS).flatten(-2)
        x = self.parts(split.to(self.whole.weight.dtype)) + self.whole(codes)
        x = x * seen
        near: Tensor = x + self.near(x.transpose(1, 2)).transpose(1, 2)
        return near


class GeneratorNetwork(nn.Module):
    """See the module. Everything it takes is at unit scale or brought there here.

    Args:
        shape: its size.
        dropout: while it is trained.
        speech: what hears, in place of a SpeechInput.
    """

    OUTPUTS = 2 * DIMS
    """Numbers per frame that the last layer gives."""

    def __init__(
        self, shape: GeneratorShape, dropout: float = 0.1, speech: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.speech = SpeechInput(shape) if speech is None else speech
        self.control = nn.Linear(2 * CONTROL_NUMBERS, width)
        self.head = nn.Linear(2 * LANDMARK_DIMS, width)
        self.before = nn.Linear(DIMS * LAYERS, width)
        self.portrait = nn.Sequential(
            nn.Linear(PORTRAIT_NUMBERS, width), nn.GELU(), nn.Linear(width, width)
        )
        self.layer = nn.Embedding(LAYERS, width)
        self.stack = Stack(shape.layers, width, shape.heads, dropout)
        self.out = nn.Linear(width, self.OUTPUTS)
        self.drop = nn.Dropout(dropout)
        self.control_scale: Tensor
        self.register_buffer("control_scale", torch.tensor(CONTROL_SCALE), persistent=False)

    def outputs(
        self,
        speech: Tensor,
        controls: Tensor,
        turned: Tensor,
        portrait: Tensor,
        digits: Tensor,
        layer: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """What the last layer gives: (B, T, OUTPUTS). Arguments as of `forward`."""
        steps = torch.tensor(LAYER_STEPS, device=digits.device, dtype=torch.float32)
        total, step = digits @ steps, steps[layer][:, None, None]
        scale = torch.cat([self.control_scale, self.control_scale])
        left = ((turned - total[..., :LANDMARK_DIMS]) / step).clamp(-6, 6)
        x = self.speech(speech) + self.control(controls * scale)
        x = (
            x
            + self.head(torch.cat([left, turned / REACH_UNITS], -1))
            + self.before(digits.flatten(-2) / HALF)
        )
        x = x + (self.portrait(portrait) + self.layer(layer))[:, None]
        x = self.stack(self.drop(x), None if mask is None else mask[:, None, None, :])
        out: Tensor = self.out(x)
        return out

    def forward(
        self,
        speech: Tensor,
        controls: Tensor,
        turned: Tensor,
        portrait: Tensor,
        digits: Tensor,
        layer: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """One pass.

        Args:
            speech: (B, T) int64 codes.
            controls: (B, T, 18) pose, gaze and blink of the frames, and their differences from the portrait's.
            turned: (B, T, 36) the portrait's landmark features with its head turned rigidly, minus the portrait's, in units.
            portrait: (B, 57) the portrait's features f_s in REACH_UNITS, and its controls.
            digits: (B, T, 48, 4) float, -2..2, of the layers so far; zeros for layers to come.
            layer: (B,) int64, which layer comes next, 0..3.
            mask: (B, T) bool, true for frames that are there.

        Returns:
            (B, T, 48, 2): the expected motion in units and its uncertainty, for `ordinal_logits`.
        """
        out = self.outputs(speech, controls, turned, portrait, digits, layer, mask)
        return torch.stack([expected_motion(out, turned), out[..., DIMS:].float()], -1)

    def logits(
        self,
        speech: Tensor,
        controls: Tensor,
        turned: Tensor,
        portrait: Tensor,
        digits: Tensor,
        layer: Tensor,
        mask: Tensor | None = None,
    ) -> Tensor:
        """(B, T, 48, 5) logits of the digits of the next layer. Arguments as of `forward`."""
        told = self(speech, controls, turned, portrait, digits, layer, mask)
        return ordinal_logits(told, digits, layer)


def expected_motion(out: Tensor, turned: Tensor) -> Tensor:
    """(B, T, >= 48) outputs and (B, T, 36) the turned head -> (B, T, 48) motion in units: what is told is told beside a turn."""
    rest = functional.pad(turned, (0, DIMS - LANDMARK_DIMS))
    return out[..., :DIMS].float() * REACH_UNITS / 4 + rest


def ordinal_logits(told: Tensor, digits: Tensor, layer: Tensor) -> Tensor:
    """Logits of the next layer's digits from where the motion is expected.

    A digit is the likelier, the nearer it brings the sum to the expected motion; how much so is the network's to say.
    Neighbouring digits thereby share what is learned of them, and all four layers aim at one place.

    Args:
        told: (B, T, 48, 2) of a GeneratorNetwork.
        digits: (B, T, 48, 4) of the layers so far.
        layer: (B,) which layer comes next.

    Returns:
        (B, T, 48, 5).
    """
    steps = torch.tensor(LAYER_STEPS, device=digits.device, dtype=torch.float32)
    levels = torch.arange(LEVELS, device=digits.device) - HALF
    wanted = (told[..., 0] - digits @ steps) / steps[layer][:, None, None]
    sureness = functional.softplus(told[..., 1] + 1) + 0.05
    return -sureness[..., None] * (wanted[..., None] - levels) ** 2
