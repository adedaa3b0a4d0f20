"""The names of `vqcodec`: all are there, typed, and light until something heavy is called."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import vqcodec
from vqcodec.codec.opened import OpenStream

HOME = Path(vqcodec.__file__)


def test_every_name_is_there() -> None:
    for name in vqcodec.__all__:
        assert getattr(vqcodec, name) is not None
    assert set(vqcodec.__all__) <= set(dir(vqcodec))
    assert list(vqcodec.__all__) == sorted(vqcodec.__all__)


def test_editors_see_every_name() -> None:
    """`if TYPE_CHECKING` imports what `__getattr__` gives, no more and no less."""
    seen = set()
    for node in ast.parse(HOME.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If):
            for line in node.body:
                assert isinstance(line, ast.ImportFrom)
                seen |= {alias.name for alias in line.names}
    assert seen == set(vqcodec.__all__) - {"__version__"}


def test_what_open_yields_is_public() -> None:
    names = {"Head", "KeyFrame", "MotionGroup", "AudioGroup", "VideoFrame", "Writer", "Reader"}
    assert names <= set(vqcodec.__all__)


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        vqcodec.nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("call", "options"),
    [
        (vqcodec.encode, True),
        (vqcodec.decode, True),
        (vqcodec.dub, True),
        (vqcodec.Codec.encode, True),
        (vqcodec.Codec.decode, True),
        (vqcodec.Codec.dub, True),
        (vqcodec.Codec.tokens, True),
        (vqcodec.Codec.render, False),
        (OpenStream.frames, False),
    ],
)
def test_loose_keywords_are_options_only(call: object, options: bool) -> None:
    """Where there are options, they may be given as keywords; tests/api/test_named.py says what becomes of others."""
    kinds = [parameter.kind for parameter in inspect.signature(call).parameters.values()]  # type: ignore[arg-type]
    assert (inspect.Parameter.VAR_KEYWORD in kinds) is options
    assert inspect.Parameter.VAR_POSITIONAL not in kinds


def test_functions_take_what_the_codec_takes() -> None:
    for name in ("encode", "decode", "dub"):
        function = inspect.signature(getattr(vqcodec, name)).parameters
        method = inspect.signature(getattr(vqcodec.Codec, name)).parameters
        assert [*function] == [*method][1:]
        assert [p.default for p in function.values()] == [p.default for p in [*method.values()][1:]]


def test_reports_and_options_have_types() -> None:
    for kind in (vqcodec.EncodeOptions, vqcodec.DecodeOptions, vqcodec.DubOptions):
        assert get_type_hints(kind)


def modules_of(code: str) -> set[str]:
    script = f"import sys\n{code}\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_looking_and_reading_tokens_load_no_network(sample_clip: Path) -> None:
    stream = sample_clip.parent.parent / "bitstream_spec" / "vectors" / "valid" / "typical.vqt"
    code = (
        "import vqcodec\n"
        f"codec, path = vqcodec.Codec(), {str(stream)!r}\n"
        "codec.info(path); vqcodec.info(path); vqcodec.verify(path)\n"
        "vqcodec.TokenSequence.read(path).to_bytes()\n"
        "with codec.open(path) as stream: list(stream)\n"
    )
    assert modules_of(code).isdisjoint({"torch", "mediapipe", "cv2"})
