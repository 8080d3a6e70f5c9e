"""Decide what has to be issued: a pure function of what is stored, the time and the policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, TypeAlias

from cryptography import x509

from tiergate_certs.bundle import (
    Bundle,
    BundleProblem,
    authority_problems,
    can_anchor,
    is_trusted,
    join_certificates,
    leaf_problems,
    read_certificates,
)
from tiergate_certs.issue import Pair

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far clocks may differ: validity starts so much earlier, and where they differ more nothing is decided by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long certificates live and when they are replaced.

    Attributes:
        authority_lifetime: Validity of a new CA.
        leaf_lifetime: Validity of a new leaf.
        renew_at: Part of a validity after which the certificate is replaced.
        skew: How far clocks of clients may be behind: validity starts this much earlier.
        settle: How long clients have trusted a CA before a leaf of it is issued, while the present leaf is good.
        overlap: How long a CA is trusted after it was last asked for, whoever had it published.
    """

    authority_lifetime: timedelta = timedelta(days=3650)
    leaf_lifetime: timedelta = timedelta(days=90)
    renew_at: Fraction = Fraction(2, 3)
    skew: timedelta = CLOCK_SKEW
    settle: timedelta = timedelta(seconds=60)
    overlap: timedelta = timedelta(days=1)

    def __post_init__(self) -> None:
        """Refuse a policy that would renew for ever, or never.

        Raises:
            ValueError: The part is not between 0 and 1, or times do not fit together.
        """
        if not 0 < self.renew_at < 1:
            raise ValueError(f"certificates are renewed between 0 and 1 of their validity, not at {self.renew_at}")
        if min(self.authority_lifetime, self.leaf_lifetime) <= timedelta(0):
            raise ValueError("lifetimes of certificates are positive")
        rest = self.leaf_lifetime * float(1 - self.renew_at)
        if not timedelta(0) <= self.settle < rest:
            raise ValueError(
                f"certificates are renewed {rest} before their end: settle must be shorter, not {self.settle}"
            )


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing to issue; look again at `until` at the latest."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """A leaf is due, and waits until clients have trusted its CA for a while: look again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class RenewLeaf:
    """Issue a leaf from the CA that is stored."""

    reason: str


@dataclass(frozen=True, slots=True)
class RenewAll:
    """Issue a new CA and a leaf from it."""

    reason: str


Plan: TypeAlias = Keep | RenewLeaf | RenewAll


def plan(bundle: Bundle | None, *, now: datetime, policy: Policy, names: Sequence[str]) -> Plan:
    """Decide what to issue.

    A CA that cannot sign (or is not there) takes the leaf with it; a leaf is judged against the stored CA and not
    against everything trusted, so after a change of the CA the leaf follows.

    Args:
        bundle: What is stored, or None.
        now: The time to decide at, aware.
        policy: Lifetimes and the moment of renewal.
        names: DNS names the leaf must carry.
    """
    if bundle is None:
        return RenewAll("no certificate is stored")
    if bundle.authority is None:
        return RenewAll("the CA is not stored")
    if problems := authority_problems(bundle.authority, at=now):
        return RenewAll(_sentence(problems))
    authority_until = renewal_time(read_certificates(bundle.authority.certificate)[0], policy)
    if now >= authority_until:
        return RenewAll(f"the CA was due for renewal at {authority_until:%Y-%m-%dT%H:%M:%SZ}")
    return _plan_leaf(bundle, bundle.authority, authority_until, now=now, policy=policy, names=names)


def _plan_leaf(
    bundle: Bundle, authority: Pair, authority_until: datetime, *, now: datetime, policy: Policy, names: Sequence[str]
) -> Plan:
    if problems := leaf_problems(bundle.leaf, trusted=authority.certificate, names=names, at=now):
        return RenewLeaf(_sentence(problems))
    leaf_until = renewal_time(read_certificates(bundle.leaf.certificate)[0], policy)
    if now >= leaf_until:
        return RenewLeaf(f"the serving certificate was due for renewal at {leaf_until:%Y-%m-%dT%H:%M:%SZ}")
    return Keep(min(leaf_until, authority_until))


def renewal_time(certificate: x509.Certificate, policy: Policy) -> datetime:
    """Return the moment after which a certificate is replaced."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if start + policy.skew < end:
        start += policy.skew  # it was issued then: otherwise a short life would begin when it is due already
    seconds = (end - start) // timedelta(seconds=1)
    return start + timedelta(seconds=int(seconds * policy.renew_at))


def trusted_certificates(authority: Pair, stored: Bundle, *, now: datetime) -> bytes:
    """Return the CA certificates clients have to trust now: the current one, and that of a leaf which is still stored.

    For how long a former one is trusted after that is the publisher's to know: what it published is in the Secret, too,
    and would be asked for by every step if all of it counted here.

    Args:
        authority: The current CA; it must be readable.
        stored: The leaf that servers find, and what was stored as trusted beside it; either may be unreadable.
        now: The time to decide at, aware.
    """
    current = read_certificates(authority.certificate)[0]
    chain = read_certificates(stored.leaf.certificate)
    earlier = [
        one for one in read_certificates(stored.trusted) if can_anchor(one, at=now) and is_trusted(chain, [one], at=now)
    ]
    latest = sorted(earlier, key=lambda one: one.not_valid_after_utc)[-1:]
    return join_certificates([current, *latest])


def _sentence(problems: Sequence[BundleProblem]) -> str:
    return "; ".join(problem.text for problem in problems)
