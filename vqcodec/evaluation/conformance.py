"""Level B of bitstream_spec/conformance.md: how far pictures made here lie from the reference frames.

    vqcodec conformance [bitstream_spec/vectors/level_b] [--json]

Renders the frames with 1, 2 and 4 threads, singly and in batches, in three precisions, on the CPU and on CUDA where there
is one, with OpenVINO where it is installed, and compares them with the stored ones. Exits with 1 where one lies outside the
tolerance.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image, features

from vqcodec.codec.tokens import TokenSequence
from vqcodec.container import Reader
from vqcodec.decoding.pictures import Painter
from vqcodec.decoding.portraits import PortraitStates
from vqcodec.decoding.window import Pose
from vqcodec.errors import MediaError, UnsupportedError
from vqcodec.evaluation.render_setting import (
    PRECISIONS,
    Setting,
    threads,
)
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.render.renderer import Renderer
from vqcodec.render.sampling import GridSampler
from vqcodec.stream.portraits import shot_of
from vqcodec.stream.walk import poses
from vqcodec.types import ModelId

SAME_DB = 99.0
"""Stands for the infinite PSNR of equal pictures."""
LARGE_DIFFERENCE = 8


@dataclass(frozen=True, slots=True)
class ReferenceFrame:
    """A picture that others must come close to.

    Attributes:
        stream: name of the stream it belongs to.
        frame: its number in the stream, from 0.
        rgb: (size, size, 3) uint8.
    """

    stream: str
    frame: int
    rgb: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class References:
    """The folder level_b.

    Attributes:
        renderer: whose pictures they are.
        motion_space: of the streams.
        streams: the .vqt bytes by name.
        frames: the pictures.
    """

    renderer: ModelId
    motion_space: ModelId
    streams: dict[str, bytes]
    frames: list[ReferenceFrame]

    @classmethod
    def load(cls, folder: Path) -> References:
        """Read and check the folder.

        Raises:
            MediaError: a file is missing, or isn't the one that expected.json describes.
        """
        try:
            expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
            streams, frames = {}, []
            for name, stream in expected["streams"].items():
                streams[name] = (folder / f"{name}.vqt").read_bytes()
                _check(
                    hashlib.sha256(streams[name]).hexdigest() == stream["sha256"],
                    folder / f"{name}.vqt",
                )
                for frame in stream["frames"]:
                    rgb = np.array(Image.open(folder / frame["file"]).convert("RGB"))
                    _check(
                        hashlib.sha256(rgb.tobytes()).hexdigest() == frame["rgb_sha256"],
                        folder / frame["file"],
                    )
                    frames.append(ReferenceFrame(name, frame["frame"], rgb))
        except (OSError, KeyError, ValueError) as error:
            raise MediaError(
                f"the reference frames in {folder} can't be read: {error}",
                hint="python bitstream_spec/vectors/level_b.py makes them",
            ) from error
        named = (expected[kind] for kind in ("renderer", "motion_space"))
        models = [ModelId(model["name"], bytes.fromhex(model["sha256"])) for model in named]
        return cls(models[0], models[1], streams, frames)

    def check_renderer(self, renderer: ModelId) -> None:
        """Refuse to compare the pictures of one renderer with those of another.

        Raises:
            UnsupportedError: says which two they are.
        """
        if renderer.sha256 != self.renderer.sha256:
            raise UnsupportedError(
                f"the reference frames are of renderer {self.renderer}, the shipped one is {renderer}",
                hint="python bitstream_spec/vectors/level_b.py makes them again, in one step",
            )


def _check(same: bool, path: Path) -> None:
    if not same:
        raise MediaError(
            f"{path} is not the file that expected.json describes",
            hint="python bitstream_spec/vectors/level_b.py makes them again",
        )


def portraits(stream: bytes) -> list[NDArray[np.uint8]]:
    """The portraits of a stream, (512, 512, 3) uint8 RGB each."""
    return [portrait.rgb for portrait in TokenSequence.read(stream).portraits]


def picture(
    renderer: Renderer,
    stream: bytes,
    units: NDArray[np.float32],
    frame: int,
    size_px: int,
    batch_frames: int = 1,
) -> NDArray[np.uint8]:
    """One frame of a stream, rendered among its neighbours of the same key frame or shot.

    Returns:
        (size_px, size_px, 3) uint8 RGB.
    """
    reader = Reader(io.BytesIO(stream))
    every = list(poses(reader, units))
    shot = shot_of(every[frame].shown.portrait)
    together = [i for i, pose in enumerate(every) if shot_of(pose.shown.portrait) is shot]
    start = max(min(together.index(frame) - batch_frames // 2, len(together) - batch_frames), 0)
    numbers = together[start : start + batch_frames]
    states = PortraitStates(renderer, units, reader.head.coded_size_px)
    neighbours = [Pose(Fraction(0), every[i].shown, every[i].features) for i in numbers]
    return Painter(states, renderer, size_px).pictures(neighbours)[numbers.index(frame)]


def compare(reference: NDArray[np.uint8], other: NDArray[np.uint8]) -> tuple[float, float]:
    """PSNR in dB, and the share of samples that differ by more than 8 of 255."""
    difference = np.abs(reference.astype(np.int64) - other)
    error = float((difference**2).mean())
    psnr_db = min(-10 * float(np.log10(error / 255**2)), SAME_DB) if error else SAME_DB
    return psnr_db, float((difference > LARGE_DIFFERENCE).mean())


def measure(
    references: References, setting: Setting, *, frames: list[ReferenceFrame] | None = None
) -> dict[str, Any]:
    """Render the frames in one way.

    Returns:
        The setting, `min_psnr_db` and `max_share` over the frames, `frames`, and `within`: whether all are in the tolerance.

    Raises:
        UnsupportedError: the reference frames are of another renderer than the shipped one.
        RuntimeError: this machine has no such way.
    """
    renderer = Renderer.load(
        device=setting.device,
        space=references.motion_space,
        precision=PRECISIONS[setting.precision],
        backend=setting.backend,
    )
    references.check_renderer(renderer.id)
    if setting.gpu_sampling:
        renderer._sampler = GridSampler()
    with threads(setting.threads):
        found = [
            compare(
                wanted.rgb,
                picture(
                    renderer,
                    references.streams[wanted.stream],
                    renderer.basis.units,
                    wanted.frame,
                    wanted.rgb.shape[0],
                    setting.batch_frames,
                ),
            )
            for wanted in frames or references.frames
        ]
    psnr_db, share = min(psnr for psnr, _ in found), max(share for _, share in found)
    within = psnr_db >= setting.tolerance.min_psnr_db and share <= setting.tolerance.max_share
    return asdict(setting) | {
        "frames": len(found),
        "min_psnr_db": round(psnr_db, 2),
        "max_share": share,
        "within": within,
    }


def versions() -> dict[str, Any]:
    """Conditions with the still's decoder, which is part of the picture."""
    found = conditions()
    found["versions"] |= {"pillow": PIL.__version__, "libavif": features.version("avif")}
    return found


def measured(references: References, chosen: list[Setting]) -> Iterator[dict[str, Any]]:
    """Results one by one; a setting that this machine lacks gives {"skipped": why} beside the setting."""
    for setting in chosen:
        if setting.device == "cuda" and not torch.cuda.is_available():
            yield asdict(setting) | {"skipped": "there is no CUDA device"}
            continue
        try:
            yield measure(references, setting)
        except RuntimeError as error:
            yield asdict(setting) | {"skipped": str(error).splitlines()[0]}


def line(result: dict[str, Any]) -> str:
    """A result for people."""
    how = f"{result['device']:4s} {result['precision']:8s} {result['threads']} threads, batches of {result['batch_frames']:2d}"
    how += ", sampling of a GPU" if result["gpu_sampling"] else ""
    how += ": " if result["backend"] == "torch" else f", {result['backend']}: "
    if "skipped" in result:
        return f"{how}skipped, {result['skipped']}"
    verdict = "within" if result["within"] else "OUTSIDE"
    return f"{how}{result['min_psnr_db']:.2f} dB or more, at most {100 * result['max_share']:.4f} % off by more than 8: {verdict}"
