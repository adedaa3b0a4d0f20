"""The ways to render that level B of bitstream_spec/conformance.md compares, and what each is held to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import cv2
import torch

from vqcodec.config import Backend, BackendName
from vqcodec.runtime.backend import backends, choose_backend

Device = Literal["cpu", "cuda"]


PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "int8": torch.int8,
}
TORCH = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What conformance.md, "Level B", asks of every frame."""

    min_psnr_db: float
    max_share: float


TOLERANCES = {32: Tolerance(48.0, 0.0001), 16: Tolerance(38.0, 0.01)}
"""By the bits of the precision; int8 rounds some layers only, and is held to 16."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A way to render.

    Attributes:
        device: where.
        precision: a key of PRECISIONS.
        threads: of torch and OpenCV.
        batch_frames: frames rendered at once.
        gpu_sampling: on a CPU, sample the portrait as a GPU does (vqcodec.render.sampling): what is left to differ there is
            the order of sums.
        backend: the library that runs the network.
    """

    device: Device
    precision: str
    threads: int
    batch_frames: int
    gpu_sampling: bool = False
    backend: BackendName = "torch"

    @property
    def tolerance(self) -> Tolerance:
        """What this precision is held to."""
        return TOLERANCES[32 if self.precision == "float32" else 16]


REFERENCE_SETTING = Setting("cpu", "float32", 1, 1)
"""How the reference frames are made."""


class threads:
    """Torch's and OpenCV's threads, set for a while."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._before = torch.get_num_threads(), cv2.getNumThreads()

    def __enter__(self) -> None:
        torch.set_num_threads(self._count)
        cv2.setNumThreads(self._count)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self._before[0])
        cv2.setNumThreads(self._before[1])


def settings(backend: Backend = "auto") -> list[Setting]:
    """Precisions by threads, precisions by batches, on the CPU and on CUDA; with OpenVINO where it is installed.

    Args:
        backend: of torch and openvino the only one; auto takes those that are here.

    Raises:
        MissingExtraError: OpenVINO was asked for and isn't installed.
    """
    wanted = backends("cpu") if backend == "auto" else (choose_backend(backend, "cpu"),)
    ways = {"torch": _torch_settings, "openvino": _openvino_settings}
    return [setting for name in wanted for setting in ways[name]()]


def _openvino_settings() -> list[Setting]:
    ways = product(((1, 1), (2, 1), (2, 16)), ("float32", "bfloat16", "int8"))
    return [Setting("cpu", kind, *way, backend="openvino") for way, kind in ways]


def _torch_settings() -> list[Setting]:
    ways = [
        ("cpu", 1, 1),
        ("cpu", 2, 1),
        ("cpu", 4, 1),
        ("cpu", 1, 16),
        ("cuda", 1, 1),
        ("cuda", 1, 16),
    ]
    plain = [
        Setting(device, precision, threads, batch)  # type: ignore[arg-type]
        for (device, threads, batch), precision in product(ways, TORCH)
    ]
    return [
        *plain,
        *(Setting("cpu", precision, 1, 1, gpu_sampling=True) for precision in TORCH),
    ]
