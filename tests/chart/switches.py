"""Values that turn the chart's switches: each alone, and all that can be together."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from tests.chart.helm import CHART

Values = dict[str, Any]

# What a switch needs beside it. Said without the switch, none of it does anything.
NEEDED: Final[Values] = {
    "networkPolicy": {"apiServerCIDRs": ["192.0.2.0/28", "2001:db8::/64"]},
    "monitoring": {"serviceMonitor": {"account": {"name": "prometheus", "namespace": "monitoring"}}},
}
# Switches that are refused together with others, and what each needs beside it.
APART: Final[Mapping[tuple[str, ...], Values]] = {
    ("webhook", "hostNetwork"): {},
    ("certificates", "certManager", "cainjector"): {"certificates": {"mode": "certManager"}},
}
# What is no switch but renders more than its default does.
FILLED: Final[Values] = {
    "image": {"repository": "registry.test/tiergate", "digest": "sha256:" + "0123456789abcdef" * 4},
    "imagePullSecrets": [{"name": "pull"}],
    "commonLabels": {"team": "platform"},
    "commonAnnotations": {"example.com/owner": "platform"},
    "serviceAccount": {"annotations": {"example.com/identity": "tiergate"}},
    "webhook": {
        "clientCA": {"configMap": "api-server-ca"},
        "excludeNamespaces": ["legacy"],
        "service": {"annotations": {"example.com/a": "b"}},
        "podLabels": {"a": "b"},
        "podAnnotations": {"example.com/a": "b"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "infra", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {}},
        "podDisruptionBudget": {"maxUnavailable": "50%"},
    },
    "controller": {"podLabels": {"a": "b"}, "nodeSelector": {"kubernetes.io/os": "linux"}},
    "hooks": {"podLabels": {"sidecar.istio.io/inject": "false"}, "nodeSelector": {"kubernetes.io/os": "linux"}},
    "networkPolicy": {"metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "observability"}}}]},
}


def defaults() -> Values:
    """Return the values of the chart."""
    loaded: Values = yaml.safe_load((CHART / "values.yaml").read_text())
    return loaded


def paths(values: Mapping[str, Any], *, switched_on: bool) -> Iterator[tuple[str, ...]]:
    """Yield where a value is true (or false)."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from ((name, *rest) for rest in paths(value, switched_on=switched_on))
        elif value is switched_on:
            yield (name,)


def turned(path: tuple[str, ...], *, to: bool) -> Values:
    """Return values that set one switch, and what it needs."""
    single: Any = to
    for name in reversed(path):
        single = {name: single}
    return merged(merged(NEEDED, APART.get(path, {})), single)


def everything() -> Values:
    """Return values with every switch on that can be together, and everything filled that renders something."""
    found = merged(NEEDED, FILLED)
    for path in set(paths(defaults(), switched_on=False)) - APART.keys():
        found = merged(found, turned(path, to=True))
    return found


def merged(first: Values, second: Values) -> Values:
    """Return two values files as one, the second winning, as Helm merges them."""
    found = copy.deepcopy(first)
    for name, value in second.items():
        both = isinstance(value, dict) and isinstance(found.get(name), dict)
        found[name] = merged(found[name], value) if both else copy.deepcopy(value)
    return found


VARIANTS: Final = {
    "as-it-is": {},
    "everything-on": everything(),
    "cert-manager": {"certificates": {"mode": "certManager"}},
    "cainjector": turned(("certificates", "certManager", "cainjector"), to=True),
    "existing-secret": {"certificates": {"mode": "existingSecret", "existingSecret": "theirs"}},
    "host-network": turned(("webhook", "hostNetwork"), to=True),
}
"""Combinations of switches worth a look: as delivered, all on, and the other ways to a certificate."""
