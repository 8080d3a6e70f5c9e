"""Two Secrets and a caBundle as the rotation sees them; writing can be cut off anywhere."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tests.certs.bad_secrets import NAMES, NOW
from tiergate_certs.bundle import from_secrets, leaf_problems, read_certificates
from tiergate_certs.overlap import Overlap
from tiergate_certs.plan import Policy
from tiergate_certs.rotate import AUTHORITY_NAME, SERVING_NAME, Published, Rotated, rotate
from tiergate_certs.store import Outdated, Stored

DAY = timedelta(days=1)
POLICY = Policy(authority_lifetime=300 * DAY, leaf_lifetime=90 * DAY)


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
            raise Outdated(name)
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
