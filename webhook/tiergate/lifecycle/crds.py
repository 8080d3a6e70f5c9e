"""Raise CustomResourceDefinitions to those of this release, and never lower one.

Helm installs what is in ``crds/`` once and never looks at it again. Each file says in an annotation which release it
belongs to; the definition in the cluster is replaced when that is the same release or a later one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from tiergate.cluster.api import Api
from tiergate.cluster.resource import CUSTOM_RESOURCE_DEFINITIONS

VERSION: Final = "tiergate.io/version"
"""The annotation with the release that a definition belongs to."""
PATIENCE: Final = 30.0
PAUSE: Final = 0.2

Object = dict[str, Any]
Release = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]
_SEMVER: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


class NotRaised(RuntimeError):
    """A definition is not what this release needs; the message says why and what to do."""


def release(text: str) -> Release:
    """Return a semantic version as a value that sorts in its order of precedence.

    Raises:
        NotRaised: The text is no semantic version.
    """
    match = _SEMVER.fullmatch(text)
    if match is None:
        msg = f'the annotation {VERSION} is "{text}", which is not a version such as 1.2.3'
        raise NotRaised(msg)
    major, minor, patch, before = match.groups()
    parts = tuple(_identifier(part) for part in before.split(".")) if before else ()
    return int(major), int(minor), int(patch), before is None, parts


def _identifier(text: str) -> tuple[bool, int, str]:
    """Return one part of a pre-release: numbers before words, and by amount."""
    return (False, int(text), "") if text.isdecimal() else (True, 0, text)


def read(paths: Sequence[Path]) -> Iterator[Object]:
    """Yield the definitions of YAML files.

    Raises:
        NotRaised: A file cannot be read, or holds something else.
    """
    for path in paths:
        try:
            documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            msg = f"{path}: {error}"
            raise NotRaised(msg) from error
        for document in documents:
            if not isinstance(document, dict) or document.get("kind") != "CustomResourceDefinition":
                msg = f"{path}: this is not a CustomResourceDefinition"
                raise NotRaised(msg)
            yield document


async def raise_all(api: Api, paths: Sequence[Path], *, say: Callable[[str], None]) -> None:
    """Raise every definition of the files and wait until the API server serves it.

    Args:
        api: Gets and replaces definitions.
        paths: YAML files.
        say: Gets one line for each definition.

    Raises:
        NotRaised: A file is no definition of a release, or what was stored is not served after ``PATIENCE`` seconds.
        ApiError, Unreachable: The API server refuses the definition, or does not answer.
    """
    for wanted in list(read(paths)):  # all files are read before anything is written
        say(await _raise(api, wanted))


async def _raise(api: Api, wanted: Object) -> str:
    name = wanted["metadata"]["name"]
    ours = _version_of(wanted)
    if not ours:
        msg = f"CustomResourceDefinition {name}: the file has no annotation {VERSION}"
        raise NotRaised(msg)
    own = release(ours)
    present = await _get(api, name)
    if present is None:  # a first installation by a tool that runs upgrade hooks then too; or it was deleted by hand
        return f"CustomResourceDefinition {name}: is not there, so there is nothing to raise; crds/ holds it"
    theirs = _version_of(present)
    if theirs and release(theirs) > own:
        return (
            f"CustomResourceDefinition {name}: kept as it is. It belongs to release {theirs}, and a lower one "
            f"({ours}) never replaces it: objects may use what only the later one knows"
        )
    raised = merged(present, wanted)
    if raised == present:
        return f"CustomResourceDefinition {name}: is that of release {ours} already"
    answer = await api.replace(CUSTOM_RESOURCE_DEFINITIONS, name, msgspec.json.encode(raised))
    if _resource_version(_decoded(answer)) == _resource_version(present):
        return f"CustomResourceDefinition {name}: is that of release {ours} already"
    await _served(api, name)
    return f"CustomResourceDefinition {name}: raised from release {theirs or 'unknown'} to {ours}"


def merged(present: Object, wanted: Object) -> Object:
    """Return the definition to store: the spec as wanted, labels and annotations of others kept."""
    metadata = dict(present["metadata"])
    for part in ("labels", "annotations"):
        if both := {**(metadata.get(part) or {}), **(wanted["metadata"].get(part) or {})}:
            metadata[part] = both
    return {**present, "metadata": metadata, "spec": wanted["spec"]}


async def _served(api: Api, name: str) -> None:
    """Wait until the API server has taken the names up; the schema follows within the same moment."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not _is_established(await _get(api, name)):
        if asyncio.get_running_loop().time() > end:
            msg = f"CustomResourceDefinition {name}: stored, but not Established after {PATIENCE:g} s"
            raise NotRaised(msg)
        await asyncio.sleep(PAUSE)


def _is_established(definition: Object | None) -> bool:
    if definition is None:
        return False
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


async def _get(api: Api, name: str) -> Object | None:
    body = await api.get(CUSTOM_RESOURCE_DEFINITIONS, name)
    return None if body is None else _decoded(body)


def _decoded(body: bytes) -> Object:
    return msgspec.json.decode(body, type=dict[str, Any])


def _version_of(definition: Mapping[str, Any]) -> str:
    annotations: Mapping[str, str] = definition["metadata"].get("annotations") or {}
    return annotations.get(VERSION, "")


def _resource_version(definition: Mapping[str, Any]) -> str:
    return str(definition["metadata"].get("resourceVersion", ""))
