"""The progress bar: stderr only, terminals only, and the values in it."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest
from rich.console import Console

from vqcodec.config import AudioChoice
from vqcodec.errors import UsageError
from vqcodec.progress import ProgressEvent, silent
from vqcodec.words import parse_audio, parse_crop, parse_time_s
from vqcodec_cli import console, output


def test_no_bar_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "err", lambda: Console(file=io.StringIO(), force_terminal=False))
    with console.progress_bar() as progress:
        assert progress is silent


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(
        console, "err", lambda: Console(file=screen, force_terminal=True, width=160)
    )
    with console.progress_bar() as progress:
        for frames in (0, 25, 50):
            progress(
                ProgressEvent(
                    "encode", frames, 100, Fraction(frames, 25), Fraction(4), 1000 * frames
                )
            )
        progress(ProgressEvent("decode", 3))
    shown = screen.getvalue()
    assert (
        "encode" in shown and "50 frames" in shown and "200.0 kbit/s" in shown and "decode" in shown
    )


def test_a_bar_begins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any event, because what is imported behind it takes seconds; --quiet shows none."""
    screen = io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    terminal = Console(file=screen, force_terminal=True, width=160)
    monkeypatch.setattr(console, "err", lambda: terminal)
    with console.progress_bar():
        pass
    assert "starting" in screen.getvalue() and "loading" in screen.getvalue()
    console.be_quiet()
    try:
        with console.progress_bar() as progress:
            assert progress is silent
        before = screen.getvalue()
        console.note("a note")
        assert screen.getvalue() == before
        console.warning("a warning")
        assert "a warning" in screen.getvalue()
    finally:
        console.be_quiet(False)


@pytest.mark.parametrize(
    ("event", "extent"),
    [
        (ProgressEvent("x", 5, 10), (10.0, 5.0)),
        (ProgressEvent("x", 12, 10), (12.0, 12.0)),
        (ProgressEvent("x", 5, None, Fraction(1), Fraction(4)), (4.0, 1.0)),
        (ProgressEvent("x", 5), (None, 5.0)),
    ],
)
def test_extent(event: ProgressEvent, extent: tuple[float | None, float]) -> None:
    assert console._extent(event) == extent


def test_a_message_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(
        console, "err", lambda: Console(file=screen, force_terminal=True, width=160)
    )
    with console.progress_bar() as progress:
        progress(ProgressEvent("report", message="curves [x]"))
        progress(ProgressEvent("clips", 2, 9, unit="clips", message="v0451.mp4"))
    shown = screen.getvalue()
    assert "curves [x]" in shown and "0 frames" not in shown
    assert "2 clips" in shown and "v0451.mp4" in shown


def test_rate_of_an_event() -> None:
    assert ProgressEvent("x", 0).file_kbps == 0
    assert ProgressEvent("x", 50, media_s=Fraction(2), file_bytes=2500).file_kbps == 10


def test_choices() -> None:
    assert parse_audio("6.5K") == AudioChoice("opus", 6500) == parse_audio("6500")
    assert parse_audio("none").mode == "none" and parse_audio("copy").mode == "copy"
    assert parse_crop("full") == "full"
    assert parse_time_s("1:00:00.5", "--end") == Fraction(7201, 2)
    for text in ("", "k", "-12k", "65k", "nan"):
        with pytest.raises(UsageError):
            parse_audio(text)


def test_facts_leave_out_what_is_absent() -> None:
    assert output.fact_lines(
        {"a": None, "b": [], "longer": True, "c": 1.5, "d": [1, 2], "e": ""}
    ) == ["longer  yes", "c       1.5", "d       1, 2"]
