"""Standard error of the process: the library leaves it alone, a program of ours turns C libraries' talk away."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import vqcodec

BOTH = """
import os, sys, threading
from vqcodec.runtime.native_log import own_stderr, quiet

def native(text):  # as a library in C writes
    os.write(2, text)

def overlapping():
    began, ended = threading.Event(), threading.Event()
    def first():
        with quiet():
            began.wait()
        ended.set()
    one = threading.Thread(target=first)
    one.start()
    with quiet():  # begins in the first's time, and ends after it
        began.set()
        ended.wait()
        native(b"inside ")
        sys.stderr.write("told\\n")
    one.join()
    native(b"after\\n")
"""


def stderr_of(code: str, *, closed: bool = False) -> str:
    """What a program writes to standard error, or to standard output where that is closed."""
    program = [sys.executable, "-c", BOTH + textwrap.dedent(code)]
    if closed:
        program = ["sh", "-c", 'exec "$@" 2>&-', "sh", *program]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout if closed else done.stderr


def test_a_library_keeps_its_hands_off() -> None:
    assert stderr_of("overlapping()") == "inside told\nafter\n"


def test_threads_that_overlap_leave_standard_error_as_it_was() -> None:
    assert stderr_of("assert own_stderr()\noverlapping()") == "told\nafter\n"


def test_messages_of_other_threads_survive() -> None:
    told = stderr_of("""
        own_stderr()
        with quiet():
            speaker = threading.Thread(target=lambda: sys.stderr.write("from elsewhere\\n"))
            speaker.start()
            speaker.join()
            native(b"greeting")
    """)
    assert told == "from elsewhere\n"


def test_many_threads_at_once() -> None:
    told = stderr_of("""
        own_stderr()
        def often():
            for _ in range(200):
                with quiet():
                    native(b"greeting")
        threads = [threading.Thread(target=often) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        native(b"after ")
        sys.stderr.write(f"{len(os.listdir('/dev/fd')) < 10}\\n" if os.path.isdir("/dev/fd") else "True\\n")
    """)
    assert told == "after True\n"


def test_an_exception_gives_standard_error_back() -> None:
    told = stderr_of("""
        own_stderr()
        try:
            with quiet():
                raise ValueError
        except ValueError:
            native(b"after")
    """)
    assert told == "after"


def test_a_closed_standard_error_is_no_fault() -> None:
    code = "print(own_stderr())\nwith quiet():\n    print('began')"
    assert stderr_of(code, closed=True) == "False\nbegan\n"


def test_saying_it_twice_changes_nothing() -> None:
    code = (
        "own_stderr()\nown = sys.stderr\nassert own_stderr() and sys.stderr is own\noverlapping()"
    )
    assert stderr_of(code) == "told\nafter\n"


def test_the_library_turns_descriptors_in_one_place_only() -> None:
    package = Path(vqcodec.__file__).parent
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bdup2\(|redirect_std|logging\.set_level", path.read_text(encoding="utf-8"))
    }
    assert found == {"runtime/native_log.py"}
