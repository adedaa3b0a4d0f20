"""Speech and controls to motion: the network's four passes, over sound of any length (paper, Figure 3).

    window 1  |------------------------|
    window 2                     |------------------------|       two windows are mixed where they overlap,
    window 3                                        |-----...     from all of one to all of the other

so memory does not grow with the sound, and nothing is seen of the seams: both windows have heard what is said there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file

from vqcodec.config import Device
from vqcodec.errors import ModelError, UsageError
from vqcodec.generate.inputs import network_inputs
from vqcodec.generate.network import GeneratorNetwork, GeneratorShape
from vqcodec.generate.passes import coarse_to_fine
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.controls import Controls
from vqcodec.geometry.headpose import HeadShape, read_head
from vqcodec.geometry.layout import MOTION_2
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.geometry.reading import model_faults
from vqcodec.models import store
from vqcodec.runtime.device import choose_device
from vqcodec.types import ModelId

WINDOW_FRAMES = 256
"""The network was trained on stretches of about this length; it takes up to 4096."""
OVERLAP_FRAMES = 64
_BACKGROUND = slice(MOTION_2.surround_span.start, MOTION_2.surround_span.start + 4)

Floats = NDArray[np.float32]
Values = NDArray[np.int16]


class Finish(Protocol):
    """What is done to motion as the network has it (vqcodec.gesture.finish.MotionFinish)."""

    def __call__(
        self,
        values: Floats,
        turned: Floats,
        controls: Controls,
        portrait: PortraitFacts,
        rest: Floats,
        shut: Floats,
        lip_gain: float,
    ) -> Floats:
        """(T, 48) units, (T, 36) units of the head's turn alone, T frames, (T,) rest and closing of the lips -> (T, 48) units."""
        ...


