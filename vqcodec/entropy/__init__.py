"""Lossless coding of motion indices: bitstream_spec/entropy.md. Integers only; no torch, av or cv2."""

from __future__ import annotations

from vqcodec.entropy.codec import decode_layers, encode_layers

__all__ = ["decode_layers", "encode_layers"]
