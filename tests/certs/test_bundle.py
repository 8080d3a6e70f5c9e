"""What is wrong with a stored pair, at a given time."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from tiergate_certs.bundle import (
    Bundle,
    ProblemKind,
    authority_problems,
    from_secrets,
    join_certificates,
    leaf_problems,
    read_certificates,
)
from tiergate_certs.issue import Pair, issue_authority, issue_leaf

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMES = ("webhook.system.svc", "webhook.system")
END = NOW + timedelta(days=90)

AUTHORITY = issue_authority(not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=3650))
OTHER = issue_authority(not_before=NOW, not_after=NOW + timedelta(days=3650))
SHORT = issue_authority(not_before=NOW, not_after=NOW + timedelta(days=10))
LEAF = issue_leaf(AUTHORITY, names=NAMES, not_before=NOW, not_after=END)
WILD = issue_leaf(AUTHORITY, names=("*.system.svc", "Webhook.System"), not_before=NOW, not_after=END)
OF_SHORT = issue_leaf(SHORT, names=NAMES, not_before=NOW, not_after=END)
ENCRYPTED = serialization.load_pem_private_key(LEAF.key, password=None).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
)


@pytest.mark.parametrize(
    ("leaf", "trusted", "names", "at", "expected"),
    [
        pytest.param(LEAF, AUTHORITY.certificate, NAMES, NOW, [], id="good-in-its-first-second"),
        pytest.param(LEAF, AUTHORITY.certificate, NAMES, END, [], id="good-in-its-last-second"),
        pytest.param(LEAF, OTHER.certificate + AUTHORITY.certificate, NAMES, NOW, [], id="second-of-two-trusted"),
        pytest.param(WILD, AUTHORITY.certificate, NAMES, NOW, [], id="wildcard-and-letter-case"),
        pytest.param(LEAF, AUTHORITY.certificate, NAMES, NOW - SECOND, [ProblemKind.NOT_YET_VALID], id="too-early"),
        pytest.param(LEAF, AUTHORITY.certificate, NAMES, END + SECOND, [ProblemKind.EXPIRED], id="expired"),
        pytest.param(
            Pair(LEAF.certificate, WILD.key),
            AUTHORITY.certificate,
            NAMES,
            NOW,
            [ProblemKind.KEY_MISMATCH],
            id="mismatch",
        ),
        pytest.param(LEAF, OTHER.certificate, NAMES, NOW, [ProblemKind.UNTRUSTED], id="signed-by-another"),
        pytest.param(LEAF, b"", NAMES, NOW, [ProblemKind.UNTRUSTED], id="no-authority-stored"),
        pytest.param(LEAF, LEAF.certificate, NAMES, NOW, [], id="trusted-itself"),
        pytest.param(WILD, LEAF.certificate, NAMES, NOW, [ProblemKind.UNTRUSTED], id="trusts-another-leaf"),
        pytest.param(
            OF_SHORT,
            SHORT.certificate,
            NAMES,
            NOW + timedelta(days=11),
            [ProblemKind.UNTRUSTED],
            id="authority-expired",
        ),
        pytest.param(LEAF, AUTHORITY.certificate, (*NAMES, "x.y"), NOW, [ProblemKind.NAME_MISSING], id="another-name"),
        pytest.param(
            WILD,
            AUTHORITY.certificate,
            ("a.b.system.svc",),
            NOW,
            [ProblemKind.NAME_MISSING],
            id="wildcard-of-one-label",
        ),
        pytest.param(
            Pair(b"", LEAF.key), AUTHORITY.certificate, NAMES, NOW, [ProblemKind.UNREADABLE], id="no-certificate"
        ),
        pytest.param(
            Pair(LEAF.certificate[:-40], LEAF.key),
            AUTHORITY.certificate,
            NAMES,
            NOW,
            [ProblemKind.UNREADABLE],
            id="half-a-certificate",
        ),
        pytest.param(
            Pair(LEAF.certificate, b"no key"), AUTHORITY.certificate, NAMES, NOW, [ProblemKind.UNREADABLE], id="no-key"
        ),
        pytest.param(
            Pair(LEAF.certificate, ENCRYPTED),
            AUTHORITY.certificate,
            NAMES,
            NOW,
            [ProblemKind.UNREADABLE],
            id="encrypted",
        ),
        pytest.param(
            Pair(LEAF.certificate, WILD.key),
            OTHER.certificate,
            ("x.y",),
            END + SECOND,
            [ProblemKind.KEY_MISMATCH, ProblemKind.EXPIRED, ProblemKind.UNTRUSTED, ProblemKind.NAME_MISSING],
            id="everything-at-once",
        ),
    ],
)
def test_faults_of_a_leaf(
    leaf: Pair, trusted: bytes, names: tuple[str, ...], at: datetime, expected: list[ProblemKind]
) -> None:
    """Every problem is found, all at once."""
    problems = leaf_problems(leaf, trusted=trusted, names=names, at=at)
    assert [problem.kind for problem in problems] == expected


@pytest.mark.parametrize(
    ("authority", "at", "expected"),
    [
        pytest.param(AUTHORITY, NOW, [], id="good"),
        pytest.param(SHORT, NOW + timedelta(days=11), [ProblemKind.EXPIRED], id="expired"),
        pytest.param(LEAF, NOW, [ProblemKind.NOT_AN_AUTHORITY, ProblemKind.NOT_AN_AUTHORITY], id="a-leaf"),
        pytest.param(Pair(AUTHORITY.certificate, OTHER.key), NOW, [ProblemKind.KEY_MISMATCH], id="mismatch"),
        pytest.param(Pair(b"junk", OTHER.key), NOW, [ProblemKind.UNREADABLE], id="junk"),
    ],
)
def test_faults_of_an_authority(authority: Pair, at: datetime, expected: list[ProblemKind]) -> None:
    """A CA that cannot sign at this time says why."""
    assert [problem.kind for problem in authority_problems(authority, at=at)] == expected


def test_faults_never_show_the_key() -> None:
    """Texts of problems go to logs and conditions."""
    problems = leaf_problems(Pair(LEAF.certificate, b"secret"), trusted=b"", names=("x.y",), at=NOW)
    assert "secret" not in " ".join(problem.text for problem in problems)


def test_an_intermediate_is_followed() -> None:
    """A chain is followed link by link; without its middle it ends nowhere."""
    chained = Pair(LEAF.certificate + AUTHORITY.certificate, LEAF.key)
    assert leaf_problems(chained, trusted=AUTHORITY.certificate, names=NAMES, at=NOW) == ()
    broken = Pair(LEAF.certificate + OTHER.certificate, LEAF.key)
    assert [problem.kind for problem in leaf_problems(broken, trusted=OTHER.certificate, names=NAMES, at=NOW)] == [
        ProblemKind.UNTRUSTED
    ]


def test_nothing_stored_is_no_bundle() -> None:
    """Two missing or empty Secrets are nothing; one of two is a bundle with a hole."""
    assert from_secrets(authority=None, serving=None) is None
    assert from_secrets(authority={}, serving={}) is None
    served = from_secrets(authority={}, serving={"tls.crt": b"c"})
    assert served == Bundle(authority=None, trusted=b"", leaf=Pair(b"c", b""))
    half = from_secrets(authority={"tls.crt": b"c", "tls.key": b"k"}, serving=None)
    assert half == Bundle(authority=Pair(b"c", b"k"), trusted=b"", leaf=Pair(b"", b""))


def test_joining_keeps_order_and_drops_repetitions() -> None:
    """Each certificate once; parse and print round-trips."""
    text = AUTHORITY.certificate + OTHER.certificate + AUTHORITY.certificate
    assert join_certificates(read_certificates(text)) == AUTHORITY.certificate + OTHER.certificate
