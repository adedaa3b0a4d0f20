"""Ranges of the renderer's layers, for its graph in 8 bits: measured on training clips, a file beside the weights.

{"name": "ranges-5", "renderer": "849c...", "layers": {"decoder.up1.conv": [-3.1, 4.2], ...}}
"""

from __future__ import annotations

import json

from vqcodec.errors import UnsupportedError
from vqcodec.geometry.reading import model_faults
from vqcodec.models import store
from vqcodec.runtime.quantize import Ranges, layers
from vqcodec.types import ModelId

KIND = "ranges"
IN_FLOAT = ("flow_net", "fusion")
"""What finds the flow stays in float32, since its error would move the picture by up to a quarter of a pixel, and what chooses
between two portraits."""


def ranges_of(renderer: ModelId) -> Ranges:
    """The shipped ranges.

    Raises:
        ModelError: they are missing or damaged.
        UnsupportedError: they are of another renderer.
    """
    model = store.current(KIND)
    with model_faults(model.path, "ranges of a renderer's layers"):
        known = json.loads(model.path.read_text(encoding="utf-8"))
        theirs, found = bytes.fromhex(known["renderer"]), dict(layers(known["layers"]))
    if theirs != renderer.sha256:
        raise UnsupportedError(
            f"{renderer} can't be run in 8 bits: {model.id.name} is of another renderer",
            hint="Choose another --precision.",
        )
    return found
