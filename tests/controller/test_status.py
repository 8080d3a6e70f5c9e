"""The status of a tier as a function of what was observed."""

import json

import msgspec
import pytest

from tiergate.cluster.tier_record import TierInForce, TierRecord, read_record
from tiergate.controller.observations import observe
from tiergate.controller.tier_conditions import (
    LONGEST_MESSAGE,
    LONGEST_SPEC_KEPT,
    Assessment,
    NamespaceState,
    assess_ready,
    compute,
    namespace_state,
    shows_more_than_numbers,
    summarize,
)
from tiergate.core.decision import Fault
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
from tiergate.core.tier import Tier, TierQuota
from tiergate.wire.tier_status import Condition, ConditionReason, KeptSpec, TierStatus, read_status, write_patch

EARLIER, NOW = "2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z"
ENFORCING = Assessment(holds=True, reason="WebhooksRegistered", message="all well")


def amounts(**texts: str) -> ResourceList:
    return {name.replace("_", "."): Quantity.parse(text) for name, text in texts.items()}


TIER = Tier(
    name="dev",
    quotas=(
        TierQuota("compute", amounts(requests_cpu="2", requests_memory="2Gi", pods="20")),
        TierQuota("batch", amounts(pods="5"), scopes=("Terminating",)),
    ),
)
GOOD = TierInForce(TIER, KeptSpec(3, "{}"))
TOO_LONG = TierInForce(TIER, KeptSpec(3, " " * (LONGEST_SPEC_KEPT + 1)))


def record(*faults: Fault, status: TierStatus | None = None, generation: int = 3) -> TierRecord:
    return TierRecord("dev", "uid", "8", generation, TIER, faults, status or TierStatus(), GOOD)


def state(name: str = "dev", **fields: object) -> NamespaceState:
    return msgspec.structs.replace(NamespaceState(name), **fields)


@pytest.mark.parametrize(
    ("faults", "good", "states", "reason", "message"),
    [
        pytest.param(
            (), GOOD, [state()], "QuotasInForce", "ResourceQuotas are in force in namespace dev", id="in-force"
        ),
        pytest.param((), GOOD, [], "QuotasInForce", "no namespace carries the label of this tier", id="no-namespace"),
        pytest.param(
            (),
            GOOD,
            [state("a"), state("b", inexact=True)],
            "QuotasInForce",
            "ResourceQuotas are in force in namespaces a, b; several share namespace b, where native quota alone is "
            "not an exact bound under parallel creates",
            id="several-objects-in-one-namespace",
        ),
        pytest.param(
            (),
            GOOD,
            [state("a"), state("b", waiting=("tier",))],
            "QuotaPending",
            'ResourceQuota "tier" is not in force yet in namespace b (1 of 2 are ready)',
            id="one-namespace-is-behind",
        ),
        pytest.param(
            (),
            GOOD,
            [state(f"n{number}", waiting=("tier",)) for number in range(7)],
            "QuotaPending",
            'ResourceQuota "tier" is not in force yet in namespaces n0, n1, n2, n3, n4 and 2 more (0 of 7 are ready)',
            id="many-are-counted",
        ),
        pytest.param(
            (),
            GOOD,
            [state("a", waiting=("tier",), error="403 Forbidden: no"), state("b", waiting=("tier",))],
            "WriteFailed",
            "namespace a: 403 Forbidden: no",
            id="an-error-explains-the-waiting",
        ),
        pytest.param(
            (),
            GOOD,
            [state("a", error="away"), state("b", foreign=("tier",))],
            "ForeignResourceQuota",
            'ResourceQuota "tier" in namespace b is not ours and is never taken over: rename or delete it',
            id="foreign-before-errors",
        ),
        pytest.param(
            (Fault("/spec/limits/0/min/cpu", "above max"), Fault("/spec/quotas", "empty")),
            GOOD,
            [state("b", foreign=("tier",))],
            "Invalid",
            "/spec/limits/0/min/cpu: above max; /spec/quotas: empty. Generation 3 stays in force",
            id="all-faults-at-once",
        ),
        pytest.param(
            (Fault("/spec/quotas", "empty"),),
            TOO_LONG,
            [],
            "Invalid",
            "/spec/quotas: empty. Generation 3 stays in force where it was seen, but is too long to be kept in the "
            "status: replicas of the webhook that started since refuse pods of its namespaces",
            id="too-long-to-be-kept",
        ),
        pytest.param(
            (Fault("", "not an object"),),
            None,
            [],
            "Invalid",
            "not an object. Pods of its namespaces are refused",
            id="invalid-from-the-start",
        ),
    ],
)
def test_ready(
    faults: tuple[Fault, ...],
    good: TierInForce | None,
    states: list[NamespaceState],
    reason: ConditionReason,
    message: str,
) -> None:
    """One assessment: what people must mend comes before what passes by itself."""
    assessment = assess_ready(record(*faults), good=good, states=states)
    assert assessment == Assessment(holds=reason == "QuotasInForce", reason=reason, message=message)


