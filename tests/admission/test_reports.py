"""What modes Warn and Audit tell of, as AdmissionReviews: always allowed, by warning or by audit annotation."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.builders import UID, Json, a_pod_object, a_tier, an_admission_request, the_facts
from tests.core.workloads import a_workload
from tests.reviews import a_review
from tiergate.admission.request import read
from tiergate.admission.response import MAX_ANNOTATION, MAX_WARNING, MAX_WARNINGS, respond
from tiergate.core.decide import decide
from tiergate.core.decision import Decision, Finding, RuleId
from tiergate.core.mode import Mode
from tiergate.core.quantity import Quantity
from tiergate.core.quota_bounds import Bound
from tiergate.core.rules import said, sentence
from tiergate.core.workload_findings import NeverRuns, Stall
from tiergate.core.workload_room import Rolling

modes = pytest.mark.parametrize("mode", ["Warn", "Audit"])
UNCHECKED = 'quotas of tier "dev" were not checked: the usage in the namespace is not known'


def a_violation(rule: RuleId = "limit-max", container: str = "a", bound: str = "1") -> Finding:
    return Finding(
        rule, "", container=container, resource="limits.cpu", actual=Quantity.parse("2"), bound=Quantity.parse(bound)
    )


def answered(decision: Decision) -> Json:
    """Return the answer to a decision of tier dev."""
    decision = msgspec.structs.replace(decision, tier="dev")
    response: Json = json.loads(respond(an_admission_request(), decision))["response"]
    assert response.pop("uid") == UID
    assert response.pop("allowed")
    return response


FACT = 'would violate tier "dev": container "{}": limits.cpu is 2, the tier allows at most 1'


def told(container: str = "a") -> str:
    return FACT.format(container) + "; set limits.cpu to 1 or less"


JUST = "x" * (MAX_WARNING - len(told("")))


def test_warn_says_it_to_the_client_alone() -> None:
    assert answered(Decision((a_violation(),), mode="Warn")) == {"warnings": [told()]}


@pytest.mark.rule("A-55", "modes")
def test_audit_says_it_to_the_audit_log_alone() -> None:
    """A-55: each key is a word; the rules are those of all violations, sorted."""
    found = answered(Decision((a_violation(), a_violation("limit-zero"), a_violation(container="b")), mode="Audit"))
    zero = 'would violate tier "dev": container "a": limits.cpu is 0, which means no limit, the tier allows at most 1'
    way_out = "set limits.cpu above 0 and to 1 or less, or leave it out"
    assert found == {
        "auditAnnotations": {
            "violations": f"{told()} | {zero}; {way_out} | {told('b')}",
            "rules": "limit-max,limit-zero",
        }
    }


@pytest.mark.rule("audit-defaults", "modes")
def test_audit_names_the_defaults_it_did_not_set() -> None:
    assert answered(Decision(mode="Audit", defaults="cpu limit for container a")) == {
        "auditAnnotations": {"defaults": "cpu limit for container a"}
    }


@modes
def test_nothing_to_tell_is_a_plain_allowance(mode: Mode) -> None:
    assert answered(Decision(mode=mode)) == {}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("Warn", {"warnings": [UNCHECKED]}), ("Audit", {"auditAnnotations": {"violations": UNCHECKED}})],
)
def test_quotas_that_were_left_out_are_said(mode: Mode, expected: Json) -> None:
    assert answered(Decision(mode=mode, unchecked=True)) == expected


@pytest.mark.rule("A-54")
@modes
def test_equal_lines_are_said_once(mode: Mode) -> None:
    """A-54: the server would drop the second."""
    found = answered(Decision((a_violation(), a_violation()), mode=mode))
    lines = found["warnings"] if mode == "Warn" else found["auditAnnotations"]["violations"].split(" | ")
    assert lines == [told()]


def many(length: int) -> tuple[Finding, ...]:
    """Return violations of two hundred containers with names of so many characters."""
    return tuple(a_violation(container=f"{number:03}{'x' * (length - 3)}") for number in range(200))


@modes
@pytest.mark.parametrize("length", [3, 20, 63])
def test_lines_beyond_what_there_is_room_for_are_counted(mode: Mode, length: int) -> None:
    found = answered(Decision(many(length), mode=mode))
    lines = found["warnings"] if mode == "Warn" else found["auditAnnotations"]["violations"].split(" | ")
    assert lines[-1] == f"and {200 - len(lines) + 1} more"
    most = MAX_WARNINGS if mode == "Warn" else MAX_ANNOTATION
    # Nearly all of the room is used: what is kept free is for the last line, and at most a line more.
    assert most - 2 * MAX_WARNING - 3 * len(lines) < sum(map(len, lines)) <= most


def test_a_line_that_just_fits_is_said() -> None:
    fit = (MAX_WARNINGS - MAX_WARNING) // MAX_WARNING
    long = [
        Finding("quota-required", "", container="a", resource="limits.cpu", quota=f"{number:03}{'q' * MAX_WARNING}")
        for number in range(fit + 1)
    ]
    lines = answered(Decision(tuple(long), mode="Warn"))["warnings"]
    assert [len(line) for line in lines[:-1]] == [MAX_WARNING] * fit
    assert lines[-1] == "and 1 more"


@pytest.mark.rule("A-55", "audit-defaults", "modes")
def test_annotations_are_short_printable_lines() -> None:
    """A-55: whoever writes pods must not fill the audit log, nor break its lines."""
    found = answered(Decision((a_violation(container="a\nb"),), mode="Audit", defaults="x\n" * MAX_ANNOTATION))
    texts = found["auditAnnotations"]
    assert len(texts["defaults"]) == MAX_ANNOTATION
    assert all(text.isprintable() for text in texts.values())


@pytest.mark.rule("A-54")
@modes
def test_each_line_is_printable_and_not_too_long(mode: Mode) -> None:
    """A-54: the server would cut a long warning, and drop one with a line break."""
    long = Finding("quota-required", "", container="a", resource="limits.cpu", quota="q" * MAX_WARNING)
    for violation in (a_violation(container="a\nb"), long):
        found = answered(Decision((violation,), mode=mode))
        line = found["warnings"][0] if mode == "Warn" else found["auditAnnotations"]["violations"]
        assert line.isprintable()
        assert len(line) <= MAX_WARNING


@pytest.mark.rule("A-54")
@pytest.mark.parametrize(
    ("violation", "expected"),
    [
        pytest.param(
            Finding("quota-pending", "", quota="compute"),
            'would violate tier "dev": quota "compute" is being set up in dev; try again in a moment',
            id="short-with-the-way-out",
        ),
        pytest.param(a_violation(), told(), id="fits"),
        pytest.param(a_violation(container=JUST), told(JUST), id="just-fits"),
        pytest.param(a_violation(container=f"{JUST}x"), FACT.format(f"{JUST}x"), id="just-does-not"),
        pytest.param(a_violation(container=f"a; {JUST}"), FACT.format(f"a; {JUST}"), id="a-name-like-a-way-out"),
        pytest.param(
            Finding("tier-missing", "", tier="x" * 130),
            f'would violate tier "dev": the label tiergate.io/tier of namespace "dev" names "{"x" * 130}", '
            "and there is no such tier",
            id="A-54-the-fact-is-said-whole",
        ),
    ],
)
def test_a_warning_says_the_way_out_where_there_is_room(violation: Finding, expected: str) -> None:
    assert answered(Decision((violation,), mode="Warn"))["warnings"] == [expected]


def a_stall(resource: str = "pods") -> Finding:
    """Return a finding whose sentence has a semicolon before that of the way out."""
    one, two, three = map(Quantity.parse, "123")
    bound = Bound("compute", resource, three, two, one, one)
    stall = Stall(a_workload(), Rolling(1, 1, 0), bound, passing=1, held=False)
    return Finding("workload-rollout-stalls", "/spec", workload=stall, effect="warn")


STALLS = a_stall()


def test_what_enforce_only_warns_of_violates_nothing() -> None:
    """The prefix, the rules and the key in the audit log are for what Enforce refuses."""
    line = sentence(STALLS, namespace="dev")
    for mode in ("Warn", "Enforce"):
        found = answered(Decision((STALLS, a_violation())[: 2 if mode == "Warn" else 1], mode=mode))
        assert found["warnings"][0] == ("in mode Enforce: " if mode == "Warn" else "") + line
    assert answered(Decision((STALLS, a_violation()), mode="Audit"))["auditAnnotations"] == {
        "violations": told(),
        "rules": "limit-max",
        "warnings": f"in mode Enforce: {line}",
    }


def test_what_is_warned_of_comes_beside_a_denial() -> None:
    """All problems are told at once; what does not deny is no cause of the denial."""
    both, alone = [
        json.loads(respond(an_admission_request(), Decision(found)))["response"]
        for found in ((STALLS, a_violation()), (a_violation(),))
    ]
    assert both["warnings"] == [sentence(STALLS, namespace="dev")]
    assert [cause["reason"] for cause in both["status"]["details"]["causes"]] == ["limit-max"]
    assert both["status"] == alone["status"]
    assert "warnings" not in alone


@pytest.mark.rule("A-54")
@pytest.mark.parametrize(("longer", "ways"), [(0, 2), (1, 1), (18, 1), (19, 0)])
def test_ways_out_are_left_out_where_there_is_no_room_and_none_is_taken_apart(longer: int, ways: int) -> None:
    """In mode Enforce, too."""
    finding = a_stall("x" * (MAX_WARNING - len(sentence(a_stall(""), namespace="dev")) + longer))
    whole = said(finding, namespace="dev")
    assert "; " in whole.fact
    assert whole.advice == "set maxUnavailable to 1, or free 1 in dev"
    assert len(", or free 1 in dev") == 18
    advice = ["", "; set maxUnavailable to 1", f"; {whole.advice}"][ways]
    assert answered(Decision((finding,), mode="Enforce"))["warnings"] == [f"{whole.fact}{advice}"]


@modes
def test_what_cannot_be_read_is_told_of_with_every_pointer(mode: Mode) -> None:
    """A tier that refuses nothing must not stop what our decoder is too narrow for."""
    pod = a_pod_object({"name": "agent", "resources": {"limits": {"cpu": "1e999999999"}}}, initContainers=5)
    request = read("validate", a_review(pod))
    found = json.loads(respond(request, decide(request, the_facts(a_tier(mode=mode)))))["response"]
    assert (found["uid"], found["allowed"]) == (UID, True)
    lines = found["warnings"] if mode == "Warn" else found["auditAnnotations"]["violations"].split(" | ")
    pointers = ["/spec/containers/0/resources/limits/cpu", "/spec/initContainers"]
    starts = [f'cannot be judged by tier "dev": {pointer}: ' for pointer in pointers]
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True, True]
    if mode == "Audit":
        assert found["auditAnnotations"]["rules"] == "malformed"
    assert ("warnings" in found) == (mode == "Warn")


def test_a_workload_that_the_mode_admits_is_not_said_to_be_refused_twice() -> None:
    """What mode Enforce would say is said once, by the beginning."""
    never = Finding("workload-never-runs", "/spec", workload=NeverRuns(cause=a_violation()))
    line = answered(Decision((never,), tier="dev", mode="Warn"))["warnings"][0]
    assert line.startswith('would violate tier "dev": ')
    assert "in mode Enforce" not in line


def test_warnings_of_mode_audit_are_apart() -> None:
    warned = (a_stall(), a_stall("requests.cpu"))
    texts = answered(Decision(warned, mode="Audit"))["auditAnnotations"]
    assert texts["warnings"] == " | ".join(f"in mode Enforce: {sentence(one, namespace='dev')}" for one in warned)
