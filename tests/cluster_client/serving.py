"""A small HTTP server in place of an API server, and a pod's client that talks to it."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web

from tests.server.pairs import a_pair, write
from tiergate.cluster.client import Client

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Account(NamedTuple):
    """A service account folder, and the folder of a pair whose server it trusts."""

    folder: Path
    files: Path


def an_account(folder: Path) -> Account:
    """Make the service account of a pod, with the token `first`."""
    pair = a_pair()
    account = folder / "account"
    account.mkdir()
    (account / "token").write_text("first\n")
    (account / "ca.crt").write_bytes(pair.certificate)
    return Account(account, write(folder / "server", pair))


@contextlib.asynccontextmanager
async def serving(handler: Handler, files: Path | None) -> AsyncIterator[int]:
    """Serve every path with one handler on a free port, over TLS where files are given."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    context = None
    if files is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files / "tls.crt", files / "tls.key")
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def a_pods_client(handler: Handler, account: Account) -> AsyncIterator[Client]:
    """Connect a client as a pod does to a server with this handler."""
    async with serving(handler, account.files) as port:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
            environment.setenv("KUBERNETES_SERVICE_PORT", str(port))
            client = await Client.connect(service_account_dir=str(account.folder))
        try:
            yield client
        finally:
            await client.close()


async def echo(request: web.Request) -> web.Response:
    """Answer with what came."""
    body = (await request.read()).decode()
    names = ("Authorization", "Content-Type", "User-Agent", "Accept-Encoding")
    headers = {name: request.headers.get(name) for name in names}
    return web.json_response({"line": f"{request.method} {request.path_qs}", "body": body, **headers})
