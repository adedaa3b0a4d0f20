"""A network's graph in 8 bits: convolutions between rounded values, at twice float32's rate where a processor has VNNI.

    graph in float32 --inputs of convolutions rounded to 256 steps of their ranges, weights to 255 of each channel's greatest-->
    graph in 8 bits

A convolution is known by the place of its layer in the module, so that the ranges of one graph serve every graph of its
layers. What stays in float32 is the caller's choice: where a small error moves the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import ModelError

if TYPE_CHECKING:
    import openvino

Ranges: TypeAlias = Mapping[str, tuple[float, float]]
"""By layer: least and greatest value that its input takes."""

STEPS, WEIGHT_STEPS = 256, 255
COVERED = 0.9999
"""Share of an input's values on either side that a range holds: a single large one would cost all others their steps."""
_LEAST = 1e-9
_MODULE = "__module."


def layer_of(convolution: Any) -> str:
    """The layer's place in the traced module: "decoder.up1.conv" of "__module._net.decoder.up1.conv/aten::..."."""
    place: str = convolution.get_friendly_name().partition("/")[0]
    return place.removeprefix(_MODULE).removeprefix("_net.")


def convolutions(model: openvino.Model) -> list[Any]:
    """Convolutions with constant weights and a layer's name, in the order in which they run.

    One that was joined with a multiplication lost its name; there are few, and they stay in float32.
    """
    return [
        node
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution"
        and node.get_friendly_name().startswith(_MODULE)
        and node.input_value(1).get_node().get_type_name() == "Constant"
    ]


def range_of(values: NDArray[np.float32]) -> tuple[float, float]:
    """The range that holds COVERED of some values on either side, and zero."""
    low, high = np.quantile(values, [1 - COVERED, COVERED])
    return min(float(low), 0.0), max(float(high), 0.0)


def wider(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """The least range that holds both."""
    return min(first[0], second[0]), max(first[1], second[1])


def quantized(
    model: openvino.Model, ranges: Ranges, library: Any, *, plain: Sequence[str] = ()
) -> openvino.Model:
    """A copy whose convolutions run in 8 bits.

    Args:
        model: in float32.
        ranges: of the inputs.
        library: the package openvino.
        plain: layers whose place begins like this stay as they are.

    Raises:
        ModelError: a layer has no range: they belong to another network.
    """
    copy, rounded = model.clone(), {}
    for node in convolutions(copy):
        layer = layer_of(node)
        if layer.startswith(tuple(plain)):
            continue
        whole = layer if layer in ranges else layer.rpartition(".")[0]
        if whole not in ranges:
            raise ModelError(
                f"no range is known of the layer {layer!r}", hint="Use --precision fp32."
            )
        source = node.input_value(0)
        place = source.get_node().get_friendly_name(), source.get_index()
        if place not in rounded:
            rounded[place] = _rounded_input(library.opset13, source, ranges[whole])
        node.input(0).replace_source_output(rounded[place])
        node.input(1).replace_source_output(_rounded_weights(library.opset13, node.input_value(1)))
    copy.validate_nodes_and_infer_types()
    return copy


def _rounded_input(ops: Any, source: Any, span: tuple[float, float]) -> Any:
    low, high = span
    if low < 0:  # one step of 256 is zero
        high = max(-low, high, _LEAST)
        low, high = -high, high * 127 / 128
    else:
        high = max(high, _LEAST)
    return _fake(ops, source, np.float32(low), np.float32(high), STEPS)


def _rounded_weights(ops: Any, weights: Any) -> Any:
    greatest = np.abs(weights.get_node().data).max((1, 2, 3), keepdims=True).clip(_LEAST)
    return _fake(ops, weights, -greatest, greatest, WEIGHT_STEPS)


def _fake(ops: Any, source: Any, low: Any, high: Any, levels: int) -> Any:
    ends = [ops.constant(np.asarray(end, np.float32)) for end in (low, high)]
    return ops.fake_quantize(source, *ends, *ends, levels).output(0)


def layers(ranges: Mapping[str, Sequence[float]]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Ranges as JSON has them, checked.

    Raises:
        ValueError: something else than two finite numbers, the first not above the second.
    """
    for layer, span in ranges.items():
        low, high = (float(end) for end in span)
        if not np.isfinite([low, high]).all() or low > high:
            raise ValueError(f"the range of {layer!r} is {span!r}")
        yield layer, (low, high)
