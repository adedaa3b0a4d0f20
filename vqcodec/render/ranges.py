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
IN_FLOAT = ("flow_net.up2", "flow_net.hidden", "flow_net.head", "flow_net.told", "fusion")
"""The last layers of what finds the flow stay in float32, since rounding them moves the picture most (.02 to .04 pixels of 256 on
average; all before them .01), and what chooses between two portraits."""


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
