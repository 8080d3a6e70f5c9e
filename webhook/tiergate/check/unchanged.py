"""Whether a manifest changes the pod template that the cluster has.

The API server compares what is stored, with its defaults. A manifest has none of them, so what it says is looked for in
what is stored: a template is unchanged where all of it is there, and the pods ask for the same.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tiergate.core.quantity import Quantity, QuantityError
from tiergate.core.request import Subject, WorkloadChange, workload_of
from tiergate.core.workload import Workload


class _Counts(msgspec.Struct):
    replicas: Any = msgspec.UNSET


class _Counted(msgspec.Struct):
    spec: _Counts | None = None


Change = Literal["changed", "unchanged", "unknown"]
"""Unknown is what a snapshot leaves open, which has no images."""


def as_counted(subject: Subject, stored: Subject | None, raw: bytes) -> Subject:
    """Return a workload with the number of pods that it will have: where ``raw`` names none, the stored one's stays.

    So manifests of workloads with an autoscaler are written, and so kubectl apply and GitOps tools apply them.
    """
    workload, running = workload_of(subject), workload_of(stored)
    if workload is None or running is None or workload.waits or workload.replicas == running.replicas:
        return subject
    spec = msgspec.json.decode(raw, type=_Counted).spec
    if spec is not None and spec.replicas is not msgspec.UNSET:
        return subject
    return WorkloadChange(msgspec.structs.replace(workload, replicas=running.replicas))


def change_of(new: Workload, old: Workload) -> Change:
    """Return what becomes of the template of a workload that is there."""
    if _asked(new) != _asked(old):
        return "changed"
    written, stored = msgspec.json.decode(new.written), msgspec.json.decode(old.written)
    if '"image":' not in old.written.decode():
        return "unknown"
    return "unchanged" if _has(stored, written) else "changed"


def as_stored(new: Workload, old: Workload) -> Workload:
    """Return a workload with the template that is stored."""
    return msgspec.structs.replace(new, written=old.written, template=old.template, claims=old.claims)


def _asked(workload: Workload) -> tuple[Any, ...]:
    """Return what the pods are judged by."""
    pod = workload.template
    containers = [msgspec.structs.replace(one, has_resources=True) for one in pod.every_container()]
    of_pod = (pod.requests, pod.limits, pod.overhead, pod.priority_class, pod.active_deadline_seconds)
    return (*of_pod, containers, workload.claims, workload.runtime_class, workload.placement)


def _has(stored: Any, written: Any) -> bool:  # noqa: ANN401  # any value of JSON
    """Say whether a stored value has all that is written; what is empty the API server may leave out or fill in."""
    if written is None or written in ("", {}):
        return True
    if isinstance(written, dict):
        return isinstance(stored, dict) and all(_has(stored.get(name), one) for name, one in written.items())
    if isinstance(written, list):
        if not isinstance(stored, list):
            return not written and stored is None
        return len(stored) == len(written) and all(map(_has, stored, written))
    return stored == written or (not written and stored is None) or _is_one_amount(stored, written)


def _is_one_amount(stored: Any, written: Any) -> bool:  # noqa: ANN401  # any scalar of JSON
    if isinstance(stored, bool) or isinstance(written, bool) or stored is None:
        return False
    try:
        return Quantity.parse(str(stored)) == Quantity.parse(str(written))
    except QuantityError:
        return False
