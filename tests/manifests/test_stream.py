"""The documents of a file: separators, and faults that leave the other documents alone."""

from __future__ import annotations

import pytest

from tests.manifests.reading import faults, read
from tiergate.manifests.documents import Document, Place
from tiergate.manifests.stream import documents


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\n---\nb: 2\n", [b'{"a":1}', b'{"b":2}'], id="two"),
        pytest.param("---\n---\n# nothing\n---\na: 1\n---\n", [b'{"a":1}'], id="empty-ones-are-none"),
        pytest.param("---\nnull\n---\na: 1\n", [b'{"a":1}'], id="null-is-none"),
        pytest.param("--- # Source: x.yaml\na: 1\n", [b'{"a":1}'], id="comment-after-the-separator"),
        pytest.param("a: 1\r\n---  \r\nb: 2\r\n", [b'{"a":1}', b'{"b":2}'], id="windows-line-ends"),
        pytest.param("\ufeffa: 1\n", [b'{"a":1}'], id="byte-order-mark"),
        pytest.param("%YAML 1.1\n---\na: on\n", [b'{"a":true}'], id="directive"),
        pytest.param("a: |\n  ---\n  x\n", [b'{"a":"---\\nx\\n"}'], id="in-a-text"),
        pytest.param('a: 1\n---\n{"b": 2}\n', [b'{"a":1}', b'{"b": 2}'], id="yaml-and-json"),
        pytest.param("a: 1\n---", [b'{"a":1}'], id="at-the-end-without-a-line-end"),
        pytest.param("", [], id="nothing"),
        pytest.param("# a: 1\n", [], id="comments"),
    ],
)
def test_documents_are_split_as_kubernetes_does(text: str, expected: list[bytes]) -> None:
    assert [one.json for one in read(text.encode())] == expected


def test_a_fault_leaves_the_other_documents_alone() -> None:
    found = list(documents(b"a: 1\n---\nb: [\n---\nc: 3\n---\nd: 1\nd: 2\n---\ne: 5\n"))
    assert [one.json for one in found if isinstance(one, Document)] == [b'{"a":1}', b'{"c":3}', b'{"e":5}']
    assert [one.partition(":")[0] for one in faults(found)] == ["4", "8"]


def test_what_follows_a_separator_in_its_line_is_a_fault() -> None:
    found = list(documents(b"a: 1\n--- {b: 2}\nc: 3\n"))
    assert faults(found) == ["2:1: after --- only a comment may follow, not {b: 2}"]
    assert [one.json for one in found if isinstance(one, Document)] == [b'{"a":1}', b'{"c":3}']


def test_places_count_from_the_start_of_the_file() -> None:
    _, second, third = read(b"# x\na: 1\n---\n# y\nb: 2\n--- # z\nc: 3\n")
    assert (second.place("/b"), third.place("/c")) == (Place(5, 1), Place(7, 1))


def test_of_broken_json_the_fault_is_that_of_json() -> None:
    (found,) = faults(documents(b'{"a": 1,\n "b" "c"}\n'))
    assert found == "2:6: Expecting ':' delimiter"


def test_a_template_that_is_not_rendered_is_told_as_such() -> None:
    (found,) = faults(documents(b"{{- if .Values.x }}\na: 1\n{{- end }}\n"))
    assert "template" in found
