"""The generator's file."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save_file

from vqcodec.generate.network import GeneratorNetwork
from vqcodec.types import ModelId


def export_generator(
    model: GeneratorNetwork, target: Path, name: str, tokenizer: ModelId, space: ModelId
) -> None:
    """Write the network in fp16, bound to the speech tokenizer and motion space by their sha256."""
    bound = {k: m.whole for k, m in (("speech_tokenizer", tokenizer), ("motion_space", space))}
    save_file(
        {k: v.half().contiguous() for k, v in model.state_dict().items()},
        str(target),
        metadata={
            "kind": "generator",
            "name": name,
            "shape": json.dumps(model.shape.to_facts()),
            **bound,
        },
    )
