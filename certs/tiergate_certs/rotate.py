"""One step: read what is stored, plan, issue, store, publish.

The step is idempotent: it can be cut off anywhere and run again, by this process or another one. The loop around it
lives in the caller.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from tiergate_certs.bundle import authority_data, from_secrets, read_certificates, serving_data
from tiergate_certs.issue import Pair, issue_authority, issue_leaf
from tiergate_certs.plan import Keep, Plan, Policy, RenewAll, plan, trusted_certificates
from tiergate_certs.store import SecretStore, Stored

AUTHORITY_NAME: Final = "tiergate-ca"
"""The CA and its key: for the issuer only."""

SERVING_NAME: Final = "tiergate-webhook-tls"
"""The CA certificates, the leaf and its key: mounted where the leaf is served."""


class Publisher(Protocol):
    """Tells clients which CA certificates to trust."""

    async def publish(self, trusted: bytes) -> None:
        """Make clients trust these certificates (PEM) and no others; nothing to do is the usual case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a step decided, and the CA certificates clients now trust (PEM)."""

    plan: Plan
    trusted: bytes


async def rotate(
    store: SecretStore, publisher: Publisher, *, now: datetime, policy: Policy, names: Sequence[str]
) -> Rotated:
    """Bring certificates and what clients trust into order.

    The order of writes keeps every moment in between good: first the new CA is stored, then clients trust it beside the
    old one, and only then a leaf of it is stored for servers to pick up.

    Args:
        store: Where both Secrets live.
        publisher: Where trust is published; called on every step, so that it repairs what others changed.
        now: The time, aware.
        policy: Lifetimes.
        names: DNS names of the leaf.

    Raises:
        Conflict: Somebody else wrote between reading and writing: run the step again.
    """
    kept_authority, kept_serving = await store.read(AUTHORITY_NAME), await store.read(SERVING_NAME)
    bundle = from_secrets(authority=_data(kept_authority), serving=_data(kept_serving))
    decided = plan(bundle, now=now, policy=policy, names=names)
    if bundle is None or bundle.authority is None or isinstance(decided, RenewAll):
        authority = await asyncio.to_thread(_new_authority, now=now, policy=policy)
        await store.write(AUTHORITY_NAME, authority_data(authority), _version(kept_authority))
    else:
        authority = bundle.authority
    previously = b"" if bundle is None else bundle.trusted
    trusted = trusted_certificates(authority, previously, now=now, policy=policy)
    await publisher.publish(trusted)
    if bundle is None or not isinstance(decided, Keep):
        leaf = await asyncio.to_thread(_new_leaf, authority, now=now, policy=policy, names=names)
    else:
        leaf = bundle.leaf
    if bundle is None or (leaf, trusted) != (bundle.leaf, bundle.trusted):
        await store.write(SERVING_NAME, serving_data(leaf, trusted=trusted), _version(kept_serving))
    return Rotated(plan=decided, trusted=trusted)


def _data(stored: Stored | None) -> Mapping[str, bytes] | None:
    return None if stored is None else stored.data


def _version(stored: Stored | None) -> str | None:
    return None if stored is None else stored.resource_version


def _new_authority(*, now: datetime, policy: Policy) -> Pair:
    return issue_authority(not_before=now - policy.skew, not_after=now + policy.authority_lifetime)


def _new_leaf(authority: Pair, *, now: datetime, policy: Policy, names: Sequence[str]) -> Pair:
    """Issue a leaf that does not outlive its CA."""
    end = read_certificates(authority.certificate)[0].not_valid_after_utc
    return issue_leaf(
        authority, names=names, not_before=now - policy.skew, not_after=min(now + policy.leaf_lifetime, end)
    )
