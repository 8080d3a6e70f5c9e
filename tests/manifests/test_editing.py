"""Members are added to a file whose text otherwise stays; whatever its style, it says what it should afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.manifests.documents import Document, ManifestFault
from tiergate.manifests.editing import edited
from tiergate.manifests.stream import documents
from tiergate.manifests.yaml_text import block

RESOURCES = JSONPatchOp("add", "/spec/0/resources", {"limits": {"cpu": "1", "memory": "1Gi"}})
TWO = (JSONPatchOp("add", "/spec/0/cpu", "1"), JSONPatchOp("add", "/spec/0/memory", "1Gi"))


def with_added(text: str, *operations: JSONPatchOp) -> str:
    return edited(text.encode(), lambda _: operations).decode()


def values(text: str | bytes) -> list[Any]:
    found = list(documents(text.encode() if isinstance(text, str) else text))
    assert not [one for one in found if isinstance(one, ManifestFault)], found
    return [json.loads(one.json) for one in found if isinstance(one, Document)]


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        pytest.param(
            "spec:\n- name: a  # first\n\n# end\n", (RESOURCES,),
            'spec:\n- name: a  # first\n  resources:\n    limits:\n      cpu: "1"\n      memory: 1Gi\n\n# end\n',
            id="block",
        ),
        pytest.param("spec: [{name: a}] # c\n", TWO, 'spec: [{name: a, cpu: "1", memory: 1Gi}] # c\n', id="flow"),
        pytest.param("spec: [{}]", TWO, 'spec: [{cpu: "1", memory: 1Gi}]', id="flow-empty"),
        pytest.param("spec:\n- name: a\n", TWO, 'spec:\n- name: a\n  cpu: "1"\n  memory: 1Gi\n', id="two-in-order"),
        pytest.param("spec:\n- name: a", TWO[1:], "spec:\n- name: a\n  memory: 1Gi", id="no-line-end"),
        pytest.param("spec:\r\n- name: a\r\n", TWO[1:], "spec:\r\n- name: a\r\n  memory: 1Gi\r\n", id="windows"),
        pytest.param("\ufeffspec:\n- b: a\n", TWO[1:], "\ufeffspec:\n- b: a\n  memory: 1Gi\n", id="byte-order-mark"),
        pytest.param(
            "spec:\n- name: a\n  args:\n  - - x\n    - 'y\n\n      z'\n", TWO[1:],
            "spec:\n- name: a\n  args:\n  - - x\n    - 'y\n\n      z'\n  memory: 1Gi\n", id="deep-last-value",
        ),
        pytest.param(
            "spec:\n- resources: {}  # none\n  name: a\n", (RESOURCES,),
            'spec:\n- resources: {limits: {cpu: "1", memory: 1Gi}}  # none\n  name: a\n', id="empty-in-its-place",
        ),
        pytest.param(
            "spec:\n- resources:   # none\n  name: a\n", (RESOURCES,),
            'spec:\n- resources: {limits: {cpu: "1", memory: 1Gi}}   # none\n  name: a\n', id="nothing-in-its-place",
        ),
        pytest.param("spec:\n- name:\n", TWO[1:], "spec:\n- name:\n  memory: 1Gi\n", id="null-last-value"),
    ],
)  # fmt: skip
def test_the_text_stays_and_what_is_added_stands_at_the_end_of_its_object(
    before: str, operations: tuple[JSONPatchOp, ...], after: str
) -> None:
    assert with_added(before, *operations) == after


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("x: &c {name: a}\nspec:\n- *c\n", id="alias"),
        pytest.param("spec:\n-\n", id="null"),
        pytest.param("x: &c {name: a}\nspec:\n- <<: *c\n", id="merged"),
        pytest.param("spec:\n- name: a\n  text: |\n    one\n    two\n\n", id="block-scalar-last"),
        pytest.param("spec:\n- {name: a, resources: null}\n", id="null-in-its-place"),
        pytest.param("spec:\n- name: a\n  resources: &r {}\nx: *r\n", id="alias-of-the-empty-place"),
        pytest.param('{"spec": [{"name": "a", "n": 12345678901234567890}]}', id="json"),
        pytest.param("spec:\n- ? name\n  : a\n", id="explicit-key"),
        pytest.param('spec:\n- {"name": a,\n  x: 1e3, y: "1e3", z: "on", w: 0x1f,}\n', id="words-and-a-last-comma"),
    ],
)
def test_what_has_no_place_for_it_is_written_anew_and_says_the_same(before: str) -> None:
    (wanted,) = values(before)
    wanted["spec"][0] = {**(wanted["spec"][0] or {}), "resources": RESOURCES.value}
    assert values(with_added(before, RESOURCES)) == [wanted]


def test_other_documents_and_what_cannot_be_read_stay_byte_for_byte() -> None:
    others = ["# only words\n", "a: [\n", "a: 1\na: 2\n", 'x:  "y"   # z\n', '{"a":1}']
    before = "\n---  # next\n".join(["spec:\n- name: a\n", *others])

    def edit(document: Document) -> tuple[JSONPatchOp, ...]:
        return TWO if b"spec" in document.json else ()

    after = edited(before.encode(), edit).decode()
    assert after == before.replace("- name: a\n", '- name: a\n  cpu: "1"\n  memory: 1Gi\n')
    assert edited(before.encode(), lambda _: ()) == before.encode()


def test_what_cannot_be_read_keeps_the_document_that_it_follows_as_it_is() -> None:
    """Without a separator between them nothing says where the one ends."""
    before = b"spec:\n- name: a\n...\nb: [\n"
    assert edited(before, lambda _: TWO) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@pytest.mark.property
@given(JSON.filter(lambda value: isinstance(value, dict)))
def test_any_value_is_written_so_that_it_is_read_as_itself(value: object) -> None:
    assert values("\n".join(block(value))) == [value]
