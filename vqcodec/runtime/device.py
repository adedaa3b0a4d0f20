"""Where networks run, in which precision, on how many cores. torch is imported when a function is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vqcodec.config import Device, Precision
from vqcodec.errors import UsageError
from vqcodec.runtime.precision import bfloat16_pays

if TYPE_CHECKING:
    import torch


def choose_device(choice: Device = "auto") -> torch.device:
    """The device for a choice.

    Args:
        choice: "cpu", "cuda", or "auto": CUDA where there is one.

    Raises:
        UsageError: CUDA was asked for and there is none, or an unknown choice.
    """
    import torch

    if choice == "cpu":
        return torch.device("cpu")
    if choice not in ("auto", "cuda"):
        raise UsageError(f"unknown device {choice!r}", hint="Choose auto, cpu or cuda.")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if choice == "cuda":
        raise UsageError(
            "there is no CUDA device",
            hint="Use --device auto or cpu, or install a CUDA build of torch.",
        )
    return torch.device("cpu")


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (AVX512-BF16, AMX), at about twice float32's rate."""
    import torch

    tests = [
        getattr(torch.cpu, name, None)
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    ]
    return any(test is not None and test() for test in tests)


def inference_dtype(device: torch.device) -> torch.dtype:
    """Fastest safe precision for rendering: float16 on CUDA, bfloat16 on a CPU that has it and gains by it, else float32."""
    import torch

    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if has_bfloat16() and bfloat16_pays() else torch.float32


def dtype_of(precision: Precision, device: Device = "auto") -> torch.dtype | None:
    """The type of a precision by name; None for "auto". int8 is of a graph's convolutions (runtime.openvino).

    Raises:
        UsageError: fp16 without CUDA: CPUs compute it slowly, or not at all.
    """
    import torch

    if precision == "fp16" and choose_device(device).type != "cuda":
        raise UsageError("fp16 needs CUDA", hint="Choose auto, fp32 or bf16.")
    known = {
        "fp32": torch.float32,
        "bf16": torch.bfloat16,
        "fp16": torch.float16,
        "int8": torch.int8,
    }
    return known.get(precision)


def usable_cores() -> int:
    """Logical cores this process may use, >= 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(count: int | None = None) -> int:
    """Set torch's threads to `count`, or to the usable cores (at most 16: more gain nothing).

    Returns:
        The number set.
    """
    import torch

    threads = max(1, count if count is not None else min(usable_cores(), 16))
    torch.set_num_threads(threads)
    return threads
