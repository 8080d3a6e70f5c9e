"""A kubeconfig says where the API server is and who we are; a bad one is an error at once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster_client.serving import echo, serving
from tiergate.cluster.client import Client, ConfigError, Unreachable


def a_kubeconfig(folder: Path, server: str, user: dict[str, object]) -> str:
    path = folder / "kubeconfig"
    named = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(named))
    return str(path)


def a_plugin(folder: Path, text: str) -> dict[str, object]:
    script = folder / "plugin"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "interactiveMode": "Never"}
    }


CREDENTIAL = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"of-plugin"}}'


@pytest.mark.parametrize(
    ("plugin", "proof"),
    [pytest.param(False, "Bearer of-file", id="token"), pytest.param(True, "Bearer of-plugin", id="exec-plugin")],
)
async def test_a_kubeconfig_says_who_we_are(tmp_path: Path, *, plugin: bool, proof: str) -> None:
    of_file: dict[str, object] = {"token": "of-file"}
    user = a_plugin(tmp_path, f"echo '{CREDENTIAL}'") if plugin else of_file

    async with serving(echo, None) as port:
        client = await Client.connect(kubeconfig=a_kubeconfig(tmp_path, f"http://127.0.0.1:{port}", user))
        assert json.loads(await client.request("GET", "/"))["Authorization"] == proof
        await client.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda folder: str(folder / "none"), "no such file", id="missing"),
        pytest.param(
            lambda folder: a_kubeconfig(folder, "http://127.0.0.1:1", a_plugin(folder, "echo no ticket >&2; exit 7")),
            "no ticket",
            id="exec-plugin-fails",
        ),
        pytest.param(
            lambda folder: a_kubeconfig(folder, "http://127.0.0.1:1", a_plugin(folder, "echo '{}'")),
            "missing key",
            id="exec-plugin-says-nothing",
        ),
    ],
)
async def test_a_bad_kubeconfig_is_an_error_and_never_anonymous(
    tmp_path: Path, make: Callable[[Path], str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        await Client.connect(kubeconfig=make(tmp_path))


async def test_an_exec_plugin_that_fails_later_is_unreachable_until_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request runs it again: none goes out with the old token, which has expired."""
    expired = json.loads(CREDENTIAL)
    expired["status"]["expirationTimestamp"] = "2020-01-01T00:00:00Z"
    user = a_plugin(tmp_path, f"echo '{json.dumps(expired)}'")
    async with serving(echo, None) as port:
        client = await Client.connect(kubeconfig=a_kubeconfig(tmp_path, f"http://127.0.0.1:{port}", user))
        monkeypatch.setattr(client._access, "_checked", float("-inf"))  # a minute is over
        a_plugin(tmp_path, "echo no ticket >&2; exit 7")
        for _ in range(2):
            with pytest.raises(Unreachable, match="no ticket"):
                await client.request("GET", "/")
        a_plugin(tmp_path, f"echo '{CREDENTIAL.replace('of-plugin', 'renewed')}'")
        assert json.loads(await client.request("GET", "/"))["Authorization"] == "Bearer renewed"
        await client.close()


async def test_a_broken_kubeconfig_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("clusters: 3")
    with pytest.raises(ConfigError):
        await Client.connect(kubeconfig=str(path))
