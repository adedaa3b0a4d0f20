"""vqcodec: talking-head video at the rate of a modem.

    import vqcodec
    report = vqcodec.encode("in.mp4", "out.vqt")
    vqcodec.decode("out.vqt", "back.mp4")
    vqcodec.dub("speech.wav", "portrait.png", "talking.mp4")
    vqcodec.info("out.vqt")["file_kbps"]

    codec = vqcodec.Codec(device="cpu")                             # models are loaded once, for any number of calls
    data = codec.encode(vqcodec.Frames(pictures, rate_hz=25)).data  # (N, H, W, 3) uint8 -> the bytes of a .vqt
    tokens = codec.tokens(data)                                     # tokens (T, 12, 4), times, portraits
    frames = codec.render(tokens)                                   # (T, 512, 512, 3), as decoding shows them

Names are loaded on first use: `import vqcodec` and `vqcodec.info` don't import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqcodec.api import Codec, OpenStream, decode, dub, encode, info, open, thin, thumb, verify
    from vqcodec.codec.look import Verified
    from vqcodec.codec.portraits import CodedPortrait
    from vqcodec.codec.tokens import TokenSequence
    from vqcodec.config import AudioChoice, DecodeOptions, DubOptions, EncodeOptions, SquareCrop
    from vqcodec.container import Reader, Writer
    from vqcodec.errors import VqcodecError
    from vqcodec.media.picture.frames import Frames
    from vqcodec.progress import ProgressEvent
    from vqcodec.reports import DecodeReport, DubReport, EncodeReport
    from vqcodec.stream.portraits import StreamPortrait
    from vqcodec.types import (
        AudioGroup,
        AudioHead,
        Crop,
        Head,
        KeyFrame,
        ModelId,
        MotionGroup,
        PortraitRun,
        PortraitUnit,
        StreamSizes,
        VideoFrame,
    )

__version__ = "0.1.0"
__all__ = [
    "AudioChoice",
    "AudioGroup",
    "AudioHead",
    "Codec",
    "CodedPortrait",
    "Crop",
    "DecodeOptions",
    "DecodeReport",
    "DubOptions",
    "DubReport",
    "EncodeOptions",
    "EncodeReport",
    "Frames",
    "Head",
    "KeyFrame",
    "ModelId",
    "MotionGroup",
    "OpenStream",
    "PortraitRun",
    "PortraitUnit",
    "ProgressEvent",
    "Reader",
    "SquareCrop",
    "StreamPortrait",
    "StreamSizes",
    "TokenSequence",
    "Verified",
    "VideoFrame",
    "VqcodecError",
    "Writer",
    "__version__",
    "decode",
    "dub",
    "encode",
    "info",
    "open",
    "thin",
    "thumb",
    "verify",
]

_HOMES = {
    "vqcodec.api": ("decode", "dub", "encode", "info", "open", "thin", "thumb", "verify"),
    "vqcodec.codec.codec": ("Codec",),
    "vqcodec.codec.look": ("Verified",),
    "vqcodec.codec.opened": ("OpenStream",),
    "vqcodec.codec.portraits": ("CodedPortrait",),
    "vqcodec.codec.tokens": ("TokenSequence",),
    "vqcodec.media.picture.frames": ("Frames",),
    "vqcodec.container": ("Reader", "Writer"),
    "vqcodec.config": ("AudioChoice", "DecodeOptions", "DubOptions", "EncodeOptions", "SquareCrop"),
    "vqcodec.reports": ("DecodeReport", "DubReport", "EncodeReport"),
    "vqcodec.stream.portraits": ("StreamPortrait",),
    "vqcodec.errors": ("VqcodecError",),
    "vqcodec.types": (
        "AudioGroup",
        "AudioHead",
        "Crop",
        "Head",
        "KeyFrame",
        "ModelId",
        "MotionGroup",
        "PortraitRun",
        "PortraitUnit",
        "StreamSizes",
        "VideoFrame",
    ),
    "vqcodec.progress": ("ProgressEvent",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(importlib.import_module(home), name)
            return value
    raise AttributeError(f"module 'vqcodec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
