"""Analysis by synthesis, `encode --effort 1..3`: motion values that render most like the real frame.

The tracker says where the landmarks are; what the decoder shows is what the renderer makes of them. Here a group's
features take a few gradient steps through the frozen renderer towards the real frames:

    x = (f_t - f_s) / units                          what the encoder would code
    o = 0, then k steps of Adam on o                 offsets, in units
    tried:  v_i = Q(x + o_i), i = 0 .. k             as the decoder would get them; gradients pass Q unchanged
    chosen: per frame one of the k + 1, together the least of

        sum over t of  distance(render(v_i), frame) + NEAR |o_i|^2 + SMOOTH |o_i(t) - o_j(t-1)|^2

by dynamic programming, with |.|^2 in squared pixels over all landmarks (quantize.rdo.importance). i = 0 throughout is one
of the ways to choose, so that the sum never gets worse than without refinement. Tokens must go on meaning motion: no
landmark drifts by more than DRIFT_PX, and no learned dimension by more than LEARNED_DRIFT_UNITS. A field is measured, not
refined: steps in so many flows over the whole picture lead away from it.

The choice is the encoder's alone: any values are valid, another machine may choose others, and decoding stays exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.config import Device
from vqcodec.encoding.coding import FINE_BELOW
from vqcodec.encoding.offsets import OffsetSteps, cheapest_path
from vqcodec.encoding.settings import Setting
from vqcodec.format import FEATURE_SIZE_PX, LAYERS, from_indices, to_indices
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.quantize.grfsq import quantize
from vqcodec.quantize.rdo import importance
from vqcodec.render import likeness
from vqcodec.render.differentiable import SIDE_PX, DifferentiableRenderer
from vqcodec.render.portrait import PortraitState
from vqcodec.render.renderer import Renderer
from vqcodec.runtime.device import choose_device
from vqcodec.types import ModelId

STEPS = (0, 2, 6, 20)
"""Gradient steps of each effort."""
DRIFT_PX = 1.0
"""Greatest drift of a landmark, in pixels of a 256 px crop, before quantization."""
LEARNED_DRIFT_UNITS = 12.0
NEAR = 2e-7
SMOOTH = 2e-5
BATCH_FRAMES = 8

Floats = NDArray[np.float64]


def load_renderer(space: ModelId, device: Device = "auto") -> Renderer:
    """The shipped renderer, in a precision that gradients can pass.

    Raises:
        ModelError: it is missing.
        UnsupportedError: it is not for this motion space.
    """
    # gradients of single pixels are below what float16 can hold
    precision = torch.bfloat16 if choose_device(device).type == "cuda" else None
    return Renderer.load(device=device, space=space, precision=precision)


def _nothing(frames: int) -> None:
    """Nobody wants to know."""


class Refiner:
    """Refines the motion of one encode: a portrait, then its groups, then perhaps the next portrait.

    Args:
        renderer: gives pictures and gradients.
        steps: gradient steps, at least 1.
        layers: residual layers that will be written.
        crf: quality of the portraits that will be written (encoding.settings).
        held: further dimensions that stay as they are, besides the field.

    Attributes:
        frames: frames refined so far.
        distance_before: sum of their distances without refinement.
        distance_after: with it.
    """

    def __init__(
        self,
        renderer: DifferentiableRenderer,
        steps: int,
        *,
        layers: int = LAYERS,
        crf: int = 44,
        held: Sequence[int] = (),
    ) -> None:
        self.frames, self.distance_before, self.distance_after = 0, 0.0, 0.0
        self._renderer, self._count, self._layers, self._crf = renderer, steps, layers, crf
        self._units = renderer.basis.units.astype(np.float64)
        self._weight = importance(renderer.basis.units, renderer.layout)
        self._free = np.ones(len(self._units))
        self._free[renderer.layout.field_span] = self._free[list(held)] = 0
        self._state: PortraitState | None = None
        self._base = np.zeros(len(self._units), np.float32)
        self._before: Floats | None = None

    @classmethod
    def load(
        cls, effort: int, setting: Setting, space: ModelId, renderer: Renderer | None = None
    ) -> Refiner:
        """The refiner for an effort above 0 and what will be written, with a renderer of `load_renderer`; None loads it.

        Raises:
            ModelError: the renderer is missing.
            UnsupportedError: the renderer here is not for this motion space.
        """
        made = DifferentiableRenderer(renderer or load_renderer(space))
        held = made.layout.fine if setting.rdo >= FINE_BELOW else ()
        return cls(made, STEPS[effort], layers=setting.layers, crf=setting.crf, held=held)

    @property
    def gain(self) -> float:
        """Share of the distance to the real frames that refinement took away, 0..1."""
        return 1 - self.distance_after / self.distance_before if self.distance_before > 0 else 0.0

    def portrait(
        self,
        rgb: NDArray[np.uint8],
        features: NDArray[np.float32],
        base: NDArray[np.float32] | None = None,
    ) -> None:
        """The portrait of the frames to come.

        Args:
            rgb: (512, 512, 3) before coding; refinement sees about what the decoder will.
            features: (D,) float32, its own, dequantized.
            base: (D,) float32 f_s, what tokens are relative to, dequantized; None: the same. Another one than before begins
                another shot.
        """
        base = features if base is None else base
        if self._state is None or not np.array_equal(base, self._base):
            self._before = None
        self._base = base
        coder = PortraitCoder(self._crf)
        picture = PathDecoder().picture([coder.add(rgb).unit])
        coder.close()
        self._state = self._renderer.prepare(picture, features)

    def motion(
        self,
        pictures: NDArray[np.uint8],
        features: NDArray[np.float32],
        progress: Callable[[int], None] = _nothing,
    ) -> NDArray[np.float32]:
        """Refine the frames of a group that show a face.

        Args:
            pictures: (T, 256, 256, 3) uint8 RGB, the real frames, T >= 1.
            features: (T, D) float32 f_t.
            progress: called after every batch of frames with the number of frames refined so far, over all groups, so
                that a long group can be followed and broken off.

        Returns:
            (T, D) float32, to be quantized; rows that stay are returned as they were.
        """
        assert self._state is not None
        wanted = (features.astype(np.float64) - self._base) / self._units
        offset, steps = np.zeros_like(wanted), OffsetSteps(self._count)
        offsets, losses = [], []
        for number in range(self._count + 1):
            loss, gradient = self._look(wanted, offset, pictures, number, progress)
            offsets.append(offset)
            losses.append(loss)
            if number < self._count:
                step = steps.take(gradient + self._pull(offset)) * self._free
                offset = self._bounded(offset + step)
        tried = np.stack(offsets)
        cost = np.stack(losses) + NEAR * (tried**2 @ self._weight)
        path = cheapest_path(cost, tried, SMOOTH * self._weight, self._before)
        rows = np.arange(len(wanted))
        chosen = tried[path, rows]
        self._before = chosen[-1]
        self.frames += len(wanted)
        self.distance_before += float(losses[0].sum())
        self.distance_after += float(np.stack(losses)[path, rows].sum())
        moved = (self._base + (wanted + chosen) * self._units).astype(np.float32)
        return np.where((path > 0)[:, None], moved, features)

    def coded(self, scaled: Floats) -> NDArray[np.int16]:
        """(T, D) motion in units -> (T, D) whole units as the decoder gets them, with the layers that are written."""
        whole = quantize(scaled, np.ones(len(self._units)))
        return (
            whole
            if self._layers == LAYERS
            else from_indices(to_indices(whole)[..., : self._layers])
        )

    def _look(
        self,
        wanted: Floats,
        offset: Floats,
        pictures: NDArray[np.uint8],
        number: int,
        progress: Callable[[int], None],
    ) -> tuple[Floats, Floats]:
        """Distance (T,) of every frame as it would be decoded, and its gradient (T, D) by units (zeros at the last try)."""
        assert self._state is not None
        with_gradient = number < self._count
        decoded = (self._base + self.coded(wanted + offset) * self._units).astype(np.float32)
        plain = (self._base + wanted * self._units).astype(np.float32)
        losses, gradients = [], []
        for start in range(0, len(wanted), BATCH_FRAMES):
            part = slice(start, start + BATCH_FRAMES)
            x = (
                torch.from_numpy(decoded[part])
                .to(self._renderer.device)
                .requires_grad_(with_gradient)
            )
            target, weight = self._target(pictures[part], plain[part])
            with torch.set_grad_enabled(with_gradient):
                distances = likeness.distance(
                    self._renderer.picture(self._state, x), target, weight
                )
            if with_gradient:
                gradients.append(torch.autograd.grad(distances.sum(), x)[0].cpu().numpy())
            losses.append(distances.detach().cpu().numpy())
            looked_at = number * len(wanted) + start + len(x)
            progress(self.frames + int(looked_at / (self._count + 1)))
        gradient = (
            np.concatenate(gradients) * self._units if with_gradient else np.zeros_like(wanted)
        )
        return np.concatenate(losses).astype(np.float64), gradient

    def _target(
        self, pictures: NDArray[np.uint8], plain: NDArray[np.float32]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The real frames as (N, 3, 256, 256) in 0..1, and where they count."""
        device = self._renderer.device
        rgb = (
            torch.from_numpy(np.ascontiguousarray(pictures))
            .to(device)
            .permute(0, 3, 1, 2)
            .float()
            .div(255)
        )
        maps = self._renderer.maps(self._renderer.landmarks_px(torch.from_numpy(plain).to(device)))
        return rgb, likeness.importance(maps, SIDE_PX)

    def _pull(self, offset: Floats) -> Floats:
        """Gradient of the terms that keep offsets small and alike from frame to frame."""
        jump = np.diff(
            offset, axis=0, prepend=offset[:1] if self._before is None else self._before[None]
        )
        smooth = jump.copy()
        smooth[:-1] -= jump[1:]
        return 2 * self._weight * (NEAR * offset + SMOOTH * smooth)

    def drift_px(self, offset: Floats) -> Floats:
        """(T, D) offsets in units -> (T,) how far the landmark that moves most does, in pixels of a 256 px crop."""
        zero = self._renderer.basis.landmarks(np.zeros((1, len(self._units)), np.float32))
        moved = self._renderer.basis.landmarks((offset * self._units).astype(np.float32)) - zero
        return np.asarray(np.linalg.norm(moved * FEATURE_SIZE_PX, axis=-1).max(-1), np.float64)

    def _bounded(self, offset: Floats) -> Floats:
        """The nearest offsets in direction that keep within the drift allowed."""
        bounded = np.clip(offset, -LEARNED_DRIFT_UNITS, LEARNED_DRIFT_UNITS)
        bounded[:, :LANDMARK_DIMS] = offset[:, :LANDMARK_DIMS]
        shrink = DRIFT_PX / np.maximum(self.drift_px(offset), DRIFT_PX)
        bounded[:, :LANDMARK_DIMS] *= shrink[:, None]
        return bounded
