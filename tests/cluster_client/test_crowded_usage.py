"""A namespace whose objects differ in more ways than are added up for a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders import a_pod_object
from tests.cluster_client.test_usage_index import a_cluster, put_pod, server, used
from tests.following import eventually
from tiergate.core import tally

if TYPE_CHECKING:
    import pytest


async def test_usage_is_not_known_where_objects_differ_in_too_many_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no review adds up thousands of them."""
    monkeypatch.setattr(tally, "MOST_SUMS", 1)
    api = a_cluster()
    put_pod(api, "a", namespace="prod")
    put_pod(api, "a")
    put_pod(api, "b", cpu="2")
    async with server(api) as state:
        await eventually(lambda: used(state) == {"pods": "2", "requests.cpu": "3"})
        late = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
        pod = a_pod_object() | {"metadata": {"uid": "u-c", **late}}
        api.put("/api/v1/namespaces/dev/pods/c", pod)
        await eventually(lambda: used(state) is None)
        assert used(state, namespace="prod") == {"pods": "1", "requests.cpu": "1"}
        namespace = state.namespace("dev")
        assert namespace is not None
        assert not any("requests.cpu" in one.hard for one in state.would_be(namespace))
        api.delete("/api/v1/namespaces/dev/pods/c")
        await eventually(lambda: used(state) == {"pods": "2", "requests.cpu": "3"})