def test_usage_is_summed_over_namespaces() -> None:
    """Used and hard of the unscoped quota are added up exactly, in the units they came in."""
    states = [
        state("a", hard=amounts(requests_cpu="2", requests_memory="2Gi"), used=amounts(requests_cpu="150m")),
        state("b", hard=amounts(requests_cpu="2", requests_memory="2Gi"), used=amounts(requests_memory="256Mi")),
        state("c"),
    ]
    assert summarize(TIER, states) == {"requests.cpu": "150m/4", "requests.memory": "256Mi/4Gi"}


@pytest.mark.parametrize(
    ("hard", "expected"),
    [
        ({"cpu": "2", "memory": "2Gi"}, {"requests.cpu": "500m/2", "requests.memory": "1Gi/2Gi"}),
        ({"ephemeral-storage": "2Gi"}, {"requests.ephemeral-storage": "0/2Gi"}),
        ({"cpu": "2", "requests.cpu": "3"}, {"requests.cpu": "500m/2"}),
        ({"cpu": "3", "requests.cpu": "2"}, {"requests.cpu": "500m/2"}),
    ],
)
def test_requests_are_shown_by_their_long_name(hard: dict[str, str], expected: dict[str, str]) -> None:
    """The columns of `kubectl get tiers` look for that name."""
    bounds = {name: Quantity.parse(text) for name, text in hard.items()}
    used = {**amounts(cpu="500m", memory="1Gi"), **amounts(requests_cpu="500m", requests_memory="1Gi")}
    tier = Tier(name="dev", quotas=(TierQuota("compute", bounds),))
    assert summarize(tier, [state(hard=bounds, used=used)]) == expected


def test_usage_beyond_the_tier_is_left_out() -> None:
    """Only names of the tier's quota are shown, whatever an object still carries."""
    assert summarize(TIER, [state(hard=amounts(secrets="1", pods="20"))]) == {"pods": "0/20"}


def test_a_foreign_quota_counts_for_nothing() -> None:
    """The numbers of somebody else's object of our name are not the tier's."""
    foreign = QuotaStatus(name="tier", hard=amounts(pods="3"), used=amounts(pods="2"))
    seen = namespace_state("dev", observe(TIER, (foreign,), ()), error="")
    assert (seen.foreign, seen.hard, seen.used) == (("tier",), {}, {})


def status_of(before: TierRecord, *, enforcing: Assessment | None = ENFORCING, now: str = NOW) -> TierStatus:
    return compute(before, good=GOOD, states=[state()], enforcing=enforcing, now=now)


def test_a_first_status_is_complete() -> None:
    """Every field is there, and both conditions begin now."""
    status = status_of(record())
    assert (status.observed_generation, status.mode, status.namespaces) == (3, "Enforce", 1)
    assert [(one.type, one.status, one.last_transition_time, one.observed_generation) for one in status.conditions] == [
        ("Ready", "True", NOW, 3),
        ("Enforcing", "True", NOW, 3),
    ]


def test_times_move_only_with_the_status_of_a_condition() -> None:
    """Another reason or message is no transition; another status is."""
    first = status_of(record(), now=EARLIER)
    away = Assessment(holds=False, reason="WebhookConfigurationMissing", message="gone")
    second = status_of(record(status=first, generation=4), enforcing=away)
    assert [one.last_transition_time for one in second.conditions] == [EARLIER, NOW]
    assert [one.observed_generation for one in second.conditions] == [4, 4]


def test_an_unchanged_world_gives_an_equal_status() -> None:
    """A steady state has nothing to write."""
    first = status_of(record(), now=EARLIER)
    assert status_of(record(status=first)) == first


def test_what_is_not_known_yet_stays_as_it_was() -> None:
    """A controller that has just started does not take Enforcing back, nor invent it."""
    first = status_of(record(), now=EARLIER)
    assert status_of(record(status=first), enforcing=None) == first
    assert status_of(record(), enforcing=None).condition("Enforcing") is None


