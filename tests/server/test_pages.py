"""The pages show the snapshot they are given, and the metrics only to whom they may be shown."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tiergate.core.quantity import Quantity
from tiergate.metrics.prometheus import CONTENT_TYPE, PrometheusRecorder
from tiergate.metrics.snapshot import UsageRow, UsageSnapshot
from tiergate.pages.application import create_app
from tiergate.pages.authorization import CACHE_SECONDS, KEPT_SECONDS, MAX_TOKENS, Access, TokenAuthorizer, token_of

ROW = UsageRow("dev", "dev-<a>", "tier", "requests.cpu", Quantity.parse("500m"), Quantity.parse("2"))
TAKEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_client() -> FlaskClient:
    recorder = PrometheusRecorder()
    recorder.usage((ROW,))
    app = create_app(
        snapshot=lambda: UsageSnapshot(TAKEN, (ROW,)),
        metrics=recorder.exposition,
        metrics_type=CONTENT_TYPE,
    )
    return app.test_client()


def test_usage_as_a_page() -> None:
    page = a_client().get("/usage").get_data(as_text=True)
    assert "dev-&lt;a&gt;" in page
    assert ">500m<" in page
    assert "25%" in page
    assert "2026-01-02 03:04:05" in page


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/usage.json", {}, id="by-path"),
        pytest.param("/usage", {"Accept": "application/json"}, id="by-accept"),
    ],
)
def test_usage_as_json(path: str, headers: dict[str, str]) -> None:
    assert a_client().get(path, headers=headers).get_json() == {
        "taken": "2026-01-02T03:04:05+00:00",
        "usage": [
            {
                "tier": "dev",
                "namespace": "dev-<a>",
                "quota": "tier",
                "resource": "requests.cpu",
                "used": "500m",
                "hard": "2",
            }
        ],
    }


def test_a_quota_of_nothing_is_full() -> None:
    none = UsageRow("dev", "dev", "tier", "pods", Quantity.parse("0"), Quantity.parse("0"))
    app = create_app(snapshot=lambda: UsageSnapshot(TAKEN, (none,)), metrics=bytes, metrics_type=CONTENT_TYPE)
    assert "100%" in app.test_client().get("/").get_data(as_text=True)


def test_metrics_hold_the_usage_in_base_units() -> None:
    text = a_client().get("/metrics").get_data(as_text=True)
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
