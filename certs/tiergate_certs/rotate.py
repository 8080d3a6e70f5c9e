"""One step: read what is stored, plan, issue, store, publish.

The step is idempotent: it can be cut off anywhere and run again, by this process or another one. The loop around it
lives in the caller.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from tiergate_certs.bundle import (
    Bundle,
    authority_data,
    from_secrets,
    leaf_problems,
    read_certificates,
    serving_data,
)
from tiergate_certs.issue import Pair, issue_authority, issue_leaf
from tiergate_certs.plan import Keep, Plan, Policy, RenewAll, RenewLeaf, Wait, plan, trusted_certificates
from tiergate_certs.store import NotStored, SecretStore, Stored

AUTHORITY_NAME: Final = "tiergate-ca"
"""The CA and its key: for the issuer only."""

SERVING_NAME: Final = "tiergate-webhook-tls"
"""The CA certificates, the leaf and its key: mounted where the leaf is served."""

ROTATE: Final = "tiergate.io/rotate"
"""Annotation of either Secret: replace what it holds. It is removed by the write that does so."""
DISTRUST: Final = "distrust"
"""Value of that annotation at the CA: trust the new CA alone, as the key of the old one is not secret any more."""
TRUST_ALONE: Final = "tiergate.io/trust-alone"
"""Annotation of the CA's Secret: no former CA is trusted beside this one. It goes when the CA is replaced again."""

CERT_MANAGERS: Final = "cert-manager.io/"
"""Beginning of the annotations that cert-manager leaves at a Secret that it has kept."""

NOTHING: Final = Bundle(authority=None, trusted=b"", leaf=Pair(b"", b""))


class Published(NamedTuple):
    """What clients trust now (PEM), and for how long they have trusted what was wanted."""

    trusted: bytes
    since: timedelta


class TrustPublisher(Protocol):
    """Tells clients which CA certificates to trust."""

    async def publish(self, wanted: bytes, *, alone: bool) -> Published:
        """Make clients trust these certificates (PEM) and, unless ``alone``, those that they trusted until now.

        Nothing to do is the usual case.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a step decided, and the CA certificates clients now trust (PEM)."""

    plan: Plan | Wait
    trusted: bytes


async def rotate(
    store: SecretStore, publisher: TrustPublisher, *, now: datetime, policy: Policy, names: Sequence[str]
) -> Rotated:
    """Bring certificates and what clients trust into order.

    The order of writes keeps every moment in between good: first the new CA is stored, then clients trust it beside the
    old one, and only when they have done so for a while a leaf of it is stored for servers to pick up.

    Args:
        store: Where both Secrets live.
        publisher: Where trust is published; called on every step, so that it repairs what others changed.
        now: The time, aware.
        policy: Lifetimes.
        names: DNS names of the leaf.

    Raises:
        Outdated: Another client wrote between reading and writing: run the step again.
        NotStored: One of the Secrets does not exist.
    """
    kept_authority, kept_serving = await _read(store, AUTHORITY_NAME), await _read(store, SERVING_NAME)
    stored = from_secrets(authority=kept_authority.data, serving=kept_serving.data)
    due = _due(kept_authority, kept_serving, plan(stored, now=now, policy=policy, names=names))
    alone = TRUST_ALONE in kept_authority.annotations
    if stored is None or stored.authority is None or isinstance(due, RenewAll):
        authority = await asyncio.to_thread(_new_authority, now=now, policy=policy)
        alone = kept_authority.annotations.get(ROTATE) == DISTRUST
        noted = {ROTATE: None, TRUST_ALONE: "true" if alone else None}
        data = authority_data(authority)
        await store.write(AUTHORITY_NAME, data, kept_authority.resource_version, annotations=noted)
    else:
        authority = stored.authority
    serving = NOTHING if stored is None else stored
    wanted = trusted_certificates(authority, NOTHING if alone else serving, now=now)
    published = await publisher.publish(wanted, alone=alone)
    decided = due if isinstance(due, Keep) else _wait(serving, published, now=now, policy=policy, names=names) or due
    leaf, noted = serving.leaf, _former_keeper(kept_serving)
    if isinstance(decided, RenewLeaf | RenewAll):
        leaf = await asyncio.to_thread(_new_leaf, authority, now=now, policy=policy, names=names)
        noted[ROTATE] = None
    if noted or (leaf, published.trusted) != (serving.leaf, serving.trusted):
        data = serving_data(leaf, trusted=published.trusted)
        await store.write(SERVING_NAME, data, kept_serving.resource_version, annotations=noted)
    return Rotated(plan=decided, trusted=published.trusted)


async def _read(store: SecretStore, name: str) -> Stored:
    found = await store.read(name)
    if found is None:
        raise NotStored(
            f'Secret "{name}" does not exist; it is never created by the controller: helm upgrade restores it'
        )
    return found


def _former_keeper(serving: Stored) -> dict[str, str | None]:
    """Return the notes to remove by which cert-manager says that it keeps this Secret: now it does not any more."""
    return {key: None for key in serving.annotations if key.startswith(CERT_MANAGERS)}


def _due(authority: Stored, serving: Stored, planned: Plan) -> Plan:
    """Return what is due: the plan, or more, if an annotation asks for it."""
    if ROTATE in authority.annotations:
        return RenewAll(f"asked for by the annotation {ROTATE} of {AUTHORITY_NAME}")
    if ROTATE in serving.annotations and isinstance(planned, Keep):
        return RenewLeaf(f"asked for by the annotation {ROTATE} of {SERVING_NAME}")
    return planned


def _wait(bundle: Bundle, published: Published, *, now: datetime, policy: Policy, names: Sequence[str]) -> Wait | None:
    """Return until when a new leaf waits; None where it may come, or must because the present one is no good."""
    left = policy.settle - published.since
    if left <= timedelta(0):
        return None
    if leaf_problems(bundle.leaf, trusted=published.trusted, names=names, at=now + policy.settle):
        return None
    return Wait(now + left)


def _new_authority(*, now: datetime, policy: Policy) -> Pair:
    return issue_authority(not_before=now - policy.skew, not_after=now + policy.authority_lifetime)


def _new_leaf(authority: Pair, *, now: datetime, policy: Policy, names: Sequence[str]) -> Pair:
    """Issue a leaf that does not outlive its CA."""
    end = read_certificates(authority.certificate)[0].not_valid_after_utc
    return issue_leaf(
        authority, names=names, not_before=now - policy.skew, not_after=min(now + policy.leaf_lifetime, end)
    )
