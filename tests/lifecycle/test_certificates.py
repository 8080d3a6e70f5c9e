"""`tiergate certs status` and `rotate`, on a cluster in memory."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.certs.bad_secrets import bad_authorities
from tests.fake_api import FakeApi
from tiergate.cluster.api import Api
from tiergate.cluster.registration import CONFIGURATION_KINDS
from tiergate.lifecycle.certificates import CERT_MANAGER, NotRotated, What, rotate, status
from tiergate_certs.bundle import authority_data, serving_data
from tiergate_certs.issue import issue_authority, issue_leaf
from tiergate_certs.rotate import AUTHORITY_NAME, DISTRUST, ROTATE, SERVING_NAME

NAMESPACE = "tiergate-system"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CA, OTHER = (issue_authority(not_before=NOW - DAY, not_after=NOW + 300 * DAY) for _ in range(2))
LEAF = issue_leaf(CA, names=[f"tiergate-webhook.{NAMESPACE}.svc"], not_before=NOW - DAY, not_after=NOW + 90 * DAY)
SERVING = serving_data(LEAF, trusted=CA.certificate)


def path(name: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"


class World:
    """An installation in which all is good."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.said: list[str] = []
        self.offset = timedelta(0)
        self.keep(AUTHORITY_NAME, authority_data(CA))
        self.keep(SERVING_NAME, SERVING)
        self.publish(CA.certificate)

    def keep(self, name: str, data: Mapping[str, bytes], **annotations: str) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self.api.put(path(name), {"metadata": {"annotations": annotations}, "data": encoded})

    def publish(self, *bundles: bytes) -> None:
        for kind, resource in CONFIGURATION_KINDS.items():
            entries = [
                {"name": f"{kind}-{number}", "clientConfig": {"caBundle": base64.b64encode(bundle).decode()}}
                for number, bundle in enumerate(bundles)
            ]
            self.api.put(resource.object("tiergate"), {"webhooks": entries})

    async def status(self, secret: str = SERVING_NAME) -> bool:
        return await status(
            Api(self.api),
            namespace=NAMESPACE,
            secret=secret,
            now=NOW,
            clock_offset=lambda: self.offset,
            say=self.said.append,
        )

    async def rotate(self, what: What, secret: str = SERVING_NAME) -> None:
        await rotate(Api(self.api), namespace=NAMESPACE, secret=secret, what=what, say=self.said.append)

    def failed(self) -> list[str]:
        return [line.removeprefix("failed    ") for line in self.said if line.startswith("failed")]


async def test_all_that_is_good_is_said_and_no_key_is_shown() -> None:
    world = World()
    assert await world.status()
    assert world.failed() == []
    assert world.said[0] == "kept by   the controller"
    text = "\n".join(world.said)
    assert re.search(r"CA in Secret .*2026-02-28T00:00:00Z to 2026-12-26T00:00:00Z", text)
    assert re.search(r"certificate in Secret .*signed by CN=tiergate CA", text)
    assert all(f"{kind}-0: trusts CN=tiergate CA" in text for kind in CONFIGURATION_KINDS)
    assert "PRIVATE" not in text


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        *(pytest.param(AUTHORITY_NAME, data, "CA in Secret", id=key) for key, data in bad_authorities().items()),
        pytest.param(SERVING_NAME, {}, "is empty", id="no-certificate"),
        pytest.param(SERVING_NAME, {**SERVING, "tls.key": OTHER.key}, "does not belong", id="another-key"),
        pytest.param(SERVING_NAME, {**SERVING, "ca.crt": OTHER.certificate}, "not signed by a CA", id="another-ca"),
    ],
)
async def test_what_is_wrong_in_a_secret_is_said(name: str, data: Mapping[str, bytes], said: str) -> None:
    world = World()
    world.keep(name, data)
    assert not await world.status()
    assert said in "\n".join(world.failed())


@pytest.mark.parametrize("name", [AUTHORITY_NAME, SERVING_NAME])
async def test_a_missing_secret_is_said(name: str) -> None:
    world = World()
    world.api.delete(path(name))
    assert not await world.status()
    assert f'Secret "{name}": the Secret is missing' in world.failed()[0]


async def test_every_entry_is_judged() -> None:
    world = World()
    world.publish(CA.certificate, OTHER.certificate + CA.certificate, OTHER.certificate, b"")
    assert not await world.status()
    kinds = list(CONFIGURATION_KINDS)
    assert world.failed() == [
        f"{kind}-{number}: does not trust the serving certificate" for kind in kinds for number in (2, 3)
    ]
    world.api.delete(CONFIGURATION_KINDS[kinds[0]].object("tiergate"))
    world.said.clear()
    assert not await world.status()
    assert f"{kinds[0]}: does not exist: helm upgrade restores it" in world.failed()


@pytest.mark.parametrize(("minutes", "said"), [(6, "360 s ahead of"), (-6, "360 s behind")])
async def test_a_clock_that_is_off_is_said(minutes: int, said: str) -> None:
    world = World()
    world.offset = timedelta(minutes=minutes)
    assert not await world.status()
    assert world.failed() == [f"this clock: {said} the API server's"]


async def test_whose_it_is_is_said() -> None:
    """What somebody else keeps has no CA of ours, and a Secret of ours that is left over is not judged."""
    world = World()
    world.keep(AUTHORITY_NAME, {})
    world.keep("theirs", SERVING)
    assert await world.status("theirs")
    assert world.said[0] == 'kept by   the owner of Secret "theirs"'
    world.keep(SERVING_NAME, SERVING, **{CERT_MANAGER: "tiergate-webhook"})
    world.said.clear()
    assert await world.status()
    assert world.said[0] == 'kept by   cert-manager (Certificate "tiergate-webhook")'


@pytest.mark.parametrize(
    ("what", "name", "value"),
    [
        ("certificate", SERVING_NAME, "now"),
        ("ca", AUTHORITY_NAME, "now"),
        ("distrust", AUTHORITY_NAME, DISTRUST),
    ],
)
async def test_rotate_asks_by_an_annotation_and_changes_nothing_else(what: What, name: str, value: str) -> None:
    world = World()
    before = {each: world.api.get(path(each))["data"] for each in (AUTHORITY_NAME, SERVING_NAME)}
    await world.rotate(what)
    found = {each: world.api.get(path(each)) for each in before}
    assert {each: one["data"] for each, one in found.items()} == before
    asked = {each: one["metadata"]["annotations"] for each, one in found.items() if one["metadata"]["annotations"]}
    assert asked == {name: {ROTATE: value}}
    world.said.clear()
    assert await world.status()
    assert "another one was asked for" in "\n".join(world.said)


@pytest.mark.parametrize("what", ["certificate", "ca", "distrust"])
async def test_rotate_says_who_can_where_we_cannot(what: What) -> None:
    world = World()
    world.keep("theirs", SERVING)
    with pytest.raises(NotRotated, match=r'the owner of Secret "theirs" keeps it'):
        await world.rotate(what, "theirs")
    world.api.delete(path(AUTHORITY_NAME))
    if what != "certificate":
        with pytest.raises(NotRotated, match="helm upgrade restores it"):
            await world.rotate(what)
    world.keep(SERVING_NAME, SERVING, **{CERT_MANAGER: "tiergate-webhook"})
    with pytest.raises(NotRotated, match="cmctl renew tiergate-webhook -n tiergate-system"):
        await world.rotate(what)
    assert not world.api.writes
