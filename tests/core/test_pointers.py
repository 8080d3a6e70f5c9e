"""JSON pointers start where the pod stands: in a Pod at the root, in a workload at its template."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import msgspec
import pytest

from tests.builders import Json, a_claim_object, a_pod_object, a_quota, a_tier, a_tier_quota, an_item, validated
from tiergate.core import defaults
from tiergate.core.native import LimitRange, refusals
from tiergate.core.podspec import Pod
from tiergate.core.validity import invalid
from tiergate.wire import Malformed
from tiergate.wire.claim import WireClaim, to_claim
from tiergate.wire.pod import WirePod, to_pod

POINTERS = ["", "/spec/template", "/spec/jobTemplate/spec/template"]
everywhere = pytest.mark.parametrize("pointer", POINTERS)

RANGE = an_item(high={"memory": "1Gi"}, low={"cpu": "500m"}, ratio={"cpu": "2"})
TOTAL = an_item("Pod", high={"memory": "1Gi"}, low={"memory": "1Mi"}, ratio={"memory": "1"})
TIER = a_tier(RANGE, TOTAL, quotas=[a_tier_quota({"requests.memory": "1Gi"})])
QUOTAS = (
    a_quota({"requests.memory": "1Mi", "limits.cpu": "1", "pods": "0"}, name="foreign", managed=False),
    a_quota({"limits.memory": "1"}, name="bytes", managed=False),
)
DEFAULTS = a_tier(an_item(default={"cpu": "500m"}, default_request={"cpu": "250m"}))
GPU = {"requests": {"nvidia.com/gpu": "1"}}
BROKEN = a_pod_object(
    {"name": "app", "resources": {"requests": {"memory": "2Gi", "cpu": "100m"}, "limits": {"memory": "3Gi"}}},
    {"name": "gpu", "resources": GPU},
    initContainers=[{"name": "setup", "resources": {"limits": {"memory": "2Gi", "cpu": "100m"}}}],
)
LEVELLED = a_pod_object(
    {"name": "app", "resources": {"limits": {"memory": "3Gi"}, "requests": {"memory": "2Gi"}}},
    resources={"requests": {"memory": "1Gi"}, "limits": {"memory": "1Mi", "hugepages-2Mi": "1"}},
)


def at(pointer: str, pod: Json) -> Pod:
    return to_pod(msgspec.convert(pod, WirePod), pointer=pointer)


@everywhere
def test_containers_stand_below_the_pod(pointer: str) -> None:
    pod = at(pointer, BROKEN)
    assert pod.pointer == pointer
    assert [one.pointer for one in pod.every_container()] == [
        f"{pointer}/spec/containers/0",
        f"{pointer}/spec/containers/1",
        f"{pointer}/spec/initContainers/0",
    ]


@everywhere
@pytest.mark.parametrize("document", [BROKEN, LEVELLED], ids=["containers", "pod-level"])
def test_every_finding_is_where_it_is_in_a_pod_below_the_pointer(pointer: str, document: Json) -> None:
    pod, plain = at(pointer, document), at("", document)

    def found(judged: Pod) -> list[tuple[str, str]]:
        violations = validated(judged, tier=TIER, quotas=QUOTAS).findings
        said: list[tuple[str, str]] = [(one.rule, one.pointer) for one in violations if one.rule != "quota-pending"]
        said += [(one.rule, one.pointer) for one in refusals(judged, (LimitRange("lr", (RANGE, TOTAL)),))]
        return said + [(one.reason, one.pointer) for one in invalid(judged)]

    assert {where.split("/")[1] for _, where in found(plain) if where} == {"spec"}
    assert found(pod) == [(what, f"{pointer}{where}") for what, where in found(plain)]


def enclosed(pointer: str, document: Json) -> Json:
    """Return an object that has the document at the pointer."""
    for token in reversed(pointer.split("/")[1:]):
        document = {token: document}
    return document


@everywhere
@pytest.mark.parametrize("metadata", [None, {}, {"annotations": {"a": "b"}}], ids=["none", "bare", "annotated"])
@pytest.mark.parametrize("resources", [None, {}, {"limits": {"memory": "1"}}], ids=["none", "empty", "some"])
def test_defaults_are_written_below_the_pointer(pointer: str, metadata: object, resources: object) -> None:
    document: Json = a_pod_object({"name": "app", "resources": resources}) | {"metadata": metadata}

    def patched(where: str) -> Any:  # noqa: ANN401  # JSON
        pod = at(where, document)
        operations = defaults.patch(pod, defaults.with_defaults(pod, DEFAULTS)[1])
        plain = json.loads(msgspec.json.encode(operations))
        return jsonpatch.apply_patch(copy.deepcopy(enclosed(where, document)), plain)

    assert patched("") != document
    assert patched(pointer) == enclosed(pointer, patched(""))


@everywhere
def test_a_bad_time_is_named_below_the_pointer(pointer: str) -> None:
    with pytest.raises(Malformed) as refused:
        at(pointer, {"metadata": {"deletionTimestamp": "soon"}})
    assert refused.value.pointer == f"{pointer}/metadata/deletionTimestamp"


@pytest.mark.parametrize("pointer", ["", "/spec/volumeClaimTemplates/0"])
def test_every_pointer_of_a_claim_starts_where_the_claim_stands(pointer: str) -> None:
    wire = msgspec.convert(a_claim_object("9Gi"), WireClaim)
    claim = to_claim(wire, pointer=pointer)
    item = an_item("PersistentVolumeClaim", high={"storage": "1Gi"}, low={"storage": "10Gi"})
    quotas = (a_quota({"requests.storage": "1Gi", "persistentvolumeclaims": "0"}),)
    findings = validated(claim, tier=a_tier(item), quotas=quotas).findings
    storage = f"{pointer}/spec/resources/requests/storage"
    assert {one.rule: one.pointer for one in findings if one.resource != "persistentvolumeclaims"} == {
        "claim-min": storage,
        "claim-max": storage,
        "quota-exceeded": storage,
    }
    assert [one.pointer for one in findings if one.resource == "persistentvolumeclaims"] == [pointer]
    assert {one.pointer for one in refusals(claim, (LimitRange("a", (item,)),))} == {storage}
