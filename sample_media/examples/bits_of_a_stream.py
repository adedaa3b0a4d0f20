"""Where the bits of a stream go: python bits_of_a_stream.py talk.vqt

A token is four base-5 digits. Bits of a digit if all were alike (log2 5), by how often each value occurs in its layer, by
how often it follows the same digit of the frame before, and what the file spends: its frozen tables also look at coarser
layers and neighbours (bitstream_spec/entropy.md). Needs no torch.
"""

import io
import sys

import numpy as np

import vqcodec


def entropy_bits(counts: np.ndarray) -> float:
    """Bits per digit for an ideal coder; counts (contexts, 5)."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return float(0 - (counts * logs).sum() / counts.sum())


def main(path: str) -> None:
    """A row per layer, in kbit/s of motion."""
    stream, before = vqcodec.TokenSequence.read(path), 0.0
    kbps = stream.head.dims * float(stream.head.frame_rate_hz) / 1000  # of digits of a layer
    print("layer   alike   order 0   after the frame before   in the file")
    for layer in range(stream.head.layers):
        digits = stream.tokens[..., layer, None] // 5 ** np.arange(4) % 5  # (T, G, 4)
        pairs = np.zeros((5, 5))
        np.add.at(pairs, (digits[:-1].ravel(), digits[1:].ravel()), 1)
        ideal = [np.log2(5), entropy_bits(np.bincount(digits.ravel())[None]), entropy_bits(pairs)]
        vqcodec.thin(path, thinned := io.BytesIO(), layers=layer + 1)
        spent = vqcodec.info(thinned.getvalue())["motion_kbps"]
        print(layer + 1, *(f"{bits * kbps:10.2f}" for bits in ideal), f"{spent - before:20.2f}")
        before = spent


if __name__ == "__main__":
    main(*sys.argv[1:])
