"""Whether the API server trusts what a replica serves, and when the next certificate may be served."""

from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fake_api import FakeApi
from tests.server.pairs import write
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError
from tiergate.cluster.registration import CONFIGURATION_KINDS
from tiergate.process.tls import Files, Material, ReloadingContext
from tiergate.server.trust import KNOWN_FOR, LOOK, REFUSED_FOR, PublishedTrust
from tiergate_certs.issue import Pair, issue_authority, issue_leaf

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OLD, NEW = (issue_authority(not_before=NOW - DAY, not_after=NOW + 9 * DAY) for _ in range(2))
SETTLE = 60.0


SERVICE, OTHER = (dict[str, object](name=name, namespace="system") for name in ("webhook", "wrong"))


def a_leaf(authority: Pair, *, ends: timedelta = 5 * DAY, name: str = "webhook.system.svc") -> Material:
    return Material(*issue_leaf(authority, names=[name], not_before=NOW - DAY, not_after=NOW + ends))


FIRST, SECOND_OF_OLD, OF_NEW = a_leaf(OLD), a_leaf(OLD), a_leaf(NEW)


class Replica:
    """A replica's files, what it serves of them, and whom the API server trusts; time is set by hand."""

    def __init__(
        self, folder: Path, *, trusts: tuple[bytes, ...] | None = (OLD.certificate,), first: Material = FIRST
    ) -> None:
        self.seconds = 1000.0
        self.services: list[dict[str, object] | None] = [SERVICE]
        """What the entries call, one after the other; None is a URL."""
        self.trust = PublishedTrust(settle=SETTLE, clock=lambda: self.seconds)
        self.folder = write(folder, first)
        self.context = ReloadingContext(Files(folder), trust=self.trust, now=NOW)
        self.trusts = trusts
        self.api = FakeApi()

    @classmethod
    async def started(cls, folder: Path, *, trusts: tuple[bytes, ...] | None = (OLD.certificate,)) -> Replica:
        """Return one that has looked at the caBundle once."""
        made = cls(folder, trusts=trusts)
        await made.after(0)
        return made

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds - 1000)

    async def after(self, seconds: float) -> bool:
        """Let time pass, with a look at the caBundle; say whether another pair is served now."""
        self.seconds += seconds
        if self.trusts is None:
            self.api.refuse = {
                f"GET {one.plural}": ApiError(403, "Forbidden", "") for one in CONFIGURATION_KINDS.values()
            }
        else:
            self.api.refuse = {}
            for resource in CONFIGURATION_KINDS.values():
                found = [base64.b64encode(one).decode() for one in self.trusts]
                called = [{} if one is None else {"service": one} for one in self.services]
                entries = [
                    {"name": "a", "clientConfig": {"caBundle": one, **service}} for one in found for service in called
                ]
                self.api.put(resource.object("tiergate"), {"webhooks": entries})
        await self.trust.look(Api(self.api))
        return self.context.reload(now=self.now)

    def problem(self) -> str:
        return self.trust.problem(at=self.now)


@pytest.fixture
async def replica(tmp_path: Path) -> Replica:
    return await Replica.started(tmp_path)


async def test_a_leaf_of_the_same_authority_is_served_at_once(replica: Replica) -> None:
    await replica.after(SETTLE)
    write(replica.folder, SECOND_OF_OLD)
    assert await replica.after(0)


async def test_a_leaf_of_another_authority_waits_until_it_was_trusted_for_a_while(replica: Replica) -> None:
    """Whoever wrote it: cert-manager writes the CA and its leaf at once, and the caBundle follows."""
    await replica.after(SETTLE)
    write(replica.folder, OF_NEW)
    assert not await replica.after(10)
    assert not await replica.after(2 * SETTLE)
    replica.trusts = (NEW.certificate + OLD.certificate,)
    assert not await replica.after(1)
    assert not await replica.after(SETTLE - 1)
    assert await replica.after(1)
    assert replica.trust.trusted(at=replica.now)


@pytest.mark.parametrize(
    ("trusts", "passes"),
    [
        pytest.param((OLD.certificate,), 5 * DAY, id="the-present-one-has-expired"),
        pytest.param((NEW.certificate,), SECOND, id="the-present-one-is-no-longer-trusted"),
    ],
)
async def test_nothing_waits_for_the_sake_of_one_that_is_no_good(
    replica: Replica, trusts: tuple[bytes, ...], passes: timedelta
) -> None:
    write(replica.folder, a_leaf(NEW, ends=8 * DAY))
    assert not await replica.after(0)
    replica.trusts = trusts
    assert await replica.after(passes.total_seconds())


