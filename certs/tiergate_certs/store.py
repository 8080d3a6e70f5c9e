"""Where certificates are kept: a Protocol with two methods, and a directory that implements it.

The cluster's Secrets implement the same Protocol in ``tiergate.cluster.secrets``; this package knows no API server.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Protocol

DATA_LINK: Final = "..data"
"""The symlink that names the current version, spelled as the kubelet spells it in a mounted Secret."""

_LOCK_NAME: Final = "..lock"


class Conflict(RuntimeError):
    """The stored object is not the one the write was decided on: read again, decide again."""


class Stored(NamedTuple):
    """What a store holds under one name."""

    data: Mapping[str, bytes]
    resource_version: str


class SecretStore(Protocol):
    """Named sets of files with optimistic concurrency, as Kubernetes Secrets are."""

    async def read(self, name: str) -> Stored | None:
        """Return the data and its version, or None where nothing of that name exists."""

    async def write(self, name: str, data: Mapping[str, bytes], resource_version: str | None) -> None:
        """Replace everything under the name, or create it.

        Args:
            name: Name of the Secret (or folder).
            data: All keys; keys that are not given are gone afterwards.
            resource_version: The version the data was decided on; None means that nothing existed.

        Raises:
            Conflict: The stored version is another one (also: it exists, though None was given; or it is gone).
        """


class DirectoryStore:
    """Folders below one root, written as the kubelet writes mounted Secrets.

    A reader sees all files of one version or all of the next: the files are symlinks through ``..data``, and that one
    link is replaced by a rename. Versions are hashes of the contents. Writers on one machine exclude each other with a
    lock file.
    """

    def __init__(self, root: Path) -> None:
        """Remember the root; it is created by the first write."""
        self._root = root

    async def read(self, name: str) -> Stored | None:
        """Return the current files and their version, or None."""
        return await asyncio.to_thread(read_directory, self._root / name)

    async def write(self, name: str, data: Mapping[str, bytes], resource_version: str | None) -> None:
        """Swap in a new version of the folder, if the current one is still the one given."""
        await asyncio.to_thread(self._write, self._root / name, data, resource_version)

    def _write(self, folder: Path, data: Mapping[str, bytes], resource_version: str | None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(folder):
            current = read_directory(folder)
            found = None if current is None else current.resource_version
            if found != resource_version:
                raise Conflict(f"{folder.name}: decided on version {resource_version}, found {found}")
            replace_directory(folder, data)


def version_of(data: Mapping[str, bytes]) -> str:
    """Return a hash over names and contents; equal data has equal versions."""
    digest = hashlib.sha256()
    for key in sorted(data):
        for part in (key.encode(), data[key]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def read_directory(folder: Path) -> Stored | None:
    """Read one version of a folder in the layout of a mounted Secret, or None where there is none.

    The link is resolved once, so that all files come from the same version. A writer removes a version only after the
    link has left it, so a link that did not move proves that the version was read whole. If it did, read again.
    """
    link = folder / DATA_LINK
    while True:
        try:
            target = link.readlink()
        except FileNotFoundError:
            return None
        try:
            data = {file.name: file.read_bytes() for file in (folder / target).iterdir() if file.is_file()}
        except FileNotFoundError:
            if not _moved_on(link, target):
                raise
            continue
        if not _moved_on(link, target):
            return Stored(data, version_of(data))


def replace_directory(folder: Path, data: Mapping[str, bytes]) -> None:
    """Write a new version beside the current one, then swap the link: readers never see a mixture."""
    for key in data:
        if not key or "/" in key or key.startswith(".."):
            raise ValueError(f"not a file name: {key!r}")
    version = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    for key, content in data.items():
        _write_synced(version / key, content)
    _swap_link(folder / DATA_LINK, target=version.name)
    for key in data:
        _swap_link(folder / key, target=f"{DATA_LINK}/{key}")
    _remove_others(folder, keep={version.name, DATA_LINK, _LOCK_NAME, *data})


def _remove_others(folder: Path, *, keep: AbstractSet[str]) -> None:
    """Remove links of keys that are gone, the previous version, and what a writer that was killed left behind."""
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _write_synced(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _swap_link(link: Path, *, target: str) -> None:
    """Make the link point at the target in one step: a rename over a symlink is atomic, unlink and symlink are not."""
    if link.is_symlink() and str(link.readlink()) == target:
        return
    fresh = link.with_name(f"..fresh-{link.name.lstrip('.')}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def _moved_on(link: Path, target: Path) -> bool:
    return not link.is_symlink() or link.readlink() != target


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / _LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
