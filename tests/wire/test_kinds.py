"""The list of kinds is what the chart's webhook configurations send: nothing else is judged, and nothing twice."""

from __future__ import annotations

import pytest
import yaml

from tests.golden import rules
from tiergate.wire.kinds import ENDPOINTS, KINDS, find, likely
from tiergate.wire.workload import WireCronJob, WireWorkload, WorkloadMetadata


def test_the_chart_sends_exactly_what_the_list_has() -> None:
    """``rules.yaml`` is a copy of the rendered chart that `tests/golden/test_rules` keeps true."""
    sent = {
        (entry["path"], "/".join((*(".".join(filter(None, (first, group))),), *rest)), operation)
        for entry in yaml.safe_load(rules.FILE.read_text())
        for rule in entry["rules"]
        for group in rule["apiGroups"]
        for first, *rest in (resource.split("/") for resource in rule["resources"])
        for operation in rule["operations"]
    }
    assert sent == {(f"/{kind.endpoint}", kind.resource, one) for kind in KINDS for one in kind.operations}


def test_every_kind_is_found_once() -> None:
    found = [(kind.endpoint, kind.resource, operation) for kind in KINDS for operation in kind.operations]
    assert len(found) == len(set(found))
    assert all(find(*key) is not None for key in found)
    assert {kind.endpoint for kind in KINDS} == set(ENDPOINTS.values())


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        (None, ""),
        (WorkloadMetadata(), ""),
        (WorkloadMetadata(name="web"), "web"),
        (WorkloadMetadata(generateName="web-"), "web-"),
        (WorkloadMetadata(name="web-1", generateName="web-"), "web-1"),
    ],
)
def test_a_workload_goes_by_its_name_or_by_what_one_is_made_of(metadata: WorkloadMetadata | None, name: str) -> None:
    for resource, wire in (("deployments.apps", WireWorkload), ("cronjobs.batch", WireCronJob)):
        kind = find("workloads", resource, "CREATE")
        assert kind is not None
        assert kind.to_core(wire(metadata=metadata), None, "dev").name == name


def test_a_guess_is_of_the_endpoint_whatever_the_bytes() -> None:
    for endpoint in ENDPOINTS.values():
        for body in (b"", b"{", b'"persistentvolumeclaims"', b"\xff" * 2000):
            assert likely(endpoint, body).endpoint == endpoint


def test_a_claim_is_recognised_by_what_the_api_server_writes_first() -> None:
    head = b'{"kind":"AdmissionReview","request":{"uid":"1","resource":{"group":"","resource":"persistentvolumeclaims"}'
    assert likely("validate", head).resource == "persistentvolumeclaims"
    pod = head.replace(b"persistentvolumeclaims", b"pods")
    assert likely("validate", pod).resource == "pods"
    assert likely("validate", pod + b',"name":"persistentvolumeclaims"').resource == "pods"  # no tenant chooses


def test_a_review_of_every_kind_is_guessed_right_where_the_api_server_writes_it() -> None:
    for kind in KINDS:
        group = "tiergate.io" if "." in kind.resource else ""
        _, slash, part = kind.resource.partition("/")
        rest = f',"subResource":"{part}"' if slash else ""
        body = f'{{"request":{{"resource":{{"group":"{group}","resource":"{kind.plural}"}}{rest},"object":{{}}}}}}'
        assert likely(kind.endpoint, body.encode()).wire is kind.wire, kind.resource
