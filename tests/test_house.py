"""The house rules that a program can check: style, layering, lengths, what a light command imports."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 300
FUNCTION_LINES = 40
HEAVY = ("torch", "av", "cv2", "mediapipe", "scipy", "PIL")
# pieces, so that this file doesn't hold what it looks for
FORBIDDEN = {
    "unfinished work": r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b",
    "unfinished code": "NotImplemented" + "Error",
    "a machine's path": r"[\"'(\s]/(wo" + r"rk|ro" + r"ot|ho" + r"me)/",
    "pickle": r"^\s*(import|from) pick" + "le",
    "a shell": "shell=" + "True",
}


def sources() -> Iterator[Path]:
    for folder in ("vqcodec", "cli", "tests", "sample_media", "bitstream_spec"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_ruff() -> None:
    done = subprocess.run(
        [tool("ruff"), "check", "--output-format=concise", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_layers() -> None:
    done = subprocess.run(
        [tool("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def too_long(lengths: dict[str, int], limit: int) -> dict[str, int]:
    """What is longer than the limit."""
    return {name: lines for name, lines in lengths.items() if lines > limit}


def test_files_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources()
    }
    assert too_long(lengths, FILE_LINES) == {}


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = (
                node.body[1:]
                if ast.get_docstring(node) is not None and len(node.body) > 1
                else node.body
            )
            yield (
                f"{path.relative_to(ROOT)}:{node.name}",
                (node.end_lineno or 0) - body[0].lineno + 1,
            )


def test_functions_are_short() -> None:
    lengths: dict[str, int] = {}
    for path in sources():
        for name, lines in _functions(path):
            lengths[name] = max(lines, lengths.get(name, 0))
    assert too_long(lengths, FUNCTION_LINES) == {}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_forbidden(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(FORBIDDEN[what], line)
    ]
    assert found == []


def test_version_is_one() -> None:
    import vqcodec

    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["dynamic"] == ["version"]
    assert pyproject["tool"]["setuptools"]["dynamic"] == {
        "version": {"attr": "vqcodec.__version__"}
    }
    assert f"## [{vqcodec.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_packages_are_those_of_the_tree_without_the_laboratory() -> None:
    folders = {init.parent.relative_to(ROOT).parts for init in ROOT.glob("vqcodec/**/__init__.py")}
    product = {".".join(parts) for parts in folders if parts[:2] != ("vqcodec", "lab")}
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = pyproject["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(product | {"vqcodec_cli"}), "a wheel holds what is listed"


def test_readme_has_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("pip install") and "&&" in line]
    assert sum("vqcodec demo" in line for line in commands) == 1
    assert sum("pytest" in line for line in commands) == 1


def test_sample_media_is_small() -> None:
    assert (
        sum(path.stat().st_size for path in (ROOT / "sample_media").iterdir() if path.is_file())
        < 5_000_000
    )


def imported_by(code: str) -> set[str]:
    """Top-level modules that running `code` loads."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "code",
    [
        "import vqcodec; vqcodec.EncodeOptions()",
        "import vqcodec_cli.main",
        "import vqcodec_cli.main as m; sys.argv = ['vqcodec', '--help']; m.main()",
        "import vqcodec_cli.main as m; sys.argv = ['vqcodec', 'encode', '--help']; m.main()",
        "import vqcodec.container, vqcodec.entropy",
    ],
)
def test_light_imports(code: str) -> None:
    assert imported_by(code).isdisjoint(HEAVY)


def test_info_needs_no_torch() -> None:
    code = "import vqcodec_cli.main as m; sys.argv = ['vqcodec', 'info', 'absent.vqt']; m.main()"
    assert imported_by(code).isdisjoint({"torch", "mediapipe"})
