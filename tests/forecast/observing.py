"""One namespace of a case on a real cluster: what is applied there, and what the controllers make of it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from tests.differential.api import Api, Unexpected
from tests.forecast.cases import Case, Step
from tests.forecast.forecasts import Answer
from tests.forecast.workloads import CLASS, LABELS, NAME, NODES, Json, template_of

QUIET: Final = 5.0
"""Seconds without any change after which the controllers are asked to try again; after as many again all is settled."""
PATIENCE: Final = 90.0
RUN: Final = "w-run"
"""The Job that is made of a CronJob, as ``kubectl create job --from`` does."""
_REFUSED: Final = re.compile("is forbidden|is invalid|denied the request")
"""In an Event of a controller: what it made was refused."""
_MERGE: Final = "application/merge-patch+json"


class Outcome(msgspec.Struct, frozen=True):
    """What became of it: pods that run, those of them of the latest template, and whether all is done."""

    wanted: int = 0
    running: int = 0
    updated: int = 0
    done: bool = False
    overrun: bool = False
    """More was let in than the quota allows."""
    settled: bool = True
    """False: pods still waited at the end, and nothing of theirs was refused."""
    late: bool = False
    """Pods still waited for claims at the end, for which there is room."""


class Place:
    """One namespace with the quota and the LimitRange of a case; without a tier the webhook has no part in it."""

    def __init__(self, api: Api, case: Case, namespace: str, tier: str | None) -> None:
        self._api, self._case, self._tier = api, case, tier
        self.namespace = namespace
        self._core = f"/api/v1/namespaces/{namespace}"
        self._collection = case.collection.format(namespace)

    async def prepare(self) -> None:
        """Make the namespace, what bounds it and what is used there; return when it counts."""
        labels = {} if self._tier is None else {"tiergate.io/tier": self._tier}
        await self._api.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace, "labels": labels}})
        if self._case.limits:
            limits = {"metadata": {"name": "range"}, "spec": {"limits": self._case.limits}}
            await self._api.call("POST", f"{self._core}/limitranges", limits)
        quota = {"metadata": {"name": "hard"}, "spec": {"hard": self._case.hard}}
        await self._api.call("POST", f"{self._core}/resourcequotas", quota)
        for number in range(self._case.volumes):
            await self._api.call("POST", "/api/v1/persistentvolumes", _volume(f"{self.namespace}-{number}"))
        await self._until(self._counts)
        await self._until(self._has_an_account)
        if self._case.beside:
            requests = {"requests": {"cpu": f"{self._case.beside}m"}}
            container = {"name": "main", "image": "registry.example/main:1", "resources": requests}
            beside = {"metadata": {"name": "beside"}, "spec": {"containers": [container]}}
            await self._until(lambda: self._counts_beside(beside))

    async def _counts(self) -> bool:
        quota = await self._api.call("GET", f"{self._core}/resourcequotas/hard")
        return bool(quota.get("status", {}).get("used", {}).keys() == self._case.hard.keys())

    async def _has_an_account(self) -> bool:
        return (await self._api.ask("GET", f"{self._core}/serviceaccounts/default"))[0] == 200

    async def _counts_beside(self, pod: Json) -> bool:
        """Make a pod; say whether it counts, or is refused for good: not for want of the account, which comes late.

        One that was made before the API server knew of the quota is never counted, so it is made again.
        """
        status, answer = await self._api.ask("POST", f"{self._core}/pods", msgspec.json.encode(pod))
        if status >= 300:
            return status in (403, 422) and b"service account" not in answer
        for _ in range(20):
            used = (await self._api.call("GET", f"{self._core}/resourcequotas/hard"))["status"]["used"]
            if any(used.get(name, "0") != "0" for name in ("requests.cpu", "pods")):
                return True
            await asyncio.sleep(0.1)
        await self._api.ask("DELETE", f"{self._core}/pods/{pod['metadata']['name']}?gracePeriodSeconds=0")
        return False

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        end = time.monotonic() + PATIENCE
        while not await holds():
            if time.monotonic() > end:
                msg = f"{self.namespace} is not prepared after {PATIENCE:g} s"
                raise Unexpected(msg)
            await asyncio.sleep(0.2)

    async def apply(self, step: Step) -> Answer:
        """Create, replace or scale the workload; return what was answered."""
        path = f"{self._collection}/{NAME}"
        if step.change == "created":
            return await self._told("POST", self._collection, step.workload)
        path += "/scale" * step.scaled
        kept, spec = await self._api.call("GET", path), step.workload["spec"]
        del kept["metadata"]["resourceVersion"]  # whatever a controller writes meanwhile
        body = {**kept, "spec": {"replicas": spec["replicas"]} if step.scaled else {**kept["spec"], **spec}}
        return await self._told("PUT", path, body)

    async def _told(self, method: str, path: str, body: Json) -> Answer:
        status, answer, words = await self._api.told(method, path, msgspec.json.encode(body))
        if status < 400:
            return Answer(denied=False, rules=(), words=words)
        said = msgspec.json.decode(answer)
        if status != 403 or "tiergate" not in said.get("message", ""):
            msg = f"{method} {path}: {status} {said.get('message')}"
            raise Unexpected(msg)
        rules = tuple(cause["reason"] for cause in said["details"]["causes"])
        return Answer(denied=True, rules=rules, words=(*words, said["message"]))

    async def settle(self, step: Step) -> Outcome:
        """Wait until the workload is done, or nothing has changed for a while though its controller tried again.

        A controller that was refused pauses for minutes in the end, also when there is room by then: asked to try again
        it shows at once what would happen then.
        """
        if self._case.kind == "CronJob":
            await self._run_once(step)
        began = changed = time.monotonic()
        before: object = None
        retried = False
        while True:
            workload = await self._api.call("GET", self._followed)
            outcome, now = _outcome(workload), time.monotonic()
            if (state := _state(workload)) != before:
                before, changed, retried = state, now, False
            elif not _is_seen(workload):
                changed = now
            quiet = now - changed
            late = now - began > PATIENCE
            ended = (late or (retried and quiet > 2 * QUIET)) and await self._has_ended()
            if outcome.done or ended or late:
                counted = await self._counted(outcome, step)
                return msgspec.structs.replace(counted, settled=ended or counted.done)
            if not retried and quiet > QUIET:
                retried = True
                await self._try_again()
            await asyncio.sleep(0.5)

    async def _run_once(self, step: Step) -> None:
        owner = await self._api.call("GET", f"{self._collection}/{NAME}")
        reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": NAME, "uid": owner["metadata"]["uid"]}
        metadata = {"name": RUN, "ownerReferences": [{**reference, "controller": True}]}
        job = {"metadata": metadata, "spec": step.workload["spec"]["jobTemplate"]["spec"]}
        await self._api.call("POST", f"/apis/batch/v1/namespaces/{self.namespace}/jobs", job)

    @property
    def _followed(self) -> str:
        """The path of the object whose status tells of the pods."""
        run = f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{RUN}"
        return run if self._case.kind == "CronJob" else f"{self._collection}/{NAME}"

    async def _try_again(self) -> None:
        """Change an annotation of what makes the pods, whereupon its controller looks at it anew."""
        paths = [self._followed]
        if self._case.kind == "Deployment":
            where = f"/apis/apps/v1/namespaces/{self.namespace}/replicasets"
            paths = [f"{where}/{one['metadata']['name']}" for one in (await self._api.call("GET", where))["items"]]
        note = {"metadata": {"annotations": {"tests.example/again": str(time.monotonic())}}}
        for path in paths:
            await self._api.call("PATCH", path, note, media=_MERGE, beside=404)

    async def _has_ended(self) -> bool:
        """Say whether something was refused, and every pod runs but those that wait for a claim that is not there."""
        events = (await self._api.call("GET", f"{self._core}/events"))["items"]
        if not any(_REFUSED.search(event.get("message", "")) for event in events):
            return False
        there = await self._claims_there()
        return all(_is_ready(pod) or not _claims(pod) <= there for pod in await self._pods())

    async def _claims_there(self) -> set[str]:
        claims = (await self._api.call("GET", f"{self._core}/persistentvolumeclaims"))["items"]
        return {claim["metadata"]["name"] for claim in claims}

    async def _is_late(self, pods: list[Json]) -> bool:
        """Say whether claims that pods wait for have room by now: nobody can ask their controller to try again."""
        there = await self._claims_there()
        if all(_claims(pod) <= there for pod in pods):
            return False
        most = self._case.hard.get("persistentvolumeclaims", self._case.hard.get("requests.storage", "999"))
        return len(there) < int(most.removesuffix("Gi"))

    async def _pods(self) -> list[Json]:
        """Return the pods of the workload that are not on their way out."""
        selector = ",".join(f"{name}={value}" for name, value in LABELS.items())
        found = (await self._api.call("GET", f"{self._core}/pods?labelSelector={selector}"))["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    async def _counted(self, outcome: Outcome, step: Step) -> Outcome:
        """Return the outcome with the pods that run: a status counts those that wait for a volume, too."""
        if self._case.kind in ("Job", "CronJob"):
            return outcome
        pods = await self._pods()
        running = [pod for pod in pods if _is_ready(pod)]
        updated = sum(_is_of(pod, template_of(step.workload)) for pod in running)
        done = outcome.done or len(pods) == len(running) == updated == outcome.wanted
        overrun, late = await self._is_overrun(), not done and await self._is_late(pods)
        return Outcome(outcome.wanted, len(running), updated, done, overrun, late=late)

    async def _is_overrun(self) -> bool:
        """Say whether native quota let more CPU in than it allows, as it may where it counts anew after a deletion."""
        status = (await self._api.call("GET", f"{self._core}/resourcequotas/hard"))["status"]
        amounts = (status[side].get("requests.cpu", "0") for side in ("used", "hard"))
        used, hard = map(_milli, amounts)
        return used > hard

    async def clear(self) -> None:
        """Delete the namespace; nobody waits for it. Volumes stay: those made for one case may serve another."""
        await self._api.ask("DELETE", f"/api/v1/namespaces/{self.namespace}")


def _state(workload: Json) -> object:
    """Return the status without what changes all the time."""
    return {key: value for key, value in workload.get("status", {}).items() if key != "conditions"}


def _is_seen(workload: Json) -> bool:
    """Say whether its controller has looked at this version; a Job does not tell."""
    if workload["kind"] == "Job":
        return True
    generation: int = workload["metadata"]["generation"]
    return bool(workload.get("status", {}).get("observedGeneration", 0) >= generation)


def _claims(pod: Json) -> set[str]:
    """Return the names of the claims that a pod waits for."""
    volumes, name = pod["spec"].get("volumes", ()), pod["metadata"]["name"]
    kept = {one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one}
    return kept | {f"{name}-{one['name']}" for one in volumes if "ephemeral" in one}


def _outcome(workload: Json) -> Outcome:
    """Return what the status of a workload says."""
    spec, status = workload["spec"], workload.get("status", {})
    if "completions" in spec:
        wanted, succeeded = spec["completions"], status.get("succeeded", 0)
        return Outcome(wanted, succeeded, succeeded, succeeded == wanted)
    match workload["kind"]:
        case "DaemonSet":
            wanted = len(NODES)
            counts = ["currentNumberScheduled", "numberAvailable", "updatedNumberScheduled"]
        case "ReplicaSet" | "ReplicationController":
            wanted, counts = spec["replicas"], ["replicas", "readyReplicas"]
        case _:
            wanted, counts = spec["replicas"], ["replicas", "readyReplicas", "updatedReplicas"]
    done = _is_seen(workload) and all(status.get(one, 0) == wanted for one in counts)
    if workload["kind"] == "StatefulSet":
        done = done and status.get("currentRevision") == status.get("updateRevision")
    return Outcome(wanted, done=done)


def _is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _is_of(pod: Json, template: Json) -> bool:
    """Say whether a pod is of the template, by what a change changes."""
    have, want = pod["spec"]["containers"][0], template["spec"]["containers"][0]
    asked = have["resources"]["requests"]["cpu"], want["resources"]["requests"]["cpu"]
    return bool(have["image"] == want["image"] and _milli(asked[0]) == _milli(asked[1]))


def _milli(cpu: str) -> int:
    return int(cpu.removesuffix("m")) * (1 if cpu.endswith("m") else 1000)


def _volume(name: str) -> Json:
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": CLASS,
        "hostPath": {"path": "/nowhere"},
    }
    return {"metadata": {"name": name}, "spec": spec}
