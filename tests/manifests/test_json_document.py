"""JSON documents: several in a file, duplicates, places."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from tests.manifests.reading import faults_of, json_of, read
from tiergate.manifests import json_document
from tiergate.manifests.documents import ManifestFault, Place
from tiergate.manifests.json_document import LARGE


def test_json_is_kept_as_it_is_written() -> None:
    text = b'{"a": 1.50, "b": "\\ud83d\\ude00", "c": 1e3}'
    assert json_of(text + b"\n") == text


def test_half_of_a_pair_of_surrogates_is_read_as_the_api_server_reads_it() -> None:
    """The whole object could not be read before, and so was not judged."""
    text = rb'{"a\ud800": "\udc00\ud83d\ude00 \\ud800 \uD800\u0041 \"", "b": 1}'
    (found,) = read(text)
    assert found.json == rb'{"a\ufffd": "\ufffd\ud83d\ude00 \\ud800 \ufffd\u0041 \"", "b": 1}'
    assert found.place("/b") == Place(1, 1 + text.index(b'"b"'))


def test_several_documents_may_follow_each_other() -> None:
    assert [one.json for one in read(b'{"a": 1}\n  {"b": 2}{"c": 3}')] == [b'{"a": 1}', b'{"b": 2}', b'{"c": 3}']


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param('{"a": 1,\n "a": 2}', '2:2: duplicate key "a", first in line 1', id="duplicate"),
        pytest.param('{"x": [{"a": {"b": 1,\n"b": 2}}]}', '2:1: duplicate key "b", first in line 1', id="nested"),
        pytest.param(
            '{"x": "{\\"a\\": [", "y": {"a": {"a": 1}}, "a\\u0062": 1,\n"ab": 2}', '2:1: duplicate key "ab"', id="odd"
        ),
        pytest.param('{"a":' * 150 + '["b"], "a": 1' + "}" * 150, '1:758: duplicate key "a"', id="deep-duplicate"),
        pytest.param('{"a": 1,,}', "1:9: Expecting property name enclosed in double quotes", id="syntax"),
        pytest.param('{"a": NaN, "b": "\\ud83d\\ude00"}', "NaN is not a JSON value", id="not-a-number"),
        pytest.param('{"a": ' + "[" * 100_000, "nested deeper than", id="depth"),
        pytest.param('{"a": "', "1:7: Unterminated string starting at", id="cut-off"),
    ],
)
def test_a_fault_has_a_place_and_a_reason(text: str, fault: str) -> None:
    (found,) = faults_of(text.encode())
    assert fault in found


def test_a_flow_mapping_of_yaml_is_no_json_and_is_read() -> None:
    assert json_of(b"{a: 1, b: [x, z]}\n") == b'{"a":1,"b":["x","z"]}'


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        pytest.param("", Place(2, 1), id="the-document"),
        pytest.param("/a", Place(2, 2), id="a-member"),
        pytest.param("/b/0/c~1d", Place(3, 9), id="an-escaped-name"),
        pytest.param("/b/1", Place(3, 21), id="an-entry"),
        pytest.param("/b/7", Place(3, 2), id="absent-entry"),
        pytest.param("/a/x", Place(2, 2), id="below-a-text"),
    ],
)
def test_a_place_is_that_of_the_key_or_entry(pointer: str, place: Place) -> None:
    (document,) = read(b'\n{"a": "{[x\\"",\n "b": [{"c/d": 1},  {}], "e": {} }')
    assert document.place(pointer) == place


def test_the_place_in_a_later_document_of_a_line_counts_the_columns_before_it() -> None:
    _, second = read(b'{"a": 1} {"b": 2}')
    assert second.place("/b") == Place(1, 11)


def test_documents_of_a_line_share_its_text() -> None:
    """Each kept the line up to its own column: a line of 10 MB took more memory than a runner has."""
    line = b" ".join([b'{"a": 1}'] * 2000)
    tracemalloc.start()
    try:
        found = list(read(line))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(found), found[-1].place("/a")) == (2000, Place(1, len(line) - 6))
    assert kept < 100 * len(line)


def test_a_duplicate_beside_a_long_text_is_found_in_little_memory() -> None:
    text = b'{"a": "' + b"x" * 200_000 + b'", "a": 1}'
    tracemalloc.start()
    try:
        (fault,) = faults_of(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "duplicate key" in fault
    assert peak < 20 * len(text)


def test_values_are_bounded_before_any_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "MAX_VALUES", 10)
    with pytest.raises(ManifestFault, match="1:1: more than 10 values"):
        list(json_document.read_json('{"a": [' + ", ".join(["[]"] * 10) + "]}", 0))


def test_places_in_a_large_list_are_those_of_its_entries() -> None:
    entries = ",\n".join(f'{{"n": {number}}}' for number in range(LARGE))
    (document,) = read(b'{"items": [\n' + entries.encode() + b"\n]}")
    places = [document.place(f"/items/{number}/n") for number in (0, LARGE // 2, 7)]
    assert places == [Place(2, 2), Place(2 + LARGE // 2, 2), Place(9, 2)]
    assert document.place(f"/items/{LARGE}") == Place(1, 2)


def test_a_large_list_is_gone_through_once_for_all_its_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """A List of a thousand objects with findings in each must not be read a thousand times."""
    (document,) = read(b'{"items": [' + b",".join([b'{"n": 1}'] * LARGE) + b"]}")
    walked: list[int] = []
    members = json_document._members

    def counted(text: str, at: int) -> Iterator[tuple[str, int, int, int]]:
        walked.append(at)
        return members(text, at)

    monkeypatch.setattr(json_document, "_members", counted)
    for number in range(20):
        document.place(f"/items/{number}/n")
    assert len(walked) == 2 + 20
