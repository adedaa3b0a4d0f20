"""Is the picture sharp where the source was sharp? Eyes, mouth and hair edge of 512x512 clips at 1:1, source beside decoded.

    python -m vqcodec.lab crops CORPUS OUT_FOLDER [--clips N] [--coded FOLDER] [--force]

Of every clip of at least 512x512 two frames are shown: the one with the widest open mouth and the one whose head is turned
farthest from the portrait (the first frame). Writes CLIP-crops.png for each clip and all.png with all of them. The number
beside a row is the contrast of the finest details there, decoded over source (standard deviation of the Laplacian): 1 is as
sharp, below 1 softer. The sheets hold the clips' pictures: keep them out of any repository, unless the clips
are yours to publish.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions, Device, EncodeOptions
from vqcodec.container import Reader
from vqcodec.errors import MediaError, OutputExistsError, UsageError
from vqcodec.evaluation.tools.frames import Follower, Picture, coded_square
from vqcodec.evaluation.validate.roundtrip import MeasuredCodec, PublicApi
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.face.keyframes import pose_distance
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import CODED_SIZE_PX, LAYERS
from vqcodec.geometry.openings import lip_gap_per_mouth_width
from vqcodec.lab.command import perform, publish
from vqcodec.lab.faces.cropsheet import CROPS, CropRow, Moment, compose, grid, rows
from vqcodec.lab.rate.layersheet import write_sheet
from vqcodec.media.picture.source import VideoSource
from vqcodec.types import Crop, VideoFrame

EVERY = 3
"""Every so many frames are looked at for the two."""
_LEAD_S, _TAIL_S = (
    Fraction(4, 5),
    Fraction(2, 5),
)  # decoded around a frame, so that H.264 is at its usual quality there


def moments(
    clip: Path, crop: Crop | None, landmarker: FaceLandmarker, every: int = EVERY
) -> list[Moment]:
    """The two frames of a clip that ask most of the codec.

    Raises:
        MediaError: no face is seen in the clip, or it can't be read.
    """
    first: NDArray[np.float32] | None = None
    best: dict[str, tuple[float, Moment]] = {}
    with VideoSource(str(clip)) as video:
        for number, frame in enumerate(video):
            if number % every:
                continue
            square = coded_square(frame.rgb, crop, CODED_SIZE_PX)
            if (seen := landmarker.largest(square)) is None:
                continue
            first = seen.points if first is None else first
            scores = {
                "widest mouth": lip_gap_per_mouth_width(seen.points),
                "farthest pose": pose_distance(first, seen.points)[0],
            }
            for why, score in scores.items():
                if why not in best or score > best[why][0]:
                    best[why] = score, Moment(why, frame.time_s, square, seen.points)
    if not best:
        raise MediaError(f"no face is seen in {clip.name}", hint="Leave this clip out.")
    return [moment for _, moment in best.values()]


def decoded_at(
    stream: Path, time_s: Fraction, folder: Path, codec: MeasuredCodec, device: Device = "auto"
) -> Picture:
    """The frame of a .vqt nearest to a time, from a short piece decoded to a video as a user would see it.

    Raises:
        VqcodecError: whatever decode raises.
    """
    start_s, shown = max(time_s - _LEAD_S, Fraction(0)), folder / "piece.mp4"
    codec.decode(
        stream,
        shown,
        DecodeOptions(start_s=start_s, end_s=time_s + _TAIL_S),
    )
    with VideoSource(str(shown)) as video:
        found = Follower(iter(video)).at(
            VideoFrame(np.zeros((1, 1, 3), np.uint8), time_s - start_s)
        )
    if found is None:
        raise MediaError(f"{stream.name} shows nothing at {float(time_s):.2f} s")
    return found.rgb


def clip_rows(
    clip: Path,
    landmarker: FaceLandmarker,
    folder: Path,
    *,
    stream: Path | None = None,
    codec: MeasuredCodec | None = None,
    layers: int = LAYERS,
    device: Device = "auto",
) -> list[CropRow]:
    """Encode a clip as a validation does, unless its stream is there, decode round its two frames and cut the crops.

    Raises:
        VqcodecError: whatever encode and decode raise; MediaError without a face.
    """
    codec = codec or PublicApi(device)
    if stream is None or not stream.is_file():
        stream = folder / f"{clip.stem}.vqt"
        codec.encode(
            clip,
            stream,
            EncodeOptions(
                layers=layers,
                portrait_frame="first",
                crop="full",
            ),
        )
    with stream.open("rb") as handle:
        crop = Reader(handle).head.crop
    found: list[CropRow] = []
    for moment in moments(clip, crop, landmarker):
        found += rows(moment, decoded_at(stream, moment.time_s, folder, codec, device))
    return found


def large(clip: Path) -> bool:
    """Whether a clip's shorter side has at least 512 pixels."""
    with VideoSource(str(clip)) as video:
        frame = next(iter(video), None)
    return frame is not None and min(frame.rgb.shape[:2]) >= CODED_SIZE_PX


