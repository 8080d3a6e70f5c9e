"""A small API server for tests of the transport: lists, watches and the two reviews, over TLS, in a thread."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

TIERS = "/apis/tiergate.io/v1alpha1/tiers"
NAMESPACES = "/api/v1/namespaces"
QUOTAS = "/api/v1/resourcequotas"
PODS = "/api/v1/pods"
CLAIMS = "/api/v1/persistentvolumeclaims"

Object = dict[str, Any]


class FakeApi:
    """Holds objects by collection path; ``put`` and ``remove`` reach every open watch."""

    def __init__(self) -> None:
        self.port = 0
        self.scraper_tokens = {"may-scrape": True, "may-not": False}
        self.requests: list[str] = []
        self.listing_allowed = True
        self.forbidden: set[str] = set()
        self.broken = False
        self._version = 100
        self._objects: dict[str, dict[str, Object]] = {path: {} for path in (TIERS, NAMESPACES, QUOTAS, PODS, CLAIMS)}
        self._watches: dict[str, set[asyncio.Queue[bytes | None]]] = {path: set() for path in self._objects}
        self._loop = asyncio.new_event_loop()

    def put(self, path: str, item: Object) -> None:
        """Add or replace one object and tell the watches."""
        self._loop.call_soon_threadsafe(self._put, path, item)

    def remove(self, path: str, key: str) -> None:
        """Remove one object and tell the watches."""
        self._loop.call_soon_threadsafe(self._remove, path, key)

    def _put(self, path: str, item: Object) -> None:
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        known = _key(item) in self._objects[path]
        self._objects[path][_key(item)] = item
        self._tell(path, "MODIFIED" if known else "ADDED", item)

    def _remove(self, path: str, key: str) -> None:
        self._version += 1
        item = self._objects[path].pop(key)
        item["metadata"]["resourceVersion"] = str(self._version)
        self._tell(path, "DELETED", item)

    def _tell(self, path: str, kind: str, item: Object) -> None:
        line = json.dumps({"type": kind, "object": item}).encode() + b"\n"
        for watch in self._watches[path]:
            watch.put_nowait(line)

    async def _collection(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path)
        if not self.listing_allowed or request.path in self.forbidden:
            return web.json_response({"reason": "Forbidden", "message": "not yet"}, status=403)
        if "watch" not in request.query:
            items = list(self._objects[request.path].values())
            return web.json_response({"metadata": {"resourceVersion": str(self._version)}, "items": items})
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._watches[request.path].add(queue)
        try:
            while (line := await queue.get()) is not None:
                await response.write(line)
        finally:
            self._watches[request.path].discard(queue)
        return response

    def cut_watches(self) -> None:
        """End every open watch."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for queue in (queue for watches in self._watches.values() for queue in watches):
            queue.put_nowait(None)

    async def _one(self, request: web.Request) -> web.Response:
        if self.broken:
            return web.json_response({"reason": "InternalError", "message": "a secret"}, status=500)
        path, _, name = request.path.rpartition("/")
        item = self._objects[path].get(name)
        if item is None:
            return web.json_response({"reason": "NotFound", "message": "no such object"}, status=404)
        return web.json_response(item)

    async def _namespace_quotas(self, request: web.Request) -> web.Response:
        wanted = request.match_info["namespace"]
        items = [item for item in self._objects[QUOTAS].values() if item["metadata"]["namespace"] == wanted]
        return web.json_response({"metadata": {"resourceVersion": str(self._version)}, "items": items})

    async def _token_review(self, request: web.Request) -> web.Response:
        self.requests.append(request.path)
        token = (await request.json())["spec"]["token"]
        status = {"authenticated": token in self.scraper_tokens, "user": {"username": token, "groups": ["scrapers"]}}
        return web.json_response({"status": status}, status=201)

    async def _access_review(self, request: web.Request) -> web.Response:
        self.requests.append(request.path)
        user = (await request.json())["spec"]["user"]
        return web.json_response({"status": {"allowed": self.scraper_tokens[user]}}, status=201)

    def _application(self) -> web.Application:
        app = web.Application()
        for path in self._objects:
            app.router.add_get(path, self._collection)
        app.router.add_get(TIERS + "/{name}", self._one)
        app.router.add_get(NAMESPACES + "/{name}", self._one)
        app.router.add_get(NAMESPACES + "/{namespace}/resourcequotas", self._namespace_quotas)
        app.router.add_post("/apis/authentication.k8s.io/v1/tokenreviews", self._token_review)
        app.router.add_post("/apis/authorization.k8s.io/v1/subjectaccessreviews", self._access_review)
        return app

    async def _serve(self, context: ssl.SSLContext, started: threading.Event, ended: asyncio.Event) -> None:
        runner = web.AppRunner(self._application(), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        self.port = runner.addresses[0][1]
        started.set()
        await ended.wait()
        self._cut()
        await runner.cleanup()

    @contextmanager
    def running(self, pair: tuple[Path, Path]) -> Iterator[FakeApi]:
        """Serve in a thread until the block ends."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        started, ended = threading.Event(), asyncio.Event()
        serving = self._serve(context, started, ended)
        thread = threading.Thread(target=self._loop.run_until_complete, args=(serving,), daemon=True)
        thread.start()
        assert started.wait(5)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(ended.set)
            thread.join(5)
            self._loop.close()


def _key(item: Object) -> str:
    metadata = item["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else str(metadata["name"])


def a_tier(name: str = "dev") -> Object:
    """Return the dev tier of the namespace lesson, without quotas."""
    item = {
        "type": "Container",
        "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
        "default": {"cpu": "250m", "memory": "256Mi"},
        "min": {"cpu": "10m", "memory": "32Mi"},
        "max": {"cpu": "500m", "memory": "512Mi"},
    }
    return {
        "apiVersion": "tiergate.io/v1alpha1",
        "kind": "Tier",
        "metadata": {"name": name, "generation": 1},
        "spec": {"limits": [item]},
    }


def a_namespace(name: str = "dev", tier: str | None = "dev") -> Object:
    """Return a namespace, governed unless ``tier`` is None."""
    return {"metadata": {"name": name, "labels": {"tiergate.io/tier": tier} if tier else {}}}


def a_quota(namespace: str = "dev", *, used: str = "0") -> Object:
    """Return a ResourceQuota of two cores, ours."""
    return {
        "metadata": {
            "name": "tier",
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"},
        },
        "spec": {"hard": {"requests.cpu": "2"}},
        "status": {"hard": {"requests.cpu": "2"}, "used": {"requests.cpu": used}},
    }


def a_review(*, uid: str = "u-1", namespace: str = "dev", resources: Object | None = None) -> Object:
    """Return the review of a pod's creation."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "agent", "namespace": namespace},
        "spec": {"containers": [{"name": "agent", "image": "agent", "resources": resources or {}}]},
    }
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": uid,
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "agent",
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
            "object": pod,
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }
