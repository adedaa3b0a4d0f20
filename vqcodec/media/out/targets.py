"""What an output may be: looked at before any work is done, so that nothing is refused after hours of it."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from vqcodec.errors import MediaError, OutputExistsError, UsageError
from vqcodec.media.system import system_error, system_faults
from vqcodec.types import FileLike

_MOUNTS = Path("/proc/self/mountinfo")
_MOUNT_POINT = 4  # its field (proc_pid_mountinfo(5))


def is_file_name(target: object) -> bool:
    """True for the path of a regular file, there or not; false for "-", file objects, devices and named pipes."""
    if not isinstance(target, str | os.PathLike) or target == "-":
        return False
    # os.path, not Path: it takes a name that is too long for one that isn't there, and opening tells
    return os.path.isfile(target) or os.path.isdir(target) or not os.path.exists(target)


def check_output(target: FileLike, *, force: bool = False) -> None:
    """Raise what atomic_output would raise at its start: for commands that work long before they write.

    Raises:
        OutputExistsError: the file exists and `force` is false.
        MediaError: it can't be written: a folder, or no folder for it, a name too long, not ours to write.
        UsageError: `target` is no output at all.
    """
    if not is_file_name(target):
        if not isinstance(target, str | os.PathLike) and not hasattr(target, "write"):
            raise UsageError(
                f"not a file: {type(target).__name__}",
                hint="give a path, '-' or a binary file object",
            )
        if not isinstance(target, str | os.PathLike):
            _check_open(target)
        return
    path = Path(target)  # type: ignore[arg-type]
    if os.path.isdir(path):
        raise MediaError(f"cannot write {path}: it is a folder", hint="give a file name in it")
    if not os.path.isdir(path.parent):
        raise MediaError(
            f"cannot write {path}: there is no folder {path.parent}", hint="make the folder first"
        )
    if not force and _is_there(path):
        raise OutputExistsError(
            f"{path} exists", hint="choose another name, or replace it with --force"
        )
    _check_replaceable(Path(os.path.realpath(path)))


def check_apart(target: FileLike | None, *sources: object) -> None:
    """Refuse an output that is one of the inputs, by whatever name: a link to it, its descriptor, standard input.

    Args:
        target: the output; None where it stays in memory.
        sources: the inputs; what is no file is passed over.

    Raises:
        UsageError: the output would replace what it is made from.
    """
    own = _identity(target, sys.stdout)
    if own is None:
        return
    for source in sources:
        if _identity(source, sys.stdin) == own:
            raise UsageError(
                f"{'standard output' if target == '-' else target} is the input itself",
                hint="Choose another name for the output: it would replace what it is made from.",
            )


def renamable(path: Path) -> bool:
    """Whether another file can take the name of this one, as far as can be told before it is tried.

    It can't where the file is a mount of its own, as in containers, or somebody else's in a folder such as /tmp.
    """
    try:
        own, folder = path.lstat(), path.parent.stat()
        mounts = _MOUNTS.read_bytes().splitlines() if _MOUNTS.exists() else []
    except OSError:
        return True
    name = os.fsencode(path)
    fields = (line.split(b" ") for line in mounts)
    if any(
        _unescaped(field[_MOUNT_POINT]) == name for field in fields if len(field) > _MOUNT_POINT
    ):
        return False
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    return not folder.st_mode & stat.S_ISVTX or user in (0, own.st_uid, folder.st_uid)


def _is_there(path: Path) -> bool:
    """A broken link is there, too."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise system_error(error, path, "write") from error
    return True


def _check_replaceable(path: Path) -> None:
    with system_faults(path, "write"):
        exists = _is_there(path)
        if exists and not renamable(path) and not os.access(path, os.W_OK):
            raise MediaError(
                f"cannot write {path}: it can be neither replaced nor written to",
                hint="choose another name, or check the permissions of the file and its folder",
            )
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise MediaError(
                f"cannot write {path}: the folder takes no new file",
                hint="check the folder and its permissions",
            )


def _unescaped(name: bytes) -> bytes:
    """A name of the list of mounts, in which blanks and the like are octal."""
    for code in (b" ", b"\t", b"\n"):
        name = name.replace(b"\\%03o" % code[0], code)
    return name.replace(b"\\134", b"\\")


def _identity(file: object, standard: object) -> tuple[int, int] | None:
    """Device and number of a regular file; None for what isn't one."""
    try:
        if isinstance(file, str | os.PathLike) and file != "-":
            found = os.stat(file)
        else:
            opened = standard if file == "-" else file
            found = os.fstat(opened.fileno())  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _check_open(target: BinaryIO) -> None:
    """Raise where a file object can't be written to; what says nothing about itself is believed."""
    if getattr(target, "closed", False):
        raise UsageError("the output is a file object that is closed", hint="close it afterwards")
    writable = getattr(target, "writable", None)
    if isinstance(target, io.TextIOBase) or (writable is not None and not writable()):
        raise UsageError(
            "the output is a file object that takes no bytes", hint='use open(path, "wb")'
        )
