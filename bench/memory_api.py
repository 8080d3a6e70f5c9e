"""An API server in memory that counts its own CPU, so that what remains is the client's.

It knows what the controller asks for: lists and watches of whole collections, creates, replaces and status patches.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tiergate.cluster.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

Object = dict[str, Any]


class MemoryApi:
    """Implements ``request`` and ``watch`` of the client. ``cpu`` is in seconds, ``writes`` counts verbs."""

    clock_offset = timedelta()
    """Its clock and the client's agree."""

    def __init__(self) -> None:
        """Begin empty."""
        self.cpu = 0.0
        self.writes: Counter[str] = Counter()
        self._objects: dict[str, Object] = {}
        self._version = 0
        self._events: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
        self._grown = asyncio.Event()

    def put(self, path: str, document: Object) -> Object:
        """Store an object; a ResourceQuota is in force at once."""
        kind = _plural(path)
        self._version += 1
        found = path in self._objects
        metadata = {**document.get("metadata", {}), "resourceVersion": str(self._version)}
        stored = {**document, "metadata": metadata}
        if kind == "resourcequotas":
            hard = document["spec"]["hard"]
            used = document.get("status", {}).get("used") or dict.fromkeys(hard, "0")
            stored["status"] = {"hard": hard, "used": used}
        self._objects[path] = stored
        event = {"type": "MODIFIED" if found else "ADDED", "object": stored}
        self._events[kind].append((self._version, json.dumps(event).encode()))
        self._grown.set()
        self._grown = asyncio.Event()
        return stored

    def get(self, path: str) -> Object:
        """Return a stored object; KeyError where there is none."""
        return self._objects[path]

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,  # noqa: ARG002  # the client's signature
        body: bytes | None = None,
        content_type: str = "application/json",  # noqa: ARG002
        timeout: float = 10.0,  # noqa: ARG002, ASYNC109
        most: int = 0,  # noqa: ARG002
    ) -> bytes:
        """Answer one request."""
        await asyncio.sleep(0)
        begun = time.process_time()
        try:
            return json.dumps(self._answer(method, path, json.loads(body or b"{}"))).encode()
        finally:
            self.cpu += time.process_time() - begun

    def _answer(self, method: str, path: str, document: Object) -> Object:
        if method == "GET":
            return self._read(path)
        self.writes[f"{method} {_plural(path)}"] += 1
        if method == "POST":
            path = f"{path}/{document['metadata']['name']}"
            if path in self._objects:
                raise ApiError(409, "AlreadyExists", path)
            return self.put(path, document)
        path = path.removesuffix("/status")
        stored = self._read(path)
        if document["metadata"]["resourceVersion"] != stored["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", path)
        return self.put(path, {**stored, "status": document["status"]} if method == "PATCH" else document)

    def _read(self, path: str) -> Object:
        if path in self._objects:
            return self._objects[path]
        if path.rpartition("/")[2] != _plural(path):
            raise ApiError(404, "NotFound", path)
        items = [one for name, one in self._objects.items() if _plural(name) == _plural(path)]
        return {"metadata": {"resourceVersion": str(self._version)}, "items": items}

    async def watch(
        self,
        path: str,
        *,
        resource_version: str,
        query: Mapping[str, str] | None = None,  # noqa: ARG002  # the client's signature
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield everything after a version, for ever."""
        if opened is not None:
            opened()
        events, position = self._events[_plural(path)], 0
        while True:
            grown = self._grown
            while position < len(events):
                version, event = events[position]
                position += 1
                if version > int(resource_version):
                    yield event
            await grown.wait()


def _plural(path: str) -> str:
    """Return the resource that a path is about."""
    parts = path.removesuffix("/status").strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    return rest[2] if rest[0] == "namespaces" and len(rest) > 2 else rest[0]
