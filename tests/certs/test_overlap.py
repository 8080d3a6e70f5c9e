"""Which former CAs stay trusted, and for how long."""

from __future__ import annotations

from datetime import timedelta

from tests.certs.bad_secrets import BASIC, DAY, NAMES, NOW, an_authority, ours, usage
from tiergate_certs.bundle import LARGEST_PEM, join_certificates, read_certificates
from tiergate_certs.issue import issue_leaf
from tiergate_certs.overlap import MOST_FORMER, Overlap

SECOND = timedelta(seconds=1)
A, B, C = (ours().certificate for _ in range(3))
LEAF = issue_leaf(ours(), names=NAMES, not_before=NOW - DAY, not_after=NOW + DAY).certificate


def test_a_former_authority_stays_for_the_period_after_it_was_last_wanted() -> None:
    overlap = Overlap(DAY)
    assert overlap.join(A, alone=False, now=NOW) == A
    assert overlap.join(A, alone=False, now=NOW + 9 * DAY) == A
    for moment in (NOW + 9 * DAY + SECOND, NOW + 10 * DAY):
        assert overlap.join(B, alone=False, now=moment) == B + A
    assert overlap.join(B, alone=False, now=NOW + 10 * DAY + SECOND) == B


def test_what_was_found_published_counts_as_former() -> None:
    """It may be another mode's, or another process's: its period begins when it was found."""
    overlap = Overlap(DAY)
    overlap.remember(A + B, now=NOW)
    assert overlap.join(C + B, alone=False, now=NOW + DAY) == C + B + A
    assert overlap.join(C + B, alone=False, now=NOW + DAY + SECOND) == C + B


def test_alone_forgets_all_former_ones() -> None:
    overlap = Overlap(DAY)
    overlap.remember(A, now=NOW)
    assert overlap.join(B, alone=True, now=NOW) == B
    assert overlap.join(B, alone=False, now=NOW) == B


def test_what_no_leaf_can_end_at_is_not_kept() -> None:
    """Junk in a caBundle is not carried on, and neither is a CA that has ended."""
    overlap = Overlap(99 * DAY)
    ended, unable = ours(ends=DAY).certificate, an_authority(BASIC, usage(key_cert_sign=False)).certificate
    for found in (b"junk", LEAF, unable, ended, A * (LARGEST_PEM // len(A) + 1)):
        overlap.remember(found, now=NOW)
    assert overlap.join(B, alone=False, now=NOW) == B + ended
    assert overlap.join(B, alone=False, now=NOW + DAY + SECOND) == B


def test_the_memory_is_bounded_and_the_latest_stay() -> None:
    overlap = Overlap(99 * DAY)
    many = [ours().certificate for _ in range(3 * MOST_FORMER)]
    overlap.remember(b"".join(many), now=NOW)
    for hour, one in enumerate(many):
        found = overlap.join(one, alone=False, now=NOW + timedelta(hours=hour))
        assert len(read_certificates(found)) <= MOST_FORMER + 1
    assert found == join_certificates(read_certificates(b"".join(many[: -MOST_FORMER - 2 : -1])))
