"""How fast the renderer draws poses of a portrait, by batch, precision and picture size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.config import Backend, BackendName, Device
from vqcodec.decoding.parts import FrameRenderer
from vqcodec.errors import UsageError
from vqcodec.runtime.backend import backends as available
from vqcodec.runtime.backend import choose_backend
from vqcodec.runtime.device import has_bfloat16
from vqcodec.types import ModelId

REPEATS = 5


FRAMES_A_REPEAT = 16


_SEED = 5


DTYPES: dict[str, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "int8": torch.int8,
}


class LoadRenderer(Protocol):
    """Makes the renderer of a precision: `Renderer.load`, or a stand-in of a test."""

    def __call__(
        self, *, device: Device, precision: torch.dtype, space: ModelId, backend: BackendName
    ) -> FrameRenderer:
        """A renderer of a motion space on a device."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn.

    Attributes:
        portrait: (512, 512, 3) uint8.
        own: (D,) float32, its motion features.
        poses: (N, D) float32, decoded features of the clip's frames.
    """

    portrait: NDArray[np.uint8]
    own: NDArray[np.float32]
    poses: NDArray[np.float32]

    def mixed(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """(count, D) features, each between two poses of the clip: what a face does, in no order."""
        first, second = (self.poses[rng.integers(0, len(self.poses), count)] for _ in range(2))
        share = rng.random((count, 1), np.float32)
        return (share * first + (1 - share) * second).astype(np.float32)


@dataclass(frozen=True, slots=True)
class RenderRate:
    """Frames per second of one setting.

    Attributes:
        size_px: side of the pictures.
        batch: frames drawn at once.
        precision: of the convolutions.
        fps: median over the repeats; None where memory ran out.
        ms_per_batch: how long one batch takes, which is the delay of a live decode.
        peak_mib: most memory held on a CUDA device, MiB.
        backend: the library that ran the network.
    """

    size_px: int
    batch: int
    precision: str
    fps: float | None
    ms_per_batch: float | None
    peak_mib: float | None = None
    backend: str = "torch"


def precisions(device: torch.device) -> tuple[str, ...]:
    """What is worth measuring on a device: all on CUDA; float32 on a CPU, bfloat16 where it has it in hardware, and int8."""
    if device.type == "cuda":
        return ("fp16", "bf16", "fp32")
    return ("bf16", "fp32", "int8") if has_bfloat16() else ("fp32", "int8")


def checked_precisions(names: Sequence[str], device: torch.device) -> tuple[str, ...]:
    """The named precisions; none stands for `precisions`.

    Raises:
        UsageError: an unknown one, or one that the renderer doesn't offer on that device.
    """
    elsewhere = "int8" if device.type == "cuda" else "fp16"
    for name in names:
        if name not in DTYPES or name == elsewhere:
            raise UsageError(
                f"no precision {name!r} on {device.type}",
                hint="Choose fp32 or bf16; on CUDA also fp16, on a CPU int8.",
            )
    return tuple(dict.fromkeys(names)) or precisions(device)


def ways(
    precisions: Sequence[str], libraries: Sequence[BackendName]
) -> list[tuple[str, BackendName]]:
    """Precisions by libraries, as far as they go together: int8 is openvino's.

    Raises:
        UsageError: none do.
    """
    found = [pair for pair in product(precisions, libraries) if pair != ("int8", "torch")]
    if not found:
        raise UsageError("int8 runs in openvino", hint="Install vqcodec[fast], or leave it out.")
    return found


def backends(choice: Backend, device: torch.device) -> tuple[BackendName, ...]:
    """What is measured: one that is named, else all that this machine has for a device.

    Raises:
        UsageError, MissingExtraError: see `choose_backend`.
    """
    kind: Device = "cpu" if device.type == "cpu" else "cuda"
    return available(kind) if choice == "auto" else (choose_backend(choice, kind),)


def _synchronise(device: torch.device) -> None:
    """Wait until the device has done all that it was given: CUDA calls return early."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def render_rate(
    renderer: FrameRenderer,
    scene: Scene,
    size_px: int,
    batch: int,
    precision: str,
    *,
    repeats: int = REPEATS,
) -> RenderRate:
    """Time the renderer: one round to warm up (memory, kernels, compilation), then `repeats` that count.

    Args:
        renderer: in the wanted precision.
        scene: what to draw.
        size_px: 256 or 512.
        batch: frames at once, >= 1.
        precision: its name.
        repeats: rounds of at least FRAMES_A_REPEAT frames each, >= 1.
    """
    backend = getattr(renderer, "backend", "torch")
    device, rng = torch.device(renderer.device), np.random.default_rng(_SEED)
    rounds, times_s = -(-FRAMES_A_REPEAT // batch), []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    try:
        state = renderer.prepare(scene.portrait, scene.own)
        for _ in range(repeats + 1):
            poses = [scene.mixed(batch, rng) for _ in range(rounds)]
            _synchronise(device)
            start_s = time.perf_counter()
            for pose in poses:
                renderer.render(state, pose, size_px)
            _synchronise(device)
            times_s.append((time.perf_counter() - start_s) / rounds)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return RenderRate(size_px, batch, precision, None, None, backend=backend)
    median_s = float(np.median(times_s[1:]))
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
    return RenderRate(size_px, batch, precision, batch / median_s, median_s * 1000, peak, backend)
