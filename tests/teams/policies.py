"""Which connections NetworkPolicies of networking.k8s.io/v1 allow, computed from the objects alone.

Rules, after the API reference of NetworkPolicy and the concept page "Network Policies" of Kubernetes:

- A pod is isolated for a direction when a policy of its namespace that selects it names the direction in policyTypes.
  Without policyTypes a policy is about ingress, and about egress too if it has egress rules.
- A pod that is isolated for a direction has the connections that a rule of any such policy allows, and no others;
  one that is not isolated has all. A connection needs both: the egress of its source and the ingress of its target.
- A rule without peers is about everybody, one without ports about every port; a port without a number is every port of
  its protocol. A name is looked up among the ports of the target's containers.
- Never stopped: a pod to itself, a pod and the node it runs on.
- A misspelt field, which the API server may drop, is an error here.
- A pod on its node's network has its node's address and is for no selector to find: it is an `Outside` here.

What an ipBlock makes of a pod's address differs between network plugins. `World.blocks_find_pods` says which of
both readings to take; what must hold everywhere is asserted under both.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Protocol = Literal["TCP", "UDP", "SCTP"]
Direction = Literal["Ingress", "Egress"]
Labels = Mapping[str, str]


class Expression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of matchExpressions."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Return whether the labels satisfy it; NotIn is satisfied by a missing key too."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


class LabelSelector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty one matches everything."""

    matchLabels: dict[str, str] = {}  # noqa: N815  # Kubernetes' own field names
    matchExpressions: tuple[Expression, ...] = ()  # noqa: N815

    def matches(self, labels: Labels) -> bool:
        """Return whether all labels and all expressions match."""
        return self.matchLabels.items() <= labels.items() and all(one.matches(labels) for one in self.matchExpressions)


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"excluded": "except"}):
    """An ipBlock; what is excluded lies within the block."""

    cidr: str
    excluded: tuple[str, ...] = ()

    def contains(self, address: Address) -> bool:
        """Return whether the address is in the block and in nothing excluded; families never mix."""
        return address in ipaddress.ip_network(self.cidr) and not any(
            address in ipaddress.ip_network(one) for one in self.excluded
        )


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The other side of a connection: selectors, both of which must match, or a block."""

    podSelector: LabelSelector | None = None  # noqa: N815
    namespaceSelector: LabelSelector | None = None  # noqa: N815
    ipBlock: Block | None = None  # noqa: N815

    def __post_init__(self) -> None:
        """Refuse what the API server's validation refuses."""
        if (self.ipBlock is None) == (self.podSelector is None and self.namespaceSelector is None):
            msg = "a peer has either selectors or an ipBlock"
            raise ValueError(msg)


class Port(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A port, all ports of a protocol, or (endPort) a range, both ends included."""

    protocol: Protocol = "TCP"
    port: int | str | None = None
    endPort: int | None = None  # noqa: N815

    def matches(self, connection: Connection) -> bool:
        """Return whether the connection is to such a port; a name means what its target calls so."""
        if self.protocol != connection.protocol:
            return False
        match self.port:
            case None:
                return True
            case int(first):
                return first <= connection.port <= (self.endPort or first)
            case str(name):
                target = connection.target
                named = target.ports.get((name, self.protocol)) if isinstance(target, Pod) else None
                return named == connection.port


class IngressRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"peers": "from"}):
    """Who may come in, and where."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[Port, ...] = ()


class EgressRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"peers": "to"}):
    """Who may be reached, and where."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[Port, ...] = ()


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The spec of a NetworkPolicy; a missing podSelector is an empty one."""

    podSelector: LabelSelector = LabelSelector()  # noqa: N815
    policyTypes: tuple[Direction, ...] = ()  # noqa: N815
    ingress: tuple[IngressRule, ...] = ()
    egress: tuple[EgressRule, ...] = ()

    def is_about(self, direction: Direction) -> bool:
        """Return whether pods that it selects are isolated for the direction."""
        if self.policyTypes:
            return direction in self.policyTypes
        return direction == "Ingress" or bool(self.egress)


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy: its namespace and its spec."""

    namespace: str
    spec: Spec

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Policy:
        """Decode the object; raise msgspec.ValidationError on what the API would not take as it is."""
        return cls(item["metadata"]["namespace"], msgspec.convert(item["spec"], Spec))


@dataclass(frozen=True)
class Pod:
    """A pod with an address of its own; `ports` are the named ones of its containers, by name and protocol."""

    namespace: str
    address: Address
    labels: Labels = field(default_factory=dict)
    ports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    node: Address | None = None


@dataclass(frozen=True)
class Outside:
    """A node, a pod on its node's network, or a machine elsewhere."""

    address: Address


Place = Pod | Outside


@dataclass(frozen=True)
class Connection:
    """A connection somebody tries to open; a Service's address is already translated to a pod's."""

    source: Place
    target: Place
    port: int
    protocol: Protocol = "TCP"


@dataclass(frozen=True)
class World:
    """Labels of the namespaces, and the policies in them."""

    namespaces: Mapping[str, Labels]
    policies: tuple[Policy, ...]
    blocks_find_pods: bool = True

    def allows(self, connection: Connection) -> bool:
        """Return whether the connection comes about."""
        if connection.source == connection.target or _share_a_node(connection):
            return True
        return self._direction_allows(connection, "Egress") and self._direction_allows(connection, "Ingress")

    def _direction_allows(self, connection: Connection, direction: Direction) -> bool:
        subject, other = connection.source, connection.target
        if direction == "Ingress":
            subject, other = other, subject
        if not isinstance(subject, Pod):
            return True
        policies = tuple(self._isolating(subject, direction))
        rules = ((policy, rule) for policy in policies for rule in _rules(policy, direction))
        return not policies or any(self._rule_allows(policy, rule, connection, other) for policy, rule in rules)

    def _isolating(self, pod: Pod, direction: Direction) -> Iterator[Policy]:
        for policy in self.policies:
            same = policy.namespace == pod.namespace and policy.spec.podSelector.matches(pod.labels)
            if same and policy.spec.is_about(direction):
                yield policy

    def _rule_allows(
        self, policy: Policy, rule: IngressRule | EgressRule, connection: Connection, other: Place
    ) -> bool:
        peers = (self._is(peer, other, policy.namespace) for peer in rule.peers)
        ports = (port.matches(connection) for port in rule.ports)
        return _any_or_none(peers) and _any_or_none(ports)

    def _is(self, peer: Peer, place: Place, namespace: str) -> bool:
        if peer.ipBlock is not None:
            return (self.blocks_find_pods or isinstance(place, Outside)) and peer.ipBlock.contains(place.address)
        if not isinstance(place, Pod):
            return False
        if peer.namespaceSelector is None:
            found = place.namespace == namespace
        else:
            found = peer.namespaceSelector.matches(self.namespaces[place.namespace])
        return found and (peer.podSelector is None or peer.podSelector.matches(place.labels))


def _rules(policy: Policy, direction: Direction) -> tuple[IngressRule | EgressRule, ...]:
    return policy.spec.ingress if direction == "Ingress" else policy.spec.egress


def _any_or_none(found: Iterable[bool]) -> bool:
    """Return whether any is true, or there is none at all: an empty list of a rule restricts nothing."""
    each = tuple(found)
    return not each or any(each)


def _share_a_node(connection: Connection) -> bool:
    pod, other = connection.source, connection.target
    if isinstance(pod, Outside):
        pod, other = other, pod
    return isinstance(pod, Pod) and isinstance(other, Outside) and pod.node == other.address
