"""The one idempotent step, cut off everywhere."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.certs.bad_secrets import NAMES, NOW, Secret
from tests.certs.world import DAY, CutError, World, accepts, settled
from tiergate_certs.bundle import from_secrets, read_certificates
from tiergate_certs.overlap import MOST_FORMER
from tiergate_certs.plan import Keep, Policy, RenewAll, RenewLeaf, Wait
from tiergate_certs.rotate import AUTHORITY_NAME, ROTATE, SERVING_NAME, rotate
from tiergate_certs.store import NotStored, Outdated, Stored


async def test_the_first_step_issues_everything() -> None:
    """From nothing: CA stored, then trusted, then the leaf stored."""
    world = World()
    assert (await world.step()).plan == RenewAll("no certificate is stored")
    assert world.journal == [AUTHORITY_NAME, "publish", SERVING_NAME]
    assert world.served_is_accepted(now=NOW)
    assert set(world.secrets[AUTHORITY_NAME].data) == {"tls.crt", "tls.key"}
    assert set(world.secrets[SERVING_NAME].data) == {"ca.crt", "tls.crt", "tls.key"}


async def test_the_authority_key_is_not_mounted() -> None:
    """The Secret that servers mount holds nothing that can sign."""
    world = await settled()
    key = world.secrets[AUTHORITY_NAME].data["tls.key"]
    assert key not in world.secrets[SERVING_NAME].data.values()


async def test_a_settled_world_is_left_alone() -> None:
    """A step with nothing to do writes nothing."""
    world = await settled()
    assert isinstance((await world.step(now=NOW + 59 * DAY)).plan, Keep)
    assert world.journal == []


async def test_trust_that_somebody_changed_is_published_again() -> None:
    """Every step publishes, so it repairs."""
    world = await settled()
    world.published = b"another"
    await world.step()
    assert world.journal == ["publish"]
    assert world.served_is_accepted(now=NOW)


async def test_a_due_leaf_is_renewed_from_the_same_authority() -> None:
    """Clients notice nothing: what they trust stays."""
    world = await settled()
    trusted = world.published
    assert isinstance((await world.step(now=NOW + 60 * DAY)).plan, RenewLeaf)
    assert world.journal == [SERVING_NAME]
    assert world.published == trusted
    assert world.served_is_accepted(now=NOW + 60 * DAY)


@pytest.mark.parametrize("name", [AUTHORITY_NAME, SERVING_NAME])
async def test_an_emptied_secret_is_filled_again(name: str) -> None:
    """Whichever Secret is deleted and restored empty, the next step ends in an accepted leaf."""
    world = await settled()
    world.secrets[name] = Stored({}, "restored")
    await world.step()
    assert world.served_is_accepted(now=NOW)
    assert isinstance((await world.step()).plan, Keep)


async def test_a_new_authority_keeps_the_old_one_trusted_for_a_day() -> None:
    """Servers that still hold the old leaf are accepted meanwhile; then the old CA leaves the Secret as well."""
    world = await settled()
    old_leaf = world.secrets[SERVING_NAME]
    change = NOW + 200 * DAY
    for day in (60, 120, 180):
        await world.step(now=NOW + day * DAY)
        old_leaf = world.secrets[SERVING_NAME]
    world.journal.clear()
    assert isinstance((await world.step(now=change)).plan, RenewAll)
    assert world.journal == [AUTHORITY_NAME, "publish", SERVING_NAME]
    assert world.served_is_accepted(now=change)
    assert accepts(world.published, old_leaf.data, now=change)
    assert len(read_certificates(world.published)) == 2
    for hours in range(0, 48, 3):
        now = change + timedelta(hours=hours)
        await world.step(now=now)
        kept = 2 if hours <= 24 else 1
        assert len(read_certificates(world.published)) == kept
        assert len(read_certificates(world.secrets[SERVING_NAME].data["ca.crt"])) == kept
        assert world.served_is_accepted(now=now)


async def test_a_former_authority_stays_while_the_leaf_waits_however_long_and_a_day_more() -> None:
    """Nobody counts its day before the last leaf of it has left the Secret."""
    world = await settled()
    world.secrets[AUTHORITY_NAME] = world.secrets[AUTHORITY_NAME]._replace(annotations={ROTATE: "now"})
    world.since = timedelta(0)
    for day in range(5):
        assert isinstance((await world.step(now=NOW + day * DAY)).plan, Wait)
        assert world.served_is_accepted(now=NOW + day * DAY)
    world.since = DAY
    for day, kept in ((5, 2), (6, 2), (7, 1)):
        await world.step(now=NOW + day * DAY)
        assert len(read_certificates(world.published)) == kept


async def test_of_many_changes_in_a_day_the_latest_former_authorities_stay() -> None:
    """What is published and stored is bounded whatever is asked for, and all of it leaves."""
    world = await settled()
    for minute in range(3 * MOST_FORMER):
        world.secrets[AUTHORITY_NAME] = world.secrets[AUTHORITY_NAME]._replace(annotations={ROTATE: "now"})
        await world.step(now=NOW + timedelta(minutes=minute))
        assert len(read_certificates(world.published)) <= MOST_FORMER + 2
        assert len(read_certificates(world.secrets[SERVING_NAME].data["ca.crt"])) <= MOST_FORMER + 2
    await world.step(now=NOW + 2 * DAY)
    assert len(read_certificates(world.published)) == 1


@pytest.mark.parametrize("start", ["nothing", "due"])
@pytest.mark.parametrize("writes", [0, 1, 2])
async def test_a_step_that_is_cut_off_is_finished_by_the_next(start: str, writes: int) -> None:
    """After any prefix of the writes what is served is accepted, and the next step completes the change."""
    world, now = (World(), NOW) if start == "nothing" else (await settled(), NOW + 200 * DAY)
    if start == "due":
        await world.step(now=NOW + 150 * DAY)
    world.writes_left = writes
    with pytest.raises(CutError):
        await world.step(now=now)
    if start == "due":
        assert world.served_is_accepted(now=now)
    world.writes_left = None
    await world.step(now=now)
    assert world.served_is_accepted(now=now)
    assert isinstance((await world.step(now=now)).plan, Keep)


async def test_two_issuers_do_not_overwrite_each_other() -> None:
    """The slower of two first steps gets a conflict, and its next step takes over what the faster one stored."""
    rival = await settled()

    class Slow(World):
        async def read(self, name: str) -> Stored | None:
            found = await super().read(name)
            self.secrets[name] = rival.secrets[name]
            return found

    slow = Slow()
    with pytest.raises(Outdated):
        await slow.step()
    assert (await slow.step()).plan == Keep((await slow.step()).plan.until)  # type: ignore[union-attr]  # Keep is what is asserted
    assert slow.secrets == rival.secrets


async def test_a_leaf_never_outlives_its_authority() -> None:
    """Near the end of a CA the leaf is shortened."""
    world = World()
    world.now, policy = NOW, Policy(authority_lifetime=30 * DAY, leaf_lifetime=90 * DAY)
    await rotate(world, world, now=NOW, policy=policy, names=NAMES)
    bundle = from_secrets(authority=world.secrets[AUTHORITY_NAME].data, serving=world.secrets[SERVING_NAME].data)
    assert bundle is not None
    assert bundle.authority is not None
    (leaf,), (authority,) = read_certificates(bundle.leaf.certificate), read_certificates(bundle.authority.certificate)
    assert leaf.not_valid_after_utc == authority.not_valid_after_utc


@pytest.mark.parametrize("name", [AUTHORITY_NAME, SERVING_NAME])
async def test_a_missing_secret_is_said_and_never_created(name: str) -> None:
    """Nothing is written while one of the two does not exist, and the message says who restores it."""
    world = World()
    del world.secrets[name]
    with pytest.raises(NotStored, match=f'"{name}" does not exist.*helm upgrade'):
        await world.step()
    assert world.journal == []


async def test_a_leaf_of_a_new_authority_waits_while_the_old_leaf_is_good() -> None:
    """The Secret is left alone but for the CAs, until clients have trusted the new CA for a minute."""
    world, change = await settled(), NOW + 200 * DAY
    for day in (60, 120, 180):
        await world.step(now=NOW + day * DAY)
    leaf = world.secrets[SERVING_NAME].data["tls.crt"]
    world.since = timedelta(seconds=0)
    assert (await world.step(now=change)).plan == Wait(change + timedelta(seconds=60))
    world.since = timedelta(seconds=59)
    assert (await world.step(now=change)).plan == Wait(change + timedelta(seconds=1))
    assert world.secrets[SERVING_NAME].data["tls.crt"] == leaf
    assert world.secrets[SERVING_NAME].data["ca.crt"] == world.published
    world.since = timedelta(seconds=60)
    assert isinstance((await world.step(now=change)).plan, RenewLeaf)
    assert world.secrets[SERVING_NAME].data["tls.crt"] != leaf
    assert world.served_is_accepted(now=change)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: {}, id="empty"),
        pytest.param(lambda data: {**data, "tls.key": b"no key"}, id="key"),
        pytest.param(lambda data: {**data, "tls.crt": b"no certificate"}, id="certificate"),
    ],
)
async def test_nothing_waits_for_the_sake_of_a_leaf_that_is_no_good(spoil: Callable[[Secret], Secret]) -> None:
    world = await settled()
    world.since = timedelta(0)
    world.secrets[SERVING_NAME] = Stored(spoil(dict(world.secrets[SERVING_NAME].data)), "spoilt")
    await world.step()
    assert world.served_is_accepted(now=NOW)
