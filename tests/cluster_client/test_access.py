"""Reviews the API server answers for us."""

import json
from typing import Any, cast

import pytest

from tiergate.cluster.access import User, may_use_path, may_use_resource, user_of
from tiergate.cluster.api import Api
from tiergate.cluster.sender import Sender


class Reviews:
    """Gives one answer and keeps the question."""

    def __init__(self, status: dict[str, Any]) -> None:
        self._status = status
        self.asked: dict[str, Any] = {}

    async def request(self, method: str, path: str, *, body: bytes, timeout: float, **_: object) -> bytes:  # noqa: ASYNC109
        """Answer a review."""
        assert method == "POST"
        assert timeout <= 5
        self.asked = {"path": path, **json.loads(body)}
        return json.dumps({"status": self._status}).encode()

    @property
    def api(self) -> Api:
        return Api(cast(Sender, self))


JANE = User("jane", "7", ("staff",), {"scopes": ["all"]})


@pytest.mark.parametrize(
    ("status", "user"),
    [
        pytest.param(
            {
                "authenticated": True,
                "user": {"username": "jane", "uid": "7", "groups": ["staff"], "extra": {"scopes": ["all"]}},
            },
            JANE,
            id="known",
        ),
        pytest.param({"authenticated": False, "user": {"username": "jane"}}, None, id="unknown"),
        pytest.param({"error": "no"}, None, id="not-even-said"),
    ],
)
async def test_whose_token(status: dict[str, Any], user: User | None) -> None:
    reviews = Reviews(status)
    assert await user_of(reviews.api, "secret") == user
    assert reviews.asked["spec"] == {"token": "secret"}


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        pytest.param({"allowed": True}, True, id="allowed"),
        pytest.param({"allowed": False}, False, id="not-allowed"),
        pytest.param({"allowed": True, "denied": True}, False, id="denied"),
        pytest.param({}, False, id="not-even-said"),
    ],
)
async def test_may_a_user_assign_a_tier(status: dict[str, Any], *, allowed: bool) -> None:
    reviews = Reviews(status)
    asked = may_use_resource(reviews.api, JANE, verb="assign", group="tiergate.io", resource="tiers", name="dev")
    assert await asked is allowed
    assert reviews.asked["spec"] == {
        "user": "jane",
        "uid": "7",
        "groups": ["staff"],
        "extra": {"scopes": ["all"]},
        "resourceAttributes": {
            "verb": "assign",
            "group": "tiergate.io",
            "version": "*",
            "resource": "tiers",
            "name": "dev",
        },
    }


async def test_may_a_user_read_a_path() -> None:
    reviews = Reviews({"allowed": True})
    assert await may_use_path(reviews.api, JANE, verb="get", path="/metrics")
    assert reviews.asked["spec"]["nonResourceAttributes"] == {"verb": "get", "path": "/metrics"}
