"""What the NetworkPolicies of the chart open, row by row; every connection that no row names stays closed.

Each governed namespace has one policy that selects all its pods and names both directions, so what it opens is the list
of its rules, and nothing else. tests/kind tries the connections on a real network (tests/teams/matrix.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from tests.chart.helm import ENVIRONMENTS, TEAMS, Helm, Rendered
from tests.teams import matrix
from tests.teams.matrix import EXPERIMENTATION, OBSERVABILITY, PIPELINE, SERVING

pytestmark = pytest.mark.helm

IPV4: Final = "0.0.0.0/0 except 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16 168.63.129.16/32"
IPV6: Final = "::/0 except fc00::/7 fe80::/10"
OTLP: Final = "TCP:4317 TCP:4318 TCP:9091"
DNS: Final = "to kube-system k8s-app=kube-dns UDP:53 TCP:53"
CLOSED: Final = {
    "from here any",
    "from observability TCP",
    "to here any",
    f"to observability {OTLP}",
    DNS,
}
"""A team's namespace: itself, observability's scrapes, observability's ports, and DNS."""
INTERNET: Final = {f"to {IPV4} any", f"to {IPV6} any"}
OPENINGS: Final = {
    PIPELINE: CLOSED | INTERNET,
    SERVING: CLOSED,
    EXPERIMENTATION: CLOSED | INTERNET,
    OBSERVABILITY: {"from here any", f"from every namespace {OTLP}", "to everything"},
    "dev": CLOSED,
    "staging": CLOSED,
    "prod": CLOSED,
}


def openings(rendered: Rendered, namespace: str) -> set[str]:
    """Return what the one policy of a namespace opens, a row for each peer of each rule."""
    (item,) = (one for one in rendered.of("NetworkPolicy") if one["metadata"]["namespace"] == namespace)
    assert item["metadata"]["name"] == "tiergate-tenant"
    assert item["spec"]["podSelector"] == {}
    assert item["spec"].keys() <= {"podSelector", "policyTypes", "ingress", "egress"}
    return set(_rows(item["spec"]))


def _rows(spec: Mapping[str, Any]) -> Iterator[str]:
    for kind, word in (("Ingress", "from"), ("Egress", "to")):
        if kind not in spec["policyTypes"]:
            yield f"{word} everything"
        for rule in spec.get(kind.lower(), ()):
            assert rule.keys() <= {word, "ports"}
            yield from (f"{word} {_peer(peer)} {_ports(rule.get('ports'))}" for peer in rule[word])


def _peer(peer: Mapping[str, Any]) -> str:
    match peer:
        case {"ipBlock": block}:
            return " except ".join([block["cidr"], *([" ".join(block["except"])] if "except" in block else [])])
        case {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}, **rest}:
            pods = rest.get("podSelector", {}).get("matchLabels", {})
            return " ".join([str(name), *(f"{key}={value}" for key, value in pods.items())])
        case {"namespaceSelector": selector, **rest} if not selector and not rest:
            return "every namespace"
        case {"podSelector": selector, **rest} if not selector and not rest:
            return "here"
        case _:
            return repr(peer)


def _ports(ports: list[Mapping[str, Any]] | None) -> str:
    if not ports:
        return "any"
    assert all(port.keys() <= {"protocol", "port"} for port in ports)
    return " ".join(":".join(str(port[key]) for key in ("protocol", "port") if key in port) for port in ports)


@pytest.mark.parametrize("namespace", OPENINGS)
def test_what_a_namespace_opens(helm: Helm, namespace: str) -> None:
    assert openings(helm.render(None, ENVIRONMENTS, TEAMS), namespace) == OPENINGS[namespace]


def test_every_governed_namespace_has_its_policy_and_no_other(helm: Helm) -> None:
    for files in ((TEAMS,), (ENVIRONMENTS, TEAMS)):
        rendered = helm.render(None, *files)
        found = [item["metadata"]["namespace"] for item in rendered.of("NetworkPolicy")]
        assert sorted(found) == sorted(rendered.names("Namespace"))


GATEWAY: Final = {
    "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}}],
    "ports": [{"port": 8000}],
}
SERVER: Final = {"to": [{"ipBlock": {"cidr": "192.0.2.2/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}


@pytest.mark.parametrize(
    ("policies", "namespace", "more", "less"),
    [
        pytest.param(
            {"observability": {"scrapePorts": [9090, "metrics"]}},
            SERVING,
            {"from observability TCP:9090 TCP:metrics"},
            {"from observability TCP"},
            id="scraping-narrowed-to-ports",
        ),
        pytest.param(
            {"observability": {"namespace": ""}},
            SERVING,
            set(),
            {"from observability TCP", f"to observability {OTLP}"},
            id="no-observability-namespace",
        ),
        pytest.param(
            {"observability": {"namespace": "elsewhere"}},
            SERVING,
            {"from elsewhere TCP", f"to elsewhere {OTLP}"},
            {"from observability TCP", f"to observability {OTLP}"},
            id="observability-of-somebody-else",
        ),
        pytest.param(
            {"dns": {"cidrs": ["169.254.20.10/32"]}},
            SERVING,
            {"to 169.254.20.10/32 UDP:53 TCP:53"},
            set(),
            id="node-local-dns",
        ),
        pytest.param(
            {"dns": {"namespace": "dns", "podLabels": {"k8s-app": None, "own": "x"}, "ports": [53, 5353]}},
            SERVING,
            {"to dns own=x UDP:53 TCP:53 UDP:5353 TCP:5353"},
            {DNS},
            id="other-dns-pods-and-ports",
        ),
        pytest.param(
            {"privateCIDRs": ["10.0.0.0/8"]},
            PIPELINE,
            {"to 0.0.0.0/0 except 10.0.0.0/8 any"},
            INTERNET,
            id="a-family-without-private-addresses-is-not-opened",
        ),
    ],
)
def test_an_option_changes_rows(
    helm: Helm, policies: Mapping[str, Any], namespace: str, more: set[str], less: set[str]
) -> None:
    rendered = helm.render({"tenants": {"networkPolicies": policies}}, TEAMS)
    assert openings(rendered, namespace) == OPENINGS[namespace] - less | more


def test_a_namespace_can_have_rules_of_its_own(helm: Helm) -> None:
    own = {SERVING: {"networkPolicy": {"ingress": [GATEWAY], "egress": [SERVER]}}}
    rendered = helm.render({"namespaces": own}, TEAMS)
    assert openings(rendered, SERVING) == CLOSED | {"from gateway 8000", "to 192.0.2.2/32 TCP:6443"}
    assert openings(rendered, EXPERIMENTATION) == OPENINGS[EXPERIMENTATION]


def test_policies_can_be_left_out(helm: Helm) -> None:
    rendered = helm.render({"namespaces": {EXPERIMENTATION: {"networkPolicy": {"enabled": False}}}}, TEAMS)
    found = {item["metadata"]["namespace"] for item in rendered.of("NetworkPolicy")}
    assert found == {*matrix.GOVERNED} - {EXPERIMENTATION}
    assert not list(helm.render(None, ENVIRONMENTS).of("NetworkPolicy"))
    assert not list(helm.render({"tenants": {"networkPolicies": {"enabled": False}}}, TEAMS).of("NetworkPolicy"))
