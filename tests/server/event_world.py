"""Reviews that leave Events: an API server in memory, the webhook's decisions in front of it, and a clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.builders import RELEASE_NAMESPACE, Json, a_pod_object, a_quota, a_tier, a_tier_quota, an_item, an_owner
from tests.fake_api import FakeApi, Object
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState, response
from tiergate.cluster.api import Api
from tiergate.core.request import Endpoint
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.server.admission import Admission
from tiergate.server.events import WorkloadEvents
from tiergate.server.owners import Owners

BEGUN: Final = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


class Counts(PrometheusRecorder):
    """Counts what became of Events."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: Counter[str] = Counter()

    def event(self, outcome: str) -> None:
        self.outcomes[outcome] += 1


class World:
    """One replica; ``dev`` is a namespace of a tier that allows a limit of 2 CPUs, and 4 of all pods."""

    def __init__(self, api: FakeApi | None = None, *, namespaces: int = 0) -> None:
        self.api = api or FakeApi()
        self.now = 1000.0
        self.counts = Counts()
        self.events = WorkloadEvents(
            Api(self.api),
            Owners(Api(self.api), timeout=1.0),
            self.counts,
            clock=lambda: self.now,
            now=lambda: BEGUN + timedelta(seconds=self.now - 1000),
            sleep=self._sleep,
        )
        names = ["dev", *(f"team-{number}" for number in range(namespaces))]
        tier = a_tier(an_item(high={"cpu": "2"}), quotas=[a_tier_quota({"limits.cpu": "4"})])
        quotas = (a_quota({"limits.cpu": "4"}),)
        state = FakeState(tiers={"dev": tier}, namespaces=dict.fromkeys(names, "dev"), quotas=quotas)
        self.admission = Admission(
            state, FakePermissions(), release_namespace=RELEASE_NAMESPACE, observers=(self.events,), clock=state.clock
        )

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    async def review(self, endpoint: Endpoint, body: bytes, *, peer: str = "192.0.2.1") -> bool:
        """Return whether the object is allowed."""
        allowed: bool = response(await self.admission.answer(endpoint, body, peer=peer))["allowed"]
        return allowed

    async def written(self) -> list[Object]:
        """Write what waits, and return the Events that are there."""
        while self.events.waiting:
            await self.events.write_next()
        return self.api.events("TierRefused") + self.api.events("TierWarned")

    def put(self, kind: str, name: str, *, owner: Json | None = None, namespace: str = "dev") -> None:
        """Store a workload."""
        store(self.api, kind, name, owner=owner, namespace=namespace)


def store(api: FakeApi, kind: str, name: str, *, owner: Json | None = None, namespace: str = "dev") -> None:
    """Store a workload."""
    group, plural = {
        "CronJob": ("apis/batch/v1", "cronjobs"),
        "Job": ("apis/batch/v1", "jobs"),
        "ReplicationController": ("api/v1", "replicationcontrollers"),
    }.get(kind, ("apis/apps/v1", f"{kind.lower()}s"))
    metadata = {"name": name, "uid": f"uid-{name}"} | ({} if owner is None else {"ownerReferences": [owner]})
    api.put(f"/{group}/namespaces/{namespace}/{plural}/{name}", {"metadata": metadata})


def a_rollout(api: FakeApi, replicaset: str = "web-5f") -> None:
    """Store the Deployment ``web`` and a ReplicaSet of it."""
    store(api, "Deployment", "web")
    store(api, "ReplicaSet", replicaset, owner=an_owner(kind="Deployment", name="web", uid="uid-web"))


def a_pod_of(owner: Json | None = None, *, cpu: str = "3", namespace: str = "dev") -> Json:
    """Return a pod of the ReplicaSet ``web-5f`` unless told otherwise; the tier refuses it."""
    pod = a_pod_object({"name": "agent", "image": "agent:1", "resources": {"limits": {"cpu": cpu}}})
    owner = owner or an_owner(uid="uid-web-5f")
    pod["metadata"] |= {"namespace": namespace, "ownerReferences": [owner]}
    return pod


def about(event: Object) -> tuple[str, str, str]:
    """Return the kind, name and uid of what an Event is on."""
    found = event["involvedObject"]
    return found["kind"], found["name"], found.get("uid", "")


def a_flood(number: int, namespace: str = "dev", *, cpu: str = "3") -> bytes:
    """Return the review of a pod that one of very many ReplicaSets makes."""
    owner = an_owner(name=f"rs-{number}", uid=f"uid-rs-{number}")
    return a_review(a_pod_of(owner, cpu=cpu, namespace=namespace), namespace=namespace)
