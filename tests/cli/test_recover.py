"""Damaged and growing files through the command line, with the shipped weights."""

from __future__ import annotations

import io
import json
import subprocess
from itertools import islice
from pathlib import Path

import av
import pytest

from tests.conftest import Cli, cli_command
from tests.support.recover import flipped, kinds, split
from tests.support.sample import count_frames, weights_are_here, write_video

pytestmark = pytest.mark.skipif(not weights_are_here(), reason="no weights in this checkout")
FRAMES = 75


@pytest.fixture(scope="module")
def coded(sample_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The sample's first 3 s in two groups."""
    from vqcodec import api

    folder = tmp_path_factory.mktemp("coded")
    with av.open(str(sample_clip)) as source:
        frames = [f.to_ndarray(format="rgb24") for f in islice(source.decode(video=0), FRAMES)]
    sink = io.BytesIO()
    api.encode(write_video(folder / "short.mkv", frames), sink)
    return sink.getvalue()


def test_a_damaged_file(cli: Cli, tmp_path: Path, coded: bytes) -> None:
    parts = split(coded)
    last = kinds(parts, b"MOTN")[-1]
    (tmp_path / "in.vqt").write_bytes(flipped(coded, sum(map(len, parts[:last])) + 30))
    refused = cli("decode", "in.vqt", "out.mp4", "--size", "256", timeout_s=300)
    assert (
        refused.returncode == 3 and b"bad-crc" in refused.stderr and b"--recover" in refused.stderr
    )
    assert not (tmp_path / "out.mp4").exists()
    done = cli("decode", "in.vqt", "out.mp4", "--size", "256", "--recover", "--json", timeout_s=300)
    fields = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr.startswith(b"warning: lost: 1 motion group")
    assert fields["frames"] == FRAMES and fields["recovery"]["frames_intact"] == 50
    assert fields["recovery"]["concealed_s"] == [[2, 3]]
    assert count_frames((tmp_path / "out.mp4").read_bytes()) == FRAMES


def test_a_growing_file(tmp_path: Path, coded: bytes) -> None:
    path = tmp_path / "growing.vqt"
    path.write_bytes(coded[:-2000])
    with subprocess.Popen(
        cli_command("decode", path, "out.mp4", "--size", "256", "--follow", "120"),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    ) as process:
        # long enough to have decoded what is there; the end of the file is all that it can wait for then
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(12)
        with path.open("ab") as file:
            file.write(coded[-2000:])
        assert process.wait(120) == 0
        assert process.stderr is not None and b"75 frames" in process.stderr.read()
    assert count_frames((tmp_path / "out.mp4").read_bytes()) == FRAMES
