"""The evaluator against the rules of NetworkPolicy, one at a time."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec
import pytest

from tests.teams.policies import Connection, Outside, Place, Pod, Policy, World

NAMESPACES = {"a": {"team": "a", "env": "prod"}, "b": {"team": "b"}, "c": {"env": "prod"}}


def pod(namespace: str, last: int, *, named: dict[tuple[str, str], int] | None = None, **labels: str) -> Pod:
    node = ipaddress.ip_address("192.168.0.1")
    return Pod(namespace, ipaddress.ip_address(f"10.0.0.{last}"), labels, named or {}, node)


def outside(address: str) -> Outside:
    return Outside(ipaddress.ip_address(address))


WEB = pod("a", 1, app="web", named={("http", "TCP"): 8080, ("dns", "UDP"): 53})
DB = pod("a", 2, app="db")
B = pod("b", 3, app="web", named={("http", "TCP"): 9999})
C = pod("c", 4)
FAR = outside("203.0.113.7")
FAR6 = outside("2001:db8::7")
NODE = outside("192.168.0.1")
OTHER_NODE = outside("192.168.0.2")
IN: dict[str, Any] = {"policyTypes": ["Ingress"]}
OUT: dict[str, Any] = {"policyTypes": ["Egress"]}


def policy(spec: dict[str, Any], namespace: str = "a") -> Policy:
    return Policy.of({"metadata": {"namespace": namespace}, "spec": {"podSelector": {}, **spec}})


def allowed(
    source: Place, target: Place, *specs: dict[str, Any], port: int = 80, protocol: str = "TCP", namespace: str = "a"
) -> bool:
    policies = tuple(policy(spec, namespace) for spec in specs)
    connection = Connection(source, target, port, msgspec.convert(protocol, Any))
    return World(NAMESPACES, policies).allows(connection)


def peer(**selectors: object) -> dict[str, Any]:
    return {**IN, "ingress": [{"from": [selectors]}]}


def ports(*items: dict[str, Any]) -> dict[str, Any]:
    return {**IN, "ingress": [{"ports": list(items)}]}


def block(cidr: str, *excluded: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr, **({"except": list(excluded)} if excluded else {})}}


def out_to(*peers: dict[str, Any]) -> dict[str, Any]:
    return {**OUT, "egress": [{"to": list(peers)}]}


@pytest.mark.parametrize(
    ("source", "target", "spec", "expected"),
    [
        pytest.param(B, WEB, {}, False, id="without-types-a-policy-is-about-ingress"),
        pytest.param(WEB, B, {}, True, id="without-types-and-egress-rules-not-about-egress"),
        pytest.param(
            WEB, B, {"egress": [{"to": [{"podSelector": {}}]}]}, False, id="egress-rules-make-it-about-egress"
        ),
        pytest.param(B, WEB, {"egress": [{}]}, False, id="and-about-ingress-all-the-same"),
        pytest.param(WEB, B, {"policyTypes": ["Ingress"], "egress": [{}]}, True, id="types-win-over-egress-rules"),
        pytest.param(WEB, B, IN, True, id="ingress-only-leaves-egress-open"),
        pytest.param(B, WEB, OUT, True, id="egress-only-leaves-ingress-open"),
        pytest.param(WEB, B, OUT, False, id="egress-without-rules-closes"),
        pytest.param(DB, WEB, IN, False, id="also-within-the-namespace"),
        pytest.param(B, WEB, {**IN, "ingress": [{}]}, True, id="an-empty-rule-opens-to-all"),
        pytest.param(FAR, WEB, {**IN, "ingress": [{}]}, True, id="also-to-the-outside"),
        pytest.param(B, DB, {**IN, "podSelector": {"matchLabels": {"app": "web"}}}, True, id="others-are-not-isolated"),
        pytest.param(B, WEB, {**IN, "podSelector": {"matchLabels": {"app": "web"}}}, False, id="the-selected-are"),
        pytest.param(WEB, WEB, {"policyTypes": ["Ingress", "Egress"]}, True, id="a-pod-always-reaches-itself"),
        pytest.param(NODE, WEB, IN, True, id="the-node-of-a-pod-always-reaches-it"),
        pytest.param(WEB, NODE, OUT, True, id="a-pod-always-reaches-its-node"),
        pytest.param(OTHER_NODE, WEB, IN, False, id="another-node-does-not"),
    ],
)
def test_isolation(source: Place, target: Place, spec: dict[str, Any], *, expected: bool) -> None:
    assert allowed(source, target, spec) is expected


@pytest.mark.parametrize(
    ("source", "spec", "expected"),
    [
        pytest.param(DB, peer(podSelector={}), True, id="pod-selector-means-the-policys-namespace"),
        pytest.param(B, peer(podSelector={}), False, id="and-no-other"),
        pytest.param(DB, peer(podSelector={"matchLabels": {"app": "web"}}), False, id="labels-of-pods"),
        pytest.param(B, peer(namespaceSelector={}), True, id="an-empty-namespace-selector-is-every-namespace"),
        pytest.param(DB, peer(namespaceSelector={}), True, id="the-policys-own-too"),
        pytest.param(FAR, peer(namespaceSelector={}), False, id="but-nothing-outside"),
        pytest.param(B, peer(namespaceSelector={"matchLabels": {"team": "b"}}), True, id="labels-of-namespaces"),
        pytest.param(C, peer(namespaceSelector={"matchLabels": {"team": "b"}}), False, id="another-namespace"),
        pytest.param(
            B, peer(namespaceSelector={}, podSelector={"matchLabels": {"app": "web"}}), True, id="both-in-one-peer"
        ),
        pytest.param(
            C, peer(namespaceSelector={}, podSelector={"matchLabels": {"app": "web"}}), False, id="both-must-match"
        ),
        pytest.param(
            C,
            {
                **IN,
                "ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": {"matchLabels": {"env": "prod"}}}]}],
            },
            True,
            id="of-several-peers-one-is-enough",
        ),
        pytest.param(FAR, peer(**block("203.0.113.0/24")), True, id="address-in-the-block"),
        pytest.param(FAR, peer(**block("203.0.113.0/24", "203.0.113.0/29")), False, id="address-excluded"),
        pytest.param(FAR, peer(**block("203.0.113.0/24", "203.0.113.8/29")), True, id="another-one-is-excluded"),
        pytest.param(FAR, peer(**block("198.51.100.0/24")), False, id="address-elsewhere"),
        pytest.param(FAR6, peer(**block("::/0")), True, id="ipv6-in-an-ipv6-block"),
        pytest.param(FAR6, peer(**block("0.0.0.0/0")), False, id="ipv6-is-in-no-ipv4-block"),
        pytest.param(OTHER_NODE, peer(namespaceSelector={}), False, id="a-node-is-no-pod"),
        pytest.param(OTHER_NODE, peer(**block("192.168.0.0/16")), True, id="a-node-has-an-address"),
    ],
)
def test_peers(source: Place, spec: dict[str, Any], *, expected: bool) -> None:
    assert allowed(source, WEB, spec) is expected


@pytest.mark.parametrize(
    ("operator", "values", "matching"),
    [
        pytest.param("In", ["prod", "dev"], {"a", "c"}, id="in"),
        pytest.param("NotIn", ["prod"], {"b"}, id="not-in-takes-a-missing-key"),
        pytest.param("Exists", [], {"a", "c"}, id="exists"),
        pytest.param("DoesNotExist", [], {"b"}, id="does-not-exist"),
    ],
)
def test_expressions_of_selectors(operator: str, values: list[str], matching: set[str]) -> None:
    expression: dict[str, Any] = {"key": "env", "operator": operator, **({"values": values} if values else {})}
    spec = peer(namespaceSelector={"matchExpressions": [expression]})
    target = pod("a", 9)
    assert {one.namespace for one in (WEB, B, C) if allowed(one, target, spec)} == matching


def test_labels_and_expressions_of_a_selector_must_all_match() -> None:
    both = {"matchLabels": {"env": "prod"}, "matchExpressions": [{"key": "team", "operator": "Exists"}]}
    assert allowed(DB, WEB, peer(namespaceSelector=both))
    assert not allowed(C, WEB, peer(namespaceSelector=both))


@pytest.mark.parametrize(
    ("spec", "port", "protocol", "expected"),
    [
        pytest.param(ports({"port": 80}), 80, "TCP", True, id="protocol-is-tcp-by-default"),
        pytest.param(ports({"port": 80}), 80, "UDP", False, id="another-protocol"),
        pytest.param(ports({"port": 80}), 81, "TCP", False, id="another-port"),
        pytest.param(ports({"protocol": "UDP"}), 5000, "UDP", True, id="every-port-of-a-protocol"),
        pytest.param(ports({"protocol": "UDP"}), 5000, "TCP", False, id="and-of-no-other"),
        pytest.param(ports({"protocol": "SCTP", "port": 7}), 7, "SCTP", True, id="sctp"),
        pytest.param(ports({"port": 80, "endPort": 90}), 90, "TCP", True, id="the-end-of-a-range-is-in-it"),
        pytest.param(ports({"port": 80, "endPort": 90}), 91, "TCP", False, id="what-follows-is-not"),
        pytest.param(ports({"port": 80, "endPort": 90}), 79, "TCP", False, id="nor-what-precedes"),
        pytest.param(ports({"port": "http"}), 8080, "TCP", True, id="name-of-a-container-port"),
        pytest.param(ports({"port": "http"}), 80, "TCP", False, id="the-name-says-the-number"),
        pytest.param(ports({"port": "dns", "protocol": "UDP"}), 53, "UDP", True, id="name-and-protocol"),
        pytest.param(ports({"port": "dns"}), 53, "TCP", False, id="name-under-another-protocol"),
        pytest.param(ports({"port": "none"}), 80, "TCP", False, id="unknown-name"),
        pytest.param(ports({"port": 80}, {"port": 443}), 443, "TCP", True, id="of-several-ports-one-is-enough"),
    ],
)
def test_ports(spec: dict[str, Any], port: int, protocol: str, *, expected: bool) -> None:
    assert allowed(B, WEB, spec, port=port, protocol=protocol) is expected


def test_a_rule_wants_its_peer_and_its_port() -> None:
    rule = {"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}], "ports": [{"port": 80}]}
    spec = {**IN, "ingress": [rule]}
    assert allowed(B, WEB, spec)
    assert not allowed(B, WEB, spec, port=81)
    assert not allowed(C, WEB, spec)


def test_a_named_port_of_an_egress_rule_is_the_targets() -> None:
    spec = {**OUT, "egress": [{"ports": [{"port": "http"}]}]}
    assert allowed(WEB, B, spec, port=9999)
    assert not allowed(WEB, B, spec, port=8080)
    assert not allowed(WEB, FAR, spec, port=8080)


def test_policies_add_up() -> None:
    """What any of them allows is allowed; none takes away."""
    closed, opened = IN, peer(namespaceSelector={"matchLabels": {"team": "b"}})
    assert allowed(B, WEB, closed, opened)
    assert allowed(B, WEB, opened, closed)
    assert not allowed(C, WEB, closed, opened)


def test_both_ends_must_allow() -> None:
    inwards = policy(peer(namespaceSelector={}), "b")
    outwards = policy(OUT, "a")
    connection = Connection(WEB, B, 80)
    assert World(NAMESPACES, (inwards,)).allows(connection)
    assert not World(NAMESPACES, (inwards, outwards)).allows(connection)
    assert World(NAMESPACES, (inwards, outwards)).allows(Connection(B, WEB, 80))
    assert not World(NAMESPACES, (policy(IN, "b"), policy(out_to({"namespaceSelector": {}}), "a"))).allows(connection)


def test_policies_of_other_namespaces_say_nothing() -> None:
    assert allowed(B, C, IN)
    assert allowed(C, WEB, IN, namespace="b")


@pytest.mark.parametrize("found", [True, False])
def test_whether_a_block_finds_pods_is_said_by_the_world(*, found: bool) -> None:
    """Network plugins differ, so who asserts something has to say under which reading."""
    world = World(NAMESPACES, (policy(out_to(block("0.0.0.0/0"))),), blocks_find_pods=found)
    assert world.allows(Connection(WEB, B, 80)) is found
    assert world.allows(Connection(WEB, FAR, 80))


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"podSelecter": {}}, id="misspelt-field"),
        pytest.param({"ingress": [{"to": []}]}, id="to-in-an-ingress-rule"),
        pytest.param({"egress": [{"from": []}]}, id="from-in-an-egress-rule"),
        pytest.param({"ingress": [{"from": [{}]}]}, id="empty-peer"),
        pytest.param(
            {"ingress": [{"from": [{"podSelector": {}, **block("10.0.0.0/8")}]}]}, id="selector-and-block-in-one-peer"
        ),
        pytest.param({"policyTypes": ["ingress"]}, id="unknown-type"),
        pytest.param({"ingress": [{"ports": [{"protocol": "tcp"}]}]}, id="unknown-protocol"),
    ],
)
def test_what_the_api_would_not_take_as_it_is_is_no_policy(spec: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        policy(spec)
