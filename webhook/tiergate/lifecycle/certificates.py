"""``tiergate certs``: who keeps the webhook's certificate, until when it is good, who trusts it; another one now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from cryptography.hazmat.primitives.hashes import SHA256

from tiergate.cluster.client import off_by
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME
from tiergate.cluster.secrets import ClusterSecrets
from tiergate.lifecycle.serving import WEBHOOK, leader, served_secret
from tiergate_certs.bundle import authority_problems, from_secrets, is_trusted, leaf_problems, read_certificates
from tiergate_certs.cabundle import entries
from tiergate_certs.issue import service_names
from tiergate_certs.plan import CLOCK_SKEW
from tiergate_certs.rotate import AUTHORITY_NAME, DISTRUST, ROTATE, SERVING_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from cryptography import x509

    from tiergate.cluster.api import Api
    from tiergate_certs.bundle import BundleProblem
    from tiergate_certs.store import Stored

What = Literal["certificate", "ca", "distrust"]
CERT_MANAGER: Final = "cert-manager.io/certificate-name"


class NotRotated(RuntimeError):
    """The certificate is not ours to replace, or its Secret is missing; the message says who can."""


class CertificateReport:
    """What was found, line by line, and whether all of it is good."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Print with ``say``."""
        self._say = say
        self.good = True

    def tell(self, subject: str, faults: Sequence[str], facts: str) -> None:
        """Tell of one thing: what is wrong with it, or what it is."""
        self.good = self.good and not faults
        self._say(f"{'failed' if faults else 'ok':<10}{subject}: {'; '.join(faults) or facts}")

    def leave_open(self, subject: str, why: str) -> None:
        """Tell of one thing that cannot be judged for what was told before."""
        self._say(f"{'unproved':<10}{subject}: {why}")


async def status(
    api: Api,
    *,
    namespace: str,
    secret: str | None,
    now: datetime,
    clock_offset: Callable[[], timedelta | None],
    say: Callable[[str], None],
) -> bool:
    """Say who keeps the certificate, whose it is and until when, and which entry trusts it; True if all is good.

    Args:
        api: Reads.
        namespace: Of the release.
        secret: Name of the Secret with the certificate; None: the one that the webhook's Deployment mounts.
        now: Our time of day, aware.
        clock_offset: By how much it is ahead of the API server's; None while that is not known.
        say: Prints a line.

    Raises:
        NoRelease: The release is in another namespace.
        ApiError, Unreachable: The API server refuses, or does not answer.
    """
    store, report = ClusterSecrets(api, namespace), CertificateReport(say)
    secret = await _named_or_served(api, namespace, secret)
    serving = await store.read(secret)
    keeper = _keeper(secret, serving)
    say(f"{'kept by':<10}{keeper}")
    leads, fault = await leader(api, namespace, now=now - (clock_offset() or timedelta(0)))
    report.tell("controller", [fault] if fault else [], f"{leads} leads")
    if keeper == "the controller":
        _tell_authority(report, await store.read(AUTHORITY_NAME), now=now)
    leaf = _tell_leaf(report, secret, serving, namespace=namespace, now=now)
    await _tell_entries(api, report, leaf, now=now)
    offset = clock_offset() or timedelta(0)
    faults = [off_by(offset)] if abs(offset) > CLOCK_SKEW else []
    report.tell("this clock", faults, "within 5 minutes of the API server's")
    return report.good


async def _tell_entries(
    api: Api, report: CertificateReport, leaf: tuple[x509.Certificate, ...], *, now: datetime
) -> None:
    """Tell of each entry whether it trusts the certificate; without one that is not known."""
    for kind, resource in CONFIGURATION_KINDS.items():
        raw = await api.get(resource, CONFIGURATION_NAME)
        if raw is None:
            report.tell(kind, ["does not exist: helm upgrade restores it"], "")
            continue
        for entry in entries(raw):
            authorities = read_certificates(entry.authorities)
            if not leaf:
                report.leave_open(entry.name, "there is no certificate in the Secret to judge by")
                continue
            faults = [] if is_trusted(leaf, authorities, at=now) else ["does not trust the serving certificate"]
            report.tell(entry.name, faults, f"trusts {', '.join(map(_named, authorities))}")


async def _named_or_served(api: Api, namespace: str, secret: str | None) -> str:
    """Return the Secret that was named, else the one that replicas serve from, else ours."""
    served = await served_secret(api, namespace)
    return secret or served or SERVING_NAME


