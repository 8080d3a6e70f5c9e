"""YAML documents: members, aliases, places, and what a document may cost."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Final

import pytest
from yaml.nodes import Node

from tests.manifests.reading import faults_of, json_of, read
from tiergate.manifests import yaml_document
from tiergate.manifests.documents import MAX_DEPTH, Document, ManifestFault, Place
from tiergate.manifests.stream import documents
from tiergate.manifests.yaml_document import MAX_CHARACTERS, MAX_EXPANDED, MAX_VALUES, read_yaml

MIB: Final = 2**20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("d: {<<: {b: 1, c: 2}, c: 3}", {"d": {"b": 1, "c": 3}}, id="written-after-merged"),
        pytest.param("d: {c: 3, <<: {b: 1, c: 2}}", {"d": {"b": 1, "c": 2}}, id="merged-after-written"),
        pytest.param("d: {<<: [{b: 1}, {b: 2, c: 3}]}", {"d": {"b": 1, "c": 3}}, id="the-first-of-a-list-wins"),
        pytest.param("a: &x {b: 1}\nd: *x", {"a": {"b": 1}, "d": {"b": 1}}, id="alias"),
        pytest.param("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}, id="an-anchor-given-twice"),
        pytest.param("'<<': {a: 1}", {"<<": {"a": 1}}, id="quoted-merge-word-is-a-name"),
        pytest.param("a: &x {b: 1}\nd: {!!merge <<: *x}", {"a": {"b": 1}, "d": {"b": 1}}, id="merge-with-its-tag"),
        pytest.param("a: ! 010\nb: ! '1'\nc: [!<!> 1]", {"a": "010", "b": "1", "c": ["1"]}, id="the-tag-of-a-text"),
        pytest.param("a: &x {b: 1}\nd: {! <<: *x}", {"a": {"b": 1}, "d": {"b": 1}}, id="merge-with-the-tag-of-a-text"),
        pytest.param("a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}, id="block-texts"),
        pytest.param("a: 'x\ty'\nb:\t1", {"a": "x\ty", "b": 1}, id="tabs"),
        pytest.param('a: "\\U0001F600\\u00e4"', {"a": "\U0001f600ä"}, id="escapes"),
        pytest.param("a:\r\n- 1\r\n- x\r\n", {"a": [1, "x"]}, id="windows-line-ends"),
        pytest.param("a:\nb: ''\n", {"a": None, "b": ""}, id="null-and-empty"),
    ],
)
def test_a_document_is_read_as_json(text: str, expected: object) -> None:
    assert json.loads(json_of(text.encode())) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", '3:1: duplicate key "a", first in line 1', id="duplicate"),
        pytest.param("1: a\n'1': b\n", '2:1: duplicate key "1", first in line 1', id="duplicate-by-its-text"),
        pytest.param("x:\n  - {b: 1, b: 2}\n", '2:12: duplicate key "b", first in line 2', id="in-one-line"),
        pytest.param("? [a]\n: 1\n", "1:3: a key that is not a scalar has no name in JSON", id="list-as-key"),
        pytest.param("~: 1\n", "1:1: the key null has no name in JSON", id="null-as-key"),
        pytest.param("a: {<<: 1}\n", "1:9: << takes a mapping or a list of mappings", id="merge-of-a-number"),
        pytest.param("a: *b\n", "1:4: found undefined alias", id="alias-of-nothing"),
        pytest.param("a: .inf\n", "1:4: .inf has no value in JSON", id="infinity"),
        pytest.param("a: b: c\n", "1:5: mapping values are not allowed in this context", id="syntax"),
        pytest.param("x: 1\n\ta: 1\n", "2:1: found a tab character that violates indentation", id="tab-as-indentation"),
        pytest.param("a: 1\nb: \0\n", "2:4: control characters are not allowed (byte 0x00)", id="nul"),
        pytest.param(
            "a: &x [*x]\n", f"1:4: nested deeper than {MAX_DEPTH} levels", id="an-anchor-that-contains-itself"
        ),
    ],
)
def test_a_fault_has_a_place_and_a_reason(text: str, fault: str) -> None:
    (found,) = faults_of(text.encode())
    assert found.startswith(fault)
    assert "\n" not in found


def test_bytes_that_are_no_utf_8_are_a_fault() -> None:
    (found,) = faults_of(b"a: 1\nb: \xff\n")
    assert found.startswith("2:4: invalid leading UTF-8 octet")
    assert faults_of("a: 1\n".encode("utf-16")) == ["1:1: not UTF-8"]


_LAUGHS: Final = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_LAUGHS, id="aliases"),
        pytest.param(
            "a: &a {b: c}\n"
            + "".join(f"b{n}: &b{n} {{<<: [{', '.join(['*a'] * 9)}]}}\n" for n in range(9))
            + "c: &c0 [*b8, *b8]\n"
            + "".join(f"c{n}: &c{n} [*c{n - 1}, *c{n - 1}]\n" for n in range(1, 40)),
            id="doubled",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_aliases_add_is_bounded(text: str) -> None:
    (found,) = faults_of(text.encode())
    assert f"its aliases add more than {MAX_EXPANDED} values" in found


def test_the_text_that_aliases_add_is_bounded() -> None:
    text = f"a: &a {'x' * MIB}\nb: [{'*a, ' * (MAX_CHARACTERS // MIB + 1)}]\n"
    (found,) = faults_of(text.encode())
    assert f"its aliases add more than {MAX_CHARACTERS} characters" in found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="flow"),
        pytest.param("- " * 5_000 + "x", id="dashes"),
        pytest.param("".join(" " * n + "a:\n" for n in range(MAX_DEPTH + 5)), id="indentation"),
        pytest.param("? " * 5_000 + "x", id="question-marks"),
    ],
)
def test_depth_is_bounded_before_the_composer_recurses(text: str) -> None:
    (found,) = faults_of(text.encode())
    assert f"nested deeper than {MAX_DEPTH} levels" in found


def test_a_depth_that_kubernetes_objects_never_have_is_read() -> None:
    depth = MAX_DEPTH - 1
    assert json_of(b"[" * depth + b"]" * depth) == b"[" * depth + b"]" * depth


def test_values_are_bounded_beforenodes_are_made() -> None:
    text = b"[" + b"1," * MAX_VALUES + b"]"
    tracemalloc.start()
    (found,) = faults_of(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == f"1:1: more than {MAX_VALUES} values in one document"
    assert peak < 4 * MIB


_OBJECT: Final = b"""\
# a comment
kind: Pod
metadata: {name: x, labels: {a/b: c}}
spec:
  containers:
  - name: one
    resources: &r
      limits: {cpu: 1}
  - name: two
    resources: *r
  - <<: {image: i}
    name: three
