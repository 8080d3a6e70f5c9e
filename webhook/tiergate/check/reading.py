"""A manifest as the value that a decision is about: by the decoders that read admission reviews."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tiergate.core.decision import Fault
from tiergate.core.request import Subject, Unreadable
from tiergate.core.text import shortened
from tiergate.manifests.load import Manifest
from tiergate.wire import Malformed, kinds
from tiergate.wire.decode import Decoder
from tiergate.wire.kinds import Kind
from tiergate.wire.malformed import Excess
from tiergate.wire.tier import TIER_VERSION

_JUDGED: Final = [kind for kind in kinds.KINDS if "/" not in kind.resource and "CREATE" in kind.operations]
_KINDS: Final[dict[tuple[str, str], Kind]] = {(kind.resource.partition(".")[2], kind.noun): kind for kind in _JUDGED}
"""By group and kind in small letters; of a pod the row of the validating endpoint, which comes last."""
_DECODERS: Final[dict[type[msgspec.Struct], Decoder[Any]]] = {kind.wire: Decoder(kind.wire) for kind in _JUDGED}


class Unjudged(Unreadable, frozen=True):
    """An object with more in it than is judged, which the API server may take."""


def is_unstorable(subject: Subject) -> bool:
    """Say whether the API server itself cannot read an object: it refuses it in every mode, and asks no webhook."""
    return isinstance(subject, Unreadable) and not isinstance(subject, Unjudged)


def kind_of(manifest: Manifest) -> Kind | None:
    """Return how objects of a manifest's kind are judged, None for a kind that no tier judges."""
    return _KINDS.get((manifest.group, manifest.kind.lower())) if manifest.api_version else None


def unserved(manifest: Manifest, kind: Kind) -> Fault | None:
    """Return that the API server has no such kind: it is spelled otherwise, or in another version; None if it has."""
    name = kind.kind
    version = TIER_VERSION if name == "Tier" else "v1"
    served = f"{manifest.group}/{version}" if manifest.group else version
    if manifest.kind == name and manifest.api_version == served:
        return None
    pointer = "/apiVersion" if manifest.kind == name else "/kind"
    asked = f'no kind "{shortened(manifest.kind)}" in version "{shortened(manifest.api_version)}"'
    return Fault(pointer, f"{asked}, only {name} in {served}")


def subject_of(manifest: Manifest, kind: Kind, *, stored: bool = False) -> Subject:
    """Return what is judged; Unreadable or Unjudged where that cannot be read. ``stored``: as the cluster has it."""
    decoder = _DECODERS[kind.wire]

    def quickly(wire: Any) -> Subject:  # noqa: ANN401  # a wire shape
        return kind.to_core(wire if stored else _created(wire), None).subject

    def strictly(raw: bytes) -> Subject:
        try:
            return quickly(decoder.strict(raw))
        except Excess as error:
            return Unjudged(error.every())
        except Malformed as error:
            return Unreadable(error.every())
        except ValueError as error:  # more values, or deeper, than is judged
            return Unjudged((Fault("", str(error)),))

    try:
        return decoder.read(manifest.raw, quickly, strictly)
    except Excess as error:
        return Unjudged(error.every())


def _created(wire: Any) -> Any:  # noqa: ANN401  # a wire shape
    """Return an object as the API server takes it when it is created: nobody says then what becomes of it."""
    if getattr(wire, "status", None) is not None:
        wire.status = None
    metadata = getattr(wire, "metadata", None)
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        if getattr(metadata, name, None) is not None:
            setattr(metadata, name, None)
    return wire
