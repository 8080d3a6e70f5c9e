"""What the pages show is made of the state, and made anew only where something changed."""

from __future__ import annotations

import pytest

from tests.background import others_turns
from tests.fake_api import FakeApi
from tests.server.fake_api import a_namespace, a_quota, a_tier
from tests.server.test_state import learn, state_on
from tiergate.cluster.api import Api
from tiergate.pages.shown import ShownTier
from tiergate.server.journal import Journal
from tiergate.server.makers import Makers
from tiergate.server.owners import Owners
from tiergate.server.state import ServerState
from tiergate.server.usage import AT_ONCE, MOST_ROWS, PagePublisher, UsageByNamespace, tier_states


def a_state(*namespaces: str) -> ServerState:
    state = state_on()
    learn(state, "tiers", a_tier())
    for name in namespaces:
        learn(state, "namespaces", a_namespace(name, "dev"))
        learn(state, "resourcequotas", a_quota(name, used="1500m"))
    return state


def a_journal() -> Journal:
    return Journal(Makers(Owners(Api(FakeApi()), timeout=1.0)))


def touched(state: ServerState, number: int) -> None:
    """Let the caches have heard something new."""
    state.caches()["resourcequotas"].resource_version = str(number)


async def test_only_a_changed_namespace_is_made_anew() -> None:
    state = a_state("a", "b")
    publisher = PagePublisher(state, a_journal(), replica="r")
    touched(state, 1)
    assert await publisher.look()
    first = publisher.shown.namespaces
    assert [(one.tier, one.name, str(one.rows[0].used)) for one in first] == [
        ("dev", "a", "1500m"),
        ("dev", "b", "1500m"),
    ]
    assert not await publisher.look()
    assert publisher.shown.namespaces is first
    learn(state, "resourcequotas", a_quota("b", used="1"), version="2")
    touched(state, 2)
    assert await publisher.look()
    a, b = publisher.shown.namespaces
    assert a is first[0]
    assert (str(b.rows[0].used), b.pods is not None) == ("1", True)


async def test_it_is_said_whose_a_quota_is() -> None:
    state = a_state("a")
    foreign = a_quota("a")
    foreign["metadata"] = {"name": "own", "namespace": "a"}
    learn(state, "resourcequotas", foreign)
    (usage,) = await UsageByNamespace(state).namespaces()
    assert [(row.quota, row.of_tier) for row in usage.rows] == [("own", False), ("tier", True)]


async def test_of_thousands_of_quotas_so_many_rows_are_made_and_those_of_the_tier_first() -> None:
    state, hard = a_state("a"), {f"count/{number}.example.com": "1" for number in range(100)}
    for number in range(MOST_ROWS // 100 + 1):
        foreign = {"metadata": {"name": f"own-{number}", "namespace": "a"}, "status": {"hard": hard, "used": hard}}
        learn(state, "resourcequotas", foreign)
    (usage,) = await UsageByNamespace(state).namespaces()
    assert len(usage.rows) == MOST_ROWS
    assert (usage.rows[0].quota, usage.rows[0].of_tier) == ("tier", True)


async def test_a_namespace_that_changes_its_tier_or_goes() -> None:
    state = a_state("a", "b")
    publisher = PagePublisher(state, a_journal(), replica="r")
    touched(state, 1)
    await publisher.look()
    learn(state, "namespaces", a_namespace("a", "gone"))
    learn(state, "namespaces", a_namespace("b", None))
    touched(state, 2)
    await publisher.look()
    (a,) = publisher.shown.namespaces
    assert (a.tier, a.name, a.pods) == ("gone", "a", None)
    assert publisher.shown.tiers == (
        ShownTier("dev", "Enforce", reason=""),
        ShownTier("gone", reason="no such tier"),
    )


async def test_reviews_get_their_turn_while_thousands_are_read() -> None:
    state = a_state(*(f"team-{number}" for number in range(3 * AT_ONCE)))
    publisher = PagePublisher(state, a_journal(), replica="r")
    touched(state, 1)
    with others_turns() as turns:
        await publisher.look()
    assert turns.count >= 5


async def test_until_the_caches_are_filled_nothing_was_heard() -> None:
    publisher = PagePublisher(a_state("a"), a_journal(), replica="r")
    await publisher.look()
    assert (publisher.shown.heard, publisher.shown.stale) == (None, True)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([("Enforcing", "True", "WebhooksRegistered"), ("Ready", "True", "QuotasInForce")], (True, "")),
        ([("Enforcing", "True", "WebhooksRegistered"), ("Ready", "False", "QuotaPending")], (True, "QuotaPending")),
        ([("Enforcing", "False", "HandedOver"), ("Ready", "True", "QuotasInForce")], (False, "HandedOver")),
        ([], (False, "")),
    ],
)
def test_why_a_tier_is_not_as_wished(conditions: list[tuple[str, str, str]], expected: tuple[bool, str]) -> None:
    state = state_on()
    found = [{"type": kind, "status": status, "reason": reason} for kind, status, reason in conditions]
    learn(state, "tiers", {**a_tier(), "status": {"conditions": found}})
    (tier,) = tier_states(state)
    assert (tier.enforcing, tier.reason) == expected
