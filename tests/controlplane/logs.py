"""What a kubelet tells the API server of its containers: their logs, for `kubectl logs` and for Helm."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

PATH: Final = "/containerLogs/{namespace}/{pod}/{container}"


@asynccontextmanager
async def served(pods: Path, *, address: str, certificate: Path, namespace: str) -> AsyncIterator[int]:
    """Serve the logs of the pods of one namespace over TLS and yield the port.

    Args:
        pods: Folder of the kubelet, with a folder for each pod.
        address: Local address to listen on.
        certificate: PEM file beside its key, which ends in .key; the API server does not check it.
        namespace: Whose pods the kubelet runs.
    """

    async def answer(request: web.Request) -> web.Response:
        asked = request.match_info
        text = _newest(pods, asked["pod"], asked["container"]) if asked["namespace"] == namespace else None
        if text is None:
            raise web.HTTPNotFound(text=f"no log of {asked['namespace']}/{asked['pod']}")
        return web.Response(body=text, content_type="text/plain")

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    application = web.Application()
    application.router.add_get(PATH, answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address, 0, ssl_context=context)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _newest(pods: Path, pod: str, container: str) -> bytes | None:
    files = pods.glob(f"{pod}-{'?' * 8}/{container}.log")
    newest = max(files, key=lambda file: file.stat().st_mtime, default=None)
    return None if newest is None else newest.read_bytes()
