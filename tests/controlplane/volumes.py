"""Volumes of a pod as local folders, written as a kubelet writes them.

Secret, ConfigMap, projected and downwardAPI volumes hold a ``..data`` link to a folder with a fresh name,
and a link through it for each file. An update writes a new folder and renames the link: a reader sees all
old files or all new ones.
"""

from __future__ import annotations

import base64
import itertools
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.controlplane.api import Object
from tests.controlplane.container import Source
from tests.controlplane.container import field as downward

DATA: Final = "..data"
_NUMBERS: Final = itertools.count(1)
Files = Mapping[str, bytes]


class NotMountable(RuntimeError):
    """What the volume shows does not exist (yet); a kubelet holds the pod until it does."""


def write_atomically(folder: Path, files: Files) -> bool:
    """Make the folder show exactly these files; return whether anything changed."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / DATA
    if link.is_symlink() and _read(link) == dict(files):
        return False
    fresh = folder / f"..{os.getpid()}_{next(_NUMBERS)}"
    for name, content in files.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)
    fresh.mkdir(exist_ok=True)
    old = link.resolve() if link.is_symlink() else None
    staged = folder / "..data_tmp"
    staged.symlink_to(fresh.name)
    staged.rename(link)
    _link_names(folder, files)
    if old is not None:
        shutil.rmtree(old)
    return True


def _read(link: Path) -> dict[str, bytes]:
    root = link.resolve()
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _link_names(folder: Path, files: Files) -> None:
    wanted = {Path(name).parts[0] for name in files}
    present = {entry.name for entry in folder.iterdir() if not entry.name.startswith("..")}
    for name in wanted - present:
        (folder / name).symlink_to(f"{DATA}/{name}")
    for name in present - wanted:
        (folder / name).unlink()


def decoded(item: Object | None) -> dict[str, bytes] | None:
    """Return the data of a Secret or ConfigMap as bytes, or None if there is none."""
    if item is None:
        return None
    if "type" in item:  # every Secret has one, no ConfigMap has; items of a list carry no kind
        return {key: base64.b64decode(value) for key, value in (item.get("data") or {}).items()}
    texts = {key: value.encode() for key, value in (item.get("data") or {}).items()}
    return texts | {key: base64.b64decode(value) for key, value in (item.get("binaryData") or {}).items()}


@dataclass
class Volumes:
    """The volumes of one pod below `root`; `token` requests a bound token: (audience, seconds) -> text."""

    root: Path
    source: Source
    token: Callable[[str, int], Awaitable[str]]

    def folder(self, name: str) -> Path:
        """Return the folder that stands for the volume."""
        return self.root / name

    async def refresh(self) -> None:
        """Write every volume as it should be now, or raise NotMountable with the reason."""
        for volume in self.source.pod["spec"].get("volumes", ()):
            await self._refresh(volume)

    async def _refresh(self, volume: Object) -> None:
        folder = self.folder(volume["name"])
        if "emptyDir" in volume:
            folder.mkdir(parents=True, exist_ok=True)
            return
        if "projected" in volume:
            files: dict[str, bytes] = {}
            for part in volume["projected"]["sources"]:
                files |= await self._part(part)
        else:
            kind = next(key for key in volume if key != "name")
            files = await self._part({kind: volume[kind]})
        write_atomically(folder, files)

    async def _part(self, part: Object) -> dict[str, bytes]:
        match part:
            case {"secret": dict(spec)}:
                return _chosen(self.source.secret, spec, spec.get("secretName") or spec.get("name", ""), "Secret")
            case {"configMap": dict(spec)}:
                return _chosen(self.source.config_map, spec, spec["name"], "ConfigMap")
            case {"downwardAPI": dict(spec)}:
                return {item["path"]: self._field(item).encode() for item in spec.get("items", ())}
            case {"serviceAccountToken": dict(spec)}:
                text = await self.token(spec.get("audience", ""), spec.get("expirationSeconds", 3600))
                return {spec["path"]: text.encode()}
        msg = f"volume source {sorted(part)} is not known to this kubelet"
        raise NotMountable(msg)

    def _field(self, item: Object) -> str:
        return downward(self.source.pod, item["fieldRef"]["fieldPath"], address=self.source.address)


def _chosen(read: Callable[[str], Files | None], spec: Object, name: str, kind: str) -> dict[str, bytes]:
    data = read(name)
    if data is None:
        if spec.get("optional"):
            return {}
        msg = f'{kind} "{name}" not found'
        raise NotMountable(msg)
    if "items" not in spec:
        return dict(data)
    missing = [item["key"] for item in spec["items"] if item["key"] not in data]
    if missing and not spec.get("optional"):
        msg = f'{kind} "{name}" has no key {missing[0]!r}'
        raise NotMountable(msg)
    return {item["path"]: data[item["key"]] for item in spec["items"] if item["key"] in data}
