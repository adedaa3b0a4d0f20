"""GRFSQ: motion to tokens and back (bitstream_spec/tokens.md). Importing this loads no torch."""

from __future__ import annotations

from vqcodec.quantize.grfsq import dequantize, from_indices, quantize, to_indices

__all__ = ["dequantize", "from_indices", "quantize", "to_indices"]
