"""How fast this machine renders, by batch size, precision and picture size, and how fast whole files go through.

A clip is coded; the renderer draws its portrait in poses mixed at random from the clip's own, as many at once as asked for,
from motion features in main memory to pictures in main memory, as a decode does it. Whole files are timed as `vqcodec
encode` and `vqcodec decode` run, from the first call to the closed file: models loaded, H.264 written.

JSON: {"schema_version": 1, "conditions": {...}, "render": [{"size_px", "batch", "precision", "fps", "ms_per_batch",
"peak_mib", "backend"}], "files": {"frames", "encode_fps", "decode_fps", "backend"} or null}. Rates are medians of the
repeats. `fps` is null where the device's memory did not hold the batch; `peak_mib` is of a CUDA device, else null;
`encode_fps` is null for a .vqt.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.codec.codec import Codec
from vqcodec.config import Backend, BackendName, Device
from vqcodec.container import Reader
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.render_rate import (
    DTYPES,
    REPEATS,
    LoadRenderer,
    RenderRate,
    Scene,
    backends,
    checked_precisions,
    render_rate,
    ways,
)
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded
from vqcodec.geometry.basis import read_basis
from vqcodec.render.renderer import Renderer
from vqcodec.runtime.device import choose_device, inference_dtype
from vqcodec.stream.portrait_pictures import PortraitPictures
from vqcodec.stream.walk import posed_groups
from vqcodec.types import ModelId

SCHEMA_VERSION = 1
BATCHES = (1, 2, 4, 8, 16, 32, 64)
SIZES_PX = (256, 512)

Tick: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FileRates:
    """Frames per second of whole files; encode_fps is None when there was nothing to encode, `backend` ran the decode."""

    frames: int
    encode_fps: float | None
    decode_fps: float
    backend: str = "torch"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """All that was measured."""

    conditions: dict[str, Any]
    render: tuple[RenderRate, ...]
    files: FileRates | None

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields."""
        fields = {
            "schema_version": SCHEMA_VERSION,
            "conditions": self.conditions,
            "render": [asdict(rate) for rate in self.render],
            "files": None if self.files is None else asdict(self.files),
        }
        return {name: rounded(value) for name, value in fields.items()}


def read_scene(stream: Path, units: NDArray[np.float32]) -> Scene:
    """Portrait and poses of a .vqt file, those of its first key frame or shot.

    Raises:
        BitstreamError: it is damaged.
        MediaError: it holds no motion.
    """
    with stream.open("rb") as handle:
        groups = posed_groups(Reader(handle), units)
        first = next(groups, None)
        if first is None:
            raise MediaError(f"{stream} holds no motion")
        more = takewhile(lambda group: group.portrait is first.portrait, groups)
        poses = np.concatenate([first.features, *(group.features for group in more)])
    return Scene(PortraitPictures().picture(first.portrait), first.base, poses)


def file_rates(
    source: Path, folder: Path, device: Device, repeats: int, backend: BackendName
) -> tuple[FileRates, Path]:
    """Encode (unless it is a .vqt) and decode a file as the commands do, `repeats` times; also gives the .vqt.

    Raises:
        VqcodecError: whatever encode and decode raise.
    """
    stream, shown = source, folder / "decoded.mp4"
    encode_fps, decode_fps, frames = [], [], 0
    for _ in range(repeats):
        if source.suffix != ".vqt":
            stream, start_s = folder / "coded.vqt", time.perf_counter()
            frames = Codec(device=device).encode(source, stream, force=True).sizes.frames
            encode_fps.append(frames / (time.perf_counter() - start_s))
        start_s = time.perf_counter()
        frames = Codec(device=device, backend=backend).decode(stream, shown, force=True).frames
        decode_fps.append(frames / (time.perf_counter() - start_s))
    encode = float(np.median(encode_fps)) if encode_fps else None
    return FileRates(frames, encode, float(np.median(decode_fps)), backend), stream


def _units(stream: Path) -> tuple[NDArray[np.float32], ModelId]:
    """Quantizer units and identity of the motion space that a stream names."""
    from vqcodec.models import store

    with stream.open("rb") as handle:
        need = Reader(handle).head.motion_space
    model = store.find(need, "motion space")
    return read_basis(model.path).units, model.id


def _check(batches: Sequence[int], sizes_px: Sequence[int], repeats: int) -> None:
    sizes = set(sizes_px)
    if repeats < 1 or not batches or min(batches) < 1 or not sizes or not sizes <= set(SIZES_PX):
        raise UsageError(
            f"batches {list(batches)}, sizes {list(sizes_px)}, {repeats} repeats can't be measured",
            hint="Batches and repeats are 1 or more, sizes 256 and 512.",
        )


def benchmark(
    source: Path,
    *,
    device: Device = "auto",
    batches: Sequence[int] = BATCHES,
    sizes_px: Sequence[int] = SIZES_PX,
    precision: Sequence[str] = (),
    repeats: int = REPEATS,
    files: bool = True,
    backend: Backend = "auto",
    tick: Tick = lambda what: None,
    load: LoadRenderer = Renderer.load,
) -> Benchmark:
    """Measure this machine.

    Args:
        source: a video of a talking person, or a .vqt file.
        device: auto, cpu or cuda.
        batches: frames drawn at once, each >= 1.
        sizes_px: 256 and 512, or one of them.
        precision: of fp32, bf16, fp16, int8; none takes those that suit the device.
        repeats: rounds whose median counts, >= 1; whole files are timed at most three times.
        files: time whole files, too, in the backend that is best here.
        backend: of auto, torch, openvino; auto draws with all that are here.
        tick: called with what is measured next.
        load: makes the renderers.

    Raises:
        UsageError: a setting out of range.
        VqcodecError: whatever encode, decode and the models raise.
    """
    chosen = choose_device(device)
    names = checked_precisions(precision, chosen)
    _check(batches, sizes_px, repeats)
    libraries = backends(backend, chosen)
    with tempfile.TemporaryDirectory(prefix="vqcodec-benchmark-") as name:
        tick("files" if files else "coding the clip")
        if files or source.suffix != ".vqt":
            rounds = min(repeats, 3) if files else 1
            rates, stream = file_rates(source, Path(name), device, rounds, libraries[-1])
        else:
            rates, stream = None, source
        units, space = _units(stream)
        scene = read_scene(stream, units)
    found, model = [], ""
    for kind, library in ways(names, libraries):
        renderer = load(device=device, precision=DTYPES[kind], space=space, backend=library)
        model = str(renderer.id)
        for size_px in sizes_px:
            for batch in batches:
                tick(f"{library} {kind} {size_px} x{batch}")
                found.append(render_rate(renderer, scene, size_px, batch, kind, repeats=repeats))
    default = next(name for name, dtype in DTYPES.items() if dtype == inference_dtype(chosen))
    known = conditions(
        device=str(chosen),
        device_name=torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else None,
        threads=torch.get_num_threads(),
        default_precision=default,
        repeats=repeats,
        source=source.name,
        renderer=model,
        motion_space=str(space),
    )
    return Benchmark(known, tuple(found), rates if files else None)
