"""OpenCV missing or half removed: an error that says what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import importlib, sys
sys.path.insert(0, sys.argv[2])
from vqcodec.errors import BrokenInstallError
try:
    importlib.import_module(sys.argv[1])
except BrokenInstallError as error:
    print(error, "|", error.hint)
"""


@pytest.mark.parametrize("how", ["removed", "in part"])
@pytest.mark.parametrize(
    "module", ["vqcodec.encoding.pipeline", "vqcodec.decoding.pipeline", "vqcodec.dubbing.pipeline"]
)
def test_the_error_says_what_to_do(module: str, how: str, tmp_path: Path) -> None:
    (tmp_path / "cv2").mkdir()
    text = "" if how == "in part" else "raise ImportError('no such library')"
    (tmp_path / "cv2" / "__init__.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", CODE, module, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "pip install --force-reinstall --no-deps opencv-python" in done.stdout, done.stderr
