"""Whisper's lower layers, read from the teacher's files: what the speech tokenizer hears with (vqcodec.speech.trunk).

CTranslate2's model.bin, version 6: little-endian; u32 version, name, u32 revision, u32 number of variables; then each variable:
name, u8 dimensions, u32 each, u8 type, u32 bytes, data. A name is a u16 length with its closing zero, and bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.errors import ModelError
from vqcodec.speech.trunk import Trunk

_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
_LAYER = {
    "norm1": "self_attention/layer_norm",
    "qkv": "self_attention/linear_0",
    "out": "self_attention/linear_1",
    "norm2": "ffn/layer_norm",
    "up": "ffn/linear_0",
    "down": "ffn/linear_1",
}
"""This project's names of a layer's parts, and CTranslate2's."""


class _Bytes:
    """Reads little-endian numbers one after another."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def number(self, form: str) -> int:
        value: int = struct.unpack_from(f"<{form}", self._data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def take(self, size: int) -> bytes:
        self.at += size
        if self.at > len(self._data):
            raise struct.error(f"{self.at - len(self._data)} bytes are missing")
        return self._data[self.at - size : self.at]

    def name(self) -> str:
        return self.take(self.number("H"))[:-1].decode()


def read_variables(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of a CTranslate2 model by name.

    Raises:
        ModelError: the file is no such model.
    """
    data = _Bytes(path.read_bytes())
    found: dict[str, NDArray[Any]] = {}
    try:
        data.number("I")
        data.name()
        data.number("I")
        for _ in range(data.number("I")):
            name = data.name()
            shape = [data.number("I") for _ in range(data.number("B"))]
            kind = _TYPES[data.number("B")]
            found[name] = np.frombuffer(data.take(data.number("I")), kind).reshape(shape)
    except (struct.error, IndexError, ValueError) as error:
        raise ModelError(f"{path} is no CTranslate2 model: {error}") from error
    return found


def load_trunk(teacher: Path, layers: int) -> Trunk:
    """The first layers of the teacher in a folder made by `teacher.assemble`.

    Raises:
        ModelError: the folder is missing, or holds something else.
    """
    if not (teacher / "model.bin").is_file():
        raise ModelError(
            f"no teacher in {teacher}",
            hint="Make it with python -m vqcodec.training.speech_tokens.teacher.",
        )
    known = read_variables(teacher / "model.bin")
    weights = {
        f"{ours}.{part}": known[f"encoder/{theirs}/{part}"]
        for ours, theirs in (("first", "conv1"), ("halve", "conv2"))
        for part in ("weight", "bias")
    }
    for layer in range(layers):
        for ours, theirs in _LAYER.items():
            parts = ("gamma", "beta") if theirs.endswith("norm") else ("weight", "bias")
            for mine, part in zip(("weight", "bias"), parts, strict=True):
                weights[f"layers.{layer}.{ours}.{mine}"] = known[
                    f"encoder/layer_{layer}/{theirs}/{part}"
                ]
    trunk = Trunk(layers)
    trunk.load_state_dict(
        {name: torch.from_numpy(value.astype(np.float32)) for name, value in weights.items()}
    )
    return trunk.eval()
