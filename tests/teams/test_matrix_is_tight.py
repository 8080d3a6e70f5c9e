"""Nothing in the rendered policies could be left out: without any part of them some connection comes out otherwise."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from tests.chart.helm import TEAMS, Helm, Rendered
from tests.teams import matrix
from tests.teams.matrix import DNS, EXPERIMENTATION, PIPELINE, PROBES, STRANGER
from tests.teams.policies import Connection, Outside, Pod, Policy, World
from tests.teams.test_matrix import a_place, a_world

pytestmark = pytest.mark.helm

Path = tuple[str | int, ...]
PUBLIC: Final = ("203.0.113.7", "2001:db8::7")
PRIVATE: Final = (
    *("10.0.0.1", "172.16.0.1", "192.168.7.2", "100.64.0.1", "169.254.169.254", "168.63.129.16"),
    *("fd00::1", "fe80::1"),
)


def connections() -> Iterator[Connection]:
    """Yield the matrix, and what takes more kinds of places than it has."""
    for probe in PROBES:
        yield Connection(a_place(probe.source, 1), a_place(probe.target, 2), probe.port, probe.protocol)
    beside_dns = Pod("kube-system", ipaddress.ip_address("10.244.0.54"), {"app": "any"})
    impostor = Pod(STRANGER, ipaddress.ip_address("10.244.0.55"), {"k8s-app": DNS})
    stranger = a_place(STRANGER, 2)
    for team in matrix.TEAMS:
        for target in (beside_dns, impostor):
            yield Connection(a_place(team), target, 53, "TCP")
            yield Connection(a_place(team), target, 53, "UDP")
        yield Connection(a_place(team), a_place(DNS), 9153, "UDP")
        for port in (*matrix.OTLP, matrix.PUSH):
            yield Connection(a_place(team), stranger, port)
    for team in (PIPELINE, EXPERIMENTATION):
        for address in (*PUBLIC, *PRIVATE):
            yield Connection(a_place(team), Outside(ipaddress.ip_address(address)), 443)
    yield Connection(a_place(matrix.INTERNET), a_place(matrix.OBSERVABILITY), matrix.OTLP[0])


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Yield the way to each part of an object."""
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in entries:
        yield (*path, key)
        yield from paths(part, (*path, key))


def without(spec: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a copy of the object without one part."""
    changed = copy.deepcopy(spec)
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return changed


def is_default(spec: dict[str, Any], path: Path) -> bool:
    """Return whether the part says what its absence would say as well, as the API reads it."""
    part: Any = spec
    for key in path:
        part = part[key]
    only_type = path[0] == "policyTypes" and len(spec["policyTypes"]) == 1
    return part == "TCP" or path in {("podSelector",), ("policyTypes",)} or only_type


def variants(rendered: Rendered) -> Iterator[tuple[str, World]]:
    """Yield a world for each part of each policy, in which it is missing."""
    items = list(rendered.of("NetworkPolicy"))
    namespaces = a_world(rendered).namespaces
    for index, item in enumerate(items):
        others = tuple(Policy.of(other) for other in (*items[:index], *items[index + 1 :]))
        name = item["metadata"]["namespace"]
        yield name, World(namespaces, others)
        for path in paths(item["spec"]):
            if is_default(item["spec"], path):
                continue
            try:
                changed = Policy.of({**item, "spec": without(item["spec"], path)})
            except msgspec.ValidationError:
                continue  # the API would not take it
            yield f"{name} {'.'.join(map(str, path))}", World(namespaces, (*others, changed))


def without_effect(rendered: Rendered) -> set[str]:
    """Return the parts that could be missing without a connection coming out otherwise."""
    tried = tuple(connections())
    whole = [a_world(rendered).allows(each) for each in tried]
    found = {name: [world.allows(each) for each in tried] for name, world in variants(rendered)}
    assert len(found) > 100
    return {name for name, results in found.items() if results == whole}


def test_every_part_of_every_policy_matters(helm: Helm) -> None:
    """What the policy of observability does once more itself matters where that namespace is somebody else's."""
    elsewhere = {"tenants": {"networkPolicies": {"observability": {"namespace": STRANGER}}}}
    twice = without_effect(helm.render(None, TEAMS))
    assert all(".ports" in name and "egress.2" in name for name in twice), twice
    assert twice & without_effect(helm.render(elsewhere, TEAMS)) == set()
