"""The LimitRange of a namespace, as the controller keeps it."""

from __future__ import annotations

import asyncio

import pytest

from tests.controller.world import (
    ITEM,
    RANGE,
    a_cluster,
    a_namespace,
    a_tier_with_limits,
    condition,
    controller,
    edit_tier,
    eventually,
    quota_path,
    ready,
    settled,
    tier_path,
)


async def test_no_limit_range_is_made_unless_the_tier_asks() -> None:
    """With one present LimitRanger would run before the webhook and bring its holes back."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits(native=False))
    async with controller(api):
        await settled(api)
    assert RANGE not in api


async def test_a_limit_range_is_kept_while_the_tier_asks_for_it() -> None:
    """Made, repaired after an edit and after a deletion, removed when switched off, and never rewritten in between."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    async with controller(api):
        await eventually(lambda: api.get(RANGE)["spec"] == {"limits": [ITEM]})
        await settled(api)
        assert api.get(RANGE)["metadata"]["labels"] == api.get(quota_path())["metadata"]["labels"]
        api.put(RANGE, {**api.get(RANGE), "spec": {"limits": []}})
        await eventually(lambda: api.get(RANGE)["spec"] == {"limits": [ITEM]})
        api.delete(RANGE)
        await eventually(lambda: api.get(RANGE)["spec"] == {"limits": [ITEM]})
        await asyncio.sleep(0.05)
        assert (api.journal["PUT limitranges"], api.journal["POST limitranges"]) == (1, 1)
        edit_tier(api, a_tier_with_limits(native=False))
        await eventually(lambda: RANGE not in api)
        await eventually(ready(api))


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
async def test_in_a_mode_that_refuses_nothing_there_is_no_limit_range(mode: str) -> None:
    """LimitRanger refuses, so it goes with the quotas and comes back with them."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    async with controller(api):
        await settled(api)
        edit_tier(api, a_tier_with_limits(mode=mode))
        await eventually(ready(api, f"Mode{mode}"))
        assert RANGE not in api
        edit_tier(api, a_tier_with_limits())
        await eventually(ready(api))
        assert RANGE in api


async def test_a_foreign_limit_range_is_never_touched() -> None:
    """It keeps the tier from being Ready; when it is gone, ours takes the name."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    foreign = api.put(RANGE, {"metadata": {"labels": {}}, "spec": {"limits": [ITEM]}})
    async with controller(api):
        await eventually(ready(api, "ForeignLimitRange"))
        message = condition(api, "Ready")["message"]
        assert message == (
            'LimitRange "tier" in namespace dev is not ours and is never taken over: rename or delete it'
        )
        assert api.get(RANGE) == foreign
        api.delete(RANGE)
        await eventually(ready(api))
        assert RANGE in api


async def test_a_namespace_that_leaves_loses_its_limit_range() -> None:
    """As its quota."""
    api = a_cluster()
    api.put(tier_path(), a_tier_with_limits())
    async with controller(api):
        await settled(api)
        api.put("/api/v1/namespaces/dev", a_namespace(None))
        await eventually(lambda: RANGE not in api)
        await eventually(lambda: quota_path() not in api)
