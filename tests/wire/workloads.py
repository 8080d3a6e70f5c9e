"""Workloads as JSON holds them, and as they are read."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tests.builders import Json
from tiergate.core.workload import Workload
from tiergate.core.workload_kind import WorkloadKind
from tiergate.wire import strict, tree
from tiergate.wire.decode import Decoder
from tiergate.wire.workload import WireCronJob, WireWorkload, to_cron_jobs, to_workload

TEMPLATE: Json = {"spec": {"containers": [{"name": "agent", "resources": {"limits": {"cpu": "1"}}}]}}


def as_stored(spec: Json | None = None, status: Json | None = None, **metadata: Any) -> Json:  # noqa: ANN401  # JSON
    """Return a workload with a template of one container."""
    return {
        "metadata": {"name": "web", **metadata},
        "spec": {"template": TEMPLATE, **(spec or {})},
        "status": status or {},
    }


def read_as(written: Json, kind: WorkloadKind = "Deployment") -> Workload:
    """Return what both decoders make of it: the same."""
    raw, decoder = json.dumps(written).encode(), Decoder(WireWorkload)
    quick = decoder.quick(raw)
    assert quick is not None
    found = to_workload(quick, kind)
    assert found is not None
    slow = to_workload(decoder.strict(raw), kind)
    assert msgspec.structs.replace(found, written=b"") == msgspec.structs.replace(slow, written=b"")  # type: ignore[type-var]  # as found
    return found


def read_cron_job(spec: Json) -> Workload:
    """Return a CronJob of which two Jobs are active."""
    written = {"spec": spec, "status": {"active": [{}, {}]}}
    found, _ = to_cron_jobs(strict.build(tree.parse(json.dumps(written).encode()), WireCronJob), None)
    assert found is not None
    return found
