"""`vqcodec decode` of a stream of major version 2 with the shipped weights, as a process."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import vqcodec
from tests.conftest import Cli
from tests.support.pipeline import read_video
from vqcodec.media.still.portrait_coder import PortraitCoder

Pictures = NDArray[np.uint8]
RUNS = (
    vqcodec.PortraitRun(3, 0),
    vqcodec.PortraitRun(3, 0, other=1),
    vqcodec.PortraitRun(2, 1, other=0, weight=8),
    vqcodec.PortraitRun(4, 1),
)
FRAMES = sum(run.frames for run in RUNS)


@pytest.fixture(scope="module")
def sequence(sample_clip: Path) -> vqcodec.TokenSequence:
    """The pose of the sample's frame 20, shown from its own picture, from frame 31's, and from both."""
    with av.open(str(sample_clip)) as source:
        every = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    codec, coder = vqcodec.Codec(device="cpu"), PortraitCoder(20, preset=10)
    measured = [codec.portrait(every[number].astype(np.uint8)) for number in (20, 31)]
    units = [coder.add(portrait.rgb) for portrait in measured]
    coder.close()
    path: tuple[vqcodec.PortraitUnit, ...] = ()
    portraits = []
    for number, (coded, portrait) in enumerate(zip(units, measured, strict=True)):
        own = vqcodec.PortraitUnit(0, 0, number, coded.depends_on, portrait.features, coded.unit)
        path = (*path, own)
        portraits.append(vqcodec.StreamPortrait(path))
    still = np.full((FRAMES, 12, 4), 312, np.uint16)  # the middle of every digit: no motion
    one = vqcodec.TokenSequence.of(still, measured[0], frame_rate_hz=Fraction(25))
    head = replace(one.head, version=(2, 0))
    return replace(one, head=head, portraits=tuple(portraits), runs=RUNS)


def distance(first: Pictures, second: Pictures) -> float:
    return float(np.abs(first.astype(int) - second).mean())


def test_decode(cli: Cli, tmp_path: Path, sequence: vqcodec.TokenSequence) -> None:
    sequence.write(tmp_path / "in.vqt")
    done = cli("decode", "in.vqt", "out.mp4", "--size", "256", "--crf", "4")
    assert (done.returncode, done.stderr.count(b"rror")) == (0, 0), done.stderr
    times, shown = read_video(tmp_path / "out.mp4")
    assert times == [Fraction(n, 25) for n in range(FRAMES)]
    # one pose: only what it is shown from differs
    away = [distance(shown[0], picture) for picture in shown]
    apart = away[-1]
    assert 3 < apart < 16 and max(away[:3]) < 0.2 and min(away[8:]) > apart - 0.2
    assert [away[n] / apart for n in (3, 4, 5)] == pytest.approx([0.25, 0.5, 0.75], abs=0.04)
    # the portrait that shows this very pose suits nearly every place best
    assert 0.2 < away[6] < apart / 3 and away[7] == pytest.approx(away[6], abs=0.1)
    later = cli("decode", "in.vqt", "late.mp4", "--size", "256", "--crf", "4", "--start", "0.36")
    assert later.returncode == 0
    assert distance(read_video(tmp_path / "late.mp4")[1][0], shown[9]) < 1


def test_info_thin_verify(cli: Cli, tmp_path: Path, sequence: vqcodec.TokenSequence) -> None:
    sequence.write(tmp_path / "in.vqt")
    fields = json.loads(cli("info", "in.vqt", "--json").stdout)
    assert fields["version"] == "2.0" and fields["key_frames"] == 2
    assert cli("thin", "in.vqt", "thin.vqt", "--layers", "1").returncode == 0
    assert cli("verify", "thin.vqt").returncode == 0
    thinned = vqcodec.TokenSequence.read(tmp_path / "thin.vqt")
    assert np.array_equal(thinned.tokens, sequence.tokens[..., :1]) and thinned.runs == RUNS


def test_a_damaged_unit(cli: Cli, tmp_path: Path, sequence: vqcodec.TokenSequence) -> None:
    first, second = sequence.portraits
    assert isinstance(second, vqcodec.StreamPortrait)
    last = second.path[-1]
    wrong = replace(last, unit=last.unit[:4] + bytes(len(last.unit) - 4))
    broken = replace(sequence, portraits=(first, vqcodec.StreamPortrait((second.path[0], wrong))))
    broken.write(tmp_path / "in.vqt")
    done = cli("decode", "in.vqt", "out.mp4", "--size", "256", "--crf", "4")
    assert done.returncode == 3 and b"portrait" in done.stderr, done.stderr
    assert not (tmp_path / "out.mp4").exists()
    done = cli("decode", "in.vqt", "out.mp4", "--size", "256", "--recover")
    assert done.returncode == 0 and b"1 portrait" in done.stdout + done.stderr
