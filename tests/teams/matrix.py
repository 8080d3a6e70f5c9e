"""Who may open a connection to whom under `values/teams.yaml`: one table for the evaluator here and for kind.

Every place is one pod, but for INTERNET, METADATA and NODE, which are addresses outside the pod network. The pods of
a place listen on all of `LISTENING`, so that a refused connection is a policy's doing and not a closed port's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Protocol = Literal["TCP", "UDP"]

PIPELINE: Final = "data-pipeline"
SERVING: Final = "model-serving"
EXPERIMENTATION: Final = "experimentation"
OBSERVABILITY: Final = "observability"
TEAMS: Final = (PIPELINE, SERVING, EXPERIMENTATION)
GOVERNED: Final = (*TEAMS, OBSERVABILITY)

STRANGER: Final = "stranger"
"""A namespace that Tiergate does not govern and that has no NetworkPolicy of its own."""
PROD: Final = "prod"
"""Of `values/environments.yaml`; in `WITH_ENVIRONMENTS` only."""
DNS: Final = "kube-dns"
"""The pods with the label k8s-app=kube-dns in kube-system."""
INTERNET: Final = "internet"
METADATA: Final = "metadata"
"""The link-local address at which clouds hand out credentials: 169.254.169.254."""
NODE: Final = "node"
"""A node on which no pod of the source runs; its kubelet listens on 10250."""

WORKLOAD: Final = 8000
"""What a team's workload listens on: the port of the lesson's agent-api."""
METRICS: Final = 9090
OTLP: Final = (4317, 4318)
PUSH: Final = 9091
LISTENING: Final = (WORKLOAD, METRICS, *OTLP, PUSH)
WITH_INTERNET: Final = (PIPELINE, EXPERIMENTATION)


@dataclass(frozen=True)
class Probe:
    """One connection to try, and whether it must come about."""

    source: str
    target: str
    port: int
    is_open: bool
    because: str
    protocol: Protocol

    def __str__(self) -> str:
        return f"{self.source}->{self.target}:{self.port}/{self.protocol}"


def _opens(source: str, target: str, port: int, because: str, protocol: Protocol = "TCP") -> Probe:
    return Probe(source, target, port, is_open=True, because=because, protocol=protocol)


def _stays_closed(source: str, target: str, port: int, because: str, protocol: Protocol = "TCP") -> Probe:
    return Probe(source, target, port, is_open=False, because=because, protocol=protocol)


def _between_teams() -> Iterator[Probe]:
    for source, target in itertools.product(TEAMS, TEAMS):
        if source == target:
            yield _opens(source, target, WORKLOAD, "pods of one namespace reach each other")
            yield _opens(source, target, WORKLOAD, "pods of one namespace reach each other", "UDP")
        else:
            yield _stays_closed(source, target, WORKLOAD, "teams are closed to each other")
            yield _stays_closed(source, target, WORKLOAD, "teams are closed to each other", "UDP")
            yield _stays_closed(source, target, OTLP[0], "observability's ports are open in observability only")


def _observability() -> Iterator[Probe]:
    for team in TEAMS:
        for port in (*OTLP, PUSH):
            yield _opens(team, OBSERVABILITY, port, "everyone may reach observability's ports")
            yield _stays_closed(team, OBSERVABILITY, port, "observability's ports are TCP", "UDP")
        yield _stays_closed(team, OBSERVABILITY, METRICS, "observability's other ports are its own")
        yield _stays_closed(team, OBSERVABILITY, WORKLOAD, "observability's other ports are its own")
        for port in (WORKLOAD, METRICS):
            yield _opens(OBSERVABILITY, team, port, "observability may scrape everyone")
        yield _stays_closed(OBSERVABILITY, team, WORKLOAD, "what is scraped is TCP", "UDP")
    yield _opens(OBSERVABILITY, OBSERVABILITY, METRICS, "pods of one namespace reach each other")


def _outside() -> Iterator[Probe]:
    for name in GOVERNED:
        yield _opens(name, DNS, 53, "DNS is always open", "UDP")
        yield _opens(name, DNS, 53, "DNS is always open")
    for team in TEAMS:
        yield _stays_closed(team, DNS, 9153, "of the DNS pods only DNS is open")
        internet = _opens if team in WITH_INTERNET else _stays_closed
        yield internet(team, INTERNET, 443, "networkPolicy.internet of the namespace decides")
        yield _stays_closed(team, METADATA, 80, "link-local addresses are not the internet")
        yield _stays_closed(team, NODE, 10250, "private addresses are not the internet")
    yield _opens(OBSERVABILITY, DNS, 9153, "observability may scrape everyone")
    yield _opens(OBSERVABILITY, NODE, 10250, "kubelets are scraped too")
    yield _opens(OBSERVABILITY, INTERNET, 443, "alerts leave the cluster")


def _strangers() -> Iterator[Probe]:
    for team in TEAMS:
        yield _stays_closed(STRANGER, team, WORKLOAD, "a team's namespace is closed to ungoverned ones too")
        yield _stays_closed(team, STRANGER, WORKLOAD, "a team reaches its own namespace and observability only")
    for port in (*OTLP, PUSH):
        yield _opens(STRANGER, OBSERVABILITY, port, "everyone may reach observability's ports")
    yield _stays_closed(STRANGER, OBSERVABILITY, METRICS, "observability's other ports are its own")
    yield _opens(OBSERVABILITY, STRANGER, METRICS, "observability may scrape everyone")


def _environments() -> Iterator[Probe]:
    yield _opens(OBSERVABILITY, PROD, WORKLOAD, "agent-api.prod.svc.cluster.local:8000 is asked by observability")
    for team in TEAMS:
        yield _stays_closed(team, PROD, WORKLOAD, "a team does not reach production")
        yield _stays_closed(PROD, team, WORKLOAD, "production does not reach a team")
    for port in OTLP:
        yield _opens(PROD, OBSERVABILITY, port, "everyone may reach observability's ports")
    yield _opens(PROD, DNS, 53, "DNS is always open", "UDP")
    yield _stays_closed(PROD, INTERNET, 443, "networkPolicy.internet of the namespace decides")


PROBES: Final = (*_between_teams(), *_observability(), *_outside(), *_strangers())
"""Under values/teams.yaml."""
WITH_ENVIRONMENTS: Final = (*PROBES, *_environments())
"""Under values/environments.yaml and values/teams.yaml together."""
