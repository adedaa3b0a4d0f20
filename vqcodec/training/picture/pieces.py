"""Many files as a few pieces of limited size, and back; nothing but the standard library, so that it runs anywhere.

files --tar--> piece.000, piece.001, ... of at most PIECE_BYTES, index.json: sha256 of each
python pieces.py FOLDER TARGET      checks the pieces in a folder and unpacks them
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

PIECE_BYTES = 64 << 20
INDEX = "index.json"


class PiecesError(OSError):
    """A piece is missing, or another one than was written."""


class _Splitter(io.RawIOBase):
    """A file for writing that is cut into pieces."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit, self._left = folder, limit, bytearray()
        self.index: list[dict[str, str]] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """Take any bytes."""
        view = memoryview(data)  # type: ignore[arg-type]
        self._left += view
        while len(self._left) >= self._limit:
            self._put(self._limit)
        return view.nbytes

    def finish(self) -> None:
        """Write what is left."""
        if self._left:
            self._put(len(self._left))

    def _put(self, count: int) -> None:
        piece, self._left = bytes(self._left[:count]), self._left[count:]
        name = f"piece.{len(self.index):03d}"
        (self._folder / name).write_bytes(piece)
        self.index.append({"name": name, "sha256": hashlib.sha256(piece).hexdigest()})


class _Joiner(io.RawIOBase):
    """Pieces as one file for reading, each checked before anything of it is used."""

    def __init__(self, folder: Path, index: list[dict[str, str]]) -> None:
        self._folder, self._index, self._piece = folder, list(index), io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        """Fill a part of the buffer; 0 at the end."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._piece.read(view.nbytes)
        while not data and self._index:
            entry = self._index.pop(0)
            self._piece = io.BytesIO(_checked(self._folder / Path(entry["name"]).name, entry))
            data = self._piece.read(view.nbytes)
        view[: len(data)] = data
        return len(data)


def _checked(path: Path, entry: dict[str, str]) -> bytes:
    if not path.is_file():
        raise PiecesError(f"{path} is missing: bring all pieces that {INDEX} names")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise PiecesError(f"{path} is not what was written: bring it again")
    return data


def write_pieces(
    files: Iterable[tuple[Path, str]], folder: Path, *, limit: int = PIECE_BYTES
) -> int:
    """Write files as pieces.

    Args:
        files: path and name in the archive of each.
        folder: where the pieces and their index go; made if missing.
        limit: bytes of a piece at most.

    Returns:
        How many pieces there are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    splitter = _Splitter(folder, limit)
    with tarfile.open(fileobj=splitter, mode="w|") as archive:
        for path, name in files:
            archive.add(path, name, recursive=False)
    splitter.finish()
    (folder / INDEX).write_text(json.dumps(splitter.index, indent=1) + "\n")
    return len(splitter.index)


def read_pieces(folder: Path, target: Path) -> list[str]:
    """Check pieces and unpack them.

    Args:
        folder: of `write_pieces`.
        target: where the files go; what is there under the same names is replaced.

    Returns:
        The names of the files.

    Raises:
        PiecesError: a piece or the index is missing, or a piece is not what was written.
    """
    path = folder / INDEX
    if not path.is_file():
        raise PiecesError(f"no {INDEX} in {folder}")
    joined = io.BufferedReader(_Joiner(folder, json.loads(path.read_text())), 1 << 20)
    target.mkdir(parents=True, exist_ok=True)
    names = []
    with tarfile.open(fileobj=joined, mode="r|") as archive:
        for member in archive:
            archive.extract(member, target, filter="data")
            names.append(member.name)
    return names


if __name__ == "__main__":
    read_pieces(Path(sys.argv[1]), Path(sys.argv[2]))
