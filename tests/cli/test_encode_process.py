"""`vqcodec encode` as a process: what it says where options can't go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.support.sample import weights_are_here
from tests.support.short_clip import cut
from vqcodec.errors import UsageError

needs_weights = pytest.mark.skipif(not weights_are_here(), reason="no weights in this checkout")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--live --bitrate 20", ("can't look ahead", "--quality small, medium or best")),
        ("--live --portrait-frame 2", ("can't wait for a portrait frame", "first frame")),
        ("--refs 300", ("300 is not a number of portraits", "1 to 256")),
        ("--refs-every 0.05", ("every 1/20 s is outside 0.1..60",)),
        ("--portrait-frame last", ("not a number for --portrait-frame",)),
        ("--quality huge", ("'small', 'medium', 'best'",)),
        ("--audio auto --portrait-quality 101", ("--portrait-quality",)),
    ],
)
def test_options_that_are_refused(cli: Cli, line: str, told: tuple[str, ...]) -> None:
    done = cli("encode", "in.mp4", "out.vqt", *line.split())
    assert done.returncode == UsageError.exit_code and done.stdout == b""
    for words in told:
        assert words in done.stderr.decode()


@needs_weights
def test_a_rate_out_of_reach(cli: Cli, sample_clip: Path, tmp_path: Path) -> None:
    clip = cut(sample_clip, tmp_path / "in.mp4", 4)
    done = cli("encode", clip, "out.vqt", "--bitrate", "5")
    assert done.returncode == UsageError.exit_code
    assert b"can't be coded at 5 kbit/s; its smallest form takes" in done.stderr
    assert b"Ask for --bitrate" in done.stderr and not (tmp_path / "out.vqt").exists()


@needs_weights
def test_pipes_and_a_report(cli: Cli, sample_clip: Path, tmp_path: Path) -> None:
    clip = cut(sample_clip, tmp_path / "in.mkv", 8)
    options = ("--quality", "small", "--refs", "1", "--portrait-frame", "0.2")
    piped = cli("encode", "-", "-", *options, stdin=clip.read_bytes())
    assert piped.returncode == 0 and b"Svt" not in piped.stderr
    done = cli("encode", clip, "out.vqt", *options, "--json")
    assert (tmp_path / "out.vqt").read_bytes() == piped.stdout
    fields = json.loads(done.stdout)
    assert (fields["key_frames"], fields["refs"], fields["frames"]) == (1, 1, 8)
    assert 1 <= fields["portrait_quality"] < 50
    # the sample begins with a pause
    assert all(told.endswith("in.mkv is silent all along") for told in fields["warnings"])
