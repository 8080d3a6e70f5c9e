"""An API server in memory: the few verbs and rules that our clients rely on, and a journal of what was written."""

from __future__ import annotations

import asyncio
import copy
import functools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import jsonpatch

from tiergate.cluster.client import MAX_BODY
from tiergate.cluster.errors import ApiError, BodyTooLarge

Object = dict[str, Any]


class Place(NamedTuple):
    """Where an object lives; without a name, a collection."""

    resource: str
    namespace: str
    name: str
    subresource: str


class Write(NamedTuple):
    """One request that was no read, answered or refused."""

    method: str
    place: Place
    content_type: str
    document: Any


@functools.lru_cache(maxsize=4096)
def place_of(path: str) -> Place:
    """Take a path apart."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    return Place(resource, namespace, name, subresource)


class FakeApi:
    """Implements ``request`` and ``watch`` of the client.

    ``journal`` counts writes by "VERB resource", ``writes`` has them whole. With ``counts`` a quota's status follows
    its spec at once, as the quota controller makes it do after a moment. ``refuse`` maps a "VERB resource" to the error
    it meets.
    """

    def __init__(self, *, counts: bool = True) -> None:
        """Begin empty."""
        self.objects: dict[Place, Object] = {}
        self.journal: Counter[str] = Counter()
        self.writes: list[Write] = []
        self.refuse: dict[str, ApiError] = {}
        self.minor = "37"
        self.clock_offset: timedelta | None = None
        self._counts = counts
        self._version = 0
        self._log: list[tuple[int, str, str, Object]] = []
        self._grown = asyncio.Event()

    def put(self, path: str, document: Object) -> Object:
        """Store an object as another client would, without a line in the journal."""
        return self._put(place_of(path), document)

    def _put(self, place: Place, document: Object) -> Object:
        found = self.objects.get(place)
        stored = copy.deepcopy(document)
        meta = stored.setdefault("metadata", {})
        meta["name"] = place.name
        if place.namespace:
            meta["namespace"] = place.namespace
        meta["generation"] = _generation(found, stored)
        if place.resource == "resourcequotas" and self._counts:
            stored["status"] = {"hard": stored["spec"]["hard"], "used": _used(found, stored)}
        self._version += 1
        meta["resourceVersion"] = str(self._version)
        self.objects[place] = stored
        self._tell("MODIFIED" if found else "ADDED", place, stored)
        return stored

    def get(self, path: str) -> Object:
        """Return a stored object; KeyError where there is none."""
        return self.objects[place_of(path)]

    def __contains__(self, path: str) -> bool:
        """Say whether there is such an object."""
        return place_of(path) in self.objects

    def events(self, reason: str) -> list[Object]:
        """Return the Events of a reason, in order."""
        return [one for place, one in self.objects.items() if place.resource == "events" and one["reason"] == reason]

    def delete(self, path: str) -> None:
        """Remove an object as another client would."""
        place = place_of(path)
        gone = self.objects.pop(place)
        self._version += 1
        gone["metadata"]["resourceVersion"] = str(self._version)
        self._tell("DELETED", place, gone)

    def _tell(self, kind: str, place: Place, document: Object) -> None:
        self._log.append((self._version, kind, place.resource, copy.deepcopy(document)))
        self._grown.set()
        self._grown = asyncio.Event()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109, ARG002 - the client's signature
        most: int = MAX_BODY,
    ) -> bytes:
        """Answer one request."""
        await asyncio.sleep(0)
        if path == "/version":
            return json.dumps({"major": "1", "minor": self.minor}).encode()
        place = place_of(path)
        if (refusal := self.refuse.get(f"{method} {place.resource}")) is not None:
            raise refusal
        if method == "GET":
            answer = json.dumps(self._read(place, query or {})).encode()
            if len(answer) > most:
                raise BodyTooLarge("too large")
            return answer
        self.journal[f"{method} {place.resource}"] += 1
        document = json.loads(body or b"{}")
        self.writes.append(Write(method, place, content_type, document))
        if method == "DELETE":
            self._check(place, document["preconditions"]["resourceVersion"])
            self.delete(path)
            return b"{}"
        if method == "POST":
            return self._create(path, document)
        return self._change(method, place, document, content_type, owner=(query or {}).get("fieldManager", ""))

    def _read(self, place: Place, query: Mapping[str, str]) -> Object:
        if place.name:
            return self._find(place)
        wanted = query.get("fieldSelector", "").removeprefix("metadata.name=")
        items = [
            document
            for found, document in self.objects.items()
            if found.resource == place.resource and wanted in ("", found.name)
        ]
        return {"metadata": {"resourceVersion": str(self._version)}, "items": items}

    def _find(self, place: Place) -> Object:
        found = self.objects.get(place._replace(subresource=""))
        if found is None:
            raise ApiError(404, "NotFound", f"{place.resource} {place.name} not found")
        return found

    def _check(self, place: Place, version: str | None) -> None:
        if version is not None and self._find(place)["metadata"]["resourceVersion"] != version:
            raise ApiError(409, "Conflict", "the object has been modified")

    def _create(self, path: str, document: Object) -> bytes:
        path = f"{path}/{document['metadata']['name']}"
        if place_of(path) in self.objects:
            raise ApiError(409, "AlreadyExists", f"{path} already exists")
        return json.dumps(self.put(path, document)).encode()

    def _change(self, method: str, place: Place, document: Any, content_type: str, *, owner: str) -> bytes:  # noqa: ANN401 - any JSON
        found = self._find(place)
        if content_type == "application/json-patch+json":
            changed = _patched(found, document, owner)
        elif content_type == "application/merge-patch+json":
            self._check(place, document["metadata"].get("resourceVersion"))
            changed = _merged(found, document)
        else:
            assert method == "PUT"
            self._check(place, document["metadata"].get("resourceVersion"))
            changed = document
        return json.dumps(self._put(place._replace(subresource=""), changed)).encode()

    async def watch(
        self,
        path: str,
        *,
        resource_version: str,
        query: Mapping[str, str] | None = None,
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield everything after a version, for ever."""
        if opened is not None:
            opened()
        place, wanted = place_of(path), (query or {}).get("fieldSelector", "").removeprefix("metadata.name=")
        begun, position = int(resource_version), 0
        while True:
            grown = self._grown
            while position < len(self._log):
                version, kind, resource, document = self._log[position]
                position += 1
                if version > begun and resource == place.resource and wanted in ("", document["metadata"]["name"]):
                    yield json.dumps({"type": kind, "object": document}).encode()
            await grown.wait()


def _patched(found: Object, operations: list[Object], owner: str) -> Object:
    """RFC 6902; who names itself owns what it changed, but for the list of owners."""
    try:
        changed: Object = jsonpatch.apply_patch(copy.deepcopy(found), operations)
    except jsonpatch.JsonPatchTestFailed as error:
        raise ApiError(422, "Invalid", "the server rejected our request due to an error in our request") from error
    owners = changed["metadata"].setdefault("managedFields", [])
    if (
        owner
        and owner not in [one["manager"] for one in owners]
        and owners == found["metadata"].get("managedFields", [])
    ):
        owners.append({"manager": owner})
    return changed


def _generation(found: Object | None, stored: Object) -> int:
    if found is None:
        return 1
    generation: int = found["metadata"]["generation"]
    return generation + (found.get("spec") != stored.get("spec"))


def _used(found: Object | None, stored: Object) -> Object:
    used = (stored.get("status") or (found or {}).get("status") or {}).get("used", {})
    return {name: used.get(name, "0") for name in stored["spec"]["hard"]}


def _merged(target: object, patch: object) -> Any:  # noqa: ANN401 - any JSON value
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
