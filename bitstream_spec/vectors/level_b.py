"""Makes level_b/, five streams of drawn faces with reference frames, in one step: python bitstream_spec/vectors/level_b.py

Run it by hand after the shipped renderer, the motion space or the entropy tables have changed. It needs scipy (for
sample_media/puppet) beside vqcodec. Same packages, same bytes; other versions of MediaPipe or PyAV see a face a little
differently, so the streams are stored.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = HERE / "level_b"
sys.path[:0] = [str(ROOT), str(ROOT / "sample_media")]

from puppet import Pose, Puppet  # noqa: E402

import vqcodec  # noqa: E402
from vqcodec.config import AudioChoice  # noqa: E402
from vqcodec.container import verify  # noqa: E402
from vqcodec.evaluation import conformance, render_setting  # noqa: E402
from vqcodec.face.landmarks import FaceLandmarker  # noqa: E402
from vqcodec.models import store  # noqa: E402
from vqcodec.render.renderer import Renderer  # noqa: E402

RGB = NDArray[np.uint8]
FRAMES = 24
MADE_WITH = ("torch", "numpy", "opencv-python", "av", "mediapipe", "pillow", "libavif")


@dataclass(frozen=True)
class Recipe:
    """A stream.

    Attributes:
        about: what is special about it.
        frames: the pictures to encode.
        pictures: (frame number, side in pixels) of the reference frames.
        layers: residual layers.
        frame_rate_hz: of the recording.
    """

    about: str
    frames: Callable[[], list[RGB]]
    pictures: list[tuple[int, int]]
    layers: int = 4
    frame_rate_hz: Fraction = field(default=Fraction(25))


def clip(start: int) -> list[RGB]:
    """A second of talking.mp4."""
    with av.open(str(ROOT / "sample_media" / "talking.mp4")) as source:
        frames = islice(source.decode(video=0), start, start + FRAMES)
        return [frame.to_ndarray(format="rgb24") for frame in frames]


def puppet() -> Puppet:
    """The portrait as a puppet."""
    canvas = cv2.resize(
        np.array(Image.open(ROOT / "sample_media" / "portrait.png").convert("RGB")),
        (1024, 1024),
        interpolation=cv2.INTER_CUBIC,
    )
    with FaceLandmarker() as landmarker:
        face = landmarker.largest(canvas)
    assert face is not None
    return Puppet(canvas, face.points)


def act(reach: float, count: int = FRAMES, side_px: int = 512) -> list[RGB]:
    """Turning, nodding, blinking and speaking, `reach` times as far as people commonly do."""
    doll = puppet()
    turn = [reach * np.sin(2 * np.pi * t / count) for t in range(count)]
    return [
        doll.render(
            Pose(
                gap=0.02 + 0.06 * abs(s),
                narrow=0.5 * s,
                lids=min(max(s - 0.2, 0), 1),
                brow=0.6 * s,
                gaze=(0.4 * s, 0.2 * s),
                yaw_rad=0.18 * s,
                pitch_rad=0.07 * s,
                roll_rad=-0.08 * s,
                shift=(0.01 * s, 0.0),
                scale=1 + 0.02 * s,
            ),
            side_px,
        )
        for s in map(float, turn)
    ]


def two_people() -> list[RGB]:
    """A cut to the mirrored portrait in another light."""
    frames = act(0.7)
    other = [
        np.ascontiguousarray((frame[:, ::-1] * np.array([0.7, 0.8, 0.95])).astype(np.uint8))
        for frame in frames
    ]
    return frames[: FRAMES // 2] + other[FRAMES // 2 :]


def off_centre() -> list[RGB]:
    """A face in the corner of a picture of 799 x 601 pixels."""
    slope = (
        np.linspace(40, 120, 799)[None, :, None]
        + np.linspace(0, 60, 601)[:, None, None]
        + np.array([0, 10, 25])
    )
    wide = []
    for frame in act(0.8, side_px=441):
        picture = slope.astype(np.uint8)
        picture[-441:, -441:] = frame
        wide.append(picture)
    return wide


RECIPES = {
    "talking": Recipe(
        "a second of sample_media/talking.mp4, 4 layers", lambda: clip(40), [(12, 512)]
    ),
    "layers-2": Recipe(
        "another one in 2 layers", lambda: clip(120), [(5, 256), (20, 256)], layers=2
    ),
    "two-portraits": Recipe(
        "a cut: a portrait for each of two people", two_people, [(8, 256), (18, 256)]
    ),
    "odd-source": Recipe(
        "799 x 601 pixels, 29.97 frames a second, the face in a corner",
        off_centre,
        [(17, 512)],
        frame_rate_hz=Fraction(30_000, 1001),
    ),
    "extreme": Recipe(
        "motion twice as far as people commonly move",
        lambda: act(2.2),
        [(6, 512), (19, 256)],
        layers=4,
    ),
}


def recording(frames: list[RGB], frame_rate_hz: Fraction, path: Path) -> None:
    """A lossless video (FFV1), so that no other coder has a say."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=frame_rate_hz)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = number, 1 / frame_rate_hz
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def encoded(recipe: Recipe) -> bytes:
    """What `vqcodec encode` makes of it, with a coarse portrait (its noise would fill the reference pictures)."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.mkv"
        recording(recipe.frames(), recipe.frame_rate_hz, source)
        options = vqcodec.EncodeOptions(
            layers=recipe.layers, audio=AudioChoice("none"), portrait_quality=35
        )
        data = vqcodec.Codec(device="cpu").encode(source, options=options).data
    assert data is not None
    return data


def described(
    name: str, recipe: Recipe, renderer: Renderer, files: dict[str, bytes]
) -> dict[str, object]:
    """Add a stream and its reference frames to `files`; returns the entry of expected.json."""
    stream = files[f"{name}.vqt"] = encoded(recipe)
    frames = []
    for number, size_px in recipe.pictures:
        rgb = conformance.picture(renderer, stream, renderer.basis.units, number, size_px)
        buffer = io.BytesIO()
        Image.fromarray(rgb).save(buffer, "WEBP", lossless=True, exact=True, quality=100, method=6)
        file = f"{name}-{number}-{size_px}.webp"
        files[file] = buffer.getvalue()
        frames.append(
            {"frame": number, "size_px": size_px, "file": file, "rgb_sha256": sha256(rgb.tobytes())}
        )
    return {
        "about": recipe.about,
        "sha256": sha256(stream),
        "token_sha256": verify(io.BytesIO(stream)).token_sha256,
        "stills_rgb_sha256": [sha256(rgb.tobytes()) for rgb in conformance.portraits(stream)],
        "frames": frames,
    }


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    """Write the folder anew."""
    setting = render_setting.REFERENCE_SETTING
    renderer = Renderer.load(
        device=setting.device,
        space=store.current("motion_space").id,
        precision=render_setting.PRECISIONS[setting.precision],
    )
    files: dict[str, bytes] = {}
    with render_setting.threads(setting.threads):
        streams = {
            name: described(name, recipe, renderer, files) for name, recipe in RECIPES.items()
        }
    found = conformance.versions()["versions"]
    expected = {
        "renderer": identity(store.current("renderer")),
        "motion_space": identity(store.current("motion_space")),
        "made_with": asdict(setting) | {name: found[name] for name in MADE_WITH},
        "streams": streams,
        "tolerance": {
            f"{bits} bits": asdict(allowed) for bits, allowed in render_setting.TOLERANCES.items()
        },
    }
    files["expected.json"] = (json.dumps(expected, indent=1) + "\n").encode()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for file, data in files.items():
        (FOLDER / file).write_bytes(data)
    print(f"{len(streams)} streams, {sum(map(len, files.values()))} bytes")


def identity(model: store.ModelFile) -> dict[str, str]:
    """Name and hash of a model."""
    return {"name": model.id.name, "sha256": model.id.sha256.hex()}


if __name__ == "__main__":
    main()
