"""How many bits the motion takes, per digit and per layer.

python -m vqcodec.training.entropy_tables.stats TOKENS_DIR [--group-frames 50]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.entropy.codec import decode_layers, encode_layers, signed_digits
from vqcodec.entropy.context import LayerModel
from vqcodec.entropy.rangecoder import FREQ_TOTAL
from vqcodec.entropy.tables import Ints, load
from vqcodec.format import DIMS, GROUP_DIMS, LAYERS, LEVELS


@dataclass(frozen=True, slots=True)
class LayerRates:
    """Sizes over a set of clips.

    Attributes:
        frames: frames coded.
        payload_bytes: (layers,) bytes of each layer's payloads.
        encode_s: processor seconds spent encoding.
        decode_s: processor seconds spent decoding.
    """

    frames: int
    payload_bytes: tuple[int, ...]
    encode_s: float
    decode_s: float

    def kbps(self, rate_hz: Fraction = Fraction(25)) -> list[float]:
        """Kilobits a second of each layer at a frame rate."""
        return [
            size * 8 * float(rate_hz) / max(self.frames, 1) / 1000 for size in self.payload_bytes
        ]

    def bits_per_digit(self) -> list[float]:
        """Mean bits of a base-5 digit in each layer."""
        return [size * 8 / max(self.frames * DIMS, 1) for size in self.payload_bytes]


def measure(clips: Iterable[Path], group_frames: int = 50) -> LayerRates:
    """Code clips (NAME.npy, (T, 12, 4)) in groups, check that they decode to themselves, and add up.

    Raises:
        ValueError: a clip does not decode to itself.
    """
    sizes, frames, encode_s, decode_s = [0] * LAYERS, 0, 0.0, 0.0
    for path in clips:
        indices = np.load(path, allow_pickle=False)
        for start in range(0, len(indices), group_frames):
            group = indices[start : start + group_frames]
            t0 = time.process_time()
            payloads = encode_layers(group)
            t1 = time.process_time()
            decoded = decode_layers(payloads, len(group))
            encode_s, decode_s = encode_s + t1 - t0, decode_s + time.process_time() - t1
            if not np.array_equal(decoded, group):
                raise ValueError(f"{path} does not decode to itself at frame {start}")
            frames += len(group)
            sizes = [a + len(p) for a, p in zip(sizes, payloads, strict=True)]
    return LayerRates(frames, tuple(sizes), encode_s, decode_s)


def ideal_bits(indices: NDArray[np.integer]) -> NDArray[np.float64]:
    """What an ideal coder would spend on a group with this package's context model: the sum of log2(1 / probability).

    Args:
        indices: (T, G, L) in 0..624, G from 12 to 32.

    Returns:
        (L,) bits. The range coder's payloads are longer by its rounding and by their last bytes.
    """
    digits = signed_digits(indices)
    bits = np.zeros(digits.shape[2])
    for layer in range(digits.shape[2]):
        tables = load(digits.shape[1])[layer]
        share = tables.frequencies.reshape(-1, LEVELS) / FREQ_TOTAL
        model = LayerModel(tables, layer, digits)
        for t in range(len(digits)):
            row = digits[t, :, layer]
            bits[layer] -= np.log2(share[model.contexts(t), model.mirror * row + LEVELS // 2]).sum()
            model.update(t, row)
    return bits


def counted_bits(groups: Sequence[NDArray[np.integer]]) -> NDArray[np.float64]:
    """What an ideal adaptive coder would spend that counts: the yardstick for the context model.

    For each layer and dimension, digits are counted under the same dimension's digit of the frame before (none at the
    start of a group); a digit k seen n_k times of n costs log2((n + 5/2) / (n_k + 1/2)) (Krichevsky and Trofimov 1981).
    Nothing is known in advance, and the counts go on from group to group.

    Args:
        groups: (T, G, L) arrays of one stream, in order.

    Returns:
        (L,) bits.
    """
    dimensions, layers = GROUP_DIMS * groups[0].shape[1], groups[0].shape[2]
    counts = np.full((layers, dimensions, LEVELS + 1, LEVELS), 0.5)
    bits = np.zeros(layers)
    dims = np.arange(dimensions)
    for group in groups:
        digits = signed_digits(group) + LEVELS // 2
        before: Ints = np.full((dimensions, layers), LEVELS)
        for row in digits:
            for layer in range(layers):
                seen = counts[layer, dims, before[:, layer]]
                bits[layer] += np.log2(seen.sum(1) / seen[dims, row[:, layer]]).sum()
                counts[layer, dims, before[:, layer], row[:, layer]] += 1
            before = row
    return bits


def report(rates: LayerRates) -> str:
    """A table for people, at 25 frames a second."""
    lines = ["layer  bits/digit  kbit/s  kbit/s up to here"]
    total = 0.0
    for i, (bits, kbps) in enumerate(zip(rates.bits_per_digit(), rates.kbps(), strict=True)):
        total += kbps
        lines.append(f"{i + 1:5d}  {bits:10.4f}  {kbps:6.3f}  {total:6.3f}")
    per_frame = 1000 / max(rates.frames, 1)
    lines.append(
        f"{rates.frames} frames; encode {rates.encode_s * per_frame:.2f} ms a frame, "
        f"decode {rates.decode_s * per_frame:.2f} ms a frame (processor time)"
    )
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="How many bits the motion of token arrays takes.")
    parser.add_argument("tokens", type=Path, help="folder of (T, 12, 4) token arrays")
    parser.add_argument(
        "--group-frames", type=int, default=50, help="frames in a group, 1..240 (50)"
    )
    options = parser.parse_args()
    sys.stdout.write(
        report(measure(sorted(options.tokens.glob("*.npy")), options.group_frames)) + "\n"
    )


if __name__ == "__main__":
    main()
