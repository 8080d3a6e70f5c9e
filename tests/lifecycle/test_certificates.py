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
from tiergate.cluster.errors import ApiError
from tiergate.cluster.registration import CONFIGURATION_KINDS
from tiergate.lifecycle.certificates import CERT_MANAGER, NotRotated, What, rotate, status
from tiergate.lifecycle.serving import NoRelease
from tiergate_certs.bundle import authority_data, serving_data
from tiergate_certs.issue import issue_authority, issue_leaf
from tiergate_certs.rotate import AUTHORITY_NAME, DISTRUST, ROTATE, SERVING_NAME

NAMESPACE = "tiergate-system"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CA, OTHER = (issue_authority(not_before=NOW - DAY, not_after=NOW + 300 * DAY) for _ in range(2))
LEAF = issue_leaf(CA, names=[f"tiergate-webhook.{NAMESPACE}.svc"], not_before=NOW - DAY, not_after=NOW + 90 * DAY)
SERVING = serving_data(LEAF, trusted=CA.certificate)


KINDS = tuple(CONFIGURATION_KINDS)
CALLED = {"service": {"name": "tiergate-webhook", "namespace": NAMESPACE}}
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/tiergate-webhook"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/tiergate-controller"


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
        self.mount(SERVING_NAME)
        self.lead()

    def mount(self, secret: str) -> None:
        """Have the webhook's Deployment serve from a Secret."""
        volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "tls", "secret": {"secretName": secret}}]
        self.api.put(DEPLOYMENT, {"spec": {"template": {"spec": {"volumes": volumes}}}})

    def lead(self, *, renewed: datetime = NOW) -> None:
        spec = {"holderIdentity": "controller-1", "renewTime": f"{renewed:%Y-%m-%dT%H:%M:%S.%fZ}"}
        self.api.put(LEASE, {"spec": spec})

    def keep(self, name: str, data: Mapping[str, bytes], **annotations: str) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self.api.put(path(name), {"metadata": {"annotations": annotations}, "data": encoded})

    def publish(self, *bundles: bytes) -> None:
        for kind, resource in CONFIGURATION_KINDS.items():
            entries = [
                {"name": f"{kind}-{number}", "clientConfig": {"caBundle": base64.b64encode(bundle).decode(), **CALLED}}
                for number, bundle in enumerate(bundles)
            ]
            self.api.put(resource.object("tiergate"), {"webhooks": entries})

    async def status(self, secret: str | None = None, *, namespace: str = NAMESPACE) -> bool:
        return await status(
            Api(self.api),
            namespace=namespace,
            secret=secret,
            now=NOW,
            clock_offset=lambda: self.offset,
            say=self.said.append,
        )

    async def rotate(self, what: What, secret: str | None = None, *, namespace: str = NAMESPACE) -> bool:
        return await rotate(
            Api(self.api),
            namespace=namespace,
            secret=secret,
            what=what,
            now=NOW,
            clock_offset=lambda: self.offset,
            say=self.said.append,
        )

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
    (said,) = world.failed()
    assert said.endswith(f'Secret "{name}": the Secret is missing: helm upgrade restores it')


async def test_without_a_certificate_no_entry_is_said_to_distrust_it() -> None:
    """Replicas go on with the pair that they have: pods may be served as ever."""
    world = World()
    world.mount("theirs")
    assert not await world.status()
    assert world.failed() == ['certificate in Secret "theirs": the Secret is missing: its owner has to create it']
    unproved = [line for line in world.said if line.startswith("unproved")]
    assert unproved == [f"unproved  {kind}-0: there is no certificate in the Secret to judge by" for kind in KINDS]


async def test_the_secret_that_the_replicas_mount_is_judged_and_no_other() -> None:
    """Without an option: a Secret of ours that was left over says nothing about what is served."""
    world = World()
    wrong = issue_leaf(CA, names=["wrong.name.svc"], not_before=NOW - DAY, not_after=NOW + DAY)
    world.mount("theirs")
    world.keep("theirs", serving_data(wrong, trusted=CA.certificate))
    assert not await world.status()
    assert world.said[0] == 'kept by   the owner of Secret "theirs"'
    assert "does not name tiergate-webhook.tiergate-system.svc" in world.failed()[0]
    with pytest.raises(NotRotated, match=r'the owner of Secret "theirs" keeps it'):
        await world.rotate("certificate")
    assert await world.status(SERVING_NAME), "the one that is named counts"
    world.api.refuse = {"GET deployments": ApiError(403, "Forbidden", "no")}
    assert await world.status(), "ours, where it cannot be seen"


@pytest.mark.parametrize("gone", [True, False])
async def test_that_no_controller_leads_is_said(*, gone: bool) -> None:
    world = World()
    if gone:
        world.api.delete(LEASE)
        why = 'no controller leads: nobody holds the Lease "tiergate-controller"'
    else:
        world.lead(renewed=NOW - timedelta(seconds=121))
        why = 'the Lease "tiergate-controller" was renewed last at 2026-02-28T23:57:59'
    assert not await world.status()
    assert why in world.failed()[0]
    assert not await world.rotate("certificate")
    assert world.said[-1].startswith("asked for another certificate: no controller leads: ")


async def test_the_lease_is_judged_at_the_api_server_s_time() -> None:
    world = World()
    world.offset = timedelta(minutes=4)
    world.lead(renewed=NOW - timedelta(minutes=5))
    assert await world.status()
    assert "ok        controller: controller-1 leads" in world.said


async def test_another_namespace_is_told_from_a_loss() -> None:
    """What is missing there is not to be restored there."""
    world = World()
    for work in (world.status(namespace="nowhere"), world.rotate("certificate", namespace="nowhere")):
        with pytest.raises(NoRelease, match=r'namespace "nowhere" holds no release; .*: add -n tiergate-system'):
            await work
    assert not world.said
    for resource in CONFIGURATION_KINDS.values():
        world.api.delete(resource.object("tiergate"))
    assert not await world.status(namespace="nowhere")


async def test_every_entry_is_judged() -> None:
    world = World()
    world.publish(CA.certificate, OTHER.certificate + CA.certificate, OTHER.certificate, b"")
    assert not await world.status()
    assert world.failed() == [
        f"{kind}-{number}: does not trust the serving certificate" for kind in KINDS for number in (2, 3)
    ]
    world.api.delete(CONFIGURATION_KINDS[KINDS[0]].object("tiergate"))
    world.said.clear()
    assert not await world.status()
    assert f"{KINDS[0]}: does not exist: helm upgrade restores it" in world.failed()


@pytest.mark.parametrize(("minutes", "said"), [(6, "360 s ahead of"), (-6, "360 s behind")])
async def test_a_clock_that_is_off_is_said(minutes: int, said: str) -> None:
    world = World()
    world.offset = timedelta(minutes=minutes)
    world.lead(renewed=NOW - world.offset)
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
