"""Files, folders and standard input as manifests: the objects in them, Lists taken apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec

from tiergate.core.text import printable
from tiergate.manifests.documents import Document, ManifestFault, Place
from tiergate.manifests.files import STDIN, UnreadableFile, read_bytes
from tiergate.manifests.stream import documents

SUFFIXES: Final = (".yaml", ".yml", ".json")
"""Of the files that are read in a folder."""
MAX_MANIFESTS: Final = 200_000
"""Objects of one run."""
MAX_TOTAL: Final = 512 * 2**20
"""Bytes of all files of one run: about three times as much is held."""
MAX_LISTS: Final = 20
"""In each other: the text of each is held."""
MAX_FAULTS: Final = 100
"""Faults of one file that are told; nobody reads more."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """An object as written.

    ``pointer`` is where it is in its document, ``raw`` the object as JSON. ``named`` says that the name is whole; else
    the API server will add to it. ``api_version`` and ``kind`` are "" in a document that is no object of Kubernetes.
    """

    path: str
    document: Document
    pointer: str = ""
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    named: bool = False
    raw: bytes

    @property
    def group(self) -> str:
        """The API group."""
        return self.api_version.rpartition("/")[0]

    def place(self, pointer: str = "") -> Place:
        """Return where the value at a pointer into the object is."""
        return self.document.place(self.pointer + pointer)


class Unread(msgspec.Struct, frozen=True):
    """What could not be read; without a place it is the file as a whole."""

    path: str
    reason: str
    place: Place | None = None

    def __str__(self) -> str:
        where = f"{self.path}:{self.place.line}:{self.place.column}" if self.place else self.path
        return f"{where}: {self.reason}"


class Loaded(msgspec.Struct):
    """What was read: the manifests in order, what could not be read, how many files were opened and their bytes."""

    manifests: list[Manifest]
    faults: list[Unread]
    files: int = 0
    bytes: int = 0


class _Metadata(msgspec.Struct):
    name: str | None = None
    generateName: str | None = None  # noqa: N815 - Kubernetes' own name
    namespace: str | None = None


class _Head(msgspec.Struct):
    apiVersion: str | None = None  # noqa: N815 - Kubernetes' own name
    kind: str | None = None
    metadata: _Metadata | None = None
    items: list[msgspec.Raw] | None = None


class _Item(NamedTuple):
    """An object in a document: where, its JSON, and what the list that it is in says of it."""

    pointer: str
    raw: bytes
    api_version: str = ""
    kind: str = ""


_decode_head: Final = msgspec.json.Decoder(_Head).decode


def load(
    paths: Iterable[str], *, ignore: Iterable[str] = (), progress: Callable[[int], None] = lambda _objects: None
) -> Loaded:
    """Read every path: a file, a folder with all below it, or ``-``.

    Globs say which paths to ``ignore``; ``progress`` is told after each document how many objects there are.
    """
    loaded, globs = Loaded([], []), tuple(ignore)
    for path in paths:
        for found in _files(path, globs):
            if isinstance(found, Unread):
                loaded.faults.append(found)
                continue
            loaded.files += 1
            _read(found, loaded, progress)
    return loaded


def loaded_of(raw: bytes, name: str) -> Loaded:
    """Return what bytes hold that are no file; the name stands in the place of its path."""
    loaded = Loaded([], [])
    _take(raw, name, loaded, lambda _objects: None)
    return loaded


def load_files(paths: Iterable[str], *, ignore: Iterable[str] = ()) -> tuple[list[tuple[str, bytes]], Loaded]:
    """Read every path as `load` does, and return the bytes of each file by its path as well."""
    loaded, globs = Loaded([], []), tuple(ignore)
    files: list[tuple[str, bytes]] = []
    for path in paths:
        for found in _files(path, globs):
            if isinstance(found, Unread):
                loaded.faults.append(found)
                continue
            loaded.files += 1
            raw = _read(found, loaded, lambda _objects: None)
            if raw is not None:
                files.append((_shown(found), raw))
    return files, loaded


def _files(path: str, ignore: tuple[str, ...]) -> Iterator[str | Unread]:
    """Yield the files of a path, in a folder those with a known suffix; links to folders are not followed.

    Their order is that of `kubectl apply -R`, by name with folders among files: it decides which of two objects of one
    name counts.
    """
    if path == STDIN or not os.path.isdir(path):  # noqa: PTH112 - a Path costs more than the rest
        if not _ignored(path, ignore):
            yield path
        return
    left = [path]
    while left:
        found = left.pop()
        if os.path.isdir(found):  # noqa: PTH112 - as above
            if found != path and os.path.islink(found):  # noqa: PTH114 - as above
                continue
            try:
                names = sorted(os.listdir(found), reverse=True)  # noqa: PTH208 - as above
            except OSError as error:
                yield Unread(printable(found), error.strerror or "cannot be read")
                continue
            left.extend(os.path.join(found, name) for name in names if not _skipped(found, name))  # noqa: PTH118
        elif found.endswith(SUFFIXES) and not _ignored(found, ignore):
            yield found


def _skipped(folder: str, name: str) -> bool:
    """Say whether it is git's own folder: whatever else is there `kubectl apply -R` applies as well."""
    return name == ".git" and os.path.isdir(os.path.join(folder, name))  # noqa: PTH112, PTH118 - as above


