"""The one idempotent step, cut off everywhere."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tiergate_certs.bundle import from_secrets, leaf_problems, read_certificates
from tiergate_certs.plan import Keep, Policy, RenewAll, RenewLeaf
from tiergate_certs.rotate import AUTHORITY_NAME, SERVING_NAME, Rotated, rotate
from tiergate_certs.store import Conflict, Stored

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = ("gate.system.svc",)
POLICY = Policy(authority_lifetime=300 * DAY, leaf_lifetime=90 * DAY)


class CutError(RuntimeError):
    """The process ends here."""


class World:
    """Store and publisher in memory; keeps a journal of writes and can be cut off after any number of them."""

    def __init__(self) -> None:
        """Begin with nothing stored and nothing trusted."""
        self.secrets: dict[str, Stored] = {}
        self.published = b""
        self.journal: list[str] = []
        self.writes_left: int | None = None

    async def read(self, name: str) -> Stored | None:
        """Return what is stored."""
        return self.secrets.get(name)

    async def write(self, name: str, data: Mapping[str, bytes], resource_version: str | None) -> None:
        """Store, if the version is the one given."""
        self._spend(name)
        found = self.secrets.get(name)
        if (None if found is None else found.resource_version) != resource_version:
            raise Conflict(name)
        self.secrets[name] = Stored(dict(data), str(len(self.journal)))

    async def publish(self, trusted: bytes) -> None:
        """Trust these."""
        if trusted != self.published:
            self._spend("publish")
            self.published = trusted

    def _spend(self, what: str) -> None:
        if self.writes_left is not None:
            if self.writes_left == 0:
                raise CutError
            self.writes_left -= 1
        self.journal.append(what)

    def step(self, *, now: datetime = NOW) -> Rotated:
        """Take one step of the rotation."""
        return asyncio.run(rotate(self, self, now=now, policy=POLICY, names=NAMES))

    def served_is_accepted(self, *, now: datetime) -> bool:
        """Say whether a client that trusts what is published accepts what is stored for servers."""
        bundle = from_secrets(authority=None, serving=self.secrets[SERVING_NAME].data)
        assert bundle is not None
        return not leaf_problems(bundle.leaf, trusted=self.published, names=NAMES, at=now)


def settled() -> World:
    world = World()
    world.step()
    world.journal.clear()
    return world


def test_the_first_step_issues_everything() -> None:
    """From nothing: CA stored, then trusted, then the leaf stored."""
    world = World()
    assert world.step().plan == RenewAll("no certificate is stored")
    assert world.journal == [AUTHORITY_NAME, "publish", SERVING_NAME]
    assert world.served_is_accepted(now=NOW)
    assert set(world.secrets[AUTHORITY_NAME].data) == {"tls.crt", "tls.key"}
    assert set(world.secrets[SERVING_NAME].data) == {"ca.crt", "tls.crt", "tls.key"}


def test_the_authority_key_is_not_mounted() -> None:
    """The Secret that servers mount holds nothing that can sign."""
    world = settled()
    key = world.secrets[AUTHORITY_NAME].data["tls.key"]
    assert key not in world.secrets[SERVING_NAME].data.values()


def test_a_settled_world_is_left_alone() -> None:
    """A step with nothing to do writes nothing."""
    world = settled()
    assert isinstance(world.step(now=NOW + 59 * DAY).plan, Keep)
    assert world.journal == []


def test_trust_that_somebody_changed_is_published_again() -> None:
    """Every step publishes, so it repairs."""
    world = settled()
    world.published = b"another"
    world.step()
    assert world.journal == ["publish"]
    assert world.served_is_accepted(now=NOW)


def test_a_due_leaf_is_renewed_from_the_same_authority() -> None:
    """Clients notice nothing: what they trust stays."""
    world = settled()
    trusted = world.published
    assert isinstance(world.step(now=NOW + 60 * DAY).plan, RenewLeaf)
    assert world.journal == [SERVING_NAME]
    assert world.published == trusted
    assert world.served_is_accepted(now=NOW + 60 * DAY)


@pytest.mark.parametrize("name", [AUTHORITY_NAME, SERVING_NAME])
def test_a_deleted_secret_comes_back(name: str) -> None:
    """Whichever Secret is deleted, the next step ends in an accepted leaf."""
    world = settled()
    del world.secrets[name]
    world.step()
    assert world.served_is_accepted(now=NOW)
    assert isinstance(world.step().plan, Keep)


def test_a_new_authority_keeps_the_old_one_trusted() -> None:
    """Servers that still hold the old leaf are accepted until their leaf has expired; then the old CA leaves."""
    world = settled()
    old_leaf = world.secrets[SERVING_NAME]
    change = NOW + 200 * DAY
    for day in (60, 120, 180):
        world.step(now=NOW + day * DAY)
        old_leaf = world.secrets[SERVING_NAME]
    world.journal.clear()
    assert isinstance(world.step(now=change).plan, RenewAll)
    assert world.journal == [AUTHORITY_NAME, "publish", SERVING_NAME]
    assert world.served_is_accepted(now=change)
    bundle = from_secrets(authority=None, serving=old_leaf.data)
    assert bundle is not None
    assert not leaf_problems(bundle.leaf, trusted=world.published, names=NAMES, at=change)
    assert len(read_certificates(world.published)) == 2
    for day in (260, 292):
        world.step(now=NOW + day * DAY)
    assert len(read_certificates(world.published)) == 1
    assert world.served_is_accepted(now=NOW + 292 * DAY)


@pytest.mark.parametrize("start", ["nothing", "due"])
@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_step_that_is_cut_off_is_finished_by_the_next(start: str, writes: int) -> None:
    """After any prefix of the writes what is served is accepted, and the next step completes the change."""
    world, now = (World(), NOW) if start == "nothing" else (settled(), NOW + 200 * DAY)
    if start == "due":
        world.step(now=NOW + 150 * DAY)
    world.writes_left = writes
    with pytest.raises(CutError):
        world.step(now=now)
    if start == "due":
        assert world.served_is_accepted(now=now)
    world.writes_left = None
    world.step(now=now)
    assert world.served_is_accepted(now=now)
    assert isinstance(world.step(now=now).plan, Keep)


def test_two_issuers_do_not_overwrite_each_other() -> None:
    """The slower of two first steps gets a conflict, and its next step takes over what the faster one stored."""
    world, rival = World(), settled()

    class Slow(World):
        async def read(self, name: str) -> Stored | None:
            found = await super().read(name)
            self.secrets.setdefault(name, rival.secrets[name])
            return found

    slow = Slow()
    with pytest.raises(Conflict):
        slow.step()
    assert slow.step().plan == Keep(slow.step().plan.until)  # type: ignore[union-attr]  # Keep is what is asserted
    assert slow.secrets == rival.secrets
    assert world.secrets == {}


def test_a_leaf_never_outlives_its_authority() -> None:
    """Near the end of a CA the leaf is shortened."""
    world = World()
    policy = Policy(authority_lifetime=30 * DAY, leaf_lifetime=90 * DAY)
    asyncio.run(rotate(world, world, now=NOW, policy=policy, names=NAMES))
    bundle = from_secrets(authority=world.secrets[AUTHORITY_NAME].data, serving=world.secrets[SERVING_NAME].data)
    assert bundle is not None
    assert bundle.authority is not None
    (leaf,), (authority,) = read_certificates(bundle.leaf.certificate), read_certificates(bundle.authority.certificate)
    assert leaf.not_valid_after_utc == authority.not_valid_after_utc
