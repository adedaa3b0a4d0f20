"""What is measured as a dub: motion features for a clip's portrait and a sound, whichever way they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.dubbing.parts import Closure, lips_apart
from vqcodec.lab.dub.clips import DubClip, Features, Pcm, speech_samples
from vqcodec.lab.dub.sync import whole_units
from vqcodec.quantize.grfsq import dequantize
from vqcodec.speech.energy import EnergyMeter
from vqcodec.speech.rest import resting

if TYPE_CHECKING:
    from vqcodec.generate.generator import MotionGenerator
    from vqcodec.geometry.controls import Controls, HeadShape
    from vqcodec.geometry.portrait import PortraitFacts
    from vqcodec.speech.tokenizer import SpeechTokens


METHOD = 2
"""Raised when the same weights come to make other motion: results that the cache keeps are of one method."""


class Motion(Protocol):
    """Makes motion for a clip's portrait, with the clip's own pose, gaze and blink, from a sound."""

    @property
    def models(self) -> dict[str, str]:
        """Identities and settings of what makes it: another entry is another result."""
        ...

    def __call__(self, clip: DubClip, pcm: Pcm) -> Features:
        """(T, 48) float32 features f_t.

        Args:
            clip: of T frames.
            pcm: (1920 T,) int16 at 48 kHz, its own sound or another's.
        """
        ...


class RealMotion:
    """The clip's real tokens, whatever the sound: the codec itself, and so the best a dub could do.

    Args:
        units: (48,) of the motion space.
    """

    models = {"motion": "real"}  # noqa: RUF012 (the same for all, never changed)

    def __init__(self, units: NDArray[np.float32]) -> None:
        self._units = units

    def __call__(self, clip: DubClip, pcm: Pcm) -> Features:
        """See Motion; the sound is not looked at."""
        return features_of(clip, clip.tokens, self._units)


def features_of(clip: DubClip, tokens: NDArray[np.integer], units: NDArray[np.float32]) -> Features:
    """(T, 48) float32 features that a decoder has for a clip's portrait and (T, 12, 4) tokens, or (T, 48) whole units."""
    return (clip.features + dequantize(whole_units(tokens), units)).astype(np.float32)


def portrait_facts(clip: DubClip, shape: HeadShape) -> tuple[Controls, PortraitFacts]:
    """The clip's own controls, and its portrait as the generator wants it."""
    from vqcodec.geometry.controls import read_controls
    from vqcodec.geometry.portrait import PortraitFacts

    own = read_controls(clip.portrait_points[None], shape)
    return read_controls(clip.points, shape), PortraitFacts(
        features=clip.features, controls=own, landmarks=clip.portrait_points
    )


class GeneratedMotion:
    """Sound to speech tokens to motion tokens, as `vqcodec dub` does it.

    Args:
        tokenizer: gives speech tokens.
        generator: gives motion tokens.
        shape: the mean head, to read the clip's controls with.
        units: (48,) of the motion space.
        closure: tells of tokens where lips meet.
        temperature: of sampling; 0 takes the most likely.
        seed: of sampling.
    """

    def __init__(
        self,
        tokenizer: SpeechTokens,
        generator: MotionGenerator,
        shape: HeadShape,
        units: NDArray[np.float32],
        *,
        closure: Closure = lips_apart,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> None:
        self._closure = closure
        self._tokenizer, self._generator, self._shape, self._units = (
            tokenizer,
            generator,
            shape,
            units,
        )
        self._sampling: dict[str, Any] = {"temperature": temperature, "seed": seed}
        self.models = {
            "speech_tokenizer": str(getattr(tokenizer, "id", "unnamed")),
            "generator": str(generator.id),
            "method": str(METHOD),
            **{name: str(value) for name, value in self._sampling.items()},
        }

    def __call__(self, clip: DubClip, pcm: Pcm) -> Features:
        """See Motion."""
        controls, portrait = portrait_facts(clip, self._shape)
        samples = speech_samples(pcm)
        meter = EnergyMeter()
        meter.push(samples)
        tokens = self._tokenizer.tokens(samples)
        windows = self._generator.generate(
            tokens,
            controls,
            portrait,
            rest=resting(meter.silent()),
            shut=self._closure(tokens),
            **self._sampling,
        )
        return features_of(clip, np.concatenate(list(windows)), self._units)
