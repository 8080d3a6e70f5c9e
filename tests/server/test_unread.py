"""What a review becomes where a live read fails: a required one ends it, without an optional one it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from tests.builders import a_namespace_object, a_pod_object, a_quota, a_tier, a_tier_quota, an_item
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState, FakeWorkloads, answer, response
from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable
from tiergate.server.admission import AdmissionFailed
from tiergate.server.endpoints.reading import OutOfTimeError, UnreadError

HARD = {"limits.cpu": "4"}
TIER = a_tier(an_item(high={"cpu": "2"}), quotas=[a_tier_quota(HARD)])
STRICT = msgspec.structs.replace(TIER, workloads="Enforce")
FULL = a_quota(HARD, HARD)
CONTAINER = {"name": "agent", "resources": {"limits": {"cpu": "1"}}}
POD = a_review(a_pod_object(CONTAINER))
LABELLED = a_review(a_namespace_object(tier="dev"), old=a_namespace_object(tier=None), operation="UPDATE")
TEMPLATE = {"spec": {"containers": [CONTAINER]}}
METADATA = {"name": "web", "namespace": "dev"}
DEPLOYMENT = a_review({"kind": "Deployment", "metadata": METADATA, "spec": {"template": TEMPLATE}})
SCALE = a_review(
    {"kind": "Scale", "metadata": METADATA, "spec": {"replicas": 9}},
    old={"kind": "Scale", "metadata": METADATA, "spec": {"replicas": 1}},
    operation="UPDATE",
    subResource="scale",
)
FAILURES = [
    Unreachable("no answer"),
    ApiError(403, "Forbidden", "no"),
    ApiError(500, "InternalError", "etcd"),
    BodyTooLarge("long"),
    msgspec.DecodeError("no list"),
    RecursionError("deep"),
    OutOfTimeError("late"),
]
NOT_CHECKED = "whether its pods fit was not checked: "


class Read(NamedTuple):
    """A live read: the review that asks for it, the state in which it fails, and the warning where it is optional."""

    endpoint: str
    body: bytes
    state: Callable[[Exception], FakeState]
    warning: str = ""
    permissions: Callable[[Exception], FakePermissions] = lambda _: FakePermissions("dev")


READS = {
    "the namespace of a pod": Read("validate", POD, lambda error: FakeState(namespaces={}, namespaces_now=error)),
    "its tier": Read("validate", POD, lambda error: FakeState(tiers_now={"dev": error})),
    "its tier, for defaults": Read("mutate", POD, lambda error: FakeState(tiers_now={"dev": error})),
    "its quotas": Read("validate", POD, lambda error: FakeState(tiers={"dev": TIER}, quotas=(FULL,), quotas_now=error)),
    "who may assign": Read(
        "namespaces", LABELLED, lambda _: FakeState(), permissions=lambda error: FakePermissions(failure=error)
    ),
    "the tier of a label": Read(
        "namespaces",
        LABELLED,
        lambda error: FakeState(tiers_now={"dev": error}),
        'tier "dev" could not be read; if it does not exist, pods in dev are refused',
    ),
    "the tier of a workload": Read(
        "workloads",
        DEPLOYMENT,
        lambda error: FakeState(tiers_now={"dev": error}),
        NOT_CHECKED + "the tier of the namespace could not be read",
    ),
    "the namespace of a workload": Read(
        "workloads",
        DEPLOYMENT,
        lambda error: FakeState(namespaces={}, namespaces_now=error),
        NOT_CHECKED + "the tier of the namespace could not be read",
    ),
    "the quotas of a workload": Read(
        "workloads",
        DEPLOYMENT,
        lambda error: FakeState(tiers={"dev": STRICT}, quotas=(FULL,), quotas_now=error),
        "whether its pods fit the quotas was not checked: the usage in the namespace is not known",
    ),
    "the workload that is scaled": Read(
        "workloads",
        SCALE,
        lambda error: FakeState(tiers={"dev": STRICT}, quotas=(FULL,), workloads=FakeWorkloads(scaled=error)),
        NOT_CHECKED + "the workload could not be read",
    ),
}


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: f"{type(error).__name__}-{error}")
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_a_read_that_fails(read: Read, error: Exception) -> None:
    asked = answer(read.endpoint, read.body, read.state(error), read.permissions(error))  # type: ignore[arg-type]
    if read.warning:
        given = await asked
        assert (response(given)["allowed"], response(given)["warnings"]) == (True, [read.warning])
        assert given.record.detail == f"{type(error).__name__}: {error}"
    else:
        with pytest.raises(AdmissionFailed) as failed:
            await asked
        assert isinstance(failed.value.__cause__, OutOfTimeError if isinstance(error, OutOfTimeError) else UnreadError)
        assert failed.value.record.detail == f"{type(error).__name__}: {error}"
