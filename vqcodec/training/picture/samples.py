"""Portraits and targets with what a decoder would know about them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import DIMS, HALF, LAYERS, from_digits, to_digits
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.layout import LANDMARK_DIMS, LEARNED_OUTPUTS, MOTION_2, Layout
from vqcodec.geometry.similarity import between
from vqcodec.quantize.grfsq import dequantize, quantize
from vqcodec.render.maps import draw_maps
from vqcodec.training.picture.fields import nothing_told

Batch = dict[str, NDArray[Any]]


def quantize_layers(
    delta: NDArray[np.float32], units: NDArray[np.float32], layers: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What a decoder makes of motion when row i keeps layers[i] layers: (N, 48) -> (N, 48), by the normative quantizer."""
    digits = to_digits(quantize(delta, units))
    digits[np.arange(LAYERS) >= layers[:, None, None] + np.zeros((1, DIMS, 1), np.int64)] = HALF
    return dequantize(from_digits(digits), units)


def assemble(
    frames: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    surroundings: NDArray[np.float32],
    basis: LandmarkBasis,
    layers: NDArray[np.int64],
    size: int,
    layout: Layout = MOTION_2,
    *,
    portraits: int = 1,
) -> Batch:
    """Portraits (first) and targets with what the decoder would know about them.

    Args:
        frames: (P + K, S, S, 3) uint8.
        landmarks: (P + K, 478, 2) in 0..1.
        surroundings: (P + K, 8), see motion.surroundings.
        basis: the motion space's linear part, with the units of motion-2.
        layers: (K,) residual layers each target keeps.
        size: S.
        layout: the motion space the decoder is told of.
        portraits: P; tokens count from the first one.

    Returns:
        A sample (see PairSampler), without the leading B.
    """
    span = MOTION_2.surround_span
    features = np.zeros(
        (len(frames), DIMS), np.float32
    )  # the image CNN's part is made in the network
    features[:, :LANDMARK_DIMS] = basis.project(landmarks)
    features[:, span] = surroundings if layout.surround else 0
    units = basis.units[:DIMS]  # of the field: training.picture.fields
    own = (np.round(features[:portraits] / units) * units).astype(np.float32)
    coded = own[:1] + quantize_layers(features[portraits:] - own[:1], units, layers)
    around = np.stack([between(state[None, span], coded[:, span]) for state in own])
    learned = np.isin(np.arange(LEARNED_OUTPUTS), layout.learned).astype(np.float32)
    decoded = basis.landmarks(np.concatenate([own, coded])[:, :LANDMARK_DIMS])
    maps = np.stack([draw_maps(points, min(size // 2, 128)) for points in decoded])
    delta = (coded[None] - own[:, None])[..., :LANDMARK_DIMS]
    return dict(
        field=nothing_told(portraits, len(coded)),
        source=frames[:portraits],
        target=frames[portraits:],
        maps_s=maps[:portraits],
        maps_t=maps[portraits:],
        lm_s=decoded[:portraits],
        lm_t=decoded[portraits:],
        true_s=landmarks[:portraits],
        true_t=landmarks[portraits:],
        delta=delta,
        state=own[:, :LANDMARK_DIMS],
        layers=layers,
        around=around,
        learned=np.repeat(learned[None], len(coded), 0),
    )
