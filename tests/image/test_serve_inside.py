"""`tiergate serve` in the image, on a read-only root: it waits for its certificate, then serves."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.image.inside import MOUNTS, Inside
from tests.server.fake_api import NAMESPACES, QUOTAS, TIERS, FakeApi, a_namespace, a_quota, a_tier
from tests.server.pairs import a_pair, mount, trusting, write
from tests.server.running import Server, a_free_port, wait_for

pytestmark = pytest.mark.image


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _an_account(folder: Path, certificate: bytes) -> str:
    account = folder / "account"
    account.mkdir()
    (account / "token").write_text("token")
    (account / "ca.crt").write_bytes(certificate)
    return f"{MOUNTS}/account"


@pytest.mark.long
def test_it_waits_for_a_certificate_and_then_serves(within: Inside, tmp_path: Path) -> None:
    pair, ours = a_pair("webhook"), a_pair("api")
    api, port, usage_port = FakeApi(), a_free_port(), a_free_port()
    # This folder is mounted, so what is not for the server's eyes lies elsewhere.
    files = write(tmp_path.with_name(f"{tmp_path.name}-api"), ours)
    (tmp_path / "tls").mkdir()
    arguments = [
        *("serve", "--listen-address=127.0.0.1", f"--port={port}", f"--usage-port={usage_port}"),
        *(f"--tls-dir={MOUNTS}/tls", f"--service-account-dir={_an_account(tmp_path, ours.certificate)}"),
        "--namespace=tiergate-system",
    ]
    with api.running((files / "tls.crt", files / "tls.key")):
        environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
        command = within.command(arguments, environment)
        server = Server(command, port=port, folder=tmp_path.parent, env={})
        try:
            wait_for(lambda: "certificate" in server.log(), "a word about the certificate")
            time.sleep(1)  # long enough for a server that does not wait
            assert server.process.poll() is None, server.log()
            assert not _listens(port)
            assert not _listens(usage_port)

            for file in (mount(tmp_path / "tls", pair, version="1")).rglob("tls.*"):
                file.chmod(0o644)
            for path, item in ((TIERS, a_tier()), (NAMESPACES, a_namespace()), (QUOTAS, a_quota())):
                api.put(path, item)
            server.wait_ready(trusting(pair))
            assert server.get("/livez", trusting(pair)).status == 200
        finally:
            code = server.stop()
    assert code == 0, server.log()
