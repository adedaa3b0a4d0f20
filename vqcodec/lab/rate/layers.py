"""Coarse to fine: what 1, 2, 3 and 4 residual layers show (paper, "Coarse-to-Fine").

    python -m vqcodec.lab layers --data CORPUS [--out layers.json] [--clips N] [--every 10]

Each clip is coded once (portrait = first frame, whole picture). Its stream is cut to 1, 2, 3 and 4 layers as `vqcodec thin`
does it, and every few frames of each are rendered and measured, beside the still first frame.
"""

from __future__ import annotations

import io
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqcodec.container.thin import thin
from vqcodec.decoding.parts import DecoderParts
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.scores import Scores
from vqcodec.evaluation.metrics.suite import Suite
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, Picture, to_side
from vqcodec.evaluation.validate.record import mean_of
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.format import LAYERS
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.rate.layertable import SCORES, LayerRow, Layers, show
from vqcodec.lab.rate.rdo import MotionSetting, Tracked, code, rendered, track

EVERY = 10


@dataclass(frozen=True, slots=True)
class LayerStream:
    """A stream cut to so many layers, and the bytes of its motion."""

    layers: int
    data: bytes
    motion_bytes: int


def streams(tracked: Tracked, parts: EncoderParts) -> list[LayerStream]:
    """A tracked clip coded once, then cut: 1 to 4 layers."""
    data, _ = code(tracked, MotionSetting(0.0).setting(), parts.space, meter=parts.new_meter())
    cut = []
    for layers in range(1, LAYERS + 1):
        sink = io.BytesIO()
        sizes = thin(io.BytesIO(data), sink, layers)
        cut.append(LayerStream(layers, sink.getvalue(), sizes.motion))
    return cut


def source_squares(tracked: Tracked, every: int, side_px: int) -> Picture:
    """Every so many frames as the encoder saw them; one without a face repeats the one before.

    Raises:
        UsageError: there is no face in the first frame.
    """
    squares: list[Picture] = []
    for frame, _ in tracked.frames[::every]:
        if frame.face is not None:
            squares.append(to_side(frame.face.square, side_px))
        elif squares:
            squares.append(squares[-1])
        else:
            raise UsageError("no face in the first frame", hint="Leave this clip out.")
    return np.stack(squares)


def measure_clip(
    tracked: Tracked, encoder: EncoderParts, decoder: DecoderParts, suite: Suite, every: int
) -> list[tuple[float, Scores]]:
    """Motion rate in kbit/s and scores of one clip at 0 (the still first frame) to 4 layers."""
    squares = source_squares(tracked, every, METRIC_SIDE_PX)
    # the first frame is the portrait itself: a still picture would score 100 dB there
    reference = suite.reference(squares[1:])
    still = np.broadcast_to(squares[:1], reference.frames.shape)
    seconds = float(len(tracked.frames) / tracked.head.frame_rate_hz)
    found = {0: (0.0, suite.measure(reference, still).mean())}
    for stream in streams(tracked, encoder):
        shown = np.stack(list(rendered(stream.data, decoder, every))[1:])
        rate = stream.motion_bytes * 8 / seconds / 1000
        found[stream.layers] = (rate, suite.measure(reference, shown).mean())
    return [found[n] for n in range(LAYERS + 1)]


def measure(clips: Sequence[Path], every: int = EVERY) -> Layers:
    """Code and measure all clips.

    Args:
        clips: videos whose first frames show a face.
        every: measure every so many frames after the first.

    Raises:
        UsageError: `every` is below 1, or a clip has no more frames.
    """
    if every < 1:
        raise UsageError(f"every {every} frames is not a sampling step", hint="Choose 1 or more.")
    encoder = EncoderParts.load()
    decoder: DecoderParts | None = None
    found: list[list[tuple[float, Scores]]] = []
    with Suite(1) as suite:
        for clip in clips:
            tracked = track(clip, encoder)
            decoder = decoder or DecoderParts.load(tracked.head)
            if len(tracked.frames) <= every:
                raise UsageError(
                    f"{clip} has {len(tracked.frames)} frames: none to measure",
                    hint="Choose a smaller --every.",
                )
            found.append(measure_clip(tracked, encoder, decoder, suite, every))
    known = conditions(
        clips=len(clips),
        every=every,
        motion_space=str(encoder.space.id),
        renderer=str(decoder.renderer.id) if decoder else None,
    )
    return Layers(known, [_row(n, [clip[n] for clip in found]) for n in range(LAYERS + 1)])


def _row(layers: int, clips: Sequence[tuple[float, Scores]]) -> LayerRow:
    means: dict[str, float | None] = {
        name: mean_of([getattr(scores, name) for _, scores in clips]) for name in SCORES
    }
    return LayerRow(layers, mean_of([rate for rate, _ in clips]), means)


def _options(parser: ArgumentParser) -> None:
    clips_options(parser, every=EVERY)


def _job(options: Namespace) -> int:
    found = measure(validation_clips(options.data, options.clips), options.every)
    return publish(show(found), options.out, found.save)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("layers", _options, _job, arguments)
