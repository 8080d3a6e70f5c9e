"""With a client CA, only its bearers are answered at the endpoints; probes need none."""

import ssl
from pathlib import Path

import pytest

from tests.server.pairs import a_pair, trusting, write
from tests.server.running import JSON, small_server, wait_for

pytestmark = pytest.mark.process


def presenting(context: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context


def test_reviews_need_a_certificate_of_the_client_ca(tmp_path: Path) -> None:
    pair, client, stranger = a_pair(), a_pair("api server"), a_pair("stranger")
    folder, ours, other = (
        write(tmp_path / name, material) for name, material in (("tls", pair), ("client", client), ("other", stranger))
    )
    with small_server(tmp_path, "--tls-dir", str(folder), "--client-ca", str(ours / "tls.crt")) as server:
        server.wait_ready(trusting(pair))
        assert server.get("/livez", trusting(pair)).status == 200
        assert server.send("POST", "/validate", trusting(pair), body=b"{}", headers=JSON).status == 403
        known = presenting(trusting(pair), ours)
        assert server.send("POST", "/validate", known, body=b"{}", headers=JSON).status == 200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            server.send("POST", "/validate", presenting(trusting(pair), other), body=b"{}", headers=JSON)


@pytest.mark.parametrize(
    ("names", "status"),
    [
        pytest.param(["kube-apiserver"], 200, id="common-name"),
        pytest.param(["other", "localhost"], 200, id="one-of-its-dns-names"),
        pytest.param(["kube-apiserver-2"], 403, id="longer"),
        pytest.param(["kube"], 403, id="shorter"),
        pytest.param(["127.0.0.1"], 403, id="an-address-is-no-name"),
    ],
)
def test_a_certificate_of_the_client_ca_needs_an_allowed_name(tmp_path: Path, names: list[str], status: int) -> None:
    """A CA of a cluster signs for nodes and users, too."""
    pair, client = a_pair(), a_pair("kube-apiserver")
    folder, ours = write(tmp_path / "tls", pair), write(tmp_path / "client", client)
    words = [word for name in names for word in ("--client-name", name)]
    with small_server(tmp_path, "--tls-dir", str(folder), "--client-ca", str(ours / "tls.crt"), *words) as server:
        server.wait_ready(trusting(pair))
        known = presenting(trusting(pair), ours)
        assert server.send("POST", "/validate", known, body=b"{}", headers=JSON).status == status
        assert server.send("POST", "/validate", trusting(pair), body=b"{}", headers=JSON).status == 403
        assert server.get("/livez", trusting(pair)).status == 200


def test_a_changed_client_ca_is_in_force_without_a_restart(tmp_path: Path) -> None:
    pair, before, after = a_pair(), a_pair("before"), a_pair("after")
    folder, old, new = (
        write(tmp_path / name, material) for name, material in (("tls", pair), ("old", before), ("new", after))
    )
    bundle = tmp_path / "client-ca.crt"
    bundle.write_bytes(before.certificate)
    with small_server(tmp_path, "--tls-dir", str(folder), "--client-ca", str(bundle)) as server:
        server.wait_ready(trusting(pair))
        bundle.write_bytes(after.certificate)

        def admitted(folder: Path) -> bool:
            try:
                reply = server.send("POST", "/validate", presenting(trusting(pair), folder), body=b"{}", headers=JSON)
            except (ssl.SSLError, ConnectionError):
                return False
            return reply.status == 200

        wait_for(lambda: admitted(new), "the new client CA")
        assert not admitted(old)
