"""What importing and using the media stage does to the program around it: nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOST = """
import logging, os, sys
import av, av.logging, cv2, torch  # OpenCV sets variables for Qt
av.logging.set_level(av.logging.VERBOSE)
root = logging.getLogger()
before = av.logging.get_level(), logging.getLogger("libav").level, root.level, list(root.handlers), dict(os.environ)

def unchanged():
    now = av.logging.get_level(), logging.getLogger("libav").level, root.level, list(root.handlers), dict(os.environ)
    return now == before

import importlib, pkgutil, vqcodec.media
for module in pkgutil.walk_packages(vqcodec.media.__path__, "vqcodec.media."):
    importlib.import_module(module.name)
import vqcodec.comparison.anchors.codecs
print(unchanged())

from fractions import Fraction
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource
with VideoSource(sys.argv[1], sound="decode") as source:
    with VideoSink(sys.argv[2], width=512, height=512, frame_rate_hz=Fraction(25)) as sink:
        sink.write_frame(next(iter(source)).rgb, Fraction(0))
print(unchanged())
"""


def test_the_programs_log_settings_stay(sample_clip: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOST, sample_clip, tmp_path / "a.mp4"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "True\nTrue\n", done.stderr


def test_nothing_is_said_where_no_level_is_set(sample_clip: Path, tmp_path: Path) -> None:
    quiet = HOST.replace("av.logging.set_level(av.logging.VERBOSE)", "")
    done = subprocess.run(
        [sys.executable, "-c", quiet, sample_clip, tmp_path / "a.mp4"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")


TERMINAL = """
import sys
from vqcodec.errors import MediaError
class Terminal:
    isatty = staticmethod(lambda: True)
sys.stdin = sys.stdout = Terminal()
from vqcodec.media.picture.source import VideoSource
from vqcodec.stream.opening import open_stream
from vqcodec.media.out.atomic import atomic_output

def refused(call):
    try:
        with call("-"):
            return ""
    except MediaError as error:
        return f"{error}, {error.exit_code};"

told = "".join(map(refused, (VideoSource, open_stream, atomic_output)))
sys.stdin = sys.stdout = None
sys.stderr.write(told)
"""


def test_a_terminal_is_refused_alike_wherever_bytes_are_due() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TERMINAL], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == (
        "cannot read standard input: it is a terminal, 8;" * 2
        + "cannot write to standard output: it is a terminal, 8;"
    )