async def test_every_entry_must_trust_it(replica: Replica) -> None:
    """Entries are patched one configuration after the other."""
    replica.trusts = (NEW.certificate + OLD.certificate, OLD.certificate)
    write(replica.folder, OF_NEW)
    assert not await replica.after(2 * SETTLE)
    replica.trusts = (NEW.certificate + OLD.certificate,)
    await replica.after(0)
    assert await replica.after(SETTLE)


@pytest.mark.parametrize("trusts", [None, (), (b"junk",)], ids=["never-seen", "no-entries", "unreadable"])
async def test_where_nothing_is_known_a_new_leaf_waits_that_long_once(
    tmp_path: Path, trusts: tuple[bytes, ...] | None
) -> None:
    """Without the permission to look, and while the webhook configurations are deleted."""
    replica = await Replica.started(tmp_path, trusts=trusts)
    write(replica.folder, OF_NEW)
    assert not await replica.after(5)
    assert not await replica.after(SETTLE - 1)
    assert await replica.after(1)
    assert replica.trust.trusted(at=replica.now) is None
    assert replica.problem() == ""


async def test_a_replica_with_an_expired_leaf_is_not_ready(replica: Replica) -> None:
    await replica.after((5 * DAY - SECOND).total_seconds())
    assert replica.problem() == ""
    await replica.after(1)
    assert replica.problem() == "the served certificate expired at 2026-03-06T00:00:00Z"


FOREIGN = [pytest.param(b"", id="no-ca"), pytest.param(NEW.certificate, id="another-ca")]
NO_BUNDLE = "the API server does not trust the served certificate: no caBundle holds its CA"


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("others", [1, 5])
async def test_one_entry_that_trusts_it_keeps_a_replica_ready(replica: Replica, foreign: bytes, others: int) -> None:
    """What somebody writes into one entry would take every replica out, and the other entries with them."""
    replica.trusts = (OLD.certificate, *[foreign] * others)
    for _ in range(5):
        await replica.after(REFUSED_FOR)
        assert replica.trust.trusted(at=replica.now) is False
        assert replica.problem() == ""


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_a_replica_that_starts_beside_a_foreign_entry_is_ready_after_a_moment(
    tmp_path: Path, foreign: bytes
) -> None:
    """At first the entry may be one that the controller is about to write."""
    replica = await Replica.started(tmp_path, trusts=(OLD.certificate, foreign))
    await replica.after(REFUSED_FOR - 1)
    assert "not every caBundle holds its CA" in replica.problem()
    await replica.after(1)
    assert replica.problem() == ""
    await replica.after(LOOK)
    assert replica.problem() == ""


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_beside_a_foreign_entry_the_next_leaf_is_served_once_no_fewer_entries_trust_it(
    replica: Replica, foreign: bytes
) -> None:
    """A leaf of the same CA at once, one of another CA not before that has been published."""
    replica.trusts = (OLD.certificate, OLD.certificate, foreign)
    write(replica.folder, SECOND_OF_OLD)
    assert await replica.after(LOOK)
    stranger = issue_authority(not_before=NOW - DAY, not_after=NOW + 9 * DAY)
    write(replica.folder, a_leaf(stranger))
    assert not await replica.after(2 * SETTLE)
    both = stranger.certificate + OLD.certificate
    replica.trusts = (both, OLD.certificate, foreign)
    assert not await replica.after(2 * SETTLE)
    replica.trusts = (both, both, foreign)
    assert await replica.after(LOOK)


async def test_a_leaf_that_one_entry_is_left_to_trust_makes_room_for_one_that_the_others_trust(
    replica: Replica,
) -> None:
    """A new CA was written over the old one without an overlap, and somebody has the old one in an entry for ever."""
    write(replica.folder, OF_NEW)
    replica.trusts = (NEW.certificate, NEW.certificate, OLD.certificate)
    assert await replica.after(LOOK)
    assert replica.problem() == ""


@pytest.mark.parametrize("bundle", [b"", NEW.certificate], ids=["no-ca", "another-ca"])
async def test_a_replica_that_nobody_trusts_is_not_ready_after_a_moment(replica: Replica, bundle: bytes) -> None:
    """Repairs of a caBundle take a second or two: they do not take a replica out."""
    replica.trusts = (bundle, bundle)
    await replica.after(LOOK)
    assert replica.trust.trusted(at=replica.now) is False
    await replica.after(REFUSED_FOR - 1)
    assert replica.problem() == ""
    await replica.after(1)
    assert replica.problem() == NO_BUNDLE
    replica.trusts = (OLD.certificate,)
    await replica.after(LOOK)
    assert replica.problem() == ""
    replica.trusts = (bundle,)
    await replica.after(1)
    assert replica.problem() == ""