def test_conditions_of_others_stay() -> None:
    """A condition type that is not ours survives."""
    other = Condition(type="Audited", status="True", reason="Done")
    assert other in status_of(record(status=TierStatus(conditions=(other,)))).conditions


def test_long_messages_fit() -> None:
    """A tier with thousands of faults still gets a status the API server accepts."""
    faults = [Fault(f"/spec/quotas/{number}", "bad") for number in range(5000)]
    status = compute(record(*faults), good=None, states=[], enforcing=None, now=NOW)
    assert len(status.conditions[0].message) == LONGEST_MESSAGE


def test_numbers_alone_are_no_reason_to_hurry() -> None:
    """Usage may wait a second; a condition may not."""
    one = TierStatus(summary={"pods": "1/2"}, namespaces=1)
    assert not shows_more_than_numbers(one, TierStatus(summary={"pods": "2/2"}, namespaces=1))
    assert shows_more_than_numbers(one, TierStatus(summary={"pods": "1/2"}, namespaces=2))


def test_the_patch_removes_names_that_are_gone() -> None:
    """A merge patch leaves what it does not name, so names that left the summary are nulled."""
    patch = json.loads(
        write_patch(
            TierStatus(summary={"pods": "1/2"}),
            over=TierStatus(summary={"pods": "0/2", "requests.cpu": "0/2"}),
            resource_version="8",
        )
    )
    assert patch["metadata"] == {"resourceVersion": "8"}
    assert patch["status"]["summary"] == {"pods": "1/2", "requests.cpu": None}


@pytest.mark.parametrize("raw", [b"null", b"{}", b'"junk"', b'{"conditions": 3}'])
def test_a_status_of_another_shape_counts_as_none(raw: bytes) -> None:
    """Whoever wrote it, ours is written over it."""
    assert read_status(raw) == TierStatus()


def test_a_written_status_reads_back_equal() -> None:
    """What we write is what we compare with next time."""
    status = status_of(record())
    written = json.loads(write_patch(status, over=TierStatus(), resource_version="8"))
    assert read_status(json.dumps(written["status"]).encode()) == status


@pytest.mark.parametrize(
    ("spec", "pointers"),
    [
        pytest.param({"quotas": [{"name": "q", "hard": {"pods": "1"}}]}, [], id="good"),
        pytest.param({"quotas": [{"name": "q", "hard": {"pods": "x"}}]}, ["/spec/quotas/0/hard/pods"], id="malformed"),
        pytest.param(
            {"quotas": [{"name": "q", "hard": {"a.b/c": "1", "d.e/f": "1"}}]},
            ["/spec/quotas/0/hard/a.b~1c", "/spec/quotas/0/hard/d.e~1f"],
            id="two-faults",
        ),
        pytest.param(
            {
                "enforcement": "Log",
                "quotas": [{"name": "q", "per": "Cluster", "hard": {"pods": "1"}}],
            },
            ["/spec/enforcement", "/spec/quotas/0/per"],
            id="two-that-cannot-be-decoded",
        ),
        pytest.param(
            {"limits": [{"type": "Container", "max": {"cpu": "x"}}], "quotas": [{"name": "q", "hard": {"pods": []}}]},
            ["/spec/limits/0/max/cpu", "/spec/quotas/0/hard/pods"],
            id="two-malformed",
        ),
    ],
)
def test_a_record_holds_what_is_wrong_with_its_tier(spec: dict[str, object], pointers: list[str]) -> None:
    """A tier that cannot be read is still a record, with its version, so that its status can say so."""
    document = {"metadata": {"name": "dev", "uid": "u", "generation": 2, "resourceVersion": "9"}, "spec": spec}
    seen = read_record(json.dumps(document).encode())
    assert (seen.name, seen.generation, seen.resource_version) == ("dev", 2, "9")
    assert [fault.pointer for fault in seen.faults] == pointers


@pytest.mark.parametrize(
    ("faults", "good", "kept"),
    [
        pytest.param((), GOOD, None, id="the-latest-is-in-force"),
        pytest.param((Fault("/spec", "bad"),), GOOD, GOOD.written, id="an-earlier-one-is"),
        pytest.param((Fault("/spec", "bad"),), None, None, id="none-is"),
        pytest.param((Fault("/spec", "bad"),), TOO_LONG, None, id="too-long-to-be-stored"),
    ],
)
def test_the_version_in_force_is_kept_while_it_is_not_the_latest(
    faults: tuple[Fault, ...], good: TierInForce | None, kept: KeptSpec | None
) -> None:
    status = compute(record(*faults), good=good, states=[], enforcing=None, now=NOW)
    assert status.in_force == kept
