"""What is to be issued, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.certs.bad_secrets import BASIC, SIGNS, an_authority
from tiergate_certs.bundle import Bundle, read_certificates
from tiergate_certs.issue import Pair, issue_authority, issue_leaf
from tiergate_certs.plan import Keep, Plan, Policy, RenewAll, RenewLeaf, plan, trusted_certificates

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
NAMES = ("webhook.system.svc", "webhook.system")
POLICY = Policy(authority_lifetime=300 * DAY, leaf_lifetime=90 * DAY, skew=timedelta(0))

AUTHORITY = issue_authority(not_before=START, not_after=START + 300 * DAY)
LATER = issue_authority(not_before=START + 100 * DAY, not_after=START + 400 * DAY)
LEAF = issue_leaf(AUTHORITY, names=NAMES, not_before=START, not_after=START + 90 * DAY)
LATE_LEAF = issue_leaf(AUTHORITY, names=NAMES, not_before=START + 150 * DAY, not_after=START + 240 * DAY)
NEXT_LEAF = issue_leaf(LATER, names=NAMES, not_before=START + 150 * DAY, not_after=START + 240 * DAY)
OTHER = issue_authority(not_before=START, not_after=START + 300 * DAY)
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
    assert plan(GOOD, now=START, policy=POLICY, names=("webhook.other.svc",)) == RenewLeaf(
        "the serving certificate does not name webhook.other.svc"
    )


@pytest.mark.parametrize(
    ("leaf", "beside", "expected"),
    [
        pytest.param(LATE_LEAF, AUTHORITY.certificate, LATER.certificate + AUTHORITY.certificate, id="a-former-leaf"),
        pytest.param(
            LATE_LEAF,
            OTHER.certificate + AUTHORITY.certificate,
            LATER.certificate + AUTHORITY.certificate,
            id="not-all",
        ),
        pytest.param(NEXT_LEAF, LATER.certificate + AUTHORITY.certificate, LATER.certificate, id="a-leaf-of-its-own"),
        pytest.param(Pair(b"", b""), AUTHORITY.certificate, LATER.certificate, id="no-leaf"),
        pytest.param(Pair(b"junk", b""), AUTHORITY.certificate, LATER.certificate, id="junk-for-a-leaf"),
        pytest.param(LATE_LEAF, b"junk", LATER.certificate, id="junk-beside-it"),
        pytest.param(LATE_LEAF, LATE_LEAF.certificate, LATER.certificate, id="a-leaf-beside-it"),
    ],
)
def test_a_former_authority_is_wanted_as_long_as_a_leaf_of_it_is_stored(
    leaf: Pair, beside: bytes, expected: bytes
) -> None:
    """And no longer: what is stored as trusted is what was published, former ones with it."""
    stored = Bundle(authority=None, trusted=beside, leaf=leaf)
    assert trusted_certificates(LATER, stored, now=START + 160 * DAY) == expected


def test_of_many_authorities_with_one_key_one_is_wanted() -> None:
    """What is asked for stays bounded whatever a Secret holds."""
    key = ec.generate_private_key(ec.SECP256R1())
    many = [an_authority(BASIC, SIGNS, key=key) for _ in range(5)]
    leaf = issue_leaf(many[0], names=NAMES, not_before=START, not_after=START + 90 * DAY)
    stored = Bundle(authority=None, trusted=b"".join(one.certificate for one in many), leaf=leaf)
    assert len(read_certificates(trusted_certificates(AUTHORITY, stored, now=START + DAY))) == 2


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
