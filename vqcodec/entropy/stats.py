"""How many bits the motion takes, per digit and per layer: `python -m vqcodec.entropy.stats TOKENS_DIR`."""
from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from vqcodec.entropy.codec import decode_layers, encode_layers
from vqcodec.types import DIMS, LAYERS


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
        return [size * 8 * float(rate_hz) / max(self.frames, 1) / 1000 for size in self.payload_bytes]

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
            group = indices[start:start + group_frames]
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


def report(rates: LayerRates) -> str:
    """A table for people, at 25 frames a second."""
    lines = ["layer  bits/digit  kbit/s  kbit/s up to here"]
    total = 0.0
    for i, (bits, kbps) in enumerate(zip(rates.bits_per_digit(), rates.kbps(), strict=True)):
        total += kbps
        lines.append(f"{i + 1:5d}  {bits:10.4f}  {kbps:6.3f}  {total:6.3f}")
    per_frame = 1000 / max(rates.frames, 1)
    lines.append(f"{rates.frames} frames; encode {rates.encode_s * per_frame:.2f} ms a frame, "
                 f"decode {rates.decode_s * per_frame:.2f} ms a frame (processor time)")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(report(measure(sorted(Path(sys.argv[1]).glob("*.npy")))) + "\n")
