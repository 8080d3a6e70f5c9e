"""What a container would run, as a local process: command, environment and paths. Pure.

There are no mount namespaces here, so a path under a mount is rewritten to the folder that stands for it,
wherever it appears in the command, the arguments and the environment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.controlplane.api import Object

ENTRYPOINT: Final = ("tiergate",)
_REFERENCE: Final = re.compile(r"\$(\$|\(([A-Za-z_.-][A-Za-z0-9_.-]*)\))")
_METADATA: Final = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class ContainerConfigError(RuntimeError):
    """The container cannot be created as specified; a kubelet holds the pod and says so."""


@dataclass(frozen=True)
class Source:
    """Where the values of environment variables come from: the pod, its address, Secrets and ConfigMaps."""

    pod: Object
    address: str
    secret: Callable[[str], Mapping[str, bytes] | None]
    config_map: Callable[[str], Mapping[str, bytes] | None]


@dataclass(frozen=True)
class Command:
    """A process to start."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def field(pod: Object, path: str, *, address: str) -> str:
    """Return what a fieldRef of the downward API names; raise ContainerConfigError for an unknown one."""
    if match := _METADATA.fullmatch(path):
        values: Mapping[str, str] = pod["metadata"].get(match[1], {})
        return values.get(match[2], "")
    known: dict[str, str] = {
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"]["namespace"],
        "metadata.uid": pod["metadata"]["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", ""),
        "status.podIP": address,
        "status.podIPs": address,
        "status.hostIP": address,
    }
    if path not in known:
        msg = f"fieldRef {path!r} is not known to this kubelet"
        raise ContainerConfigError(msg)
    return known[path]


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace $(NAME) as Kubernetes does: an unknown name stays as written, $$ is an escaped dollar."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[1] == "$" else variables.get(match[2], match[0])

    return _REFERENCE.sub(value, text)


def rewrite(text: str, folders: Mapping[str, str]) -> str:
    """Replace each mount path by its folder, longest first, only where a path begins and a component ends."""
    paths = sorted((path for path in folders if path != "/"), key=len, reverse=True)
    if not paths:
        return text
    alternatives = "|".join(re.escape(path) for path in paths)
    return re.sub(rf"(?<![\w./-])({alternatives})(?![\w.-])", lambda match: folders[match[1]], text)


def environment(container: Object, source: Source, base: Mapping[str, str]) -> dict[str, str]:
    """Return the container's variables over `base`; later ones may refer to earlier ones."""
    if "envFrom" in container:
        msg = "envFrom is not known to this kubelet"
        raise ContainerConfigError(msg)
    variables = dict(base)
    for entry in container.get("env", ()):
        if (value := _value(entry, source, variables)) is not None:
            variables[entry["name"]] = value
    return variables


def _value(entry: Object, source: Source, variables: Mapping[str, str]) -> str | None:
    match entry.get("valueFrom"):
        case None:
            return expand(entry.get("value", ""), variables)
        case {"fieldRef": {"fieldPath": str(path)}}:
            return field(source.pod, path, address=source.address)
        case {"secretKeyRef": dict(reference)}:
            return _keyed(source.secret, reference, "Secret")
        case {"configMapKeyRef": dict(reference)}:
            return _keyed(source.config_map, reference, "ConfigMap")
    msg = f"the source of variable {entry['name']!r} is not known to this kubelet: {entry['valueFrom']}"
    raise ContainerConfigError(msg)


def _keyed(read: Callable[[str], Mapping[str, bytes] | None], reference: Object, kind: str) -> str | None:
    data = read(reference["name"])
    if data is not None and reference["key"] in data:
        return data[reference["key"]].decode()
    if reference.get("optional"):
        return None
    msg = f"{kind} {reference['name']!r} has no key {reference['key']!r}, or does not exist"
    raise ContainerConfigError(msg)


def command(
    container: Object, source: Source, *, base: Mapping[str, str], folders: Mapping[str, str], usage_port: int
) -> Command:
    """Return the process that stands for the container.

    `folders` maps mount paths to local folders. Pods here share one loopback interface, so the port that
    `tiergate serve` opens on the pod's own 127.0.0.1 is replaced by `usage_port`.
    """
    variables = environment(container, source, base)
    words = [*(container.get("command") or ENTRYPOINT), *container.get("args", ())]
    expanded = [rewrite(expand(word, variables), folders) for word in words]
    return Command(
        arguments=own_usage_port(expanded, usage_port),
        # What the specification did not set is true of this machine already.
        environment={
            name: value if base.get(name) == value else rewrite(value, folders) for name, value in variables.items()
        },
    )


def own_usage_port(words: Sequence[str], port: int) -> tuple[str, ...]:
    """Replace the value of --usage-port, in both spellings; nothing else changes."""
    result: list[str] = []
    for word in words:
        if result and result[-1] == "--usage-port":
            result.append(str(port))
        elif word.startswith("--usage-port="):
            result.append(f"--usage-port={port}")
        else:
            result.append(word)
    return tuple(result)
