"""Reviews for tiers in mode Warn and Audit: always allowed, and told of in the way the API server takes."""

from __future__ import annotations

import base64
import json
import re

import pytest

from tests.builders import Json, a_pod_object, a_quota, a_tier, a_tier_object, a_tier_quota, an_item
from tests.reviews import a_resize, a_review
from tests.server.admission_fakes import FakeState, answer, response, rules
from tiergate.admission.response import MAX_ANNOTATION, MAX_WARNING, MAX_WARNINGS
from tiergate.core.mode import Mode
from tiergate.core.tier import Tier
from tiergate.wire import Malformed

ANNOTATION_KEY = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""A-55."""
HARD = {"limits.cpu": "4", "pods": "3"}
modes = pytest.mark.parametrize("mode", ["Warn", "Audit"])


def the_tier(mode: Mode) -> Tier:
    item = an_item(default={"cpu": "250m", "memory": "256Mi"}, high={"memory": "512Mi"})
    return a_tier(item, quotas=[a_tier_quota(HARD)], mode=mode)


def facts(mode: Mode, *, used: str | None = "3500m", **more: object) -> FakeState:
    """Return a cluster whose index knows the used limits.cpu, or nothing."""
    usage = None if used is None else (a_quota(HARD, {"limits.cpu": used}),)
    return FakeState(tiers={"dev": the_tier(mode)}, usage=usage, **more)  # type: ignore[arg-type]  # FakeState' own


def a_limited_pod(**limits: str) -> Json:
    return a_pod_object({"name": "agent", "image": "agent:1", "resources": {"limits": limits}})


TOO_MUCH = a_limited_pod(cpu="1", memory="2Gi")
FITS = a_limited_pod(cpu="500m", memory="1Mi")
UNCHECKED = 'quotas of tier "dev" were not checked: the usage in the namespace is not known'
RANGE = (
    'would violate tier "dev": container "agent": limits.memory is 2Gi, the tier allows at most 512Mi; '
    "set limits.memory and requests.memory to 512Mi or less"
)
QUOTA = (
    'would violate tier "dev": quota "compute": limits.cpu asks 1, used 3500m of 4, over by 500m; '
    "set limits.cpu to 500m or less, or free 500m in dev"
)


async def test_warn_warns_of_each_violation() -> None:
    answered = await answer("validate", a_review(TOO_MUCH), facts("Warn"))
    assert response(answered) == {"uid": answered.record.uid, "allowed": True, "warnings": [RANGE, QUOTA]}
    assert (answered.record.outcome, answered.record.tier) == ("warned", "dev")
    assert answered.record.rules == ("limit-max", "quota-exceeded")


async def test_audit_annotates_the_audit_event() -> None:
    answered = await answer("validate", a_review(TOO_MUCH), facts("Audit"))
    assert response(answered) == {
        "uid": answered.record.uid,
        "allowed": True,
        "auditAnnotations": {
            "violations": f"{RANGE} | {QUOTA}",
            "rules": "limit-max,quota-exceeded",
        },
    }
    assert answered.record.outcome == "audited"


@modes
async def test_what_fits_is_allowed_without_a_word(mode: Mode) -> None:
    answered = await answer("validate", a_review(FITS), facts(mode))
    assert response(answered) == {"uid": answered.record.uid, "allowed": True}
    assert answered.record.outcome == "allowed"


@modes
async def test_nothing_is_waited_for_or_read_live(mode: Mode) -> None:
    """A read that fails would be a refusal by the failurePolicy."""
    seen = facts(mode, quotas_now=RuntimeError("away"))
    assert rules(await answer("validate", a_review(TOO_MUCH), seen)) == []
    assert seen.calls == ["usage dev dev Pod"]


@modes
async def test_usage_is_asked_for_once_when_the_tier_had_to_be_read(mode: Mode) -> None:
    """Each question that stays without an answer is counted in a metric."""
    seen = facts(mode, tiers_now={"dev": the_tier(mode)}, stale=True)
    assert rules(await answer("validate", a_review(TOO_MUCH), seen)) == []
    assert seen.calls == ["namespace dev", "tier dev", "usage dev dev Pod"]


@modes
async def test_native_quotas_of_others_are_told_of_and_ours_that_are_left_are_not(mode: Mode) -> None:
    """It is not the tier's, and refuses now; a quota of ours is on its way out."""
    foreign = a_quota({"pods": "0"}, name="theirs", managed=False)
    left = a_quota({"pods": "0"})
    answered = await answer("validate", a_review(FITS), facts(mode, quotas=(foreign, left)))
    said = response(answered)
    line = said["warnings"][0] if mode == "Warn" else said["auditAnnotations"]["violations"]
    assert line == 'quota "theirs": pods asks 1, and none are allowed'
    assert answered.record.rules == ("quota-exceeded",)