def _keeper(secret: str, serving: Stored | None) -> str:
    if serving is not None and (name := serving.annotations.get(CERT_MANAGER)) is not None:
        return f'cert-manager (Certificate "{name}")'
    return "the controller" if secret == SERVING_NAME else f'the owner of Secret "{secret}"'


def _tell_authority(report: CertificateReport, kept: Stored | None, *, now: datetime) -> None:
    subject = f'CA in Secret "{AUTHORITY_NAME}"'
    bundle = None if kept is None else from_secrets(authority=kept.data, serving=None)
    if kept is None or bundle is None or bundle.authority is None:
        report.tell(subject, ["the Secret is missing: helm upgrade restores it" if kept is None else "is empty"], "")
        return
    chain = read_certificates(bundle.authority.certificate)
    faults = _texts(authority_problems(bundle.authority, at=now))
    report.tell(subject, faults, "; ".join([*map(_described, chain), *_pending(kept)]))


def _tell_leaf(
    report: CertificateReport, secret: str, kept: Stored | None, *, namespace: str, now: datetime
) -> tuple[x509.Certificate, ...]:
    """Tell of the serving certificate; return it with its chain, () where there is none."""
    subject = f'certificate in Secret "{secret}"'
    bundle = None if kept is None else from_secrets(authority=None, serving=kept.data)
    if kept is None or bundle is None:
        hint = ": helm upgrade restores it" if secret == SERVING_NAME else ": its owner has to create it"
        report.tell(subject, [f"the Secret is missing{hint}" if kept is None else "is empty"], "")
        return ()
    name = service_names(service=WEBHOOK, namespace=namespace)[:1]
    faults = _texts(leaf_problems(bundle.leaf, trusted=bundle.trusted, names=name, at=now))
    chain = read_certificates(bundle.leaf.certificate)
    report.tell(subject, faults, "; ".join([*map(_described, chain[:1]), *_pending(kept)]))
    return chain


def _texts(problems: Sequence[BundleProblem]) -> list[str]:
    return [problem.text for problem in problems]


def _pending(kept: Stored) -> Iterator[str]:
    if ROTATE in kept.annotations:
        yield "another one was asked for and is not there yet"


def _described(certificate: x509.Certificate) -> str:
    return (
        f"{_named(certificate)} signed by {certificate.issuer.rfc4514_string()}, "
        f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ} to {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    )


def _named(certificate: x509.Certificate) -> str:
    return f"{certificate.subject.rfc4514_string()} ({certificate.fingerprint(SHA256()).hex()[:8]})"


async def rotate(
    api: Api,
    *,
    namespace: str,
    secret: str | None,
    what: What,
    now: datetime,
    clock_offset: Callable[[], timedelta | None],
    say: Callable[[str], None],
) -> bool:
    """Ask the controller for another certificate, or another CA with one, by an annotation of the Secret.

    The arguments are those of ``status``; ``what`` is what is asked for. False if no controller leads: it is asked all
    the same, and the next one that leads does it.

    Raises:
        NoRelease: The release is in another namespace.
        NotRotated: Another owner keeps the certificate, or the Secret is missing.
        Outdated: The Secret was written at the same moment.
        ApiError, Unreachable: The API server refuses, or does not answer.
    """
    store = ClusterSecrets(api, namespace)
    secret = await _named_or_served(api, namespace, secret)
    keeper = _keeper(secret, await store.read(secret))
    if keeper.startswith("cert-manager"):
        raise NotRotated(f"{keeper} keeps it: cmctl renew tiergate-webhook -n {namespace}")
    if keeper != "the controller":
        raise NotRotated(f"{keeper} keeps it: write another pair there, and its CA into ca.crt")
    name = SERVING_NAME if what == "certificate" else AUTHORITY_NAME
    kept = await store.read(name)
    if kept is None:
        raise NotRotated(f'Secret "{name}" does not exist: helm upgrade restores it')
    noted = {ROTATE: DISTRUST if what == "distrust" else "now"}
    await store.write(name, kept.data, kept.resource_version, annotations=noted)
    thing = "certificate" if what == "certificate" else "CA"
    _, fault = await leader(api, namespace, now=now - (clock_offset() or timedelta(0)))
    say(f"asked for another {thing}: {fault or 'the controller that leads looks within 10 s'}")
    return not fault
