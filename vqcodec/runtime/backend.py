"""Which library runs the renderer's network: torch, which is always there, or OpenVINO, which the extra `fast` brings."""

from __future__ import annotations

import importlib.util

from vqcodec.config import Backend, BackendName, Device
from vqcodec.errors import UsageError
from vqcodec.runtime.device import choose_device
from vqcodec.runtime.extras import check_extra
from vqcodec.runtime.model_cache import can_keep


def choose_backend(choice: Backend = "auto", device: Device = "auto") -> BackendName:
    """The library for a choice.

    Args:
        choice: "torch", "openvino", or "auto": OpenVINO where it is installed, the CPU renders, and what takes seconds to be
            made ready can be kept for the next time.
        device: auto, cpu or cuda.

    Raises:
        UsageError: OpenVINO on CUDA, or an unknown choice.
        MissingExtraError: OpenVINO was asked for and isn't installed.
    """
    if choice == "torch":
        return "torch"
    if choice == "openvino":
        if device == "cuda":
            raise UsageError(
                "openvino renders on the CPU only", hint="Leave out --device cuda, or --backend."
            )
        check_extra("fast", "the backend openvino")
        return "openvino"
    if choice != "auto":
        raise UsageError(f"unknown backend {choice!r}", hint="Choose auto, torch or openvino.")
    there = importlib.util.find_spec("openvino") is not None
    pays = there and choose_device(device).type == "cpu" and can_keep()
    return "openvino" if pays else "torch"
