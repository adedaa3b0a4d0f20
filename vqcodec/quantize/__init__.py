"""GRFSQ: motion to whole units and back (bitstream_spec/tokens.md). Importing this loads no torch."""

from __future__ import annotations

from vqcodec.quantize.grfsq import dequantize, quantize

__all__ = ["dequantize", "quantize"]
