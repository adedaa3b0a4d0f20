"""Where files are: on this machine, or wherever fsspec reaches (s3://, gs://, memory://, ...).

    remote input --fetch--> folder of the worker --work--> folder of the worker --put--> remote output
    local input ------------------------------> work --rename--> local output

What leaves a worker is whole: an object store shows an object when it is put, elsewhere a file is renamed. Remote files aren't
opened for writing: where such a block ends with an exception, some drivers leave what was written so far.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from vqcodec.errors import MediaError, UsageError

_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
_DRIVERS = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
}


class StorageError(MediaError):
    """A place can't be reached, read or written: a fault of the machine or the network, not of a file."""


def is_remote(name: str) -> bool:
    """Whether a name is an address and not a path of this machine."""
    scheme = urlsplit(name).scheme
    return "://" in name and len(scheme) > 1 and scheme != "file"


def local_path(name: str) -> Path:
    """The path of a name that isn't remote; file:// is taken off."""
    return Path(name.removeprefix("file://"))


def file_system(name: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and its path there.

    Raises:
        UsageError: its driver isn't installed, or nothing is known by that name.
    """
    from fsspec.core import url_to_fs

    scheme = urlsplit(name).scheme
    try:
        system, path = url_to_fs(name)
    except (ImportError, ValueError) as error:
        driver = _DRIVERS.get(scheme)
        hint = f"pip install {driver}" if driver else "See fsspec's list of what it reaches."
        raise UsageError(f"{scheme}:// can't be used: {error}", hint=hint) from None
    return system, path


@contextmanager
def storage_faults(name: str, deed: str) -> Iterator[None]:
    """What a driver raises becomes a StorageError; a file that isn't there stays a fault of the task."""
    try:
        yield
    except FileNotFoundError as error:
        if deed == "read":
            raise MediaError(f"there is no {name}") from error
        raise StorageError(f"can't {deed} {name}: {error}") from error
    except (MediaError, UsageError):
        raise
    except Exception as error:
        raise StorageError(f"can't {deed} {name}: {type(error).__name__}: {error}") from error


def fetched(name: str, folder: Path) -> Path:
    """A file on this machine: itself, or a copy in a folder.

    Raises:
        MediaError: there is none.
        StorageError: it can't be fetched.
    """
    if not is_remote(name):
        return local_path(name)
    with storage_faults(name, "read"):
        system, path = file_system(name)
        copy = folder / (PurePosixPath(path).name or "input")
        system.get_file(path, str(copy))
    return copy


def put(made: Path, name: str) -> None:
    """Send a whole file where it belongs; nothing of its name is to be seen before.

    Raises:
        StorageError: it can't be.
    """
    with storage_faults(name, "write"):
        system, path = file_system(name)
        parent = str(PurePosixPath(path).parent)
        system.makedirs(parent, exist_ok=True)
        if urlsplit(name).scheme in _OBJECT_STORES:
            system.put_file(str(made), path)
            return
        part = f"{path}.{uuid4().hex[:8]}.part"
        try:
            system.put_file(str(made), part)
            system.mv(part, path)
        except BaseException:
            with suppress(Exception):
                system.rm_file(part)
            raise


def sizes_of(names: Iterable[str]) -> dict[str, int]:
    """Bytes of the files that are there, by name; of a remote folder all are asked for at once.

    Raises:
        StorageError: a place can't be asked.
    """
    found: dict[str, int] = {}
    remote: dict[str, list[str]] = {}
    for name in names:
        if is_remote(name):
            remote.setdefault(name.rpartition("/")[0], []).append(name)
        elif (path := local_path(name)).is_file():
            found[name] = path.stat().st_size
    for folder, wanted in remote.items():
        there = _sizes_in(folder)
        found |= {name: there[own] for name in wanted if (own := name.rpartition("/")[2]) in there}
    return found


def _sizes_in(folder: str) -> dict[str, int]:
    """Bytes of the files of a remote folder by the last part of their names; none where it isn't there."""
    with storage_faults(folder, "ask for"):
        system, path = file_system(folder)
        system.invalidate_cache()
        try:
            entries = system.ls(path, detail=True)
        except FileNotFoundError:
            return {}
        return {
            PurePosixPath(entry["name"]).name: int(entry["size"])
            for entry in entries
            if entry["type"] == "file"
        }


def listed(name: str, suffixes: frozenset[str]) -> tuple[str, list[str]]:
    """The files that a name on a command line means.

    Args:
        name: a file, a folder, or a pattern (*, ?, [..], ** over folders); a path or an address.
        suffixes: of the files that a folder is searched for, at any depth.

    Returns:
        what all their names begin with, and the names, in order.

    Raises:
        UsageError: there is none.
        StorageError: the place can't be asked.
    """
    found = _remote(name, suffixes) if is_remote(name) else _local(str(local_path(name)), suffixes)
    if not found[1]:
        raise UsageError(
            f"nothing is found for {name}",
            hint="Give files, folders, or a pattern in quotes: 'clips/**/*.mp4'.",
        )
    return found


def _local(name: str, suffixes: frozenset[str]) -> tuple[str, list[str]]:
    if os.path.isdir(name):
        paths = (p for p in sorted(Path(name).rglob("*")) if p.suffix.lower() in suffixes)
        return name, [str(p) for p in paths if p.is_file()]
    if os.path.exists(name) or not glob.has_magic(name):
        return str(Path(name).parent), [name] if os.path.exists(name) else []
    return _fixed(name), sorted(p for p in glob.glob(name, recursive=True) if os.path.isfile(p))


def _remote(name: str, suffixes: frozenset[str]) -> tuple[str, list[str]]:
    with storage_faults(name, "list"):
        system, path = file_system(name)
        if glob.has_magic(name):
            paths, base = system.glob(path), _fixed(name)
        elif system.isdir(path):
            paths, base = system.find(path), name.rstrip("/")
            paths = [p for p in paths if PurePosixPath(p).suffix.lower() in suffixes]
        else:
            return name.rpartition("/")[0], [name] if system.isfile(path) else []
        top = file_system(base)[1].rstrip("/") + "/"
        return base, sorted(f"{base}/{p.removeprefix(top)}" for p in map(str, paths))


def _fixed(pattern: str) -> str:
    """The folders of a pattern before its first wildcard."""
    parts = pattern.split("/")
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return "/".join(parts[:fixed])
