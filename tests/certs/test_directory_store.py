"""Files that are swapped as a whole, with optimistic concurrency."""

import asyncio
import threading
from pathlib import Path

import pytest

from tiergate_certs.store import Conflict, DirectoryStore, Stored, read_directory


def put(store: DirectoryStore, data: dict[str, bytes]) -> Stored:
    """Write over whatever is there, and return what is then stored."""

    async def steps() -> Stored:
        before = await store.read("pair")
        await store.write("pair", data, None if before is None else before.resource_version)
        after = await store.read("pair")
        assert after is not None
        return after

    return asyncio.run(steps())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Nothing, then data; the files are where a server expects them, and only the owner may read keys."""
    store = DirectoryStore(tmp_path)
    assert asyncio.run(store.read("pair")) is None
    assert put(store, {"tls.crt": b"c", "tls.key": b"k"}).data == {"tls.crt": b"c", "tls.key": b"k"}
    assert (tmp_path / "pair" / "tls.key").read_bytes() == b"k"
    assert (tmp_path / "pair" / "tls.key").stat().st_mode & 0o777 == 0o600


def test_keys_that_are_not_given_are_gone(tmp_path: Path) -> None:
    """A write replaces everything; no old version stays behind."""
    store = DirectoryStore(tmp_path)
    put(store, {"a": b"1", "b": b"1"})
    assert put(store, {"b": b"2", "c": b"2"}).data == {"b": b"2", "c": b"2"}
    entries = {entry.name for entry in (tmp_path / "pair").iterdir()}
    version = str((tmp_path / "pair" / "..data").readlink())
    assert entries == {"b", "c", "..data", "..lock", version}


def test_remains_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    """A half-written version and a stray link are never read, and the next write sweeps them away."""
    store = DirectoryStore(tmp_path)
    put(store, {"a": b"1"})
    (tmp_path / "pair" / "..half").mkdir()
    (tmp_path / "pair" / "..half" / "a").write_bytes(b"")
    (tmp_path / "pair" / "..fresh-data").symlink_to("..half")
    assert put(store, {"a": b"2"}).data == {"a": b"2"}
    assert not (tmp_path / "pair" / "..half").exists()


@pytest.mark.parametrize("version", [None, "another"], ids=["as-if-nothing-existed", "an-older-version"])
def test_a_write_decided_on_something_else_is_refused(tmp_path: Path, version: str | None) -> None:
    """A conflict leaves what is stored untouched."""
    store = DirectoryStore(tmp_path)
    put(store, {"a": b"1"})
    with pytest.raises(Conflict):
        asyncio.run(store.write("pair", {"a": b"2"}, version))
    assert (tmp_path / "pair" / "a").read_bytes() == b"1"


def test_a_write_to_something_that_is_gone_is_refused(tmp_path: Path) -> None:
    """A version that was read and then removed is a conflict, not a create."""
    with pytest.raises(Conflict):
        asyncio.run(DirectoryStore(tmp_path).write("pair", {"a": b"2"}, "gone"))


@pytest.mark.parametrize("key", ["", "a/b", "..data"])
def test_keys_stay_inside_the_folder(tmp_path: Path, key: str) -> None:
    """Keys are file names."""
    with pytest.raises(ValueError, match="not a file name"):
        asyncio.run(DirectoryStore(tmp_path).write("pair", {key: b""}, None))


def test_a_reader_never_sees_a_mixture(tmp_path: Path) -> None:
    """While a writer swaps versions, every read holds files of one version, all of them."""
    store = DirectoryStore(tmp_path)
    put(store, {"crt": b"0", "key": b"0"})
    done = threading.Event()

    def write_on() -> None:
        for number in range(1, 60):
            put(store, {"crt": b"%d" % number, "key": b"%d" % number})
        done.set()

    writer = threading.Thread(target=write_on)
    writer.start()
    seen = set()
    while not done.is_set():
        stored = read_directory(tmp_path / "pair")
        assert stored is not None
        assert set(stored.data) == {"crt", "key"}
        assert stored.data["crt"] == stored.data["key"]
        seen.add(stored.data["crt"])
    writer.join()
    assert len(seen) > 1
