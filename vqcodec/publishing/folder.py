"""The folder that any web server can host: the page as it was built, the networks and tables that it works with."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from vqcodec.errors import OutputExistsError, UsageError
from vqcodec.runtime.extras import check_extra

BUILD_HINT = (
    "In a clone: cd vqcodec/web && npm ci && npm run build (Node 20 or newer), then install again."
)


def built_page() -> Path:
    """Where the page lies once it is built; packages of a release hold it."""
    return Path(str(resources.files("vqcodec.publishing"))) / "page"


def check_page() -> Path:
    """The same, if it can be written with the models.

    Raises:
        UsageError: the page isn't built.
        MissingExtraError: the extra [web] isn't installed.
    """
    page = built_page()
    if not (page / "index.html").is_file():
        raise UsageError("the page isn't built here", hint=BUILD_HINT)
    check_extra("web", "writing ONNX files")
    return page


def write_folder(target: Path, *, force: bool = False) -> int:
    """Write the page with the shipped models.

    Args:
        target: a folder; it is made.
        force: write into one that holds something; files of the page are replaced, others stay.

    Returns:
        Bytes written.

    Raises:
        UsageError: the page isn't built, or the target is no folder.
        OutputExistsError: the folder isn't empty.
        MissingExtraError: the extra [web] isn't installed.
        ModelError: a shipped model is missing or changed.
    """
    page = check_page()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is no folder", hint="Name one that can be made.")
    if not force and target.is_dir() and any(target.iterdir()):
        raise OutputExistsError(
            f"{target} isn't empty", hint="Name another folder, or replace with --force."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # beside the target, so that nothing is there before all is
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as unfinished:
        made = Path(unfinished) / "page"
        shutil.copytree(page, made)
        _write_models(made / "models")
        size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        shutil.copytree(made, target, dirs_exist_ok=True)
    return size


def _write_models(folder: Path) -> None:
    import torch

    from vqcodec.models import store
    from vqcodec.publishing.networks import write_networks
    from vqcodec.publishing.tables import write_tables
    from vqcodec.render.renderer import Renderer

    folder.mkdir()
    renderer = Renderer.load(device="cpu", precision=torch.float32)
    networks = write_networks(renderer.net, folder)
    write_tables(folder, renderer.id, store.motion_spaces(), networks)
