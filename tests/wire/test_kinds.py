"""The list of kinds is what the chart's webhook configurations send: nothing else is judged, and nothing twice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.golden import rules
from tiergate.core.workload_kind import BY_KIND
from tiergate.wire.kinds import ENDPOINTS, KINDS, find, likely
from tiergate.wire.workload import WireCronJob, WireWorkload, WorkloadMetadata

PRODUCT: Final = Path(__file__).parents[2] / "webhook" / "tiergate"
KIND_NAMES: Final = {kind.kind for kind in KINDS} - set(BY_KIND)
"""Those of workloads have a table of their own, and rules that differ from kind to kind."""
LISTS: Final = {
    "core/request.py": "the endpoints themselves",
    "wire/kinds.py": "the list",
    "live/snapshot.py": "the order of a snapshot, of kinds that are not admitted as well",
}


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
        assert kind.to_core(wire(metadata=metadata), None).name == name


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


def lists(text: str) -> Iterator[set[str]]:
    """Yield the admitted names in each list, tuple and set, and among the keys of each dict."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
            parts = node.keys if isinstance(node, ast.Dict) else node.elts
            among = KIND_NAMES if isinstance(node, ast.Dict) else KIND_NAMES | set(ENDPOINTS.values())
            yield {str(one.value) for one in parts if isinstance(one, ast.Constant)} & among


@pytest.mark.slow
def test_no_second_list_of_what_is_admitted() -> None:
    """Two endpoints or kinds beside each other are a part of the list: derive it instead."""
    texts = {str(path.relative_to(PRODUCT)): path.read_text() for path in PRODUCT.rglob("*.py")}
    seconds = {
        f"{path}: {', '.join(sorted(found))}"
        for path, text in texts.items()
        if path not in LISTS and sum(f'"{name}"' in text for name in KIND_NAMES.union(ENDPOINTS.values())) > 1
        for found in lists(text)
        if len(found) > 1
    }
    assert seconds == set()
