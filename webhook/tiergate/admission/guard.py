"""Reviews of Namespaces (the tier label) and of Tiers: what they ask, as values."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.admission.review import BadReview, Envelope, Request, ReviewReader, Unreadable
from tiergate.core.tally import unmeasured
from tiergate.core.tier import CONTAINER, Tier, derived_defaults
from tiergate.wire import Malformed
from tiergate.wire.namespace import WireNamespace, to_namespace
from tiergate.wire.tier import WireTier, to_tier

_NAMESPACES: Final = frozenset({"namespaces", "namespaces/status", "namespaces/finalize"})
_TIERS: Final = "tiers.tiergate.io"

_read_namespaces: Final = ReviewReader(WireNamespace)
_read_tiers: Final = ReviewReader(WireTier)


class LabelChange(msgspec.Struct, frozen=True):
    """A change of the tier label of a namespace; None is "no label"."""

    envelope: Envelope
    namespace: str
    before: str | None
    after: str | None


class TierChange(msgspec.Struct, frozen=True):
    """A Tier to be written (``tier``) or deleted (None)."""

    envelope: Envelope
    name: str
    tier: Tier | None
    spec_unchanged: bool = False


def ask_namespace(body: bytes) -> LabelChange:
    """Return the label change of a review; raise BadReview or Unreadable."""
    request = _read_namespaces(body, _expect_namespace)
    if request.object is None:
        raise Unreadable(request, Malformed("", "there is no object"))
    after = to_namespace(request.object)
    before = to_namespace(request.oldObject) if request.oldObject else None
    return LabelChange(request, after.name or request.name or "", before.tier if before else None, after.tier)


def ask_tier(body: bytes) -> TierChange:
    """Return the tier of a review; raise BadReview or Unreadable."""
    request = _read_tiers(body, _expect_tier)
    if request.operation == "DELETE":
        old = request.oldObject.metadata if request.oldObject else None
        return TierChange(request, (old.name if old else "") or request.name or "", None)
    tier = _readable_tier(request, body)
    unchanged = request.oldObject is not None and request.object is not None
    same = unchanged and request.object.spec == request.oldObject.spec  # type: ignore[union-attr]  # both are there
    return TierChange(request, tier.name or request.name or "", tier, spec_unchanged=same)


def _readable_tier(request: Request[WireTier], body: bytes) -> Tier:
    if request.object is None:
        raise Unreadable(request, Malformed("", "there is no object"))
    try:
        return to_tier(request.object)
    except ValueError:
        strict = _read_tiers.strictly(body, _expect_tier)  # says where, unless to_tier itself refuses
    try:
        return to_tier(strict.object or WireTier())
    except Malformed as error:
        raise Unreadable(strict, error) from None


def _expect_namespace(request: Envelope) -> None:
    _expect(request, _NAMESPACES, ("CREATE", "UPDATE"), door="namespaces")


def _expect_tier(request: Envelope) -> None:
    _expect(request, frozenset({_TIERS}), ("CREATE", "UPDATE", "DELETE"), door="tiers")


def _expect(request: Envelope, resources: frozenset[str], operations: tuple[str, ...], *, door: str) -> None:
    if request.what not in resources or request.operation not in operations:
        msg = f"/{door} does not judge {request.operation or 'no operation'} of {request.what or 'no resource'}"
        raise BadReview(msg, uid=request.uid)


def tier_warnings(tier: Tier) -> tuple[str, ...]:
    """Return what is legal and rarely meant: derived defaults, a ``max`` without a ``min``, names nobody measures."""
    warnings: list[str] = []
    for item in tier.limits:
        if item.type == CONTAINER:
            warnings += [
                f"tier {tier.name}: {field}.{name} is not written and becomes {quantity}"
                for field, name, quantity in derived_defaults(item)
            ]
        warnings += [
            f"tier {tier.name}: {item.type} has a max for {name} and no min"
            for name in sorted(item.max.keys() - item.min.keys())
        ]
    if tier.mode != "Enforce" and (names := unmeasured(tier)):
        warnings.append(f"tier {tier.name}: in mode {tier.mode} nothing is reported on {', '.join(names)}")
    return tuple(warnings)
