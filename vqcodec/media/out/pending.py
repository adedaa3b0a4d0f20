"""A file under construction: a hidden neighbour of its target, held by its descriptor until it takes the name."""

from __future__ import annotations

import atexit
import io
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from vqcodec.errors import MediaError
from vqcodec.media.out.targets import check_output, renamable
from vqcodec.media.system import system_faults

_STEM_BYTES, _SUFFIX_BYTES = 60, 16
_PERMISSIONS = 0o777
_begun: set[PendingFile] = set()
_NEW_FILE, _PRIVATE = 0o666, 0o600
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""For a path whose links are followed already: one that is there now was put there since."""


class PendingFile:
    """A file under construction: written as a hidden neighbour of its target, renamed by commit().

    It is opened once, and everything goes through that descriptor: in a folder where others may write, its name could be
    somebody else's file at any later time.

    Attributes:
        target: the name it will take.
        path: the name it has now.
        file: where its bytes go, unbuffered; can seek and be read.
        maker: number of the process that made it, which alone may remove it.
    """

    def __init__(self, target: str | os.PathLike[str], *, force: bool = False) -> None:
        """Raises what `check_output` raises."""
        check_output(target, force=force)
        self.target = Path(os.path.realpath(target))  # a link stays a link to the new file
        self._force = force
        self._open = True
        self.maker = os.getpid()
        self.path = self.target.with_name(_hidden_name(self.target))
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with system_faults(self.target, "write"):
            old = self.target.stat() if self.target.exists() else None
            _begun.add(self)  # before it is there: an interrupt may come at any time
            try:
                descriptor = os.open(self.path, flags, _NEW_FILE if old is None else _PRIVATE)
            except OSError:
                _begun.discard(self)
                raise
            self.file = io.FileIO(descriptor, "r+b")
            if old is not None:
                _take_after(descriptor, old)

    def commit(self) -> None:
        """Give the file its name. On any error it is removed."""
        if not self._open:
            return
        try:
            check_output(self.target, force=self._force)
            with system_faults(self.target, "write"):
                self._check_own()
                self._place()
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the file if it hasn't got its name yet. Never raises."""
        _begun.discard(self)
        with suppress(OSError, AttributeError):  # without a file: interrupted while it was made
            self.file.close()
        if self._open:
            self._open = False
            with suppress(OSError):
                self.path.unlink()

    def _check_own(self) -> None:
        """Raise where the name has become another file's."""
        if not os.path.samestat(os.lstat(self.path), os.fstat(self.file.fileno())):
            raise MediaError(
                f"cannot write {self.target}: its temporary file {self.path.name} was replaced",
                hint="write to a folder where only you may write",
            )

    def _place(self) -> None:
        """Rename; where the target can't be renamed over, write into it."""
        if self.target.exists() and not renamable(self.target):
            return self._copy_into()
        if os.name == "nt":  # no open file is renamed there
            self.file.close()
        try:
            os.replace(self.path, self.target)
        except OSError:
            if self.file.closed or not os.access(self.target, os.W_OK):
                raise
            return self._copy_into()
        self._open = False
        return None

    def _copy_into(self) -> None:
        self.file.seek(0)
        with open(os.open(self.target, os.O_WRONLY | NO_LINK), "wb") as target:
            target.truncate()
            shutil.copyfileobj(self.file, target, 1 << 20)


def discard_all() -> None:
    """Remove what this process has under construction: for a program that ends without unwinding."""
    for pending in tuple(_begun):
        if pending.maker == os.getpid():
            pending.discard()


atexit.register(discard_all)


def _hidden_name(target: Path) -> str:
    """A name beside the target. Systems count the bytes of a name, so little is taken over of a long one."""
    stem, suffix = target.stem, target.suffix
    while len(os.fsencode(stem)) > _STEM_BYTES:
        stem = stem[:-1]
    if len(os.fsencode(suffix)) > _SUFFIX_BYTES:
        suffix = ""
    # The extension stays last: some programs, and people, go by it.
    return f".{stem}-{secrets.token_hex(4)}.part{suffix}"


def _take_after(descriptor: int, old: os.stat_result) -> None:
    """Give a new file, so far its maker's only, what the file it replaces allows."""
    if not hasattr(os, "fchmod"):
        return
    mode = old.st_mode & _PERMISSIONS
    new = os.fstat(descriptor)
    try:
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            os.fchown(descriptor, old.st_uid if os.geteuid() == 0 else -1, old.st_gid)
    except OSError:
        mode &= ~0o070  # what the group might is not another group's
    with suppress(OSError):
        os.fchmod(descriptor, mode)
