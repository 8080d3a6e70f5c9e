"""Both decoders of a document must agree, and refuse what the grammar refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from tests.fuzz import grammar
from tests.fuzz.decoders import quickly
from tests.fuzz.findings import ENDPOINTS, Finding, Signature, integer, outline
from tiergate.admission import request as requests
from tiergate.admission.request import AdmissionRequest
from tiergate.admission.review import BadReview
from tiergate.core import desired, tier_faults
from tiergate.core.decide import decide
from tiergate.core.facts import Server, facts_of_tier
from tiergate.core.release import NEWEST
from tiergate.core.request import Endpoint, Request, TierChange, Unreadable, WorkloadChange
from tiergate.core.tier import Tier
from tiergate.wire import Malformed, NotJson, kinds
from tiergate.wire.decode import Reader
from tiergate.wire.namespace import read_namespace
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import read_tier
from tiergate.wire.tree import MAX_DEPTH, Number, parse


def parses_by_the_grammar(data: bytes) -> None:
    """The strict decoder's tree is the one that the grammar of JSON gives, or there is none for both."""
    try:
        expected = grammar.read(data.decode())
    except RecursionError:
        return  # nothing can be said
    except ValueError:
        expected = NotJson
    try:
        tree = parse(data)
    except NotJson:
        tree = NotJson  # type: ignore[assignment]  # stands for the error on both sides
    if not grammar.equal(tree, expected, number=Number):
        raise Finding(f"the strict decoder parses {tree!r}, the grammar gives {expected!r}")


Decode = Callable[[bytes], object]


def decoders_agree(data: bytes) -> bool:
    """Compare the decoders of what the review is of; return whether one choked on text that nobody reads."""
    excuses = [
        _agree(f"/{endpoint}", partial(_quickly, endpoint), partial(_strictly, endpoint), data)
        for endpoint in ENDPOINTS
        if endpoint != "mutate"  # whose reviews /validate takes too
    ]
    return any(excuses)


def _quickly(endpoint: Endpoint, data: bytes) -> object:
    """Return the request as the fast decoder alone reads it, None for what it cannot read."""
    guessed = kinds.likely(endpoint, data)
    review = requests._DECODERS[guessed.wire].quick(data)
    return None if review is None else _comparable(requests._quickly(review, guessed))


def _strictly(endpoint: Endpoint, data: bytes) -> object:
    """Return the request as the strict decoder alone reads it."""
    return _comparable(requests._strictly(data, kinds.likely(endpoint, data)))


def _comparable(request: AdmissionRequest) -> object:
    """Return what both decoders must read alike; a text where the object cannot be read."""
    subject = request.subject
    if isinstance(subject, Unreadable):
        return "; ".join(f"{fault.pointer}: {fault.reason}" for fault in subject.faults)
    if isinstance(subject, WorkloadChange):
        return type(subject).__name__, msgspec.structs.replace(request, subject=_unspelled(subject))
    return type(subject).__name__, request


def _unspelled(change: WorkloadChange) -> WorkloadChange:
    """Return the change without the bytes of its templates: the slow decoder writes them anew."""
    both = (None if one is None else msgspec.structs.replace(one, written=b"") for one in (change.workload, change.old))
    return WorkloadChange(*both)


def _agree(what: str, fast: Decode, slow: Decode, data: bytes) -> bool:
    """What the fast decoder reads, the slow one reads, as the same value.

    The one exception: the fast one passes over bytes that are no text where it reads nothing. There the slow
    one must read the same value once they are replaced, and the answer is True.
    """
    quick = _read(fast, data)
    if quick is None or isinstance(quick, str):
        return False
    thorough = _read(slow, data)
    if isinstance(thorough, str) and thorough.endswith(_TOO_DEEP):
        return True  # the fast decoder passes over what nobody reads to twice that depth
    excused = isinstance(thorough, str) and thorough.endswith(_NO_TEXT)
    if excused:
        thorough = _read(slow, _as_text(data))
    if isinstance(thorough, str) or _plain(quick) != _plain(thorough):
        raise Finding(f"{what}: the fast decoder reads {quick}, the slow one {thorough}")
    return excused


_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"
_NO_TEXT: Final = ("NUL and lone surrogates are not text", "not UTF-8")


def _as_text(data: bytes) -> bytes:
    """Return the document with every byte and every escape that is no text replaced."""
    tree = json.loads(data.decode(errors="replace"), parse_float=str, parse_int=integer)
    return json.dumps(tree, ensure_ascii=False).encode(errors="replace")


def _read(decode: Decode, data: bytes) -> object:
    """Return the value, or as a text why there is none."""
    try:
        return decode(data)
    except (ValueError, BadReview, RecursionError) as error:
        return re.sub(" at byte [0-9]+", "", str(error)) or type(error).__name__


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, order="deterministic")


def document(data: bytes) -> Iterator[object]:
    readers: Mapping[str, Reader[Any, Any]] = {"tier": read_tier, "quota": read_quota, "namespace": read_namespace}
    for name, reader in readers.items():
        _agree(name, partial(quickly, reader), reader.strictly, data)
        try:
            value = reader(data)
        except (Malformed, NotJson) as error:
            yield name, type(error).__name__, outline(str(error))
        else:
            yield name, _used(value)


def _written(value: Tier) -> Request:
    """Return the request that writes a tier."""
    return Request(
        endpoint="tiers",
        resource="tiers.tiergate.io",
        namespace="",
        name=value.name,
        user="",
        subject=TierChange(value),
    )


def _used(value: object) -> Signature:
    """Use a value as its readers do; return what is notable of it."""
    if not isinstance(value, Tier):
        return ()
    found = tier_faults.faults(value)
    decide(_written(value), facts_of_tier(Server(NEWEST, 0.0), members=()))
    return (len(desired.desired_quotas(value)), tuple(sorted({outline(one.reason) for one in found})))
