"""The networks as ONNX files: `graphs` traced by torch, weights stored in half of their bytes where that loses nothing."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vqcodec.publishing.graphs import (
    ENCODE_INPUTS,
    FEATURES,
    RESTORE_INPUTS,
    SMALL,
    EncodeGraph,
    FrameGraph,
    RestoreGraph,
    Shapes,
    frame_inputs,
)
from vqcodec.render.network import RendererNet
from vqcodec.render.renderer import MOST_PORTRAITS
from vqcodec.runtime.extras import check_extra

OPSET = 17
"""Of ONNX: the newest one that torch's tracing exporter writes and onnxruntime-web knows in full."""
_WORTH_BYTES = 1024


def write_networks(net: RendererNet, folder: Path) -> dict[str, str]:
    """Write restore.onnx, encode.onnx, frame-1.onnx and frame-2.onnx.

    Args:
        net: in float32, on the CPU.
        folder: it exists.

    Returns:
        File names by what they are: restore, encode, frame-1, frame-2.

    Raises:
        MissingExtraError: the extra [web] isn't installed.
    """
    check_extra("web", "writing ONNX files")
    made = {
        "restore": _traced(RestoreGraph(net), RESTORE_INPUTS, SMALL),
        "encode": _traced(EncodeGraph(net), ENCODE_INPUTS, FEATURES),
    }
    for portraits in range(1, MOST_PORTRAITS + 1):
        graph = FrameGraph(net, portraits)
        made[f"frame-{portraits}"] = _traced(graph, frame_inputs(portraits), ["picture"])
    for name, data in made.items():
        (folder / f"{name}.onnx").write_bytes(data)
    return {name: f"{name}.onnx" for name in made}


def _traced(module: nn.Module, inputs: Shapes, outputs: Iterable[str]) -> bytes:
    example = tuple(torch.rand(1, *shape) for shape in inputs.values())
    sink = io.BytesIO()
    # with gradients on, torch keeps to operations that another library knows
    with torch.inference_mode(False), torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes are those of the example, as meant
        torch.onnx.export(
            module,
            example,
            sink,  # type: ignore[arg-type]  # the tracing exporter takes a file, too
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=False,
        )
    return _halved(sink.getvalue())


def _halved(data: bytes) -> bytes:
    """A network whose weights are stored as float16 and converted when it is loaded; those that this would change stay."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(data)
    graph: Any = model.graph
    converted = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.nbytes < _WORTH_BYTES:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        converted.append(
            onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*converted, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
