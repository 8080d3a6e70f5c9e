"""Objects that tests create."""

from __future__ import annotations

from typing import Any

from tests.controlplane.api import Object


def a_pod(name: str, *, env: str = "", **resources: dict[str, str]) -> Object:
    """Return a pod with one container; `resources` are its requests and limits."""
    container: dict[str, Any] = {"name": "main", "image": "registry.example/main:1.0"}
    if resources:
        container["resources"] = resources
    if env:
        container["env"] = [{"name": "TEXT", "value": env}]
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def a_tier(name: str, spec: Object) -> Object:
    """Return a Tier."""
    return {"apiVersion": "tiergate.io/v1alpha1", "kind": "Tier", "metadata": {"name": name}, "spec": spec}


def resources_of(pod: Object) -> Object:
    """Return the resources of the first container."""
    value: Object = pod["spec"]["containers"][0]["resources"]
    return value
