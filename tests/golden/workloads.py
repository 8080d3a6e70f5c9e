"""The golden operations on workloads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.builders import Json
from tests.golden.objects import DRY, GREEDY, SMALL, Act, Operation, container, create, kubectl, patch, workload

PODLESS: Final[Json] = {"serviceAccountName": "absent"}
"""Of a template whose pods the API server refuses before it asks any webhook."""


def _written(kind: str, obj: Json, change: Json, *, scaled: bool = True) -> tuple[Operation, ...]:
    """Return the operations of a workload's life: created, changed and scaled, each as a dry run first."""
    noun, name = kind.lower(), obj["metadata"]["name"]
    acts: dict[str, Callable[[str], Act]] = {
        "create": lambda flags: create(obj, flags),
        "update": lambda flags: patch(f"{noun} {name} -n dev", {"spec": change}, f"--type=merge {flags}"),
    }
    if scaled:
        acts["scale"] = lambda flags: patch(
            f"{noun} {name} -n dev --subresource=scale", {"spec": {"replicas": 9}}, f"--type=merge {flags}"
        )
    return tuple(
        Operation(
            f"{verb} of a {noun}{' as a dry run' if flags else ''}", act(flags), (f"workloads-{noun}-{verb}{case}",)
        )
        for verb, act in acts.items()
        for flags, case in ((DRY, "-dry-run"), ("", ""))
    )


def _podless(kind: str, name: str, resources: Json | None = SMALL, **fields: Any) -> Json:  # noqa: ANN401  # JSON
    template = {**PODLESS, "containers": [container("agent", resources)]}
    return workload(kind, name, template={**template, **fields.pop("template", {})}, **fields)


def _cron_job(name: str) -> Json:
    template = {"spec": {**PODLESS, "restartPolicy": "Never", "containers": [container("agent", GREEDY)]}}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"parallelism": 2, "template": template}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "namespace": "dev"}, "spec": spec}


CONTROLLER: Final = _podless("ReplicationController", "agent-rc", version="v1", replicas=3)
CONTROLLER["spec"]["selector"] = {"app": "agent-rc"}
WORKLOADS: Final = (
    *_written("Deployment", _podless("Deployment", "agent-d", GREEDY, replicas=3), {"replicas": 2}),
    *_written("ReplicaSet", _podless("ReplicaSet", "agent-rs", replicas=30), {"replicas": 6}),
    *_written(
        "StatefulSet",
        _podless("StatefulSet", "agent-s", replicas=3, serviceName="agent-s"),
        {"replicas": 4},
    ),
    *_written("DaemonSet", _podless("DaemonSet", "agent-ds"), {"minReadySeconds": 5}, scaled=False),
    *_written("ReplicationController", CONTROLLER, {"replicas": 4}),
    *_written(
        "Job",
        _podless("Job", "agent-j", version="batch/v1", parallelism=30, template={"restartPolicy": "Never"}),
        {"parallelism": 31},
        scaled=False,
    ),
    *_written("CronJob", _cron_job("agent-c"), {"suspend": True}, scaled=False),
    Operation("a workload's annotation", kubectl("annotate deployment agent-d -n dev team=web")),
    Operation(
        "a workload's deletion in the foreground",
        kubectl("delete deployment agent-d -n dev --cascade=foreground --timeout=60s"),
    ),
)