async def test_warn_says_that_quotas_were_left_out() -> None:
    answered = await answer("validate", a_review(TOO_MUCH), facts("Warn", used=None))
    assert response(answered)["warnings"] == [RANGE, UNCHECKED]
    silent = await answer("validate", a_review(FITS), facts("Warn", used=None))
    assert response(silent)["warnings"] == [UNCHECKED]
    assert silent.record.outcome == "allowed"
    assert "quotas not checked" in silent.record.detail


async def test_audit_says_that_quotas_were_left_out() -> None:
    answered = await answer("validate", a_review(FITS), facts("Audit", used=None))
    assert response(answered)["auditAnnotations"] == {"violations": UNCHECKED}
    assert "quotas not checked" in answered.record.detail


@modes
async def test_a_resize_is_told_of(mode: Mode) -> None:
    """The increase only: 500m more than the 500m it has, and 3500m are used."""
    fits = await answer("validate", a_resize(a_limited_pod(cpu="1", memory="1Mi"), FITS), facts(mode))
    assert fits.record.outcome == "allowed"
    over = await answer("validate", a_resize(a_limited_pod(cpu="1100m", memory="1Mi"), FITS), facts(mode))
    assert (rules(over), over.record.rules) == ([], ("quota-exceeded",))


async def test_defaults_are_set_in_warn() -> None:
    answered = await answer("mutate", a_review(a_pod_object()), facts("Warn"))
    patch = json.loads(base64.b64decode(response(answered)["patch"]))
    assert {
        "op": "add",
        "path": "/spec/containers/0/resources/limits",
        "value": {"cpu": "250m", "memory": "256Mi"},
    } in patch
    assert answered.record.outcome == "patched"


async def test_defaults_are_only_reported_in_audit() -> None:
    answered = await answer("mutate", a_review(a_pod_object()), facts("Audit"))
    found = response(answered)
    assert "patch" not in found
    assert found["auditAnnotations"].keys() == {"defaults"}
    assert "cpu, memory limit for container agent" in found["auditAnnotations"]["defaults"]
    assert answered.record.outcome == "audited"
    complete = await answer("mutate", a_review(a_limited_pod(cpu="1", memory="1Mi")), facts("Audit"))
    assert complete.record.outcome == "allowed"


@modes
async def test_an_exempt_user_is_exempt_in_every_mode(mode: Mode) -> None:
    tier = a_tier(an_item(high={"memory": "1Mi"}), users=["alice"], mode=mode)
    answered = await answer("validate", a_review(TOO_MUCH), FakeState(tiers={"dev": tier}, usage=()))
    assert answered.record.outcome == "exempt"
    assert response(answered)["auditAnnotations"] == {"exempt": "user alice"}


@modes
@pytest.mark.parametrize("endpoint", ["mutate", "validate"])
async def test_what_cannot_be_read_is_admitted_and_told_of(mode: Mode, endpoint: str) -> None:
    """A tier on trial must not stop pods that our decoder is too narrow for."""
    body = a_review(a_limited_pod(cpu="1e2147483648"))
    answered = await answer(endpoint, body, facts(mode))  # type: ignore[arg-type]  # one of the two
    found = response(answered)
    assert found["allowed"]
    told = found["warnings"][0] if mode == "Warn" else found["auditAnnotations"]["violations"]
    assert told.startswith('cannot be judged by tier "dev": /spec/containers/0/resources/limits/cpu: ')
    assert answered.record.outcome == "malformed"


