"""JSON bytes as a tree: numbers as their text, and bounds on what a document may cost."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import pytest

from tiergate.wire import NotJson, tree
from tiergate.wire.malformed import Malformed
from tiergate.wire.namespace import read_namespace
from tiergate.wire.tree import MAX_DEPTH, MAX_VALUES, Number, parse


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(b"9007199254740993", "9007199254740993", id="Q-17-beyond-a-float"),
        pytest.param(b"0.1", "0.1", id="Q-17-fraction"),
        pytest.param(b"-1E+2", "-1E+2", id="exponent"),
        pytest.param(b"1.50", "1.50", id="trailing-zero"),
        pytest.param(b"9" * 10_000, "9" * 10_000, id="longer-than-int-can-convert"),
    ],
)
def test_a_number_is_its_text(raw: bytes, text: str) -> None:
    number = parse(raw)
    assert isinstance(number, Number)
    assert number == text


@pytest.mark.parametrize("raw", [b"NaN", b"[Infinity]", b'{"a": -Infinity}'])
def test_constants_outside_of_json_are_refused(raw: bytes) -> None:
    with pytest.raises(NotJson, match="is not a JSON value"):
        parse(raw)


def test_the_last_of_duplicate_members_is_read() -> None:
    assert parse(b'{"a": 1, "b": null, "a": "x"}') == {"a": "x", "b": None}


def test_the_error_holds_nothing_of_the_document() -> None:
    """The parser's own errors keep it whole, and the caller may keep the error."""
    for raw in (b'{"a": tru}', b'"\xff"'):
        with pytest.raises(NotJson) as refused:
            parse(raw)
        assert refused.value.__context__ is None


MOST = MAX_VALUES - 1
"""The most values that one array can hold."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raw", "values"),
    [
        pytest.param(b"[" + b",".join([b"1"] * MOST) + b"]", MOST, id="numbers"),
        pytest.param(b"[" + b",".join([b'"[,{"'] * MOST) + b"]", MOST, id="strings-with-separators"),
        pytest.param(b'["' + b"[,{" * MAX_VALUES + b'"]', 1, id="one-long-string-of-separators"),
        pytest.param(b"[{" + b",".join([b'"a,":"b"'] * (MOST - 1)) + b"}]", 1, id="strings-with-names"),
    ],
)
def test_a_document_of_the_most_values_is_read(raw: bytes, values: int) -> None:
    document = parse(raw)
    assert isinstance(document, list)
    assert len(document) == values


@pytest.mark.slow
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[" + b",".join([b"1"] * (MOST + 1)) + b"]", id="one-more"),
        pytest.param(b"[" + b"[]," * MAX_VALUES + b"1]", id="arrays"),
        pytest.param(b"[" + b"{}," * MAX_VALUES + b"1]", id="objects"),
        pytest.param(b"{" + b'"a":1,' * MAX_VALUES + b'"a":1}', id="members"),
        pytest.param(b"[" * MAX_VALUES, id="nested"),
        pytest.param(b"[" + b'"",' * MAX_VALUES + b'""]', id="strings"),
        pytest.param(b'"' + b"," * MAX_VALUES + b'"' + b'""' * 2 * MAX_VALUES, id="strings-without-separators"),
    ],
)
def test_a_document_of_more_values_is_refused_before_any_is_made(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The strict decoder is open to whoever reaches the port: its work is bounded, whatever the body's size."""
    monkeypatch.setattr(tree, "_decoded", lambda _: pytest.fail("values are made"))
    with pytest.raises(NotJson, match=f"more than {MAX_VALUES} values"):
        parse(raw)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [MAX_DEPTH + 20, 2_000, 100_000])
@pytest.mark.parametrize(
    "nest",
    [
        pytest.param(lambda depth: b"[" * depth + b"]" * depth, id="arrays"),
        pytest.param(lambda depth: b'{"]":' * depth + b"1" + b"}" * depth, id="objects"),
    ],
)
def test_what_follows_too_deep_nesting_is_still_read(nest: Callable[[int], bytes], depth: int) -> None:
    document = parse(b'{"deep": %b, "more": %b, "uid": "u"}' % (nest(depth), nest(depth)))
    assert isinstance(document, dict)
    assert document["uid"] == "u"


def test_strings_are_passed_over_at_once_where_too_deep_nesting_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant can have 260,000 of them read for each event of a pod with managed fields that nest deep."""
    deep, strings = "[" * 2_000 + "]" * 2_000, ",".join(['"\\"[{\\u005d"'] * 1_000)
    text = f'{{"a": {deep}, "b": [{strings}]}}'
    steps = Mock(wraps=tree._BETWEEN.match)
    monkeypatch.setattr(tree, "_BETWEEN", Mock(match=steps))
    assert tree.shallow(text, 10) == text.replace(deep, "[" * 8 + "0" + "]" * 8)
    assert steps.call_count <= 2 * 2_000 + 10


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[" * 2_000, id="no-end"),
        pytest.param(b"[" * 2_000 + b"]" * 1_999, id="one-end-missing"),
        pytest.param(b"[" * 2_000 + b"]" * 2_001, id="one-end-too-many"),
        pytest.param(b"[" * 2_000 + b'"\x01"' + b"]" * 2_000, id="a-bad-string-inside"),
    ],
)
def test_deep_nesting_of_what_is_no_document_is_not_json(raw: bytes) -> None:
    with pytest.raises(NotJson):
        parse(raw)


@pytest.mark.parametrize(
    ("character", "width"), [("a", 1), ("\u00fc", 2), ("\u20ac", 2), ("\U0001f600", 4)], ids=["1", "latin", "2", "4"]
)
def test_the_memory_for_text_is_bounded(character: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One wide character makes every character of a text as wide: 40 MiB become 160, and a copy as much again."""
    raw = f'"{"a" * 1000}{character}"'.encode()
    monkeypatch.setattr(tree, "MAX_MEMORY", len(raw) * width)
    assert parse(raw) == "a" * 1000 + character
    monkeypatch.setattr(tree, "MAX_MEMORY", len(raw) * width - 1)
    with pytest.raises(NotJson, match="bytes as text"):
        parse(raw)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param(
            b'{"metadata": {"name": "a\\u0000", "x": [%s]}}' % b",".join([b'""'] * 250_001),
            f"more than {MAX_VALUES} values",
            id="too-many-values",
        ),
        pytest.param(b"{", "Expecting property name", id="no-json"),
    ],
)
def test_what_cannot_be_read_at_all_is_a_fault_of_that_one_object(document: bytes, reason: str) -> None:
    """Caches keep the faults of objects and go on: one object must not end a watch."""
    with pytest.raises(Malformed) as fault:
        read_namespace(document)
    assert fault.value.pointer == ""
    assert fault.value.reason.startswith(reason)


def test_one_string_of_separators_is_one_value() -> None:
    assert parse(b'"' + b"," * MAX_VALUES + b'"') == "," * MAX_VALUES