"""


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        pytest.param("", Place(2, 1), id="the-document"),
        pytest.param("/metadata/name", Place(3, 12), id="a-member"),
        pytest.param("/metadata/labels/a~1b", Place(3, 30), id="an-escaped-name"),
        pytest.param("/spec/containers/1", Place(9, 5), id="an-entry"),
        pytest.param("/spec/containers/0/resources/limits/cpu", Place(8, 16), id="below"),
        pytest.param("/spec/containers/1/resources/limits/cpu", Place(8, 16), id="through-an-alias"),
        pytest.param("/spec/containers/2/image", Place(11, 10), id="merged"),
        pytest.param("/spec/containers/1/livenessProbe", Place(9, 5), id="absent-member"),
        pytest.param("/spec/containers/9/name", Place(5, 3), id="absent-entry"),
        pytest.param("/kind/x", Place(2, 1), id="below-a-text"),
    ],
)
def test_a_place_is_that_of_the_key_or_entry(pointer: str, place: Place) -> None:
    (document,) = read(_OBJECT)
    assert document.place(pointer) == place


def test_places_count_from_the_start_of_the_file() -> None:
    (document,) = read_yaml(b"\na: 1\n", above=10)
    assert document.place("/a") == Place(12, 1)


def test_a_document_is_composed_once_for_all_its_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """A List of a thousand objects with findings in each must not be read a thousand times."""
    first, second = read(b"a: 1\nb: 2\n---\nc: 3\n")
    composed: list[bytes] = []
    nodes = yaml_document.nodes

    def counted(text: bytes) -> Iterator[Node]:
        composed.append(text)
        return nodes(text)

    monkeypatch.setattr(yaml_document, "nodes", counted)
    assert [first.place("/a"), first.place("/b"), first.place(""), second.place("/c"), second.place("")] == [
        Place(1, 1), Place(2, 1), Place(1, 1), Place(4, 1), Place(4, 1),
    ]  # fmt: skip
    assert len(composed) == 2


def test_a_document_has_places_where_the_next_one_cannot_be_read() -> None:
    found = list(documents(b"a: 1\nb: 2\n...\nc: [\n"))
    assert isinstance(found[0], Document)
    assert (found[0].place("/b"), isinstance(found[1], ManifestFault)) == (Place(2, 1), True)