async def test_a_replica_that_starts_is_not_ready_before_it_is_trusted(tmp_path: Path) -> None:
    """After a change of CA or of the mode it may start with a certificate that the caBundle does not know yet."""
    trust = PublishedTrust(settle=SETTLE, clock=lambda: 0)
    trust.serves(OF_NEW.certificate, expires=NOW + DAY, at=NOW)
    assert trust.problem(at=NOW) == "it is not known yet whom the API server trusts"
    replica = await Replica.started(tmp_path, trusts=(NEW.certificate,))
    assert "no caBundle holds its CA" in replica.problem()
    replica.trusts = (NEW.certificate + OLD.certificate,)
    await replica.after(1)
    assert replica.problem() == ""


WRONG = a_leaf(OLD, name="wrong.system.svc")
MISNAMED = "the serving certificate does not name webhook.system.svc"


async def test_a_leaf_that_does_not_name_the_service_never_replaces_one_that_does(
    replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    """However long its CA has been trusted: the API server would accept it from no replica."""
    write(replica.folder, WRONG)
    for _ in range(3):
        assert not await replica.after(SETTLE)
    assert replica.problem() == ""
    assert replica.trust.trusted(at=replica.now)
    told = [vars(record)["fields"]["fault"] for record in caplog.records]
    assert told == [MISNAMED]
    write(replica.folder, SECOND_OF_OLD)
    assert await replica.after(LOOK)


async def test_a_replica_that_has_no_other_leaf_is_not_ready_and_takes_a_good_one_at_once(tmp_path: Path) -> None:
    replica = Replica(tmp_path, first=WRONG)
    await replica.after(0)
    assert replica.problem() == f"{MISNAMED}, so the API server does not accept it"
    assert replica.trust.trusted(at=replica.now) is False
    await replica.after(2 * REFUSED_FOR)
    assert replica.problem() != ""
    write(replica.folder, FIRST)
    assert await replica.after(1)
    await replica.after(1)
    assert replica.problem() == ""


@pytest.mark.parametrize(
    "services",
    [
        pytest.param([SERVICE, OTHER], id="one-entry-calls-something-else"),
        pytest.param([None], id="a-url"),
        pytest.param([{"name": "webhook"}], id="no-namespace"),
    ],
)
async def test_a_leaf_that_some_entry_accepts_or_of_which_nothing_is_known_is_good(
    tmp_path: Path, services: list[dict[str, object] | None]
) -> None:
    replica = Replica(tmp_path)
    replica.services = services
    await replica.after(0)
    assert replica.problem() == ""
    replica.seconds += SETTLE
    write(replica.folder, WRONG)
    assert await replica.after(0)
    assert replica.problem() == ""


async def test_the_end_of_the_authority_counts(replica: Replica) -> None:
    """It is a number for alerts; an authority that has ended makes its leaf untrusted."""
    assert replica.trust.authority_end() == NOW + 9 * DAY
    replica.trusts = (NEW.certificate,)
    await replica.after(1)
    assert replica.trust.authority_end() is None


async def test_what_was_seen_long_ago_is_not_known_any_more(replica: Replica) -> None:
    replica.trusts = (NEW.certificate,)
    await replica.after(REFUSED_FOR)
    replica.trusts = None
    await replica.after(KNOWN_FOR)
    assert replica.trust.trusted(at=replica.now) is False
    await replica.after(1)
    assert replica.trust.trusted(at=replica.now) is None
    assert replica.problem() == ""


async def test_it_looks_at_every_entry_of_both_configurations(caplog: pytest.LogCaptureFixture) -> None:
    api, trust = FakeApi(), PublishedTrust(settle=SETTLE)
    trust.serves(FIRST.certificate, expires=NOW + DAY, at=NOW)
    await trust.look(Api(api))
    assert trust.trusted(at=NOW) is None
    good = {"caBundle": base64.b64encode(OLD.certificate).decode()}
    for resource in CONFIGURATION_KINDS.values():
        webhooks = [{"name": "a", "clientConfig": good}, {"name": "b", "clientConfig": {}}]
        api.put(resource.object("tiergate"), {"webhooks": webhooks})
        await trust.look(Api(api))
        assert trust.trusted(at=NOW) is False
        api.put(resource.object("tiergate"), {"webhooks": [{"name": "a", "clientConfig": good}]})
        await trust.look(Api(api))
        assert trust.trusted(at=NOW) is True
    with caplog.at_level(logging.WARNING):
        api.refuse[f"GET {resource.plural}"] = ApiError(403, "Forbidden", "no")
        await trust.look(Api(api))
        await trust.look(Api(api))
    assert trust.trusted(at=NOW) is True
    assert [record.message for record in caplog.records] == ["cannot see whom the API server trusts"]
