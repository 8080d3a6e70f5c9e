"""Secrets as a store: whole writes, decided on a version."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fake_api import FakeApi
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError
from tiergate.cluster.secrets import ClusterSecrets
from tiergate_certs.store import Outdated, Stored

PATH = "/api/v1/namespaces/tiergate-system/secrets/s"


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


def a_store(*secrets: dict[str, Any]) -> tuple[FakeApi, ClusterSecrets]:
    """Return an API server that holds Secrets, and the store on it."""
    api = FakeApi()
    for secret in secrets:
        api.put(PATH, secret)
    return api, ClusterSecrets(Api(api), "tiergate-system")


def version(api: FakeApi) -> str:
    found: str = api.get(PATH)["metadata"]["resourceVersion"]
    return found


def a_secret(data: Mapping[str, bytes] | None) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"mine": "yes"}},
        "type": "example.com/own",
        "data": None if data is None else {key: encoded(value) for key, value in data.items()},
    }


@pytest.mark.parametrize("data", [None, {"tls.crt": b"\x00\xff"}], ids=["no-data", "data"])
async def test_read_decodes(data: dict[str, bytes] | None) -> None:
    api, store = a_store(a_secret(data))
    assert await store.read("s") == Stored(data or {}, version(api), {})


async def test_no_secret_is_none() -> None:
    _, store = a_store()
    assert await store.read("s") is None


async def test_a_write_replaces_all_data_and_leaves_the_rest() -> None:
    api, store = a_store(a_secret({"old": b"1"}))
    await store.write("s", {"new": b"2"}, version(api), annotations={})
    stored = api.get(PATH)
    assert (stored["type"], stored["metadata"]["labels"]) == ("example.com/own", {"mine": "yes"})
    assert stored["data"] == {"new": encoded(b"2")}


async def test_annotations_are_read_set_and_removed_and_others_stay() -> None:
    secret = a_secret({})
    secret["metadata"]["annotations"] = {"theirs": "1", "done": "2"}
    api, store = a_store(secret)
    found = await store.read("s")
    assert found is not None
    assert found.annotations == {"theirs": "1", "done": "2"}
    await store.write("s", {}, version(api), annotations={"done": None, "new": "3"})
    assert api.get(PATH)["metadata"]["annotations"] == {"theirs": "1", "new": "3"}


async def test_no_secret_is_ever_created() -> None:
    api, store = a_store()
    with pytest.raises(Outdated):
        await store.write("s", {"new": b"2"}, "1", annotations={})
    assert not api.writes


@pytest.mark.parametrize(
    ("secrets", "decided_on"),
    [
        pytest.param([a_secret({})], "0", id="another-version"),
        pytest.param([], "7", id="it-is-gone"),
    ],
)
async def test_a_write_decided_on_something_else_is_a_conflict(secrets: list[dict[str, Any]], decided_on: str) -> None:
    _, store = a_store(*secrets)
    with pytest.raises(Outdated):
        await store.write("s", {"new": b"2"}, decided_on, annotations={})


@pytest.mark.parametrize("status", [409, 404])
async def test_a_change_between_our_two_calls_is_a_conflict(status: int) -> None:
    api, store = a_store(a_secret({}))
    api.refuse["PUT secrets"] = ApiError(status, "Outdated", "changed")
    with pytest.raises(Outdated):
        await store.write("s", {"new": b"2"}, version(api), annotations={})


async def test_another_refusal_is_no_conflict() -> None:
    api, store = a_store(a_secret({}))
    api.refuse["PUT secrets"] = ApiError(403, "Forbidden", "no")
    with pytest.raises(ApiError, match="403"):
        await store.write("s", {"new": b"2"}, version(api), annotations={})
