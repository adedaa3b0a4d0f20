"""What a start-up costs: which modules are imported for what, and what a shell's completion offers."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys

import pytest
import typer

from tests.conftest import ROOT
from vqcodec_cli.commands import COMMANDS, command_of

HEAVY = {"torch", "av", "cv2", "mediapipe", "scipy", "PIL", "matplotlib"}
SCRIPT = "import sys; from vqcodec_cli.main import main\ntry: main()\nfinally: sys.stderr.write('\\n' + ' '.join(sys.modules))"


def loaded(*arguments: str) -> set[str]:
    """Modules in a process that ran `vqcodec ...`."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TERM": "dumb"},
    )
    return set(done.stderr.splitlines()[-1].split())


def test_the_version_needs_next_to_nothing() -> None:
    modules = loaded("--version")
    tops = {name.partition(".")[0] for name in modules}
    assert tops.isdisjoint(HEAVY | {"numpy", "construct", "rich"})
    own = {name for name in modules if name.startswith("vqcodec_cli.")}
    assert own <= {f"vqcodec_cli.{n}" for n in ("main", "commands", "signals", "output", "console")}


def test_the_list_of_commands_imports_none_of_them() -> None:
    modules = loaded("--help")
    assert {name.partition(".")[0] for name in modules}.isdisjoint(HEAVY | {"numpy", "construct"})
    assert modules.isdisjoint(f"vqcodec_cli.{name}" for name in COMMANDS)


@pytest.mark.parametrize("name", ["features-extreme", "2-chain"])
def test_info_imports_no_model_no_array_and_no_bar(name: str) -> None:
    modules = loaded("info", str(ROOT / f"bitstream_spec/vectors/valid/{name}.vqt"))
    assert {name.partition(".")[0] for name in modules}.isdisjoint(HEAVY | {"rich", "numpy"})
    others = {f"vqcodec_cli.{name}" for name in COMMANDS} - {"vqcodec_cli.info"}
    assert modules.isdisjoint(others)
    unused = ("vqcodec.encoding", "vqcodec.decoding", "vqcodec.codec.codec", "vqcodec.render")
    assert not any(name.startswith(unused) for name in modules)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_commands_say(name: str) -> None:
    found = getattr(importlib.import_module(f"vqcodec_cli.{name}"), name)
    said = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    assert said.splitlines()[0] == COMMANDS[name]
    assert command_of(name) is not None


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed(shell: str) -> None:
    """As cli/README.md says it."""
    text = (ROOT / "cli/README.md").read_text(encoding="utf-8")
    assert "vqcodec --install-completion" in text and "vqcodec --show-completion" in text
    environment = {**os.environ, "_VQCODEC_COMPLETE": f"source_{shell}"}
    done = subprocess.run(
        [sys.executable, "-m", "vqcodec_cli"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0 and "_VQCODEC_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("vqcodec en", {"encode"}), ("vqcodec encode --out", {"--out-dir"}), ("vqcodec xy", set())],
)
def test_names_are_completed(typed: str, offered: set[str]) -> None:
    words = typed.split(" ")
    environment = {
        **os.environ,
        "_VQCODEC_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "vqcodec_cli"], capture_output=True, text=True, env=environment
    )
    assert set(done.stdout.split()) == offered, done.stderr
