"""Metrics are in base units, and shown only to whom they may be shown."""

import pytest

from tiergate.core.quantity import Quantity
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.metrics.rows import UsageRow
from tiergate.pages.authorization import CACHE_SECONDS, KEPT_SECONDS, MAX_TOKENS, Access, TokenAuthorizer, token_of


def test_metrics_hold_the_usage_in_base_units() -> None:
    recorder = PrometheusRecorder()
    recorder.usage((UsageRow("dev", "dev-<a>", "tier", "requests.cpu", Quantity.parse("500m"), Quantity.parse("2")),))
    text = recorder.exposition().decode()
    labels = '{namespace="dev-<a>",quota="tier",resource="requests.cpu",tier="dev"}'
    assert f"tiergate_quota_used{labels} 0.5" in text
    assert f"tiergate_quota_hard{labels} 2.0" in text


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        pytest.param([(b"authorization", b"Bearer abc")], "abc", id="bearer"),
        pytest.param([(b"accept", b"*/*"), (b"authorization", b"bearer  abc ")], "abc", id="blanks-and-case"),
        pytest.param([(b"authorization", b"Basic abc")], None, id="basic"),
        pytest.param([(b"authorization", b"Bearer ")], None, id="empty"),
        pytest.param([], None, id="missing"),
    ],
)
def test_the_bearer_token_is_what_is_judged(headers: list[tuple[bytes, bytes]], token: str | None) -> None:
    assert token_of(headers) == token


class Asked:
    """Counts questions, gives one access, and is its own clock."""

    def __init__(self, access: Access) -> None:
        self.count = 0
        self.now = 1000.0
        self.access = access
        self._authorizer = TokenAuthorizer(self._ask, clock=lambda: self.now)

    async def _ask(self, _token: str, peer: str) -> Access:
        assert peer == "192.0.2.1"
        self.count += 1
        return self.access

    async def of(self, token: str | None) -> Access:
        return await self._authorizer(token, "192.0.2.1")

    def known(self) -> int:
        return len(self._authorizer._known)


@pytest.mark.parametrize("access", ["permitted", "forbidden", "unauthenticated"])
async def test_a_verdict_holds_for_a_minute(access: Access) -> None:
    asked = Asked(access)
    assert [await asked.of("token") for _ in range(3)] == [access] * 3
    assert asked.count == 1
    asked.now += CACHE_SECONDS
    await asked.of("token")
    assert asked.count == 2


async def test_nobody_can_say_is_not_remembered() -> None:
    asked = Asked("unavailable")
    await asked.of("token")
    await asked.of("token")
    assert asked.count == 2


@pytest.mark.parametrize(
    ("before", "seconds", "then"),
    [
        pytest.param("permitted", CACHE_SECONDS, "permitted", id="a-permission-holds"),
        pytest.param("permitted", CACHE_SECONDS + KEPT_SECONDS, "unavailable", id="but-not-for-ever"),
        pytest.param("forbidden", CACHE_SECONDS, "unavailable", id="a-refusal-does-not"),
    ],
)
async def test_what_was_said_before_while_nobody_can_say(before: Access, seconds: float, then: Access) -> None:
    """The API server is away, or asked too much by others: that is when alerts are needed."""
    asked = Asked(before)
    await asked.of("token")
    asked.now += seconds
    asked.access = "unavailable"
    assert [await asked.of("token") for _ in range(2)] == [then] * 2
    asked.access = "unauthenticated"
    assert await asked.of("token") == "unauthenticated"
    asked.access = "unavailable"
    asked.now += CACHE_SECONDS
    assert await asked.of("token") == "unavailable"


async def test_no_token_asks_nobody() -> None:
    asked = Asked("permitted")
    assert await asked.of(None) == "unauthenticated"
    assert asked.count == 0


async def test_made_up_tokens_do_not_push_out_the_permitted() -> None:
    asked = Asked("permitted")
    await asked.of("scraper")
    asked.access = "unauthenticated"
    for number in range(2 * MAX_TOKENS):
        await asked.of(str(number))
    count = asked.count
    assert await asked.of("scraper") == "permitted"
    assert asked.count == count


async def test_many_tokens_do_not_fill_the_memory() -> None:
    asked = Asked("forbidden")
    for number in range(2 * MAX_TOKENS):
        await asked.of(str(number))
    assert asked.known() == MAX_TOKENS
    asked.now += CACHE_SECONDS
    await asked.of("another")
    assert asked.known() == 1
