"""The pages show the snapshot they are given, and the metrics only to whom they may be shown."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tiergate.core.quantity import Quantity
from tiergate.metrics.prometheus import CONTENT_TYPE, PrometheusRecorder
from tiergate.metrics.snapshot import Snapshot, UsageRow
from tiergate.pages.application import create_app
from tiergate.pages.authorization import CACHE_SECONDS, MAX_TOKENS, Access, TokenAuthorizer

ROW = UsageRow("dev", "dev-<a>", "tier", "requests.cpu", Quantity.parse("500m"), Quantity.parse("2"))
TAKEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_client(authorize: Callable[[str | None], Access] | None = None) -> FlaskClient:
    recorder = PrometheusRecorder()
    recorder.usage((ROW,))
    app = create_app(
        snapshot=lambda: Snapshot(TAKEN, (ROW,)),
        metrics=recorder.exposition,
        metrics_type=CONTENT_TYPE,
        authorize=authorize,
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
    app = create_app(
        snapshot=lambda: Snapshot(TAKEN, (none,)), metrics=bytes, metrics_type=CONTENT_TYPE, authorize=None
    )
    assert "100%" in app.test_client().get("/").get_data(as_text=True)


def test_metrics_hold_the_usage_in_base_units() -> None:
    text = a_client().get("/metrics").get_data(as_text=True)
    labels = '{namespace="dev-<a>",quota="tier",resource="requests.cpu",tier="dev"}'
    assert f"tiergate_quota_used{labels} 0.5" in text
    assert f"tiergate_quota_hard{labels} 2.0" in text


@pytest.mark.parametrize(
    ("access", "status"),
    [
        pytest.param("permitted", 200, id="permitted"),
        pytest.param("unauthenticated", 401, id="unauthenticated"),
        pytest.param("forbidden", 403, id="forbidden"),
        pytest.param("unavailable", 503, id="nobody-can-say"),
    ],
)
def test_metrics_follow_the_verdict(access: Access, status: int) -> None:
    reply = a_client(lambda _token: access).get("/metrics", headers={"Authorization": "Bearer abc"})
    assert reply.status_code == status
    assert (b"tiergate_" in reply.data) == (status == 200)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        pytest.param("Bearer abc", "abc", id="bearer"),
        pytest.param("bearer  abc ", "abc", id="blanks-and-case"),
        pytest.param("Basic abc", None, id="basic"),
        pytest.param("Bearer ", None, id="empty"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_the_bearer_token_is_what_is_judged(header: str | None, token: str | None) -> None:
    seen: list[str | None] = []

    def authorize(judged: str | None) -> Access:
        seen.append(judged)
        return "forbidden"

    a_client(authorize).get("/metrics", headers={} if header is None else {"Authorization": header})
    assert seen == [token]


class Asked:
    """Counts questions, gives one access, and is its own clock."""

    def __init__(self, access: Access) -> None:
        self.count = 0
        self.now = 1000.0
        self.access = access
        self.authorizer = TokenAuthorizer(self._ask, clock=lambda: self.now)

    def _ask(self, _token: str) -> Access:
        self.count += 1
        return self.access


@pytest.mark.parametrize("access", ["permitted", "forbidden", "unauthenticated"])
def test_a_verdict_holds_for_a_minute(access: Access) -> None:
    asked = Asked(access)
    assert [asked.authorizer("token") for _ in range(3)] == [access] * 3
    assert asked.count == 1
    asked.now += CACHE_SECONDS
    asked.authorizer("token")
    assert asked.count == 2


def test_nobody_can_say_is_not_remembered() -> None:
    asked = Asked("unavailable")
    asked.authorizer("token")
    asked.authorizer("token")
    assert asked.count == 2


def test_no_token_asks_nobody() -> None:
    asked = Asked("permitted")
    assert asked.authorizer(None) == "unauthenticated"
    assert asked.count == 0


def test_made_up_tokens_do_not_push_out_the_permitted() -> None:
    asked = Asked("permitted")
    asked.authorizer("scraper")
    asked.access = "unauthenticated"
    for number in range(2 * MAX_TOKENS):
        asked.authorizer(str(number))
    count = asked.count
    assert asked.authorizer("scraper") == "permitted"
    assert asked.count == count


def test_many_tokens_do_not_fill_the_memory() -> None:
    asked = Asked("forbidden")
    for number in range(2 * MAX_TOKENS):
        asked.authorizer(str(number))
    assert len(asked.authorizer._known) == MAX_TOKENS
    asked.now += CACHE_SECONDS
    asked.authorizer("another")
    assert len(asked.authorizer._known) == 1
