"""A kubeconfig says where the API server is and who we are; a bad one is an error at once."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster_client.serving import echo, serving
from tiergate.cluster.client import Client
from tiergate.cluster.errors import ConfigError, Unreachable
from tiergate.cluster.kubeconfig import KubeConfig, proxy_for


def a_kubeconfig(
    folder: Path, server: str, user: dict[str, object], *, name: str = "c", proxy: str | None = None
) -> str:
    path = folder / "kubeconfig"
    named = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": server, **({"proxy-url": proxy} if proxy else {})}}],
        "users": [{"name": name, "user": user}],
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


@pytest.mark.slow
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


async def test_a_context_is_chosen_among_those_of_several_files(tmp_path: Path) -> None:
    async with serving(echo, None) as port:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            a_kubeconfig(tmp_path / name, f"http://127.0.0.1:{port}", {"token": f"of-{name}"}, name=name)
        both = f"{tmp_path}/one/kubeconfig{os.pathsep}{tmp_path}/none{os.pathsep}{tmp_path}/two/kubeconfig"
        for context, proof in ((None, "Bearer of-one"), ("two", "Bearer of-two")):
            client = Client.of(await KubeConfig.load(both, context=context))
            assert json.loads(await client.request("GET", "/"))["Authorization"] == proof
            await client.close()
        with pytest.raises(ConfigError, match="three"):
            await KubeConfig.load(both, context="three")


@pytest.mark.parametrize(
    ("host", "environment", "proxy"),
    [
        pytest.param("https://api.example:6443", {"HTTPS_PROXY": "http://p:1"}, "http://p:1", id="https"),
        pytest.param("https://api.example", {"https_proxy": "http://p:1"}, "http://p:1", id="small-letters"),
        pytest.param("http://api.example", {"HTTPS_PROXY": "http://p:1"}, None, id="of-another-scheme"),
        pytest.param(
            "https://api.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x,.example"}, None, id="no-proxy"
        ),
        pytest.param(
            "https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None, id="network"
        ),
        pytest.param("https://bexample", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example"}, "http://p:1", id="near"),
        pytest.param("https://127.0.0.1:6443", {"HTTPS_PROXY": "http://p:1"}, None, id="this-machine"),
        pytest.param("https://api.example", {}, None, id="none"),
    ],
)
def test_a_proxy_of_the_environment_is_taken_as_kubectl_takes_it(
    host: str, environment: dict[str, str], proxy: str | None
) -> None:
    assert proxy_for(host, environment) == proxy


async def test_a_proxy_is_that_of_the_kubeconfig_before_that_of_the_environment(tmp_path: Path) -> None:
    path = a_kubeconfig(tmp_path, "http://api.example", {"token": "x"})
    environment = {"HTTP_PROXY": "http://of-environment:1"}
    assert (await KubeConfig.load(path)).proxy is None
    assert (await KubeConfig.load(path, environment=environment)).proxy == "http://of-environment:1"
    a_kubeconfig(tmp_path, "http://api.example", {"token": "x"}, proxy="http://of-file:1")
    assert (await KubeConfig.load(path, environment=environment)).proxy == "http://of-file:1"


async def test_a_request_goes_through_the_proxy(tmp_path: Path) -> None:
    async with serving(echo, None) as port:
        path = a_kubeconfig(tmp_path, "http://api.example", {"token": "x"})
        source = await KubeConfig.load(path, environment={"HTTP_PROXY": f"http://127.0.0.1:{port}"})
        client = Client.of(source)
        assert json.loads(await client.request("GET", "/version"))["line"] == "GET /version"
        await client.close()
