"""Files that lie elsewhere: in memory, and on a server that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.batch.conftest import run_in
from vqcodec.batch.places import StorageError, fetched, is_remote, listed, put, sizes_of
from vqcodec.batch.plan import planned
from vqcodec.batch.tasks import Task
from vqcodec.batch.work import Worker
from vqcodec.config import RuntimeOptions
from vqcodec.errors import MediaError, UsageError

S3 = "s3://bucket"


@pytest.fixture(scope="module")
def s3() -> Iterator[object]:
    """A server of its own on the loopback address; drivers find it by the environment, workers too."""
    from moto.server import ThreadedMotoServer

    with pytest.MonkeyPatch.context() as patch:
        server = ThreadedMotoServer(port=0)
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "nobody")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
        yield server
        server.stop()
        fsspec.filesystem("s3").clear_instance_cache()


@pytest.mark.parametrize(
    ("name", "remote"),
    [
        ("a.mp4", False),
        ("/a/b", False),
        ("C:\\a", False),
        ("C://a", False),
        ("file:///a", False),
        ("s3://b/a", True),
        ("memory://a", True),
    ],
)
def test_what_is_an_address(name: str, remote: bool) -> None:
    assert is_remote(name) is remote


@pytest.mark.parametrize("root", ["memory://place", "s3"])
def test_files_come_and_go(root: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if root == "s3":
        request.getfixturevalue("s3")
        root = f"{S3}/place"
    made = tmp_path / "made"
    made.write_bytes(b"whole")
    for name in ("a.mp4", "deep/b.mp4", "deep/c.txt"):
        put(made, f"{root}/{name}")
    asked = [f"{root}/a.mp4", f"{root}/none", f"{root}/deep/c.txt", f"{root}/nowhere/a"]
    assert sizes_of(asked) == {asked[0]: 5, asked[2]: 5}
    assert fetched(f"{root}/deep/b.mp4", tmp_path).read_bytes() == b"whole"
    videos = frozenset({".mp4"})
    assert [n.removeprefix(root) for n in listed(root, videos)[1]] == ["/a.mp4", "/deep/b.mp4"]
    assert [n.removeprefix(root) for n in listed(f"{root}/*/*", videos)[1]] == [
        "/deep/b.mp4",
        "/deep/c.txt",
    ]
    tasks = planned([f"{root}/**/*.mp4"], "out", "encode", {})
    assert sorted(Path(task.output).as_posix() for task in tasks) == ["out/a.vqt", "out/deep/b.vqt"]
    assert planned([f"{root}/deep/c.txt"], root, "encode", {})[0].output == f"{root}/c.vqt"
    with pytest.raises(MediaError, match="there is no") as caught:
        fetched(f"{root}/none.mp4", tmp_path)
    assert not isinstance(caught.value, StorageError)
    with pytest.raises(UsageError, match="nothing is found"):
        listed(f"{root}/none/*", videos)


def test_unknown_places_are_refused() -> None:
    with pytest.raises(UsageError, match="carrier-pigeon://"):
        sizes_of(["carrier-pigeon://a/b"])


def test_a_batch_from_store_to_store(s3: object, stream: bytes, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(stream)
    for number in range(3):
        put(made, f"{S3}/in/{number}.vqt")
    tasks = planned([f"{S3}/in"], f"{S3}/out", "verify", {})
    assert run_in(tmp_path, tasks, jobs=2).done == 3
    assert sizes_of([f"{S3}/out/2.json"]) and run_in(tmp_path, tasks).made == 0


def test_a_store_that_is_gone_is_the_machines_fault(
    stream: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.filesystem("s3").clear_instance_cache()
    source = tmp_path / "a.vqt"
    source.write_bytes(stream)
    worker = Worker(RuntimeOptions(), tmp_path)
    for task in (
        Task("verify", str(source), f"{S3}/out/a.json"),
        Task("verify", f"{S3}/in/a.vqt", str(tmp_path / "b.json")),
    ):
        entry = worker(task)
        assert (entry.state, entry.exit_code) == ("machine-failed", 8) and S3 in entry.error
    assert not (tmp_path / "b.json").exists() and not list(tmp_path.glob("work-*"))
    fsspec.filesystem("s3").clear_instance_cache()


def test_nothing_is_seen_of_a_file_that_could_not_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system that isn't an object store a file is sent under another name and renamed."""
    from fsspec.implementations.dirfs import DirFileSystem
    from fsspec.implementations.local import LocalFileSystem

    store = tmp_path / "store"
    store.mkdir()
    system = DirFileSystem(str(store), LocalFileSystem())
    monkeypatch.setattr("vqcodec.batch.places.file_system", lambda name: (system, "deep/a.vqt"))
    made = tmp_path / "made"
    made.write_bytes(b"whole")

    def torn(source: str, target: str, **_: object) -> None:
        (store / target).write_bytes(b"wh")
        raise ConnectionError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(system, "put_file", torn)
        with pytest.raises(StorageError, match="gone"):
            put(made, "sftp://host/deep/a.vqt")
    assert not [path for path in store.rglob("*") if path.is_file()]
    put(made, "sftp://host/deep/a.vqt")
    assert [path.name for path in store.rglob("*") if path.is_file()] == ["a.vqt"]
