"""Packages that only measuring needs: imported when a figure is asked for, and named when they are absent."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from vqcodec.runtime.extras import MissingExtraError, install_hint

__all__ = ["MissingExtraError", "package_file", "require"]


def require(module: str, purpose: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: dotted name to import.
        purpose: what it is needed for, for the message.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs the package {module.partition('.')[0]}, which can't be imported "
            f"({error})",
            hint=install_hint("eval"),
        ) from error


def package_file(package: str, *parts: str, purpose: str) -> Path:
    """Path of a data file inside an installed package that must not be imported itself.

    face_recognition_models needs pkg_resources at import, which new setuptools no longer has; its files need nothing.

    Raises:
        MissingExtraError: the package or the file is not there.
    """
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent.joinpath(*parts) if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise MissingExtraError(
            f"{purpose} needs the file {'/'.join(parts)} of the package {package}",
            hint=install_hint("eval"),
        )
    return path
