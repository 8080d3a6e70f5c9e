from __future__ import annotations

import pytest

from tests.builders import Json
from tests.golden.stable import stable

FIRST = "b6a0c2f4-0d6e-4a55-9b2c-3f4e5d6c7b8a"
SECOND = "0f8d3a52-55b5-4d9e-8f5d-5f4d0a7c9c11"
STABLE_FIRST = "00000000-0000-4000-8000-000000000001"
STABLE_SECOND = "00000000-0000-4000-8000-000000000002"


@pytest.mark.parametrize(
    ("captured", "expected"),
    [
        pytest.param(
            {"uid": FIRST, "object": {"uid": SECOND}, "oldObject": {"uid": SECOND}},
            {"uid": STABLE_FIRST, "object": {"uid": STABLE_SECOND}, "oldObject": {"uid": STABLE_SECOND}},
            id="uids-equal-ones-stay-equal",
        ),
        pytest.param(
            {"extra": [f"JTI={FIRST}"], f'k:{{"uid":"{FIRST}"}}': {}},
            {"extra": [f"JTI={STABLE_FIRST}"], f'k:{{"uid":"{STABLE_FIRST}"}}': {}},
            id="uids-inside-of-texts-and-keys",
        ),
        pytest.param(
            {"startTime": "2026-11-22T20:48:22Z", "renewTime": "2026-11-22T20:48:22.123456Z"},
            {"startTime": "2026-01-01T00:00:00Z", "renewTime": "2026-01-01T00:00:00.000000Z"},
            id="times-keep-their-form",
        ),
        pytest.param(
            {"object": {"resourceVersion": "5310"}, "oldObject": {"resourceVersion": "5307"}, "count": "5310"},
            {"object": {"resourceVersion": "1001"}, "oldObject": {"resourceVersion": "1002"}, "count": "5310"},
            id="resource-versions-different-ones-stay-different",
        ),
        pytest.param(
            {"name": "web-abcde", "object": {"name": "web-abcde", "generateName": "web-"}, "other": "web-abcdef"},
            {"name": "web-x2x7p", "object": {"name": "web-x2x7p", "generateName": "web-"}, "other": "web-abcdef"},
            id="generated-names-everywhere",
        ),
        pytest.param(
            {"volumes": [{"name": "kube-api-access-7hq2b"}], "podIP": "10.0.0.17", "podIPs": [{"ip": "10.0.0.17"}]},
            {"volumes": [{"name": "kube-api-access-x2x7p"}], "podIP": "192.0.2.1", "podIPs": [{"ip": "192.0.2.1"}]},
            id="token-volumes-and-addresses",
        ),
        pytest.param(
            {"image": "agent:1.4.2", "labels": {"pod-template-hash": "68c7ffbd6d"}, "cpu": "100m", "null": None},
            {"image": "agent:1.4.2", "labels": {"pod-template-hash": "68c7ffbd6d"}, "cpu": "100m", "null": None},
            id="the-rest-stays",
        ),
    ],
)
def test_what_differs_between_captures_becomes_the_same(captured: Json, expected: Json) -> None:
    assert stable(captured) == expected
    assert stable(expected) == expected


def test_the_order_of_managed_fields_does_not_depend_on_seconds() -> None:
    """Two writers within a second are sorted by name, else by time."""

    def written(manager: str, second: int, operation: str = "Update") -> Json:
        return {"manager": manager, "operation": operation, "apiVersion": "v1", "time": f"2026-11-22T20:48:0{second}Z"}

    late = [written("kwok", 1), written("kubectl", 2), written("team", 3, "Apply")]
    early = [written("team", 1, "Apply"), written("kubectl", 1), written("kwok", 1)]
    assert stable({"managedFields": late}) == stable({"managedFields": early})