def _ignored(path: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatch(path, glob) or fnmatch(os.path.basename(path), glob) for glob in globs)  # noqa: PTH119 - as above


def _shown(path: str) -> str:
    return "<stdin>" if path == STDIN else printable(path)


def _read(path: str, loaded: Loaded, progress: Callable[[int], None]) -> bytes | None:
    """Read a file and return its bytes, None of one that cannot be opened."""
    shown = _shown(path)
    try:
        raw = read_bytes(path)
    except UnreadableFile as error:
        loaded.faults.append(Unread(shown, str(error)))
        return None
    loaded.bytes += len(raw)
    if loaded.bytes > MAX_TOTAL:
        loaded.faults.append(Unread(shown, f"more than {MAX_TOTAL // 2**20} MiB in all files: it is not read"))
        loaded.bytes -= len(raw)
        return None
    _take(raw, shown, loaded, progress)
    return raw


def _take(raw: bytes, shown: str, loaded: Loaded, progress: Callable[[int], None]) -> None:
    faults = 0
    for document in documents(raw):
        try:
            if isinstance(document, ManifestFault):
                raise document
            left = MAX_MANIFESTS + 1 - len(loaded.manifests)
            loaded.manifests.extend(islice(manifests_of(shown, document), left))
        except ManifestFault as fault:
            loaded.faults.append(Unread(shown, printable(fault.reason), fault.place))
            faults += 1
        progress(len(loaded.manifests))
        if faults == MAX_FAULTS or len(loaded.manifests) > MAX_MANIFESTS:
            what = f"{MAX_FAULTS} faults" if faults == MAX_FAULTS else f"more than {MAX_MANIFESTS} objects"
            loaded.faults.append(Unread(shown, f"{what}: the rest of the file is not read"))
            break


def manifests_of(path: str, document: Document) -> Iterator[Manifest]:
    """Yield the objects of a document.

    Raises:
        ManifestFault: Lists are nested too deep.
    """
    pending: list[Iterator[_Item]] = [iter([_Item("", document.json)])]
    while pending:
        item = next(pending[-1], None)
        if item is None:
            pending.pop()
            continue
        head = _head(item.raw)
        kind = head.kind or item.kind
        # For kubectl a document with items is a list, whatever its kind. What is in a list is held once for each level.
        if head.items is not None and (kind.endswith("List") or not item.pointer):
            if len(pending) > MAX_LISTS:
                raise ManifestFault(document.place(item.pointer), f"more than {MAX_LISTS} lists in each other")
            pending.append(_items(item.pointer, head, kind.removesuffix("List")))
            if kind.endswith("List"):
                continue
        metadata = head.metadata or _Metadata()
        yield Manifest(
            path=path,
            document=document,
            pointer=item.pointer,
            api_version=head.apiVersion or item.api_version,
            kind=kind,
            namespace=metadata.namespace or "",
            name=metadata.name or metadata.generateName or "",
            named=bool(metadata.name),
            raw=item.raw,
        )


def _items(pointer: str, head: _Head, kind: str) -> Iterator[_Item]:
    """Yield the objects of a list; in one of a kind they need not say of which."""
    version = head.apiVersion or "" if kind else ""
    for at, raw in enumerate(head.items or ()):
        yield _Item(f"{pointer}/items/{at}", bytes(raw), version, kind)


def _head(raw: bytes) -> _Head:
    try:
        return _decode_head(raw)
    except (ValueError, RecursionError):
        pass
    try:
        found = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return _Head()
    if not isinstance(found, dict):
        return _Head()
    metadata = found.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    names = _Metadata(*(_text(named.get(key)) for key in ("name", "generateName", "namespace")))
    items = found.get("items")
    listed = [msgspec.Raw(msgspec.json.encode(one)) for one in items] if isinstance(items, list) else None
    return _Head(_text(found.get("apiVersion")), _text(found.get("kind")), names, listed)


def _text(value: Any) -> str | None:  # noqa: ANN401  # any value of JSON
    return value if isinstance(value, str) else None
