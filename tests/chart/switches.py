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
# A condition of other charts, and fields of Kubernetes' types: true and false are no switches of the chart there.
NO_SWITCHES: Final = {("enabled",), ("podSecurityContext",), ("securityContext",)}
POD: Final[Values] = {
    "podLabels": {"a": "b"},
    "podAnnotations": {"example.com/a": "b"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "infra", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"podAntiAffinity": {}},
    "runtimeClassName": "gvisor",
    "dnsPolicy": "None",
    "dnsConfig": {"nameservers": ["192.0.2.53"], "options": [{"name": "ndots", "value": "1"}]},
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "https://proxy.test:3128"}],
    "extraVolumes": [{"name": "bundle", "configMap": {"name": "bundle"}}],
    "extraVolumeMounts": [{"name": "bundle", "mountPath": "/etc/bundle", "readOnly": True}],
}
PROBE: Final[Values] = {"initialDelaySeconds": 3, "periodSeconds": 7, "timeoutSeconds": 4, "failureThreshold": 9}
# What is no switch but renders more than its default does.
FILLED: Final[Values] = {
    "global": {"imageRegistry": "mirror.test", "imagePullSecrets": [{"name": "mirror"}]},
    "image": {"repository": "registry.test/tiergate", "digest": "sha256:" + "0123456789abcdef" * 4},
    "imagePullSecrets": [{"name": "pull"}],
    "commonLabels": {"team": "platform", "app.kubernetes.io/part-of": "platform", "app.kubernetes.io/name": "theirs"},
    "commonAnnotations": {"example.com/owner": "platform", "helm.sh/resource-policy": "theirs"},
    "serviceAccount": {"annotations": {"example.com/identity": "tiergate"}},
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra", "namespace": "there"}}],
    "webhook": {
        **POD,
        "clientCA": {"configMap": "api-server-ca"},
        "excludeNamespaces": ["legacy"],
        "deploymentAnnotations": {"example.com/a": "b"},
        "configurationAnnotations": {"example.com/a": "b", "tiergate.io/webhooks": "theirs"},
        "configurationLabels": {"example.com/a": "b"},
        "service": {"annotations": {"example.com/a": "b"}, "ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6"]},
        "startupProbe": PROBE,
        "livenessProbe": PROBE,
        "readinessProbe": PROBE,
        "podDisruptionBudget": {"maxUnavailable": "50%"},
    },
    "controller": {**POD, "deploymentAnnotations": {"example.com/a": "b"}, "livenessProbe": PROBE},
    "hooks": {**POD, "annotations": {"example.com/a": "b"}, "backoffLimit": 0, "ttlSecondsAfterFinished": 60},
    "networkPolicy": {"metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "observability"}}}]},
    "monitoring": {
        "serviceMonitor": {
            "scrapeTimeout": "10s",
            "jobLabel": "app.kubernetes.io/name",
            "targetLabels": ["app.kubernetes.io/version"],
            "relabelings": [{"action": "labeldrop", "regex": "pod"}],
            "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}],
            "annotations": {"example.com/a": "b"},
        },
        "prometheusRule": {"annotations": {"example.com/a": "b"}},
    },
}


def defaults() -> Values:
    """Return the values of the chart."""
    loaded: Values = yaml.safe_load((CHART / "values.yaml").read_text())
    return loaded


def paths(values: Mapping[str, Any], *, switched_on: bool, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where a value is true (or false)."""
    for name, value in values.items():
        here = (*above, name)
        if here in NO_SWITCHES:
            continue
        if isinstance(value, dict):
            yield from paths(value, switched_on=switched_on, above=here)
        elif value is switched_on:
            yield here


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
