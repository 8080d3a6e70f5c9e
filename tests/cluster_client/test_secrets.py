"""Secrets as a store: whole writes, decided on a version."""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from tiergate.cluster.client import ApiError, Client
from tiergate.cluster.secrets import ClusterSecrets
from tiergate_certs.store import Conflict, Stored

PATH = "/api/v1/namespaces/tiergate-system/secrets"


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


class Api:
    """An API server that holds Secrets of one namespace and counts their versions."""

    def __init__(self, *secrets: dict[str, Any]) -> None:
        self.secrets = {secret["metadata"]["name"]: secret for secret in secrets}
        self.refuse: ApiError | None = None

    async def request(self, method: str, path: str, *, body: bytes | None = None, timeout: float = 0) -> bytes:  # noqa: ARG002, ASYNC109
        """Get, create or replace a Secret."""
        if self.refuse is not None and method != "GET":
            raise self.refuse
        if method == "POST":
            assert path == PATH
            return self._create(json.loads(body or b""))
        name = path.removeprefix(PATH + "/")
        if name not in self.secrets:
            raise ApiError(404, "NotFound", "no such secret")
        if method == "GET":
            return json.dumps(self.secrets[name]).encode()
        assert method == "PUT"
        self.secrets[name] = json.loads(body or b"")
        return b"{}"

    def _create(self, secret: dict[str, Any]) -> bytes:
        if secret["metadata"]["name"] in self.secrets:
            raise ApiError(409, "AlreadyExists", "is there")
        self.secrets[secret["metadata"]["name"]] = secret
        return b"{}"

    @property
    def store(self) -> ClusterSecrets:
        """A store on this server."""
        return ClusterSecrets(cast(Client, self), "tiergate-system")


def a_secret(data: Mapping[str, bytes] | None, version: str = "7") -> dict[str, Any]:
    return {
        "metadata": {"name": "s", "resourceVersion": version, "labels": {"mine": "yes"}},
        "type": "example.com/own",
        "data": None if data is None else {key: encoded(value) for key, value in data.items()},
    }


def test_read_decodes() -> None:
    assert asyncio.run(Api(a_secret({"tls.crt": b"\x00\xff"})).store.read("s")) == Stored({"tls.crt": b"\x00\xff"}, "7")


def test_a_secret_without_data_is_there() -> None:
    assert asyncio.run(Api(a_secret(None)).store.read("s")) == Stored({}, "7")


def test_no_secret_is_none() -> None:
    assert asyncio.run(Api().store.read("s")) is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param({"tls.crt": b"c", "tls.key": b"k", "ca.crt": b"a"}, "kubernetes.io/tls", id="a-pair"),
        pytest.param({"other": b"x"}, "Opaque", id="something-else"),
    ],
)
def test_a_new_secret_says_whose_it_is(data: dict[str, bytes], kind: str) -> None:
    api = Api()
    asyncio.run(api.store.write("s", data, None))
    assert api.secrets["s"]["type"] == kind
    assert api.secrets["s"]["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tiergate"}
    assert api.secrets["s"]["data"] == {key: encoded(value) for key, value in data.items()}


def test_a_write_replaces_all_data_and_leaves_the_rest() -> None:
    api = Api(a_secret({"old": b"1"}))
    asyncio.run(api.store.write("s", {"new": b"2"}, "7"))
    assert api.secrets["s"] == a_secret({"new": b"2"})


@pytest.mark.parametrize(
    ("api", "version"),
    [
        pytest.param(Api(a_secret({})), None, id="it-exists-after-all"),
        pytest.param(Api(a_secret({})), "6", id="another-version"),
        pytest.param(Api(), "7", id="it-is-gone"),
    ],
)
def test_a_write_decided_on_something_else_is_a_conflict(api: Api, version: str | None) -> None:
    with pytest.raises(Conflict):
        asyncio.run(api.store.write("s", {"new": b"2"}, version))


@pytest.mark.parametrize("status", [409, 404])
def test_a_change_between_our_two_calls_is_a_conflict(status: int) -> None:
    api = Api(a_secret({}))
    api.refuse = ApiError(status, "Conflict", "changed")
    with pytest.raises(Conflict):
        asyncio.run(api.store.write("s", {"new": b"2"}, "7"))


def test_another_refusal_is_no_conflict() -> None:
    api = Api(a_secret({}))
    api.refuse = ApiError(403, "Forbidden", "no")
    with pytest.raises(ApiError, match="403"):
        asyncio.run(api.store.write("s", {"new": b"2"}, "7"))
