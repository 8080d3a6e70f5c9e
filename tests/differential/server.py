"""Namespaces of a real API server with native LimitRanges and ResourceQuotas in force, to dry-run creates in.

Admission reads policies from caches that lag. A policy is known to be in force by a sentinel: an object
of the same kind, written after it in a namespace of ours, whose new bound has shown up in a refusal. The caches
follow one watch for each kind, so whatever was written before the sentinel is in them too.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

import msgspec

from tests.differential.api import Api
from tests.differential.case import Standing
from tests.differential.objects import (
    CLUSTERED,
    LABEL,
    MERGE,
    PATIENCE,
    VOLUMES,
    NotInForce,
    bound_claim,
    limit_range,
    made_class,
    names,
    resource_quota,
    spec_reached,
)
from tests.differential.policies import Json, Policy

PLURALS: Final = {"Pod": "pods", "PersistentVolumeClaim": "persistentvolumeclaims"}


class _Stands(msgspec.Struct):
    """What stands in a namespace: as the API server has it there, and the twin of a pod where no policy is."""

    stored: Json
    twin: Json = {}


class Server:
    """A real API server and our namespaces in it."""

    def __init__(self, api: Api, run: str, minor: int) -> None:
        self.api = api
        self.minor = minor
        self._run = run
        self._generation = 1000
        self._versions: dict[tuple[str, str], str] = {}
        self._sentinel = asyncio.Lock()
        self._stands: dict[tuple[str, str], _Stands] = {}
        self._pods_made = 0

    @property
    def free(self) -> str:
        """The namespace without any policy: only the API's own validation speaks there."""
        return f"{self._run}-free"

    def namespace(self, index: int) -> str:
        """Return the name of a namespace for policies."""
        return f"{self._run}-{index}"

    async def create(self, namespace: str, document: object) -> tuple[int, bytes]:
        """Dry-run the creation of a pod or claim; return status and body of the answer."""
        content = msgspec.json.encode(document)
        kind = document["kind"] if isinstance(document, Mapping) else ""
        return await self.api.ask("POST", f"/api/v1/namespaces/{namespace}/{PLURALS[kind]}?dryRun=All", content)

    async def update(  # noqa: PLR0913, RUF100  # what a request has
        self, namespace: str, kind: str, name: str, method: str, media: str, body: bytes
    ) -> tuple[int, bytes]:
        """Dry-run an update of what stands in a namespace, a pod's by its subresource resize."""
        subresource = "/resize" if kind == "Pod" else ""
        path = f"/api/v1/namespaces/{namespace}/{PLURALS[kind]}/{name}{subresource}?dryRun=All"
        return await self.api.ask(method, path, body, media=media)

    def stored(self, place: str, kind: str) -> Json:
        """Return what stands in a namespace, as the API server has it."""
        return self._stands[place, kind].stored

    def twin(self, place: str) -> Json:
        """Return the twin of the pod that stands in a namespace: the same, where no policy is in force."""
        return self._stands[place, "Pod"].twin

    async def stand_pod(self, place: str, document: Json) -> Json | None:
        """Make a pod that stands in the cleared namespace, instead of an earlier one; None if the API refuses it."""
        self._pods_made += 1
        named = {**document, "metadata": {**document["metadata"], "name": f"{place}-{self._pods_made}"}}
        if (await self.create(self.free, named))[0] != 201:
            return None
        earlier = self._stands.pop((place, "Pod"), None)
        stored, twin = await asyncio.gather(*(self._make_pod(each, named) for each in (place, self.free)))
        if earlier is not None:
            await asyncio.gather(*(self._remove_pod(each, earlier.stored) for each in (place, self.free)))
        self._stands[place, "Pod"] = _Stands(stored, twin)
        return stored

    async def give_pod_status(self, place: str, status: Json) -> None:
        """Write the status of the pod that stands in a namespace, and of its twin."""
        stands = self._stands[place, "Pod"]
        name = stands.stored["metadata"]["name"]
        stands.stored, stands.twin = await asyncio.gather(
            *(
                self.api.call("PATCH", f"/api/v1/namespaces/{each}/pods/{name}/status", {"status": status}, media=MERGE)
                for each in (place, self.free)
            )
        )

    async def stand_claim(self, place: str, standing: Standing) -> Json:
        """Give a bound claim of the cleared namespace a size and a status; return it."""
        path = f"/api/v1/namespaces/{place}/persistentvolumeclaims/{standing.document['metadata']['name']}"
        small = {"status": {"capacity": {"storage": "1"}, "allocatedResources": None}}
        await self.api.call("PATCH", f"{path}/status", small, media=MERGE)  # so that it may shrink
        await self.api.call("PATCH", path, {"spec": standing.document["spec"]}, media=MERGE)
        stored: Json = await self.api.call("PATCH", f"{path}/status", {"status": standing.status}, media=MERGE)
        self._stands[place, "PersistentVolumeClaim"] = _Stands(stored)
        return stored

    async def _make_pod(self, namespace: str, document: Json) -> Json:
        made: Json = await self.api.call("POST", f"/api/v1/namespaces/{namespace}/pods", document)
        return made

    async def _remove_pod(self, namespace: str, pod: Json) -> None:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
        await self.api.call("DELETE", f"{path}?gracePeriodSeconds=0")

    async def clear(self, places: Sequence[str]) -> None:
        """Take all policies out of the namespaces, and wait until none is in force."""
        await asyncio.gather(*(self._clear(place) for place in places))
        await self._pass_sentinel()

    async def _clear(self, place: str) -> None:
        base = f"/api/v1/namespaces/{place}"
        await self.api.call("PATCH", f"{base}/limitranges/policy", {"spec": {"limits": []}}, media=MERGE)
        await self.api.call("DELETE", f"{base}/limitranges?fieldSelector=metadata.name!%3Dpolicy")
        await self.api.call("DELETE", f"{base}/resourcequotas")

    async def accepts(self, namespace: str, policy: Policy) -> bool:
        """Write a policy; return False where the API refuses it as invalid. `settle` says when it is in force."""
        base = f"/api/v1/namespaces/{namespace}"
        limits = limit_range("policy", policy.document["limits"])
        written = await self.api.call("PUT", f"{base}/limitranges/policy", limits, beside=422)
        if written["kind"] == "Status":
            return False
        await self.api.call("DELETE", f"{base}/resourcequotas")
        await self.api.call("DELETE", f"{base}/limitranges?fieldSelector=metadata.name!%3Dpolicy")
        created = [
            self.api.call("POST", f"{base}/resourcequotas", resource_quota(quota), beside=422)
            for quota in policy.document["quotas"]
        ]
        created += [
            self.api.call("POST", f"{base}/limitranges", limit_range(f"further-{index}", items), beside=422)
            for index, items in enumerate(policy.further)
        ]
        return all(one["kind"] != "Status" for one in await asyncio.gather(*created))

    async def settle(self, policies: Mapping[str, Policy]) -> None:
        """Wait until the policies (by namespace) are in force, with the usage that they say."""
        expected = {
            (place, one["name"]): one for place, policy in policies.items() for one in policy.document["quotas"]
        }
        await self._until(lambda quotas: spec_reached(quotas, expected))
        await asyncio.gather(*(self._use(place, name, quota) for (place, name), quota in expected.items()))
        await self._pass_sentinel()

    async def unchanged(self, policies: Mapping[str, Policy]) -> frozenset[str]:
        """Return the namespaces whose quotas are as `settle` left them: a resync would put the true usage there."""
        quotas = await self._quotas()
        return frozenset(
            place
            for place, policy in policies.items()
            if all(
                quotas[place, one["name"]]["metadata"]["resourceVersion"] == self._versions[place, one["name"]]
                for one in policy.document["quotas"]
            )
        )

    async def _use(self, namespace: str, name: str, quota: Json) -> None:
        """Set the usage; null removes a name whose usage shall not be known yet."""
        used = {one: quota["used"].get(one) for one in quota["hard"]}
        path = f"/api/v1/namespaces/{namespace}/resourcequotas/{name}/status"
        written = await self.api.call("PATCH", path, {"status": {"used": used}}, media=MERGE)
        self._versions[namespace, name] = written["metadata"]["resourceVersion"]

    async def _quotas(self) -> dict[tuple[str, str], Json]:
        listed = await self.api.call("GET", f"/api/v1/resourcequotas?labelSelector={LABEL}&resourceVersion=0")
        return {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in listed["items"]}

    async def _until(self, holds: Callable[[Mapping[tuple[str, str], Json]], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds(await self._quotas()):
            if time.monotonic() > end:
                msg = f"the quota controller did not fill the status of a quota within {PATIENCE:.0f} s"
                raise NotInForce(msg)
            await asyncio.sleep(0.1)

    async def _pass_sentinel(self) -> None:
        async with self._sentinel:
            self._generation += 1
            bound = str(self._generation)
            base = f"/api/v1/namespaces/{self._run}"
            item = {"type": "PersistentVolumeClaim", "max": {"storage": bound}}
            await self.api.call("PATCH", f"{base}-range/limitranges/policy", {"spec": {"limits": [item]}}, media=MERGE)
            hard = {"status": {"hard": {"requests.storage": bound}, "used": {"requests.storage": "0"}}}
            path = f"{base}-quota/resourcequotas/sentinel/status"
            end = time.monotonic() + PATIENCE
            seen_range = seen_quota = False
            while not (seen_range and seen_quota):
                if time.monotonic() > end:
                    msg = f"admission did not see a new bound within {PATIENCE:.0f} s"
                    raise NotInForce(msg)
                if not seen_quota:  # again each time: a resync of the quota controller undoes it
                    await self.api.call("PATCH", path, hard, media=MERGE)
                    seen_quota = f"limited: requests.storage={bound}" in await self._refusal(f"{self._run}-quota")
                seen_range = seen_range or f"is {bound}, but" in await self._refusal(f"{self._run}-range")
                await asyncio.sleep(0.02)

    async def _refusal(self, namespace: str) -> str:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1E"}}}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "case"}, "spec": spec}
        status, answer = await self.create(namespace, claim)
        return answer.decode() if status == 403 else ""


@asynccontextmanager
async def prepared(
    api: Api, *, namespaces: int, claims: Mapping[int, Sequence[str]] = MappingProxyType({})
) -> AsyncIterator[Server]:
    """Make the namespaces and classes that the cases need; remove them on the way out.

    ``claims`` are the kinds of bound claims that namespaces get, by index.
    """
    run = f"diff-{secrets.token_hex(3)}"
    version = await api.call("GET", "/version")
    server = Server(api, run, int(version["minor"].rstrip("+")))
    places = [server.namespace(index) for index in range(namespaces)]
    ranged = [*places, f"{run}-range"]
    every = [*ranged, f"{run}-quota", server.free]
    made: list[tuple[str, str]] = []
    try:
        made += [(kind, one) for kind in CLUSTERED for one in names(kind) if await made_class(api, kind, one)]
        await asyncio.gather(*(_make_namespace(api, one) for one in every))
        empty = limit_range("policy", [])
        await asyncio.gather(*(api.call("POST", f"/api/v1/namespaces/{one}/limitranges", empty) for one in ranged))
        sentinel = resource_quota({"name": "sentinel", "hard": {"requests.storage": "1"}})
        await api.call("POST", f"/api/v1/namespaces/{run}-quota/resourcequotas", sentinel)
        await asyncio.gather(
            *(bound_claim(api, places[index], name) for index, names in claims.items() for name in names)
        )
        yield server
    finally:
        for one in every:
            await api.ask("DELETE", f"/api/v1/namespaces/{one}")
        for kind, name in made:
            await api.ask("DELETE", f"{CLUSTERED[kind]}/{name}")
        await api.ask("DELETE", f"{VOLUMES}?labelSelector={LABEL}%3D{run}")


async def _make_namespace(api: Api, name: str) -> None:
    """Make a namespace and wait until pods can be created in it: they need its service account."""
    metadata = {"name": name, "labels": {LABEL: "yes"}}
    await api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    end = time.monotonic() + PATIENCE
    while (await api.ask("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default"))[0] != 200:
        if time.monotonic() > end:
            msg = f"no default service account in {name}"
            raise NotInForce(msg)
        await asyncio.sleep(0.1)
