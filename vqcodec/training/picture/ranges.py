"""Ranges of the shipped renderer's layers, observed on training clips, for its graph in 8 bits.

    python -m vqcodec.training.picture.ranges CLIP... --name ranges-5 --out ranges-5.json [--every 10]

Each clip is coded at the default setting and drawn by torch in float32, as a decoder does; what convolutions take is looked at
in every so many frames. A layer's range holds `quantize.COVERED` of these values in each of them.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from vqcodec.config import AudioChoice, DecodeOptions, EncodeOptions, RuntimeOptions
from vqcodec.container import Reader
from vqcodec.decoding.parts import DecoderParts
from vqcodec.decoding.pipeline import decode_frames
from vqcodec.encoding.parts import EncoderParts
from vqcodec.encoding.pipeline import encode
from vqcodec.models import store
from vqcodec.render.renderer import Renderer
from vqcodec.runtime.quantize import range_of, wider

Found = dict[str, tuple[float, float]]
RUNTIME = RuntimeOptions(device="cpu", precision="fp32", batch_frames=1)


class Observer:
    """Looks at what a network's convolutions take.

    Args:
        net: any module.
        every: calls of which one is looked at, by layer.
    """

    def __init__(self, net: nn.Module, every: int) -> None:
        self.ranges: Found = {}
        self._every, self._calls = every, dict[str, int]()
        for name, layer in net.named_modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_pre_hook(lambda _, given, name=name: self._see(name, *given))

    def _see(self, layer: str, given: Tensor) -> None:
        calls = self._calls[layer] = self._calls.get(layer, -1) + 1
        if calls % self._every == 0:
            seen = range_of(given.detach().float().numpy())
            self.ranges[layer] = wider(self.ranges.get(layer, seen), seen)


def measure(clips: Sequence[Path], every: int) -> Found:
    """Ranges by layer.

    Raises:
        VqcodecError: whatever encode and decode raise.
    """
    encoder, seen = EncoderParts.load(RUNTIME), None
    for clip in clips:
        stream = io.BytesIO()
        encode(clip, stream, EncodeOptions(audio=AudioChoice("none")), parts=encoder)
        parts = DecoderParts.load(Reader(io.BytesIO(stream.getvalue())).head, RUNTIME)
        assert isinstance(parts.renderer, Renderer)
        observer = Observer(parts.renderer.net, every)
        for _ in decode_frames(
            io.BytesIO(stream.getvalue()), DecodeOptions(size_px=256), parts=parts
        ):
            pass
        seen = joined(seen or observer.ranges, observer.ranges)
    return seen or {}


def joined(first: Found, second: Found) -> Found:
    """Ranges that hold both; of layers that one lacks, the other's."""
    both = {**first, **second}
    return {
        layer: wider(first.get(layer, span), second.get(layer, span))
        for layer, span in both.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m vqcodec.training.picture.ranges")
    parser.add_argument("clips", type=Path, nargs="+", help="training clips")
    parser.add_argument("--name", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=10, help="look at every so many frames (10)")
    options = parser.parse_args(arguments)
    found = measure(options.clips, options.every)
    known = {
        "name": options.name,
        "renderer": store.current("renderer").id.sha256.hex(),
        "layers": {layer: [round(end, 5) for end in found[layer]] for layer in sorted(found)},
    }
    options.out.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
