"""Nothing that a tenant writes into objects outlives them, or is larger than what is kept of any object."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import tracemalloc
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

import pytest

from tests.builders import a_claim_object, a_namespace_object, a_pod_object
from tests.fake_api import FakeApi
from tests.following import running
from tests.virtual_time import clock
from tiergate.cluster.client import Client
from tiergate.cluster.usage_index import pod_decoder
from tiergate.core.tally import Footprints
from tiergate.server.state import ServerState

pytestmark = pytest.mark.slow

VIRTUAL_TIME = True
MANY = 100
LONG = 1000
"""Characters of a word: as many as are read of a name, and more than any memory keeps."""
SEVERAL = 20

Json = dict[str, Any]


def a_word(number: int) -> str:
    return f"w{number:06}" * (LONG // 7)


def words(number: int) -> list[str]:
    return [f"{one:02}{a_word(number)}" for one in range(SEVERAL)]


def with_affinity(**term: Any) -> Json:  # noqa: ANN401  # JSON
    one = {"weight": 1, "podAffinityTerm": {"topologyKey": "k", **term}}
    return a_pod_object(affinity={"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [one]}})


def with_status(**status: Any) -> Json:  # noqa: ANN401  # JSON
    return a_pod_object() | {"status": status}


def a_container(name: str, **resources: str) -> Json:
    return {"name": name, "resources": {"requests": resources}}


def a_quota(word: str, *names: str) -> Json:
    return {"metadata": {"labels": {word: word}}, "spec": {"hard": dict.fromkeys(names, "1")}}


OBJECTS: dict[str, tuple[str, Callable[[int], Json]]] = {
    "namespaces of an affinity": ("pods", lambda n: with_affinity(namespaces=words(n))),
    "a selector": ("pods", lambda n: with_affinity(namespaceSelector={"matchLabels": dict.fromkeys(words(n), "a")})),
    "conditions": ("pods", lambda n: with_status(conditions=[{"type": one} for one in words(n)])),
    "statuses": ("pods", lambda n: with_status(containerStatuses=[a_container(one, cpu="1") for one in words(n)])),
    "containers": ("pods", lambda n: a_pod_object(*(a_container(one) for one in words(n)))),
    "resource names": ("pods", lambda n: a_pod_object(*(a_container("a", **{one: "1"}) for one in words(n)))),
    "a priority class": ("pods", lambda n: a_pod_object(priorityClassName=a_word(n))),
    "a pod that cannot be read": ("pods", lambda n: a_pod_object({"name": a_word(n), "resources": words(n)})),
    "a storage class": ("persistentvolumeclaims", lambda n: a_claim_object(storageClassName=a_word(n))),
    "a label": ("namespaces", lambda n: a_namespace_object(tier=a_word(n))),
    "names of a quota": ("resourcequotas", lambda n: a_quota(a_word(n), *words(n))),
}


class Passing(FakeApi):
    """Objects of one resource come and go, one after the other; what they say is known here no longer than there."""

    def __init__(self, resource: str, made: Callable[[int], Json]) -> None:
        super().__init__()
        self._resource, self._made = resource, made
        self.passed = 0
        self.more = asyncio.Semaphore(0)

    async def watch(
        self,
        path: str,
        *,
        resource_version: str,
        query: Mapping[str, str] | None = None,
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[bytes]:
        if not path.endswith(f"/{self._resource}"):
            async for line in super().watch(path, resource_version=resource_version, query=query, opened=opened):
                yield line
        assert opened is not None
        opened()
        while True:
            await self.more.acquire()
            for kind in ("ADDED", "DELETED"):
                found = self._made(self.passed)
                found["metadata"] = {"name": f"passing-{self.passed}", "uid": "u", **found.get("metadata", {})}
                found["metadata"] |= {"namespace": "dev", "resourceVersion": f"{1000 + self.passed}"}
                yield json.dumps({"type": kind, "object": found}).encode()
            self.passed += 1

    async def let_pass(self, number: int) -> int:
        """Let so many come and go; return the bytes that are held then."""
        wanted = self.passed + number
        for _ in range(number):
            self.more.release()
        until = clock() + 60
        while self.passed < wanted:
            assert clock() < until, "nobody follows them"
            await asyncio.sleep(0.01)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("what", OBJECTS)
async def test_nothing_grows_while_objects_come_and_go_beside_one_that_stays(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The one that stays charges and asks for the same as the others, so that it is counted together with them."""
    caplog.set_level(logging.CRITICAL)  # what is logged is kept by the test's runner
    resource, made = OBJECTS[what]
    api = Passing(resource, made)
    quotas = [{"name": "compute", "hard": {"pods": "5", "requests.storage": "10Gi"}}]
    api.put("/apis/tiergate.io/v1alpha1/tiers/dev", {"spec": {"enforcement": "Warn", "quotas": quotas}})
    api.put(f"/api/v1/namespaces/dev/{resource}/stays" if resource != "namespaces" else "/api/v1/namespaces/x", made(0))
    state = ServerState(cast("Client", api), release_namespace="tiergate-system", clock=clock)
    async with running(state.tasks().values()):
        tracemalloc.start()
        try:
            before = await api.let_pass(SEVERAL)
            after = await api.let_pass(MANY)
            assert after - before < MANY * LONG / 4
        finally:
            tracemalloc.stop()


def test_what_is_kept_of_objects_is_what_some_quota_counts_and_not_what_a_tenant_wrote() -> None:
    """Pods that stay cost a tenant nothing while they wait for a node: each with many long names, all different."""
    read = pod_decoder(Footprints(frozenset({"pods", "requests.cpu"})))
    amounts = [{f"example.com/{a_word(n)}{one}": "1" for one in range(SEVERAL)} | {"cpu": "1"} for n in range(MANY)]
    tracemalloc.start()
    try:
        kept = [read(json.dumps(a_pod_object(a_container("a", **one))).encode()) for one in amounts]
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < MANY * LONG
    finally:
        tracemalloc.stop()
    (footprint,) = set(kept)
    assert set(footprint.charge) == {"pods", "requests.cpu"}