class MotionGenerator:
    """The shipped generator.

    Attributes:
        id: name and sha256 of its weights.
        motion_space: the motion space it speaks.
        speech_tokenizer: whose tokens it understands.
        lip_gain: how much lip motion is enlarged, for `finish`.

    Args:
        identity: becomes `id`.
        network: the network.
        basis: of the motion space.
        shape: the mean head.
        motion_space, speech_tokenizer, lip_gain: see above.
        device: where it runs.
        finish: what is done to motion as the network has it; None: nothing.
    """

    def __init__(
        self,
        identity: ModelId,
        network: GeneratorNetwork,
        basis: LandmarkBasis,
        shape: HeadShape,
        motion_space: ModelId,
        speech_tokenizer: ModelId,
        device: torch.device,
        *,
        lip_gain: float = 1.0,
        finish: Finish | None,
    ) -> None:
        self.id, self.motion_space, self.speech_tokenizer = identity, motion_space, speech_tokenizer
        self._network, self._device = network.eval().to(device), device
        self._basis, self._shape, self.lip_gain, self._finish = basis, shape, lip_gain, finish

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        device: Device = "auto",
        *,
        finish: Callable[[LandmarkBasis, HeadShape], Finish] | None,
    ) -> MotionGenerator:
        """The shipped generator, or the one in a file.

        Args:
            path: a generator's file, or None for the shipped one.
            device: auto, cpu or cuda.
            finish: makes what is done to its motion; None: nothing is.

        Raises:
            ModelError: the file is missing, has the wrong hash, isn't a generator or is one for another motion space.
        """
        model = store.current("generator") if path is None else store.opened(path)
        with model_faults(model.path, "a generator"):
            with safe_open(str(model.path), "pt") as handle:
                facts = handle.metadata() or {}
            network = GeneratorNetwork(
                GeneratorShape.from_facts(json.loads(facts["shape"])), dropout=0.0
            )
            network.load_state_dict({k: v.float() for k, v in load_file(str(model.path)).items()})
            space, tokenizer = (ModelId.of(facts[k]) for k in ("motion_space", "speech_tokenizer"))
        known = {m.id.sha256: m for m in store.motion_spaces()}
        if space.sha256 not in known:
            raise ModelError(
                f"{model.path} speaks the motion space {space}, which isn't here",
                hint="Take the generator and the motion space of one version.",
            )
        basis, shape = (
            read_basis(known[space.sha256].path),
            read_head(store.current("head").path),
        )
        return cls(
            model.id,
            network,
            basis,
            shape,
            space,
            tokenizer,
            choose_device(device),
            lip_gain=float(facts.get("lip_gain", 1)),
            finish=None if finish is None else finish(basis, shape),
        )

    def generate(
        self,
        speech: NDArray[np.generic],
        controls: Controls,
        portrait: PortraitFacts,
        *,
        rest: NDArray[np.float32] | None = None,
        shut: NDArray[np.float32] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        argmax: bool = False,
    ) -> Iterator[Values]:
        """Motion of every frame, relative to the portrait.

        Args:
            speech: (T,) int64 speech tokens.
            controls: T frames.
            portrait: whose face moves.
            rest: (T,) how far lips rest, 0..1 (speech.rest); None: nowhere.
            shut: (T,) how far they are on their way to each other, 0..1 (speech.closure); None: nowhere.
            temperature: 0 takes the expected digits; above, digits are drawn: 1 as the network means them.
            seed: of the draws; the same gives the same motion.
            argmax: at temperature 0 take the likeliest digits, as the paper does.

        Yields:
            (t, 48) int16 whole units of the motion space, -170..170, consecutive; T frames in all. The background stands
            still: no sound tells how a camera moved.

        Raises:
            UsageError: speech, controls, rest and closing differ in length, or a negative temperature.
        """
        rest, shut = (
            np.zeros(len(speech), np.float32) if told is None else told for told in (rest, shut)
        )
        if len({len(speech), len(controls), len(rest), len(shut)}) > 1 or temperature < 0:
            raise UsageError(
                f"{len(speech)} speech tokens, {len(controls)} frames of controls, {len(rest)} of rest, "
                f"{len(shut)} of closing, temperature {temperature}",
                hint="Give as many frames of controls as there are tokens, and a temperature of 0 or more.",
            )
        noise = torch.Generator().manual_seed(seed)
        fade = (np.arange(OVERLAP_FRAMES, dtype=np.float32)[:, None] + 0.5) / OVERLAP_FRAMES
        tail: NDArray[np.float32] | None = None
        for start in _starts(len(speech)):
            span = slice(start, min(start + WINDOW_FRAMES, len(speech)))
            made = self._window(
                speech[span],
                controls[span],
                portrait,
                (rest[span], shut[span]),
                temperature,
                noise,
                argmax,
            )
            if tail is not None:
                made[:OVERLAP_FRAMES] += (1 - fade) * (tail - made[:OVERLAP_FRAMES])
            if span.stop < len(speech):
                made, tail = made[:-OVERLAP_FRAMES], made[-OVERLAP_FRAMES:]
            yield np.rint(made).astype(np.int16)

    def _window(
        self,
        speech: NDArray[np.generic],
        controls: Controls,
        portrait: PortraitFacts,
        lips: tuple[Floats, Floats],
        temperature: float,
        noise: torch.Generator,
        argmax: bool,
    ) -> NDArray[np.float32]:
        table, turned, facts = network_inputs(
            portrait.landmarks,
            portrait.controls,
            controls,
            portrait.features,
            self._basis,
            self._shape,
        )
        heard, *known = (
            torch.from_numpy(np.ascontiguousarray(x))[None].to(self._device)
            for x in (speech, table, turned, facts)
        )
        values = coarse_to_fine(
            self._network, heard, *known, temperature=temperature, noise=noise, expected=not argmax
        )
        made = values[0].cpu().numpy()
        if self._finish is not None:
            gain = self.lip_gain if temperature == 0 else 1.0  # what is drawn has its size already
            made = self._finish(made, turned, controls, portrait, *lips, gain)
        made[:, _BACKGROUND] = 0
        return made


def _starts(frames: int) -> Iterator[int]:
    """Where windows begin: as few as reach the end, the last one as long as the others where there are others."""
    step = WINDOW_FRAMES - OVERLAP_FRAMES
    yield from range(0, max(frames - OVERLAP_FRAMES, min(frames, 1)), step)
