"""Every row of the table of sounds is heard as loud as it should be, beside pictures and alone, and said to be strange."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.sounds import CLAIMS, ROWS, A, Odd
from tests.support.media import HZ
from vqcodec.errors import MediaError
from vqcodec.media.items import AudioBlock
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.sound.clock import ClockedSound
from vqcodec.media.sound.source import SoundSource


def loudness(blocks: list[AudioBlock]) -> float:
    samples = np.concatenate([block.samples for block in blocks]).astype(float)
    return float(np.sqrt((samples**2).mean() / (A.astype(float) ** 2).mean()))


def read(path: Path) -> tuple[list[AudioBlock], list[str], bool]:
    if path.suffix in (".wav", ".aiff", ".caf", ".w64", ".opus"):
        with SoundSource(path) as sound:
            return list(sound.blocks()), sound.remarks, sound.truncated
    with VideoSource(path, sound="decode") as video:
        blocks = [item for item in video.items() if isinstance(item, AudioBlock)]
        return blocks, video.remarks, video.truncated


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_strange_sound_is_heard_and_said(tmp_path: Path, row: Odd) -> None:
    path = tmp_path / row.name
    row.make(path)
    blocks, remarks, truncated = read(path)
    if row.loudness is None:
        assert not blocks
    elif blocks or row.loudness:
        assert loudness(blocks) == pytest.approx(row.loudness, abs=row.within)
        assert sum(len(b.samples) for b in blocks) / HZ == pytest.approx(row.sound_s, abs=0.05)
    assert len(remarks) == len(row.says), remarks
    assert all(words in told for words, told in zip(row.says, remarks, strict=True)), remarks
    assert truncated == row.truncated


def test_sound_alone_that_can_not_be_decoded_is_refused(tmp_path: Path) -> None:
    unknown = {row.name: row.make for row in ROWS if row.loudness is None}
    for name, make in (unknown | CLAIMS).items():
        make(tmp_path / name)
        with pytest.raises(MediaError, match="no sound that can be decoded"):
            SoundSource(tmp_path / name)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("form", ["fltp", "s16"])
def test_of_ambisonics_the_sound_from_everywhere_is_heard(order: int, form: str) -> None:
    channels, layout = (order + 1) ** 2, f"ambisonic {order}"
    samples = np.stack([A, *[-A] * (channels - 1)], 1).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
    frame.sample_rate = HZ
    if form != "s16":
        frame = av.AudioResampler(format=form, layout=layout, rate=HZ).resample(frame)[0]
    sound = ClockedSound(1)
    blocks = [*sound.push(frame, Fraction(0)), *sound.finish()]
    assert loudness(blocks) == pytest.approx(1.0, abs=0.01)
