"""Whatever a list of tiers holds, an uninstallation ends: what cannot be said of a tier is printed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import pytest

from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable
from tiergate.lifecycle.last_status import tell_uninstalled

OTHERS = {"type": "Theirs", "status": "True", "reason": "Fine"}


class Tiers:
    """Lists some tiers, then fails or ends; keeps what is written."""

    def __init__(self, *objects: dict[str, Any], then: Exception | None = None) -> None:
        self.objects, self.then = objects, then
        self.written: dict[str, Any] = {}

    async def each(self, _resource: object) -> AsyncIterator[bytes]:
        for one in self.objects:
            yield json.dumps(one).encode()
        if self.then is not None:
            raise self.then

    async def patch(self, _resource: object, name: str, body: bytes, **_: object) -> None:
        self.written[name] = json.loads(body)


def a_tier(name: str) -> dict[str, Any]:
    metadata = {"name": name, "uid": name, "resourceVersion": "7", "generation": 3}
    return {"metadata": metadata, "spec": {}, "status": {"mode": "Enforce", "conditions": [OTHERS]}}


@pytest.mark.parametrize(
    "then",
    [
        None,
        ApiError(500, "InternalError", "etcd"),
        Unreachable("gone"),
        BodyTooLarge("1"),
        msgspec.DecodeError("no JSON"),
    ],
    ids=repr,
)
async def test_every_tier_that_can_be_read_says_it_and_nothing_stops_the_rest(then: Exception | None) -> None:
    tiers, said = Tiers(a_tier("dev"), {"metadata": 5}, a_tier("prod"), then=then), list[str]()
    await tell_uninstalled(cast(Api, tiers), say=said.append)
    assert list(tiers.written) == ["dev", "prod"]
    assert len(said) == (1 if then is None else 2)
    for written in tiers.written.values():
        assert written["metadata"] == {"resourceVersion": "7"}
        told = {one["type"]: (one["status"], one["reason"]) for one in written["status"]["conditions"]}
        assert told == {
            "Ready": ("False", "Uninstalled"),
            "Enforcing": ("False", "Uninstalled"),
            "Theirs": ("True", "Fine"),
        }
