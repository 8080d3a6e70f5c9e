"""An API server in memory, for commands that run once: objects by path, and every write in order."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from tiergate.cluster.errors import ApiError

Object = dict[str, Any]


class FakeApi:
    """Implements ``request`` of the client. ``writes`` are (verb, path, body); ``create`` answers POSTs of pods."""

    def __init__(self, objects: Mapping[str, Object] | None = None) -> None:
        self.objects = copy.deepcopy(dict(objects or {}))
        self.writes: list[tuple[str, str, Object]] = []
        self.refuse: dict[str, ApiError] = {}
        self.lingers: dict[str, int] = {}
        self.create: Callable[[str, Object], Object] | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 - the client's signature
        most: int = 0,  # noqa: ARG002 - as above
    ) -> bytes:
        assert (content_type == "application/merge-patch+json") == (method == "PATCH")
        assert timeout > 0
        if (refusal := self.refuse.get(f"{method} {path}")) is not None:
            raise refusal
        if method == "GET":
            return json.dumps(self._read(path, query or {})).encode()
        document: Object = json.loads(body or b"{}")
        if self.create is not None and path.endswith("/pods"):
            assert query == {"dryRun": "All"}
            return json.dumps(self.create(path, document)).encode()
        self.writes.append((method, path, document))
        return json.dumps(self._write(method, path, document)).encode()

    def _read(self, path: str, query: Mapping[str, str]) -> Object:
        if path.rpartition("/")[2] in {"namespaces", "tiers"}:
            label = query.get("labelSelector")
            found = [one for name, one in sorted(self.objects.items()) if name.rpartition("/")[0] == path]
            return {
                "metadata": {},
                "items": [one for one in found if not label or label in one["metadata"].get("labels", {})],
            }
        left = self.lingers.get(path)
        if left is not None:
            self.lingers[path] = left - 1
            if left == 0:
                self.objects.pop(path, None)
        return self._find(path)

    def _find(self, path: str) -> Object:
        if path not in self.objects:
            raise ApiError(404, "NotFound", f"{path} not found")
        return self.objects[path]

    def _write(self, method: str, path: str, document: Object) -> Object:
        match method:
            case "PUT":
                before = self._find(path)["metadata"]["resourceVersion"]
                assert document["metadata"]["resourceVersion"] == before
                self.objects[path] = {**document, "metadata": {**document["metadata"], "resourceVersion": before + "0"}}
                return self.objects[path]
            case "POST":
                name = f"{path}/{document['metadata']['name']}"
                if name in self.objects:
                    raise ApiError(409, "AlreadyExists", f"{name} already exists")
                self.objects[name] = document
                return document
            case "PATCH":
                stored = self._find(path.removesuffix("/status"))
                assert document.pop("metadata") == {"resourceVersion": stored["metadata"]["resourceVersion"]}
                stored["status"] = {**stored.get("status", {}), **document["status"]}
                return stored
        self._find(path)
        if path not in self.lingers:
            del self.objects[path]
        return {}