def crop_sheets(
    clips: Sequence[Path],
    target: Path,
    *,
    coded: Path | None = None,
    codec: MeasuredCodec | None = None,
    layers: int = LAYERS,
    device: Device = "auto",
    force: bool = False,
) -> dict[str, list[CropRow]]:
    """Write the sheets of all clips of at least 512x512 into a folder.

    Args:
        clips: videos.
        target: folder for CLIP-crops.png and all.png; made if need be.
        coded: folder with CLIP-LAYERS.vqt of `validate --keep`; what is not there is encoded.
        codec: what to look at; the public interface by default.
        layers: residual layers.
        device: where networks run.
        force: replace existing sheets.

    Returns:
        The rows by clip.

    Raises:
        OutputExistsError: a sheet is there already; before anything is coded.
        UsageError: no clip is large enough.
        VqcodecError: whatever encode and decode raise.
    """
    wanted = [clip for clip in clips if large(clip)]
    if not wanted:
        raise UsageError(
            f"none of the {len(clips)} clips has {CODED_SIZE_PX}x{CODED_SIZE_PX} pixels"
        )
    names = {clip.stem: target / f"{clip.stem}-crops.png" for clip in wanted}
    for path in (*names.values(), target / "all.png"):
        if path.exists() and not force:
            raise OutputExistsError(
                f"{path} exists", hint="Choose another folder, or pass --force to replace it."
            )
    target.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[CropRow]] = {}
    with (
        FaceLandmarker() as landmarker,
        tempfile.TemporaryDirectory(prefix="vqcodec-crops-") as folder,
    ):
        for clip in wanted:
            stream = None if coded is None else coded / f"{clip.stem}-{layers}.vqt"
            found[clip.stem] = clip_rows(
                clip,
                landmarker,
                Path(folder),
                stream=stream,
                codec=codec,
                layers=layers,
                device=device,
            )
            write_sheet(compose(clip.stem, found[clip.stem]), names[clip.stem], force=force)
    write_sheet(
        grid([compose(name, lines) for name, lines in found.items()]),
        target / "all.png",
        force=force,
    )
    return found


def report(found: dict[str, list[CropRow]]) -> str:
    """The contrast of fine details by clip and part, and its means, as text."""
    lines = [
        f"{'':<8}" + "".join(f"{part:>12}" for part in CROPS) + "   detail, decoded over source"
    ]
    means = {
        name: [float(np.mean([r.detail for r in clip if r.part == part])) for part in CROPS]
        for name, clip in found.items()
    }
    means["mean"] = [float(m) for m in np.mean(list(means.values()), axis=0)]
    return "\n".join(
        [
            *lines,
            *(
                f"{name:<8}" + "".join(f"{value:>12.2f}" for value in row)
                for name, row in means.items()
            ),
        ]
    )


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="CORPUS", help="as --data elsewhere")
    parser.add_argument(
        "out",
        type=Path,
        help="folder for the sheets; they show the clips, so no folder of a repository",
    )
    parser.add_argument("--clips", type=int, help="look at so many, evenly spread (all)")
    parser.add_argument(
        "--coded", type=Path, help="folder of validate --keep: its .vqt files are used"
    )
    parser.add_argument(
        "--layers",
        type=int,
        choices=range(1, LAYERS + 1),
        default=LAYERS,
        help="residual layers (4)",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--force", action="store_true", help="replace existing sheets")


def _job(options: Namespace, codec: MeasuredCodec | None) -> int:
    found = crop_sheets(
        validation_clips(options.data, options.clips),
        options.out,
        coded=options.coded,
        codec=codec,
        layers=options.layers,
        device=options.device,
        force=options.force,
    )
    return publish(report(found))


def main(arguments: Sequence[str] | None = None, codec: MeasuredCodec | None = None) -> int:
    """The command; returns its exit code."""
    return perform("crops", _options, lambda options: _job(options, codec), arguments)
