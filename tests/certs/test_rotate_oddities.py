"""The one idempotent step, where somebody asks for more or a Secret holds what it should not."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.certs.bad_secrets import NAMES, NOW, Secret, bad_authorities, bad_servings, ours
from tests.certs.world import DAY, CutError, World, accepts, settled
from tiergate_certs.bundle import read_certificates, serving_data
from tiergate_certs.issue import issue_leaf
from tiergate_certs.plan import Keep, RenewLeaf
from tiergate_certs.rotate import AUTHORITY_NAME, DISTRUST, ROTATE, SERVING_NAME
from tiergate_certs.store import Stored

BAD_SECRETS = [
    *(pytest.param(AUTHORITY_NAME, data, id=f"authority-{name}") for name, data in bad_authorities().items()),
    *(pytest.param(SERVING_NAME, data, id=f"serving-{name}") for name, data in bad_servings().items()),
]


async def test_nothing_waits_when_the_old_leaf_ends_meanwhile() -> None:
    world, end = await settled(), NOW + 90 * DAY - timedelta(seconds=30)
    world.since = timedelta(0)
    assert isinstance((await world.step(now=end)).plan, RenewLeaf)


@pytest.mark.parametrize("writes", [0, 1, 2, None])
@pytest.mark.parametrize(
    ("asked", "authorities", "journal"),
    [
        pytest.param({SERVING_NAME: "now"}, 1, [SERVING_NAME], id="leaf"),
        pytest.param({AUTHORITY_NAME: "now"}, 2, [AUTHORITY_NAME, "publish", SERVING_NAME], id="authority"),
        pytest.param({AUTHORITY_NAME: DISTRUST}, 1, [AUTHORITY_NAME, "publish", SERVING_NAME], id="leaked-authority"),
    ],
)
async def test_what_is_asked_for_is_done_once(
    asked: Mapping[str, str], authorities: int, journal: list[str], writes: int | None
) -> None:
    """Also when the process ends between two writes; a former CA is trusted unless its key has leaked."""
    world = await settled()
    before = world.secrets[SERVING_NAME].data["tls.crt"]
    for name, value in asked.items():
        world.secrets[name] = world.secrets[name]._replace(annotations={ROTATE: value, "theirs": "stays"})
    if writes is not None and writes < len(journal):
        world.writes_left = writes
        with pytest.raises(CutError):
            await world.step()
        world.writes_left = None
    await world.step()
    assert world.journal == journal
    assert isinstance((await world.step()).plan, Keep)
    assert world.journal == journal
    assert world.secrets[SERVING_NAME].data["tls.crt"] != before
    assert all(ROTATE not in stored.annotations for stored in world.secrets.values())
    assert [stored.annotations["theirs"] for name, stored in world.secrets.items() if name in asked] == ["stays"]
    assert len(read_certificates(world.published)) == authorities
    assert world.served_is_accepted(now=NOW)


@pytest.mark.parametrize("since", [timedelta(0), DAY], ids=["while-the-leaf-waits", "settled"])
@pytest.mark.parametrize("theirs", [True, False], ids=["their-leaf", "our-leaf"])
async def test_what_cert_manager_noted_goes_when_the_secret_is_ours(since: timedelta, *, theirs: bool) -> None:
    """After a change of the mode; other notes stay, and nothing more is written for it."""
    world = await settled()
    world.since = since
    notes = {"cert-manager.io/certificate-name": "webhook", "cert-manager.io/issuer-name": "ca", "x/y": "stays"}
    data = serving_data(issue_leaf(ours(), names=NAMES, not_before=NOW, not_after=NOW + DAY), trusted=b"junk")
    world.secrets[SERVING_NAME] = Stored(data if theirs else world.secrets[SERVING_NAME].data, "theirs", notes)
    await world.step()
    assert world.secrets[SERVING_NAME].annotations == {"x/y": "stays"}
    world.since = DAY
    await world.step()
    world.journal.clear()
    await world.step()
    assert world.journal == []
    assert world.served_is_accepted(now=NOW)


async def test_after_a_leak_the_next_change_overlaps_again() -> None:
    world = await settled()
    for value, trusted in ((DISTRUST, 1), ("now", 2)):
        kept = world.secrets[AUTHORITY_NAME]
        world.secrets[AUTHORITY_NAME] = kept._replace(annotations={**kept.annotations, ROTATE: value})
        await world.step()
        assert len(read_certificates(world.published)) == trusted


@pytest.mark.parametrize(("name", "secret"), BAD_SECRETS)
async def test_whatever_a_secret_holds_one_step_ends_in_a_leaf_that_is_accepted(name: str, secret: Secret) -> None:
    """And the leaf that is served until then is accepted as well: its CA stays trusted beside a new one."""
    world = await settled()
    served = world.secrets[SERVING_NAME].data
    world.secrets[name] = Stored(secret, "spoilt")
    assert not isinstance((await world.step()).plan, Keep)
    assert world.served_is_accepted(now=NOW)
    assert accepts(world.published, served, now=NOW)
    assert isinstance((await world.step()).plan, Keep)


@pytest.mark.parametrize(("name", "secret"), BAD_SECRETS)
async def test_whatever_a_secret_holds_the_first_step_is_no_error(name: str, secret: Secret) -> None:
    """Also where nothing was trusted before."""
    world = World()
    world.secrets[name] = Stored(secret, "spoilt")
    await world.step()
    assert world.served_is_accepted(now=NOW)
