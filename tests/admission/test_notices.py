"""Who is told of a decision besides whoever asked: on which workload, by which rule, in which words."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest

from tests.builders import Json, a_pod_object, a_workload_object, an_owner
from tests.reviews import a_review, a_scale_review
from tiergate.admission import notices
from tiergate.admission.notices import MAX_MESSAGE, Notice, message, notice
from tiergate.admission.request import read
from tiergate.core.decision import Decision, Finding
from tiergate.core.quantity import Quantity
from tiergate.core.request import Endpoint
from tiergate.core.rules import sentence
from tiergate.wire.owners import MAX_OWNERS, Reference

REPLICA_SET: Final = Reference("apps", "ReplicaSet", "web-5f", "uid-rs")
DEPLOYMENT: Final = Reference("apps", "Deployment", "web", "uid-web")


def a_finding(rule: Any = "limit-max", effect: Any = "deny", container: str = "agent", **fields: Any) -> Finding:  # noqa: ANN401
    """Return a finding about a limit."""
    amounts = {"actual": Quantity.parse("2Gi"), "bound": Quantity.parse("512Mi")}
    return Finding(rule, "/spec", container=container, resource="limits.memory", effect=effect, **{**amounts, **fields})


def a_decision(*findings: Finding, **fields: Any) -> Decision:  # noqa: ANN401
    return Decision(findings or (a_finding(),), **{"tier": "dev", **fields})


REFUSED: Final = a_decision()
WARNED: Final = a_decision(a_finding(effect="warn"))


def an_owned_pod(*owners: Json) -> Json:
    pod = a_pod_object()
    pod["metadata"]["ownerReferences"] = list(owners) or [an_owner()]
    return pod


def told(endpoint: Endpoint, body: bytes, decision: Decision) -> Notice | None:
    return notice(read(endpoint, body), decision, body)


@pytest.mark.parametrize("endpoint", ["mutate", "validate"])
def test_a_refused_pod_is_told_of_on_what_controls_it(endpoint: Endpoint) -> None:
    """At either endpoint: a label that names no tier is found at the first."""
    others = [an_owner(kind="Node", uid="uid-node", controller=None), an_owner()]
    assert told(endpoint, a_review(an_owned_pod(*others)), REFUSED) == Notice(
        "dev", REPLICA_SET, "limit-max", refused=True
    )


@pytest.mark.parametrize(
    ("body", "endpoint", "decision", "expected"),
    [
        pytest.param(
            a_review(a_workload_object()),
            "workloads",
            REFUSED,
            Notice("dev", Reference("apps", "Deployment", "web", ""), "limit-max", refused=True, stored=False),
            id="refused-creation",
        ),
        pytest.param(
            a_review(a_workload_object()),
            "workloads",
            WARNED,
            Notice("dev", DEPLOYMENT, "limit-max", refused=False),
            id="warned",
        ),
        pytest.param(
            a_review(a_workload_object(), old=a_workload_object(), operation="UPDATE"),
            "workloads",
            REFUSED,
            Notice("dev", DEPLOYMENT, "limit-max", refused=True),
            id="refused-change",
        ),
        pytest.param(
            a_scale_review(9, 1), "workloads", WARNED, Notice("dev", DEPLOYMENT, "limit-max", refused=False), id="scale"
        ),
        pytest.param(
            a_review(an_owned_pod()),
            "validate",
            WARNED,
            Notice("dev", REPLICA_SET, "limit-max", refused=False),
            id="warned-pod",
        ),
    ],
)
def test_who_is_told_of_what(body: bytes, endpoint: Endpoint, decision: Decision, expected: Notice) -> None:
    assert told(endpoint, body, decision) == expected


POD: Final = an_owned_pod()
WITHOUT_UID: Final = {**a_workload_object(), "metadata": {"name": "web", "namespace": "dev"}}


@pytest.mark.parametrize(
    ("body", "endpoint", "decision"),
    [
        pytest.param(a_review(POD, dryRun=True), "validate", REFUSED, id="dry-run"),
        pytest.param(a_review(a_workload_object(), dryRun=True), "workloads", REFUSED, id="dry-run-of-a-workload"),
        pytest.param(a_review(a_pod_object()), "validate", REFUSED, id="a-pod-made-by-hand"),
        pytest.param(a_review(an_owned_pod(an_owner(controller=None))), "validate", REFUSED, id="no-controller"),
        pytest.param(a_review(an_owned_pod(an_owner(uid=""))), "validate", REFUSED, id="no-uid"),
        pytest.param(a_review(an_owned_pod(an_owner(uid="a\n/b"))), "validate", REFUSED, id="no-such-uid"),
        pytest.param(a_review(an_owned_pod(an_owner(name="../pods"))), "validate", REFUSED, id="no-such-name"),
        pytest.param(
            a_review(an_owned_pod(*[an_owner()] * (MAX_OWNERS // 50))), "validate", REFUSED, id="too-many-owners"
        ),
        pytest.param(a_review(POD), "validate", a_decision(mode="Audit"), id="audit"),
        pytest.param(a_review(POD), "validate", Decision(tier="dev"), id="nothing-found"),
        pytest.param(a_review(POD), "validate", a_decision(tier=""), id="nobody-knows-the-tier"),
        pytest.param(
            a_review(POD, old=POD, operation="UPDATE", subResource="resize"), "validate", REFUSED, id="resize"
        ),
        pytest.param(
            a_review(a_workload_object()),
            "workloads",
            a_decision(a_finding("workload-unchecked", "warn")),
            id="what-says-nothing-of-the-workload",
        ),
        pytest.param(
            a_review(a_workload_object()),
            "workloads",
            a_decision(a_finding(container="see https://example.com")),
            id="words-that-no-real-review-has",
        ),
        pytest.param(a_review(a_workload_object(name="see example")), "workloads", REFUSED, id="made-up-name"),
        pytest.param(
            a_review(WITHOUT_UID, old=WITHOUT_UID, operation="UPDATE"),
            "workloads",
            REFUSED,
            id="a-workload-without-uid",
        ),
    ],
)
def test_who_is_told_of_nothing(body: bytes, endpoint: Endpoint, decision: Decision) -> None:
    assert told(endpoint, body, decision) is None


def test_an_owner_list_that_is_none_is_a_fault_and_not_a_crash() -> None:
    pod = a_pod_object()
    pod["metadata"]["ownerReferences"] = 7
    body = a_review(pod)
    with pytest.raises(msgspec.MsgspecError):
        told("validate", body, REFUSED)


SENTENCE: Final = (
    'container "agent": limits.memory is 2Gi, the tier allows at most 512Mi; set limits.memory to 512Mi or less'
)


WOULD: Final = f'would violate tier "dev": {SENTENCE}'
UNREADABLE: Final = Finding("malformed", "/spec/replicas", detail="expected an int", effect="warn")
UNREAD: Final = sentence(UNREADABLE, namespace="dev")
CHANGED: Final = a_review(a_workload_object(), old=a_workload_object(), operation="UPDATE")


@pytest.mark.parametrize(
    ("body", "endpoint", "decision", "expected"),
    [
        (a_review(POD), "validate", REFUSED, f"its pods are refused (tier dev): {SENTENCE}"),
        (a_review(POD), "validate", a_decision(mode="Warn"), WOULD),
        (a_review(POD), "validate", a_decision(a_finding(effect="warn"), mode="Warn"), f"tier dev: {SENTENCE}"),
        (a_review(a_workload_object()), "workloads", REFUSED, f"it was refused (tier dev): {SENTENCE}"),
        (CHANGED, "workloads", REFUSED, f"a change was refused (tier dev): {SENTENCE}"),
        (a_review(a_workload_object()), "workloads", WARNED, f"tier dev: {SENTENCE}"),
        (a_review(a_workload_object()), "workloads", a_decision(UNREADABLE), f"tier dev: {UNREAD}"),
        (
            a_review(a_workload_object()),
            "workloads",
            a_decision(UNREADABLE, mode="Warn"),
            f'cannot be judged by tier "dev": {UNREAD}',
        ),
    ],
)
def test_what_is_said(body: bytes, endpoint: Endpoint, decision: Decision, expected: str) -> None:
    assert message(read(endpoint, body), decision) == expected


@pytest.mark.parametrize(
    "names", [["a\nb", "c"], ["ü" * 60] * 3, [f"c{number}" for number in range(500)], ["x" * 5000]]
)
def test_a_message_is_one_short_line_with_the_first_problem_first(names: list[str]) -> None:
    """With more bytes than characters, too; and what is left out is counted."""
    findings = [a_finding(container=name) for name in names]
    said = message(read("validate", a_review(POD)), a_decision(*findings))
    assert len(said.encode()) <= MAX_MESSAGE
    assert said.isprintable()
    assert said.startswith("its pods are refused (tier dev): container ")
    if len(set(names)) > 100:
        told = said.count("the tier allows")
        assert said.endswith(f" | and {len(names) - told} more")


def test_a_message_names_as_many_problems_as_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room left to say how many more there are, also behind a first problem that is cut."""
    request, decision = read("validate", a_review(POD)), a_decision(a_finding(), a_finding(container="b"))
    whole = message(request, decision)
    first, _, second = whole.partition(" | ")
    assert second == SENTENCE.replace("agent", "b")
    said = {}
    for room in (len(whole), len(whole) - 1, len(first) - 1):
        monkeypatch.setattr(notices, "MAX_MESSAGE", room + notices._MORE)
        said[room] = message(request, decision)
    assert list(said.values()) == [whole, f"{first} | and 1 more", f"{first[:-4]}... | and 1 more"]


def test_the_words_of_a_refusal_come_from_the_findings_that_refuse() -> None:
    both = a_decision(a_finding("workload-rollout-stalls", "warn"), a_finding(container="other"))
    body = a_review(a_workload_object(), old=a_workload_object(), operation="UPDATE")
    assert told("workloads", body, both) == Notice("dev", DEPLOYMENT, "limit-max", refused=True)
    assert 'container "other"' in message(read("workloads", body), both)


def test_bytes_of_a_review_that_cannot_be_decoded_are_a_fault() -> None:
    request = read("validate", a_review(POD))
    with pytest.raises(msgspec.MsgspecError):
        notice(request, REFUSED, json.dumps([]).encode())
