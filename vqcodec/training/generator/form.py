"""What is trained: the generator that ships. The laboratory trains others beside it, on the same examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from torch import Tensor

from vqcodec.generate.network import GeneratorNetwork, GeneratorShape
from vqcodec.generate.passes import coarse_to_fine
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.training.common.plain_loop import Batch
from vqcodec.training.generator.clips import MotionClip
from vqcodec.training.generator.losses import lip_directions, lip_weights, motion_loss


class Loss(Protocol):
    """A loss of one batch of Stretches; see `losses.motion_loss`."""

    def __call__(
        self, model: Any, batch: Batch, weights: Tensor, lips: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The losses by name; `total` is what is learned from."""
        ...


def shipped_network(facts: Mapping[str, int], dropout: float) -> GeneratorNetwork:
    """The network that a recipe's [shape] asks for."""
    return GeneratorNetwork(GeneratorShape.from_facts(facts), dropout)


@dataclass(frozen=True, slots=True)
class GeneratorForm:
    """How a generator is built, trained and run.

    Attributes:
        build: a recipe's [shape] and dropout -> the network.
        loss: what it learns from.
        motion: (B, T, 48) units from a network and what it is told; see `coarse_to_fine`.
        features: speech comes as the teacher's features and not as tokens.
        prepare: told of the training clips before the first step.
    """

    build: Callable[[Mapping[str, int], float], GeneratorNetwork] = shipped_network
    loss: Loss = motion_loss
    motion: Callable[..., Tensor] = coarse_to_fine
    features: bool = False
    prepare: Callable[[GeneratorNetwork, Sequence[MotionClip]], None] = lambda model, clips: None

    def loss_for(self, basis: LandmarkBasis, lips: float) -> Any:
        """`loss` with the basis' weights; `lips` as of `lip_weights`."""
        return partial(self.loss, weights=lip_weights(basis, lips), lips=lip_directions(basis))


SHIPPED_FORM = GeneratorForm()
