"""A second way to run a network on a CPU: OpenVINO, which joins layers that torch runs one after the other.

    torch module --traced, converted--> OpenVINO's graph --kept (model_cache)--> compiled for threads and precision

A graph takes one frame: its layers' results then stay in the processor's cache. Two may run at the same time, each with
half of the threads, as runtime.halves calls it.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vqcodec.runtime.extras import check_extra
from vqcodec.runtime.halves import PARTS
from vqcodec.runtime.model_cache import cached, keep
from vqcodec.runtime.quantize import Ranges, quantized

if TYPE_CHECKING:
    import openvino

Traceable: TypeAlias = tuple[nn.Module, tuple[Tensor, ...]]
"""A module without gradients, and inputs of one frame."""


def package() -> Any:
    """OpenVINO, imported when first needed and without the package that reports its use to the maker.

    Raises:
        MissingExtraError: it isn't installed.
    """
    check_extra("fast", "the backend openvino")
    # openvino takes the place of an absent openvino_telemetry by functions that do nothing
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def key_of(*facts: str) -> str:
    """The name of a graph in the cache: what it is made from, and the versions of the two libraries."""
    told = "\n".join([*facts, torch.__version__, str(package().__version__)])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


class Graph:
    """A compiled network of one frame, which may be called by several threads at the same time."""

    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self._compiled = compiled
        self._own = threading.local()  # a request works for one thread

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """Run N frames.

        Args:
            inputs: (N or 1, ...) float32, in the order of the module's arguments.

        Returns:
            The module's results, (N, ...) float32 each.
        """
        arrays = [np.ascontiguousarray(x.numpy(), np.float32) for x in inputs]
        count = max(len(array) for array in arrays)
        made = [np.empty((count, *output.shape[1:]), np.float32) for output in self._outputs]
        for number in range(count):
            found = self._run([_row(array, number) for array in arrays])
            for whole, one in zip(made, found, strict=True):
                whole[number] = one[0]
        return [torch.from_numpy(whole) for whole in made]

    @property
    def _outputs(self) -> Sequence[Any]:
        return self._compiled.outputs  # type: ignore[no-any-return]

    def _run(self, rows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """One frame; what it gives is overwritten by this thread's next one."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        shared = {i: package().Tensor(row, shared_memory=True) for i, row in enumerate(rows)}
        found = self._own.request.infer(shared, share_inputs=True, share_outputs=True)
        return [found[i] for i in range(len(self._outputs))]


def _row(array: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    return array if len(array) == 1 else array[number : number + 1]


def compiled(
    key: str,
    make: Callable[[], Traceable],
    *,
    precision: torch.dtype,
    threads: int,
    ranges: Ranges | None = None,
    in_float: Sequence[str] = (),
) -> Graph:
    """A network for this processor.

    Args:
        key: from `key_of`.
        make: gives the module, in float32; called where the cache doesn't have it.
        precision: bfloat16 where the processor has it and this says so; int8 for convolutions between rounded values; what
            is left in float32.
        threads: of all frames together, >= 1.
        ranges: of the layers' inputs, for int8.
        in_float: layers that int8 leaves out (`quantize.quantized`).

    Raises:
        MissingExtraError: OpenVINO isn't installed.
        ModelError: the ranges are of another network.
    """
    library = package()
    core = library.Core()
    # said always: left to itself the library takes bfloat16, and fails where its instruction set is limited
    capable = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if capable and precision == torch.bfloat16 else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": min(threads, PARTS),
        "ENABLE_CPU_PINNING": False,  # the cores are torch's and OpenCV's, too
        "ENABLE_HYPER_THREADING": True,
    }
    model = _model(library, core, key, make)
    if precision == torch.int8:
        model = quantized(model, ranges or {}, library, plain=in_float)
    return Graph(core.compile_model(model, "CPU", settings))


def _model(library: Any, core: Any, key: str, make: Callable[[], Traceable]) -> Any:
    known = cached(key)
    if known is not None:
        return core.read_model(known)
    module, example = make()
    # with gradients on, torch keeps to operations that another library knows
    with torch.inference_mode(False), torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes are those of the example, as meant
        traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = library.convert_model(traced, example_input=example)
    model.reshape({number: list(x.shape) for number, x in enumerate(example)})
    keep(key, lambda path: library.save_model(model, path, compress_to_fp16=False))
    return model
