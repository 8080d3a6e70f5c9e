"""What is to be issued, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from tiergate_certs.bundle import Bundle
from tiergate_certs.issue import Pair, issue_authority, issue_leaf
from tiergate_certs.plan import Keep, Plan, Policy, RenewAll, RenewLeaf, plan, trusted_certificates

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
NAMES = ("gate.system.svc", "gate.system")
POLICY = Policy(authority_lifetime=300 * DAY, leaf_lifetime=90 * DAY, skew=timedelta(0))

AUTHORITY = issue_authority(not_before=START, not_after=START + 300 * DAY)
LATER = issue_authority(not_before=START + 100 * DAY, not_after=START + 400 * DAY)
LEAF = issue_leaf(AUTHORITY, names=NAMES, not_before=START, not_after=START + 90 * DAY)
LATE_LEAF = issue_leaf(AUTHORITY, names=NAMES, not_before=START + 150 * DAY, not_after=START + 240 * DAY)
GOOD = Bundle(authority=AUTHORITY, trusted=AUTHORITY.certificate, leaf=LEAF)


@pytest.mark.parametrize(
    ("bundle", "now", "expected"),
    [
        pytest.param(None, START, RenewAll("no certificate is stored"), id="first-start"),
        pytest.param(replace(GOOD, authority=None), START, RenewAll("the CA is not stored"), id="authority-deleted"),
        pytest.param(GOOD, START, Keep(START + 60 * DAY), id="fresh"),
        pytest.param(GOOD, START + 60 * DAY - SECOND, Keep(START + 60 * DAY), id="just-before-two-thirds"),
        pytest.param(
            GOOD,
            START + 60 * DAY,
            RenewLeaf("the serving certificate was due for renewal at 2026-04-30T00:00:00Z"),
            id="leaf-at-two-thirds",
        ),
        pytest.param(
            GOOD, START + 91 * DAY, RenewLeaf("the serving certificate expired at 2026-05-30T00:00:00Z"), id="leaf-over"
        ),
        pytest.param(
            replace(GOOD, leaf=LATE_LEAF), START + 190 * DAY, Keep(START + 200 * DAY), id="authority-is-due-first"
        ),
        pytest.param(
            replace(GOOD, leaf=LATE_LEAF),
            START + 200 * DAY,
            RenewAll("the CA was due for renewal at 2026-09-17T00:00:00Z"),
            id="authority-at-two-thirds",
        ),
        pytest.param(
            GOOD, START + 301 * DAY, RenewAll("the CA certificate expired at 2026-12-26T00:00:00Z"), id="all-over"
        ),
        pytest.param(
            replace(GOOD, leaf=Pair(b"", b"")),
            START,
            RenewLeaf("the serving certificate cannot be read"),
            id="leaf-deleted",
        ),
        pytest.param(
            replace(GOOD, leaf=Pair(LEAF.certificate, AUTHORITY.key)),
            START,
            RenewLeaf("the serving private key does not belong to the serving certificate"),
            id="leaf-key-exchanged",
        ),
        pytest.param(
            replace(GOOD, authority=Pair(AUTHORITY.certificate, LEAF.key)),
            START,
            RenewAll("the CA private key does not belong to the CA certificate"),
            id="authority-key-exchanged",
        ),
        pytest.param(
            replace(GOOD, authority=LATER, trusted=LATER.certificate + AUTHORITY.certificate),
            START + 100 * DAY - 50 * DAY,
            RenewAll("the CA certificate is not valid before 2026-06-09T00:00:00Z"),
            id="authority-of-the-future",
        ),
        pytest.param(
            Bundle(authority=LATER, trusted=LATER.certificate + AUTHORITY.certificate, leaf=LATE_LEAF),
            START + 160 * DAY,
            RenewLeaf("the serving certificate is not signed by a CA that is trusted and valid"),
            id="leaf-follows-its-new-authority",
        ),
    ],
)
def test_plan(bundle: Bundle | None, now: datetime, expected: Plan) -> None:
    """The plan and its reason follow from what is stored and the time alone."""
    assert plan(bundle, now=now, policy=POLICY, names=NAMES) == expected


def test_a_leaf_for_another_service_is_replaced() -> None:
    """After a move to another namespace the names no longer fit."""
    assert plan(GOOD, now=START, policy=POLICY, names=("gate.other.svc",)) == RenewLeaf(
        "the serving certificate does not name gate.other.svc"
    )


@pytest.mark.parametrize(
    ("previously", "now", "expected"),
    [
        pytest.param(b"", START + 100 * DAY, LATER.certificate, id="nothing-before"),
        pytest.param(b"junk", START + 100 * DAY, LATER.certificate, id="junk-before"),
        pytest.param(LATER.certificate, START + 100 * DAY, LATER.certificate, id="itself"),
        pytest.param(
            AUTHORITY.certificate, START + 100 * DAY, LATER.certificate + AUTHORITY.certificate, id="both-at-the-change"
        ),
        pytest.param(
            AUTHORITY.certificate,
            START + 190 * DAY,
            LATER.certificate + AUTHORITY.certificate,
            id="both-while-an-old-leaf-may-live",
        ),
        pytest.param(
            AUTHORITY.certificate, START + 190 * DAY + SECOND, LATER.certificate, id="one-when-old-leaves-are-over"
        ),
    ],
)
def test_old_and_new_authority_are_trusted_together(previously: bytes, now: datetime, expected: bytes) -> None:
    """The old CA leaves when the last leaf it can have signed has expired, not earlier and not later."""
    assert trusted_certificates(LATER, previously, now=now, policy=POLICY) == expected


@pytest.mark.parametrize(
    ("renew_at", "lifetime"),
    [
        pytest.param(Fraction(1), DAY, id="never"),
        pytest.param(Fraction(0), DAY, id="always"),
        pytest.param(Fraction(2, 3), timedelta(0), id="no-lifetime"),
    ],
)
def test_policies_that_make_no_sense_are_refused(renew_at: Fraction, lifetime: timedelta) -> None:
    """A policy that renews always or never is an error of the caller."""
    with pytest.raises(ValueError, match="certificates"):
        Policy(renew_at=renew_at, leaf_lifetime=lifetime)
