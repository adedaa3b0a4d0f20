"""Which library runs the renderer's network: torch, which is always there, or OpenVINO, which the extra `fast` brings."""

from __future__ import annotations

import importlib.util

from vqcodec.config import Backend, BackendName, Device, Precision
from vqcodec.errors import UsageError
from vqcodec.runtime.device import choose_device
from vqcodec.runtime.extras import check_extra


def choose_backend(
    choice: Backend = "auto", device: Device = "auto", precision: Precision = "auto"
) -> BackendName:
    """The library for a choice.

    Args:
        choice: "torch", "openvino", or "auto": torch. A batch in OpenVINO takes up to a fifth less of a processor's time,
            but whole files took as long (bfloat16: 18.8 and 20 frames a second, float32 limited to AVX2: 8.5 and 8.2), and
            a second more to begin.
        device: auto, cpu or cuda.
        precision: of the renderer; int8 is openvino's alone, so auto takes it then.

    Raises:
        UsageError: OpenVINO on CUDA, or an unknown choice.
        MissingExtraError: OpenVINO was asked for and isn't installed.
    """
    if choice == "torch":
        return "torch"
    if choice == "openvino" or (choice == "auto" and precision == "int8"):
        if device == "cuda":
            raise UsageError(
                "openvino renders on the CPU only", hint="Leave out --device cuda, or --backend."
            )
        check_extra("fast", "the backend openvino")
        return "openvino"
    if choice != "auto":
        raise UsageError(f"unknown backend {choice!r}", hint="Choose auto, torch or openvino.")
    return "torch"


def backends(device: Device = "auto") -> tuple[BackendName, ...]:
    """The libraries that can render on a device here, torch first."""
    there = importlib.util.find_spec("openvino") is not None
    return ("torch", "openvino") if there and choose_device(device).type == "cpu" else ("torch",)