@modes
@pytest.mark.parametrize(
    ("now", "rule"),
    [({}, "tier-missing"), ({"dev": Malformed("/spec/limits", "min above max")}, "tier-invalid")],
    ids=["missing", "never-valid"],
)
async def test_a_tier_nobody_knows_the_mode_of_refuses(mode: Mode, now: dict[str, Tier | Malformed], rule: str) -> None:
    """Another tier's mode does not matter."""
    seen = FakeState(tiers={"other": the_tier(mode)}, tiers_now=dict(now))
    assert rules(await answer("validate", a_review(FITS), seen)) == [rule]


def many_violations() -> Json:
    """A pod whose hundred containers break two rules each, with names as long as they can be."""
    containers = [
        {"name": f"{number:03}-{'x' * 59}", "image": "a", "resources": {"limits": {"cpu": "1m", "memory": "2Gi"}}}
        for number in range(100)
    ]
    return a_pod_object(*containers)


async def test_warnings_are_short_and_as_many_as_the_api_server_takes() -> None:
    """A-54: above 4096 characters together they would be cut or dropped; the last one says how many are missing."""
    answered = await answer("validate", a_review(many_violations()), facts("Warn"))
    warnings = response(answered)["warnings"]
    assert answered.record.rules == ("limit-max",)  # each once
    assert 10 < len(warnings) < 40
    assert sum(map(len, warnings)) <= MAX_WARNINGS
    assert warnings[-1] == f"and {100 - len(warnings) + 1} more"
    assert all(len(one) <= MAX_WARNING and one.isprintable() for one in warnings)


async def test_annotations_are_bounded_and_named_as_they_must_be() -> None:
    """A-55."""
    found = response(await answer("validate", a_review(many_violations()), facts("Audit")))["auditAnnotations"]
    assert all(ANNOTATION_KEY.fullmatch(key) for key in found)
    assert all(len(text) <= MAX_ANNOTATION and text.isprintable() for text in found.values())
    assert re.search(r" \| and \d+ more$", found["violations"])
    defaults = response(await answer("mutate", a_review(bare_containers()), facts("Audit")))["auditAnnotations"][
        "defaults"
    ]
    assert len(defaults) <= MAX_ANNOTATION


def bare_containers() -> Json:
    return a_pod_object(*({"name": f"{number:03}-{'x' * 59}", "image": "a"} for number in range(100)))


async def test_a_warning_has_no_line_break_whatever_a_name_says() -> None:
    """A-54: the API server would drop it without a word."""
    pod = a_pod_object({"name": "a\nb\u0007", "image": "a", "resources": {"limits": {"memory": "2Gi"}}})
    warnings = response(await answer("validate", a_review(pod), facts("Warn")))["warnings"]
    assert warnings
    assert all(one.isprintable() for one in warnings)


@modes
async def test_a_tier_in_the_mode_may_be_written(mode: Mode) -> None:
    assert rules(await answer("tiers", a_review(a_tier_object({"enforcement": mode})), FakeState())) == []


@pytest.mark.parametrize("mode", ["Warn", "Audit", "Enforce"])
async def test_names_nobody_reports_on_are_said_when_the_tier_is_written(mode: Mode) -> None:
    """In Enforce native quota bounds them; in the other modes there is none."""
    spec = {
        "enforcement": mode,
        "quotas": [{"name": "a", "hard": {"pods": "1", "services": "2", "count/jobs.batch": "3"}}],
    }
    warnings = response(await answer("tiers", a_review(a_tier_object(spec)), FakeState())).get("warnings", [])
    expected = f"tier dev: in mode {mode} nothing is reported on count/jobs.batch, services"
    assert (expected in warnings) == (mode != "Enforce")


async def test_enforce_still_refuses() -> None:
    answered = await answer(
        "validate", a_review(TOO_MUCH), FakeState(tiers={"dev": the_tier("Enforce")}, quotas=(a_quota(HARD),))
    )
    assert rules(answered) == ["limit-max"]
