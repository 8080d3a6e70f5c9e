"""Every cell of the matrix, over the policies that the chart renders."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chart.helm import ENVIRONMENTS, TEAMS, Helm, Rendered
from tests.teams import matrix
from tests.teams.matrix import OBSERVABILITY, PROBES, WITH_ENVIRONMENTS, Probe
from tests.teams.policies import Connection, Labels, Outside, Place, Pod, Policy, World

pytestmark = pytest.mark.helm

NAME_LABEL: Final = "kubernetes.io/metadata.name"
UNGOVERNED: Final = (matrix.STRANGER, "kube-system")
OUTSIDE: Final = {
    matrix.INTERNET: Outside(ipaddress.ip_address("203.0.113.7")),
    matrix.METADATA: Outside(ipaddress.ip_address("169.254.169.254")),
    matrix.NODE: Outside(ipaddress.ip_address("192.168.7.2")),
}


def a_world(rendered: Rendered, *, blocks_find_pods: bool = True) -> World:
    """Return the namespaces and policies of a rendering; the API server puts the name of each on it as a label."""
    policies = tuple(Policy.of(item) for item in rendered.of("NetworkPolicy"))
    names = {*rendered.names("Namespace"), *(policy.namespace for policy in policies), *UNGOVERNED}
    labels: dict[str, Labels] = {name: {NAME_LABEL: name} for name in names}
    for item in rendered.of("Namespace"):
        labels[item["metadata"]["name"]] = {**labels[item["metadata"]["name"]], **item["metadata"]["labels"]}
    return World(labels, policies, blocks_find_pods)


def a_place(name: str, last: int = 1) -> Place:
    """Return what stands for a place of the matrix; another `last` is another pod of it, on a node of its own."""
    if name in OUTSIDE:
        return OUTSIDE[name]
    if name == matrix.DNS:
        return Pod("kube-system", ipaddress.ip_address("10.244.0.53"), {"k8s-app": "kube-dns"})
    host = sum(name.encode()) % 250  # any address: the policies name none of a pod
    node = ipaddress.ip_address(f"192.168.8.{last}")
    return Pod(name, ipaddress.ip_address(f"10.244.{host}.{last}"), {"app": "any"}, node=node)


def is_open(world: World, probe: Probe) -> bool:
    """Return whether the policies let it through."""
    return world.allows(Connection(a_place(probe.source, 1), a_place(probe.target, 2), probe.port, probe.protocol))


@pytest.mark.parametrize("blocks_find_pods", [True, False], ids=["blocks-find-pods", "blocks-find-no-pods"])
@pytest.mark.parametrize(
    ("files", "probe"),
    [
        *(pytest.param((TEAMS,), probe, id=f"teams-{probe}") for probe in PROBES),
        *(pytest.param((ENVIRONMENTS, TEAMS), probe, id=f"both-{probe}") for probe in WITH_ENVIRONMENTS),
    ],
)
def test_connection(helm: Helm, files: tuple[Path, ...], probe: Probe, *, blocks_find_pods: bool) -> None:
    """A connection comes about exactly where the matrix says so, whatever a network plugin makes of blocks."""
    world = a_world(helm.render(None, *files), blocks_find_pods=blocks_find_pods)
    assert is_open(world, probe) is probe.is_open, probe.because


def test_nothing_else_is_open_between_governed_namespaces(helm: Helm) -> None:
    """Over every pair and a wide choice of ports: no other cell of the whole matrix is open by accident."""
    world = a_world(helm.render(None, ENVIRONMENTS, TEAMS))
    governed = (*matrix.GOVERNED, "dev", "staging", "prod")
    ports = (1, 22, 53, 80, 443, 2379, 3000, 4316, *matrix.LISTENING, 4319, 6443, 8080, 10250, 30000, 65535)
    for source, target, port, protocol in itertools.product(governed, governed, ports, ("TCP", "UDP", "SCTP")):
        pushed = target == OBSERVABILITY and protocol == "TCP" and port in {*matrix.OTLP, matrix.PUSH}
        scraped = source == OBSERVABILITY and protocol == "TCP"
        connection = Connection(a_place(source, 1), a_place(target, 2), port, protocol)  # type: ignore[arg-type]  # one of the three
        assert world.allows(connection) is (source == target or pushed or scraped), (source, target, port, protocol)


def test_every_governed_namespace_is_closed_by_one_policy(helm: Helm) -> None:
    """One object in each: a change of it is never half done."""
    rendered = helm.render(None, ENVIRONMENTS, TEAMS)
    found = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in rendered.of("NetworkPolicy")]
    assert sorted(found) == sorted((name, "tiergate-tenant") for name in rendered.names("Namespace"))
    assert all(item["spec"]["podSelector"] == {} for item in rendered.of("NetworkPolicy"))


def render(helm: Helm, policies: Mapping[str, Any], **namespaces: Mapping[str, Any]) -> Rendered:
    """Render with these values over those of the teams."""
    values = {"tenants": {"networkPolicies": policies}, "namespaces": namespaces}
    return helm.render(values, TEAMS)


def test_scraping_can_be_narrowed_to_ports_and_names(helm: Helm) -> None:
    world = a_world(render(helm, {"observability": {"scrapePorts": [9090, "metrics"]}}))
    scraper = a_place(OBSERVABILITY)
    target = Pod("model-serving", ipaddress.ip_address("10.244.1.9"), ports={("metrics", "TCP"): 8123})
    opened = {port for port in (8000, 8123, 9090) if world.allows(Connection(scraper, target, port))}
    assert opened == {8123, 9090}


def test_without_an_observability_namespace_nobody_is_special(helm: Helm) -> None:
    world = a_world(render(helm, {"observability": {"namespace": ""}}))
    for source, target in itertools.permutations(matrix.GOVERNED, 2):
        assert not world.allows(Connection(a_place(source), a_place(target, 2), matrix.OTLP[0]))


def test_observability_may_be_a_namespace_of_somebody_else(helm: Helm) -> None:
    """A monitoring stack that is there already: it is let in and reached, and no policy is laid down in it."""
    rendered = render(helm, {"observability": {"namespace": matrix.STRANGER}})
    world = a_world(rendered)
    team, stack = a_place(matrix.SERVING), a_place(matrix.STRANGER, 2)
    assert world.allows(Connection(team, stack, 4317))
    assert world.allows(Connection(stack, team, matrix.METRICS))
    assert not world.allows(Connection(team, stack, matrix.METRICS))
    assert matrix.STRANGER not in {item["metadata"]["namespace"] for item in rendered.of("NetworkPolicy")}


def test_node_local_dns_is_opened_by_address(helm: Helm) -> None:
    world = a_world(render(helm, {"dns": {"cidrs": ["169.254.20.10/32"]}}))
    cache = Outside(ipaddress.ip_address("169.254.20.10"))
    for team in matrix.TEAMS:
        assert world.allows(Connection(a_place(team), cache, 53, "UDP"))
        assert world.allows(Connection(a_place(team), cache, 53, "TCP"))
        assert not world.allows(Connection(a_place(team), cache, 80, "TCP"))


def test_dns_may_have_other_pods_and_ports(helm: Helm) -> None:
    """As on OpenShift. A null takes the default label away, as everywhere in Helm's values."""
    labels = {"k8s-app": None, "dns.operator.openshift.io/daemonset-dns": "default"}
    world = a_world(render(helm, {"dns": {"namespace": matrix.STRANGER, "podLabels": labels, "ports": [53, 5353]}}))
    server = Pod(
        matrix.STRANGER, ipaddress.ip_address("10.244.9.9"), {"dns.operator.openshift.io/daemonset-dns": "default"}
    )
    assert world.allows(Connection(a_place(matrix.SERVING), server, 5353, "UDP"))
    assert not world.allows(Connection(a_place(matrix.SERVING), a_place(matrix.DNS), 53, "UDP"))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("203.0.113.7", True, id="ipv4"),
        pytest.param("2001:db8::7", True, id="ipv6"),
        pytest.param("10.96.0.1", False, id="services"),
        pytest.param("172.31.255.255", False, id="last-of-172.16"),
        pytest.param("172.32.0.0", True, id="after-172.16"),
        pytest.param("100.100.100.200", False, id="metadata-in-shared-space"),
        pytest.param("168.63.129.16", False, id="metadata-at-a-public-address"),
        pytest.param("fd00:ec2::254", False, id="metadata-over-ipv6"),
        pytest.param("fe80::1", False, id="link-local-ipv6"),
    ],
)
def test_the_internet_is_what_is_not_private(helm: Helm, address: str, *, expected: bool) -> None:
    world = a_world(helm.render(None, TEAMS))
    target = Outside(ipaddress.ip_address(address))
    assert world.allows(Connection(a_place(matrix.PIPELINE), target, 443)) is expected


