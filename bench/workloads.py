"""A review of a Deployment beside a review of a pod, in CPU of the same server process: `python -m bench.workloads`.

The Deployment's object is as large as the pod's, and its template is the pod's. An update brings two of them, so its
review is nearly twice as large: a pod's review of so many bytes says what these alone cost.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.apiserver import api_server
from bench.files import SERVER_NAME, Files
from bench.load import Target
from bench.report import rows
from bench.review import SIZE, manager, pod, review
from bench.rounds import measured, with_rounds
from bench.servers import CannotStartError, tiergate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.report import Row

MOST: Final = 1.5
"""The most that a review of a Deployment may cost, in CPU of a review of a pod."""
POD: Final = "pod, created"
LARGER_POD: Final = "pod, as large as an update"
REPLICAS: Final = 2
NEWER: Final = "registry.example.com/agents/agent:1.4.3"
NAME: Final = "agent-api"
Object = dict[str, Any]


def reviews() -> dict[str, tuple[str, bytes]]:
    """Return what is asked, by what it is called: the path and the review."""
    stored, empty = deployment(), {**deployment(), "status": {}}
    image, scaled = changed(stored), changed(stored)
    image["spec"]["template"]["spec"]["containers"][0]["image"] = NEWER
    scaled["spec"]["replicas"] = REPLICAS + 1
    updates = {
        "Deployment, new image": asked("UPDATE", image, stored),
        "Deployment, replicas raised": asked("UPDATE", scaled, stored),
        "Deployment, label changed": asked("UPDATE", changed(stored), stored),
    }
    return {
        POD: ("/validate", review(defaulted=True)),
        LARGER_POD: ("/validate", review(defaulted=True, size=max(map(len, updates.values())))),
        "Deployment, created": ("/workloads", asked("CREATE", empty, None)),
        **{name: ("/workloads", body) for name, body in updates.items()},
    }


def deployment() -> Object:
    """Return a stored Deployment with the pod of the other review as its template, as large as that pod."""
    of_pod = pod(defaulted=True)
    made: Object = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": NAME,
            "namespace": of_pod["metadata"]["namespace"],
            "uid": "8c6d0b44-2d5e-4b0c-9f1d-0a7f5a9f6c10",
            "generation": 1,
            "creationTimestamp": "2026-01-15T09:30:00Z",
            "labels": {"app": NAME},
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "managedFields": [manager("kubectl"), manager("kube-controller-manager")],
        },
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": {"app": NAME}},
            "template": {"metadata": {"creationTimestamp": None, "labels": {"app": NAME}}, "spec": of_pod["spec"]},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        },
        "status": _status(),
    }
    room = len(_encode(json.loads(review(defaulted=True))["request"]["object"])) - len(_encode(made))
    made["metadata"]["annotations"]["example.com/padding"] = "x" * (room - len(',"example.com/padding":""'))
    return made


def _status() -> Object:
    condition = {
        "status": "True",
        "lastUpdateTime": "2026-01-15T09:30:00Z",
        "lastTransitionTime": "2026-01-15T09:30:00Z",
    }
    return {
        "observedGeneration": 1,
        "replicas": REPLICAS,
        "updatedReplicas": REPLICAS,
        "readyReplicas": REPLICAS,
        "availableReplicas": REPLICAS,
        "conditions": [
            {"type": "Available", **condition, "reason": "MinimumReplicasAvailable"},
            {"type": "Progressing", **condition, "reason": "NewReplicaSetAvailable"},
        ],
    }


def changed(stored: Object) -> Object:
    """Return a copy with another label, as the API server presents the new version of an object."""
    made = copy.deepcopy(stored)
    made["metadata"]["generation"] += 1
    made["metadata"]["labels"]["version"] = "2"
    return made


def asked(operation: str, new: Object, old: Object | None) -> bytes:
    """Return the review of a Deployment."""
    document = json.loads(review(defaulted=True))
    kind = {"group": "apps", "version": "v1", "kind": "Deployment"}
    resource = {"group": "apps", "version": "v1", "resource": "deployments"}
    document["request"] |= {
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": NAME,
        "operation": operation,
        "object": new,
        "oldObject": old,
    }
    return _encode(document)


def _encode(document: Object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison and print it; 1 if it cannot be run here."""
    options = with_rounds(argparse.ArgumentParser(prog="bench.workloads", description=__doc__)).parse_args(argv)
    print(
        f"{SIZE:,} byte review of a two-container pod beside reviews of a Deployment with that template; "
        f"{options.rounds} interleaved rounds of {options.seconds:g} s, medians; load {os.getloadavg()[0]:.1f}.",
        flush=True,
    )
    bodies = reviews()
    with tempfile.TemporaryDirectory(prefix="tiergate-bench-") as folder, ExitStack() as stack:
        files = Files.lay_down(Path(folder))
        try:
            ours = stack.enter_context(tiergate(files, stack.enter_context(api_server(files.tls))))
        except CannotStartError as error:
            print(error, file=sys.stderr)
            return 1
        contestants = [
            (name, ours, Target(ours.port, SERVER_NAME, files.authority, path, body))
            for name, (path, body) in bodies.items()
        ]
        samples = list(measured(contestants, options.connections, options.rounds, options.seconds))
    print(table(rows(samples, base=POD), {name: len(body) for name, (_, body) in bodies.items()}))
    return 0


def table(found: Sequence[Row], sizes: dict[str, int]) -> str:
    """Return the rows as text, and for each Deployment whether the goal is reached at every number of connections."""
    width = max(map(len, sizes))
    lines = [f"{'connections':>11}  {'review':<{width}}  {'bytes':>6}  {'CPU us':>7}  {'x pod':>6}"]
    lines += [
        f"{row.connections:>11}  {row.server:<{width}}  {sizes[row.server]:>6}  {row.cpu_microseconds:>7.1f}"
        f"  {row.cpu_ratio:>6.2f}"
        for row in sorted(found, key=lambda row: row.connections)
    ]
    for name in sizes:
        worst = max((row.cpu_ratio for row in found if row.server == name), default=0.0)
        if name not in (POD, LARGER_POD):
            said = "reached" if worst <= MOST else "missed"
            lines.append(f"{name}: {worst:.2f} x a pod's review, the goal is at most {MOST:g} x: {said}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
