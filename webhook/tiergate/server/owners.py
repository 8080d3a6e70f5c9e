"""Which workload an object belongs to, proved: an owner reference says what whoever wrote it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiergate.cluster.resource import WORKLOADS
from tiergate.core.workload_kind import BY_KIND
from tiergate.wire.owners import Reference, read_owned

if TYPE_CHECKING:
    from tiergate.cluster.api import Api


class Owners:
    """Looks workloads up, each by a live read."""

    def __init__(self, api: Api, *, timeout: float) -> None:
        """Take what asks, and the seconds for each request."""
        self._api = api
        self._timeout = timeout

    async def workload(self, about: Reference, *, namespace: str) -> Reference | None:
        """Return the workload that people know: the Deployment of a ReplicaSet, the CronJob of a Job, else the object.

        None where no object of a built-in kind has that name and that uid.

        Raises:
            ApiError, Unreachable: No answer.
            msgspec.MsgspecError, RecursionError: An answer that is no object.
        """
        found, outer = await self._look(about, namespace)
        if not found or outer is None or BY_KIND[about.kind].made_by != outer.kind:
            return about if found else None
        found, _ = await self._look(outer, namespace)
        return outer if found else about

    async def _look(self, about: Reference, namespace: str) -> tuple[bool, Reference | None]:
        """Say whether there is such an object, and what controls it."""
        resource = WORKLOADS.get(about.kind)
        if resource is None or resource.group != about.group:
            return False, None
        raw = await self._api.get(resource, about.name, namespace=namespace, timeout=self._timeout)
        owned = None if raw is None else read_owned(raw)
        if owned is None or not about.uid or owned.uid != about.uid:
            return False, None
        return True, owned.controller()
