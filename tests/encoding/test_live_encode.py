"""`encode --live` file to file with stand-in models."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.support.pipeline import decoder_parts, encoder_parts, write_swaying
from vqcodec.config import EncodeOptions
from vqcodec.container import Reader
from vqcodec.decoding.pipeline import decode
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import MediaError, NoFaceError, TruncatedError, UsageError
from vqcodec.types import MotionGroup


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_swaying(tmp_path_factory.mktemp("clip") / "clip.mp4", 60, sound=True)


def test_a_whole_file(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.vqt"
    report = encode(clip, target, EncodeOptions(live=True), parts=encoder_parts())
    with target.open("rb") as file:
        head = Reader(file).head
    assert head.delay_ms is not None and 1000 < head.delay_ms < 3000
    assert report.sizes.frames == 60 and report.key_frames == 1
    assert decode(target, io.BytesIO(), parts=decoder_parts()).frames == 60
    sizes = report.sizes
    whole = sizes.portrait + sizes.motion + sizes.audio + sizes.container
    assert whole == target.stat().st_size


def test_what_was_written_stays_when_the_input_breaks(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.vqt"

    def stop(event: object) -> None:
        if event.frames == 50:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(clip, target, EncodeOptions(live=True), progress=stop, parts=encoder_parts())
    assert list(tmp_path.iterdir()) == [target] and target.stat().st_size > 1000
    with target.open("rb") as file:
        items: list[object] = []
        with pytest.raises(TruncatedError):
            items.extend(Reader(file))
    assert sum(len(i.ticks) for i in items if isinstance(i, MotionGroup)) >= 30


def test_nobody_leaves_no_file(tmp_path: Path) -> None:
    path, target = tmp_path / "empty.mp4", tmp_path / "out.vqt"
    write_swaying(path, 30, size=4)
    with pytest.raises(NoFaceError):
        encode(path, target, EncodeOptions(live=True), parts=encoder_parts())
    assert not target.exists()
    target.write_bytes(b"precious")
    for source, error in ((path, NoFaceError), (tmp_path / "absent.mp4", MediaError)):
        with pytest.raises(error):
            encode(source, target, EncodeOptions(live=True), force=True, parts=encoder_parts())
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "more", [{"bitrate_kbps": 20}, {"effort": 1}, {"portrait_frame": Fraction(1)}]
)
def test_what_needs_looking_ahead_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="live"):
        EncodeOptions(live=True, **more)
