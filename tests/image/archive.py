"""What `docker save` and its like write: an archive of layers, a configuration and a manifest.

Layers lie in it plain or gzipped, depending on who wrote it.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

GZIP: Final = b"\x1f\x8b"
CHUNK: Final = 1 << 20
WHITEOUT: Final = ".wh."
OPAQUE: Final = ".wh..wh..opq"


@dataclass(frozen=True)
class Image:
    """The configuration of an image, and the names of its layers within the archive, lowest first."""

    digest: str
    config: Mapping[str, Any]
    layers: tuple[str, ...]

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what a container starts with: User, Env, Entrypoint, Labels, ..."""
        value: Mapping[str, Any] = self.config["config"]
        return value

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a container."""
        return dict(item.split("=", 1) for item in self.settings.get("Env", ()))


def read(path: Path) -> Image:
    """Read an archive with one image in it."""
    with tarfile.open(path) as archive:
        (entry,) = json.loads(_content(archive, "manifest.json"))
        config = _content(archive, entry["Config"])
    return Image(f"sha256:{hashlib.sha256(config).hexdigest()}", json.loads(config), tuple(entry["Layers"]))


def compressed_size(path: Path) -> int:
    """Return the bytes that a registry would store for the layers: gzip, as docker pushes them."""
    total = 0
    for layer in layers(path):
        head = layer.read(len(GZIP))
        layer.seek(0)
        gzipper = zlib.compressobj(level=6, wbits=31)
        for chunk in iter(lambda layer=layer: layer.read(CHUNK), b""):  # type: ignore[misc]  # a default binds the loop's value
            total += len(chunk if head == GZIP else gzipper.compress(chunk))
        total += 0 if head == GZIP else len(gzipper.flush())
    return total


def unpack(path: Path, folder: Path) -> None:
    """Lay the layers over each other in a folder; device files are left out. Owners need root."""
    for layer in layers(path):
        with tarfile.open(fileobj=layer) as archive:
            members = [member for member in archive.getmembers() if not member.isdev()]
            for member in members:
                _remove_what_it_hides(member.name, folder)
            kept = [member for member in members if not Path(member.name).name.startswith(WHITEOUT)]
            # Our own image: set-uid bits and absolute links are part of it.
            archive.extractall(folder, kept, filter="fully_trusted")  # noqa: S202


@dataclass(frozen=True)
class Variant:
    """An image under other names, with another entry point and the signal that ends it, if not SIGTERM."""

    names: Sequence[str]
    entrypoint: Sequence[str]
    stop_signal: str | None = None


def write_variants(source: Path, target: Path, variants: Sequence[Variant]) -> None:
    """Write the image of one archive to another in several variants, which share its layers."""
    image = read(source)
    names_within = [f"{number}/layer.tar" for number, _ in enumerate(image.layers)]
    manifest: list[dict[str, object]] = []
    with tarfile.open(target, "w") as archive:
        for variant in variants:
            settings = {**image.settings, "Entrypoint": list(variant.entrypoint), "Cmd": None}
            if variant.stop_signal:
                settings["StopSignal"] = variant.stop_signal
            config = json.dumps({**image.config, "config": settings}, sort_keys=True).encode()
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(archive, name, io.BytesIO(config))
            manifest.append({"Config": name, "RepoTags": list(variant.names), "Layers": names_within})
        _add(archive, "manifest.json", io.BytesIO(json.dumps(manifest).encode()))
        for name, layer in zip(names_within, layers(source), strict=True):
            _add(archive, name, layer)


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = content.seek(0, io.SEEK_END)
    content.seek(0)
    archive.addfile(member, content)


def layers(path: Path) -> Iterator[IO[bytes]]:
    """Yield the layers, lowest first; each is closed when the next is asked for."""
    with tarfile.open(path) as archive:
        for name in read(path).layers:
            with _member(archive, name) as layer:
                yield layer


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    with _member(archive, name) as file:
        return file.read()


@contextmanager
def _member(archive: tarfile.TarFile, name: str) -> Iterator[IO[bytes]]:
    file = archive.extractfile(name)
    if file is None:
        msg = f"{name} is no file in {archive.name!r}"
        raise ValueError(msg)
    with file:
        yield file


def _remove_what_it_hides(name: str, folder: Path) -> None:
    """Do what a whiteout of this name says to the layers below; other names say nothing."""
    place = folder / name
    if place.name == OPAQUE:
        for child in tuple(place.parent.iterdir()):
            _remove(child)
    elif place.name.startswith(WHITEOUT):
        _remove(place.with_name(place.name.removeprefix(WHITEOUT)))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
