"""A field in whole files: with stand-ins, live, and with the shipped models on a real face."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.encoded import coded, stream
from tests.support.field import STILL, smooth_basis
from tests.support.pipeline import FakeSpace, encoder_parts, write_swaying
from tests.support.sample import write_video
from vqcodec.codec.codec import Codec
from vqcodec.codec.tokens import TokenSequence
from vqcodec.config import AudioChoice, EncodeOptions
from vqcodec.encoding.field import FieldMeter
from vqcodec.encoding.parts import EncoderParts
from vqcodec.format import DIMS, GROUP_DIMS, GROUPS, from_indices, to_indices
from vqcodec.geometry.layout import MOTION_2, SURROUND_DIMS, Layout
from vqcodec.media.picture.source import VideoSource
from vqcodec.models import store
from vqcodec.types import PortraitUnit

FRAMES = 20
BASIS = smooth_basis()
LAYOUT = Layout(SURROUND_DIMS, MOTION_2.learned, len(BASIS.components))


class FieldSpace(FakeSpace):
    """Features without a field, as a motion space gives them."""

    def features(self, *args: Any) -> NDArray[np.float32]:
        found = super().features(*args)
        found[:, LAYOUT.field_span] = 0
        return found


class NoFlow:
    """Says that nothing moves."""

    def prepare(self, square: NDArray[np.uint8], features: NDArray[np.float32]) -> None:
        assert square.shape == (256, 256, 3) and features.shape == (LAYOUT.dims,)

    def flow(
        self, state: None, features: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return STILL, np.ones(STILL.shape[:2], np.float32)


def parts(*, measured: bool = True) -> EncoderParts:
    space = FieldSpace(units=np.full(LAYOUT.dims, 0.25, np.float32), layout=LAYOUT)
    meter = FieldMeter(BASIS, NoFlow(), LAYOUT)
    return replace(encoder_parts(space), meter=lambda: meter if measured else None)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_swaying(tmp_path_factory.mktemp("clip") / "clip.mp4", 40)


def field_values(data: bytes) -> NDArray[np.int16]:
    """(T, K) whole units of the frames' tokens."""
    return from_indices(TokenSequence.read(data).tokens)[:, DIMS:]


@pytest.mark.parametrize("options", [{}, {"bitrate_kbps": 40}, {"live": True}, {"refs": 3}])
def test_every_way_to_encode_tells_the_field(clip: Path, options: dict[str, Any]) -> None:
    data = coded(clip, EncodeOptions(**options), parts())
    head = stream(data).head
    assert head.groups == LAYOUT.dims // GROUP_DIMS and head.version == (2, 0)
    portraits = [item for item in stream(data) if isinstance(item, PortraitUnit)]
    assert all(item.features.shape == (LAYOUT.dims,) for item in portraits)
    assert not portraits[0].features[DIMS:].any(), "the first portrait is where it is"
    assert np.ptp(field_values(data), axis=0).max() > 2  # the drawn face sways in its square
    assert coded(clip, EncodeOptions(**options), parts()) == data
    untold = coded(clip, EncodeOptions(**options), parts(measured=False))
    assert not field_values(untold).any()


# --- with the shipped models ---


@pytest.fixture(scope="module")
def pictures(sample_clip: Path) -> NDArray[np.uint8]:
    """Frames of the sample in which the head moves."""
    with VideoSource(sample_clip) as source:
        return np.stack([item.rgb for item in islice(source, 40, 40 + FRAMES)])


@pytest.fixture(scope="module")
def talking(pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("short") / "short.mkv", list(pictures))


def without_field(tokens: TokenSequence) -> TokenSequence:
    """The same frames, as if their field were that of portrait 0."""
    still = to_indices(np.zeros((1, tokens.head.dims), np.int16))[0, GROUPS:]
    cut = tokens.tokens.copy()
    cut[:, GROUPS:] = still[:, : cut.shape[2]]
    return replace(tokens, tokens=cut)


def test_a_real_field_brings_pictures_nearer(talking: Path, pictures: NDArray[np.uint8]) -> None:
    codec = Codec(device="cpu")
    options = EncodeOptions(refs=1, portrait_frame="first", crop="full", audio=AudioChoice("none"))
    tokens = codec.tokens(talking, options)
    assert tokens.head.motion_space == store.current("motion_space").id
    assert tokens.head.groups > GROUPS and field_values(tokens.to_bytes()).any()
    source = pictures.reshape(FRAMES, 256, 2, 256, 2, 3).mean((2, 4))

    def psnr_db(sequence: TokenSequence) -> float:
        shown = codec.render(TokenSequence.read(sequence.to_bytes()), size_px=256)
        return float(10 * np.log10(255**2 / ((shown - source) ** 2).mean()))

    told, untold = psnr_db(tokens), psnr_db(without_field(tokens))
    assert told > untold + 0.1


def test_live_tells_it_too(talking: Path) -> None:
    sink = io.BytesIO()
    codec = Codec(device="cpu")
    codec.encode(talking, sink, EncodeOptions(live=True, audio=AudioChoice("none")))
    assert field_values(sink.getvalue()).any()


def test_motion_2_streams_are_still_made_and_shown(talking: Path) -> None:
    plain = EncoderParts.load().plain("cpu")
    assert plain.space.id == store.plain_motion_space().id and plain.new_meter() is None
    assert plain.plain() is plain
    data = coded(talking, EncodeOptions(audio=AudioChoice("none")), plain)
    head = stream(data).head
    assert head.groups == GROUPS and head.motion_space == plain.space.id
    with Codec(device="cpu").open(data) as opened:
        assert sum(1 for _ in opened.frames(size_px=256)) == FRAMES
