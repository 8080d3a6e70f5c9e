"""The fast and the slow decoder never disagree on what both accept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.admission.positions import a_full_claim, a_full_pod, a_full_tier, positions, spoiled
from tests.builders import Json
from tests.fuzz import grammar
from tests.fuzz.decoders import quickly
from tests.property.strategies import pod_objects
from tests.reviews import a_review_object
from tiergate.admission.request import read
from tiergate.admission.review import BadReview
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.core.tier import Tier
from tiergate.wire import Malformed, NotJson
from tiergate.wire.claim import WireClaim, to_claim
from tiergate.wire.decode import Reader
from tiergate.wire.pod import WirePod, to_pod
from tiergate.wire.tier import WireTier, to_tier
from tiergate.wire.tree import Number, parse

pytestmark = pytest.mark.property

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["1", "100m", "Always", "\ud800", "a\0", "1Gi", ""]),
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)

_KINDS: dict[str, tuple[Json, Reader[Any, Any]]] = {
    "pod": (a_full_pod(), Reader(WirePod, to_pod)),
    "claim": (a_full_claim(), Reader(WireClaim, to_claim)),
    "tier": (a_full_tier(), Reader(WireTier, lambda wire: comparable(to_tier(wire)))),
}


def comparable(value: Pod | Claim | Tier) -> str:
    return repr(value)


def fast(reader: Reader[Any, Any], raw: bytes) -> object:
    try:
        return quickly(reader, raw)
    except ValueError:
        return None


def slow(reader: Reader[Any, Any], raw: bytes) -> object:
    try:
        return reader.strictly(raw)
    except (Malformed, NotJson) as error:
        return error


@given(st.sampled_from(sorted(_KINDS)), trees, st.data())
def test_an_object_with_anything_anywhere_is_read_alike(kind: str, tree: object, data: st.DataObject) -> None:
    full, reader = _KINDS[kind]
    path, _ = data.draw(st.sampled_from(list(positions(full))))
    raw = json.dumps(spoiled(full, path, tree)).encode()
    one, other = fast(reader, raw), slow(reader, raw)
    overlooked = isinstance(other, Malformed) and b"\\u" in raw  # a lone surrogate in a member that nobody reads
    assert one is None or one == other or overlooked


@given(pod_objects())
def test_a_sound_pod_is_read_by_both_alike(pod: Json) -> None:
    _, reader = _KINDS["pod"]
    raw = json.dumps(pod).encode()
    other = slow(reader, raw)
    assert isinstance(other, Pod)
    assert fast(reader, raw) in (None, other)


@given(
    st.binary(max_size=40)
    | st.text('{}[],:"\\u0d8efntrs01-. ', max_size=40).map(str.encode)
    | trees.map(lambda tree: json.dumps(tree).encode())
)
def test_bytes_are_read_as_the_grammar_of_json_says(raw: bytes) -> None:
    """RFC 8259, with numbers as their text, the last of duplicate members, and no NaN or Infinity."""
    assert grammar.equal(of(parse, raw), of(lambda data: grammar.read(data.decode()), raw), number=Number)


def of(read: Callable[[bytes], object], raw: bytes) -> object:
    try:
        return read(raw)
    except ValueError:
        return ValueError


@given(trees, st.data())
def test_a_review_with_anything_anywhere_is_read_or_refused_in_a_known_way(tree: object, data: st.DataObject) -> None:
    review = a_review_object(a_full_pod())
    path, _ = data.draw(st.sampled_from(list(positions(review))))
    raw = json.dumps(spoiled(review, path, tree)).encode()
    try:
        known = read("validate", raw).uid
    except BadReview as error:
        known = str(error)
    assert known
