"""A write succeeds only on the version that it was decided on, whatever the body says."""

from __future__ import annotations

import json

import pytest

from tests.fake_api import FakeApi
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError
from tiergate.cluster.resource import RESOURCE_QUOTAS
from tiergate.cluster.swap import CompareAndSwap, Conflict

BODY = json.dumps({"metadata": {"name": "q", "resourceVersion": "12345", "labels": {"a": "b"}}, "spec": {"hard": {}}})
PATH = RESOURCE_QUOTAS.object("q", namespace="dev")


def a_swap() -> tuple[FakeApi, CompareAndSwap]:
    fake = FakeApi()
    return fake, CompareAndSwap(Api(fake), RESOURCE_QUOTAS, "q", "dev")


async def test_each_write_returns_the_version_for_the_next() -> None:
    fake, swap = a_swap()
    assert await swap.read() is None
    first = await swap.write(BODY.encode(), version=None)
    assert await swap.read() == first
    second = await swap.write(BODY.encode(), version=first.resource_version)
    assert second.resource_version == fake.get(PATH)["metadata"]["resourceVersion"] != first.resource_version
    assert fake.get(PATH)["metadata"]["labels"] == {"a": "b"}
    await swap.delete(version=second.resource_version)
    assert PATH not in fake


@pytest.mark.parametrize("version", [None, "0"], ids=["exists-after-all", "another-version"])
async def test_a_write_on_another_version_is_a_conflict(version: str | None) -> None:
    fake, swap = a_swap()
    stored = fake.put(PATH, {"spec": {"hard": {}}})
    with pytest.raises(Conflict, match="resourcequotas q"):
        await swap.write(BODY.encode(), version=version)
    if version is not None:
        with pytest.raises(Conflict):
            await swap.delete(version=version)
    assert fake.get(PATH) == stored


async def test_a_write_to_what_is_gone_is_a_conflict() -> None:
    _, swap = a_swap()
    with pytest.raises(Conflict):
        await swap.write(BODY.encode(), version="7")
    with pytest.raises(Conflict):
        await swap.delete(version="7")


async def test_another_refusal_is_no_conflict() -> None:
    fake, swap = a_swap()
    fake.refuse["POST resourcequotas"] = ApiError(403, "Forbidden", "no")
    with pytest.raises(ApiError) as refused:
        await swap.write(BODY.encode(), version=None)
    assert not isinstance(refused.value, Conflict)
