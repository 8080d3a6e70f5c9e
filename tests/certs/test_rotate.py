"""The one idempotent step, cut off everywhere."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tests.certs.bad_secrets import NAMES, NOW, Secret, bad_authorities, bad_servings, ours
from tiergate_certs.bundle import from_secrets, leaf_problems, read_certificates, serving_data
from tiergate_certs.issue import issue_leaf
from tiergate_certs.overlap import MOST_FORMER, Overlap
from tiergate_certs.plan import Keep, Policy, RenewAll, RenewLeaf, Wait
from tiergate_certs.rotate import AUTHORITY_NAME, DISTRUST, ROTATE, SERVING_NAME, Published, Rotated, rotate
from tiergate_certs.store import Conflict, Missing, Stored

DAY = timedelta(days=1)
POLICY = Policy(authority_lifetime=300 * DAY, leaf_lifetime=90 * DAY)
BAD_SECRETS = [
    *(pytest.param(AUTHORITY_NAME, data, id=f"authority-{name}") for name, data in bad_authorities().items()),
    *(pytest.param(SERVING_NAME, data, id=f"serving-{name}") for name, data in bad_servings().items()),
]


class CutError(RuntimeError):
    """The process ends here."""


class World:
    """Store and publisher in memory; keeps a journal of writes and can be cut off after any number of them."""

    def __init__(self) -> None:
        """Begin with two empty Secrets and nothing trusted."""
        self.secrets = {name: Stored({}, "0") for name in (AUTHORITY_NAME, SERVING_NAME)}
        self.overlap = Overlap(POLICY.overlap)
        self.since = timedelta(days=1)
        self.published = b""
        self.journal: list[str] = []
        self.writes_left: int | None = None

    async def read(self, name: str) -> Stored | None:
        """Return what is stored."""
        return self.secrets.get(name)

    async def write(
        self,
        name: str,
        data: Mapping[str, bytes],
        resource_version: str,
        *,
        annotations: Mapping[str, str | None],
    ) -> None:
        """Store, if the version is the one given."""
        self._spend(name)
        found = self.secrets[name]
        if found.resource_version != resource_version:
            raise Conflict(name)
        noted = {key: value for key, value in {**found.annotations, **annotations}.items() if value is not None}
        self.secrets[name] = Stored(dict(data), str(len(self.journal)), noted)

    async def publish(self, wanted: bytes, *, alone: bool) -> Published:
        """Trust these; clients have done so for as long as the test says."""
        trusted = self.overlap.join(wanted, alone=alone, now=self.now)
        if trusted != self.published:
            self._spend("publish")
            self.published = trusted
        return Published(trusted, self.since)

    def _spend(self, what: str) -> None:
        if self.writes_left is not None:
            if self.writes_left == 0:
                raise CutError
            self.writes_left -= 1
        self.journal.append(what)

    async def step(self, *, now: datetime = NOW) -> Rotated:
        """Take one step of the rotation."""
        self.now = now
        return await rotate(self, self, now=now, policy=POLICY, names=NAMES)

    def served_is_accepted(self, *, now: datetime) -> bool:
        """Say whether a client that trusts what is published accepts what is stored for servers."""
        return accepts(self.published, self.secrets[SERVING_NAME].data, now=now)


def accepts(published: bytes, serving: Mapping[str, bytes], *, now: datetime) -> bool:
    """Say whether a client accepts a pair: as we judge it, and as another implementation of RFC 5280 does."""
    bundle = from_secrets(authority=None, serving=serving)
    assert bundle is not None
    ours = not leaf_problems(bundle.leaf, trusted=published, names=NAMES, at=now)
    verifier = PolicyBuilder().time(now).store(Store(list(read_certificates(published))))
    try:
        verifier.build_server_verifier(x509.DNSName(NAMES[0])).verify(read_certificates(bundle.leaf.certificate)[0], [])
    except VerificationError:
        assert not ours
    else:
        assert ours
    return ours


async def settled() -> World:
    world = World()
    await world.step()
    world.journal.clear()
    return world


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
    with pytest.raises(Conflict):
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
    with pytest.raises(Missing, match=f'"{name}" does not exist.*helm upgrade'):
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