def test_a_family_without_private_addresses_is_not_opened(helm: Helm) -> None:
    """Who knows one family only must not open the other whole, with every pod in it."""
    world = a_world(render(helm, {"privateCIDRs": ["10.0.0.0/8"]}))
    source = a_place(matrix.PIPELINE)
    assert world.allows(Connection(source, Outside(ipaddress.ip_address("203.0.113.7")), 443))
    assert not world.allows(Connection(source, Outside(ipaddress.ip_address("2001:db8::7")), 443))


def test_a_namespace_can_have_rules_of_its_own(helm: Helm) -> None:
    """A gateway in front of the models, and the API server for one team."""
    gateway = {
        "from": [{"namespaceSelector": {"matchLabels": {NAME_LABEL: matrix.STRANGER}}}],
        "ports": [{"port": 8000}],
    }
    server = {"to": [{"ipBlock": {"cidr": "192.168.7.2/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
    world = a_world(render(helm, {}, **{matrix.SERVING: {"networkPolicy": {"ingress": [gateway], "egress": [server]}}}))
    serving, stranger, node = a_place(matrix.SERVING), a_place(matrix.STRANGER, 2), a_place(matrix.NODE)
    assert world.allows(Connection(stranger, serving, 8000))
    assert not world.allows(Connection(stranger, serving, 8001))
    assert world.allows(Connection(serving, node, 6443))
    assert not world.allows(Connection(serving, node, 10250))
    assert not world.allows(Connection(a_place(matrix.PIPELINE), node, 6443))


def test_one_namespace_can_be_left_open(helm: Helm) -> None:
    rendered = render(helm, {}, experimentation={"networkPolicy": {"enabled": False}})
    policies = {item["metadata"]["namespace"] for item in rendered.of("NetworkPolicy")}
    assert policies == {*matrix.GOVERNED} - {"experimentation"}


def test_without_the_switch_there_are_none(helm: Helm) -> None:
    assert not list(helm.render(None, ENVIRONMENTS).of("NetworkPolicy"))
    assert not list(render(helm, {"enabled": False}).of("NetworkPolicy"))
