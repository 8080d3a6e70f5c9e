"""The strict decoder: trees of any source, faults as plain values with their pointers, bounded work."""

from __future__ import annotations

import gc
import json
import time
import types
from datetime import date
from typing import Any

import msgspec
import pytest
import yaml

from tests.builders import a_pod_object
from tiergate.admission.review import UserInfo
from tiergate.core.decision import Fault
from tiergate.core.podspec import Pod
from tiergate.wire import Malformed, NotJson
from tiergate.wire.decode import Decoder, Reader
from tiergate.wire.pod import WirePod, to_pod
from tiergate.wire.strict import MAX_FAULTS, MAX_POINTER, build
from tiergate.wire.tier import WireTier
from tiergate.wire.tree import MAX_DEPTH, MAX_VALUES, Number, Tree
from tiergate.wire.types import MAX_NAME

PODS = Decoder(WirePod)
Place = tuple[int, int]

MANIFEST = """\
metadata: {name: agent}
spec:
  containers:
  - name: agent
    resources:
      limits:
        cpu: 0.5
        memory: lots
  activeDeadlineSeconds: soon
"""


def composed(node: yaml.Node | None, places: dict[str, Place], pointer: str = "") -> Tree:
    """Return a YAML node as a tree; note the line and column of every value by its pointer."""
    assert node is not None
    places[pointer] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return {key.value: composed(value, places, f"{pointer}/{key.value}") for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [composed(value, places, f"{pointer}/{index}") for index, value in enumerate(node.value)]
    number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    return Number(node.value) if number else str(node.value)


def test_a_tree_that_did_not_come_from_json_is_read_and_its_faults_have_places() -> None:
    places: dict[str, Place] = {}
    tree = composed(yaml.compose(MANIFEST), places)
    with pytest.raises(Malformed) as refused:
        PODS.strict(tree)
    found = {fault.pointer: places[fault.pointer] for fault in refused.value.every()}
    assert found == {"/spec/containers/0/resources/limits/memory": (8, 17), "/spec/activeDeadlineSeconds": (9, 26)}

    sound = composed(yaml.compose(MANIFEST.replace("lots", "1Gi").replace("soon", "60")), {})
    pod = to_pod(PODS.strict(sound))
    assert str(pod.containers[0].limits["cpu"]) == "500m"
    assert pod.active_deadline_seconds == 60


@pytest.mark.parametrize("pointer", ["", "/spec/template", "/items/0"])
def test_pointers_start_where_the_tree_stands(pointer: str) -> None:
    tree: Tree = {"metadata": {"name": Number("5")}, "spec": {"overhead": {"a~/b": True}}}
    with pytest.raises(Malformed) as refused:
        PODS.strict(tree, pointer)
    assert refused.value.every() == (
        Fault(f"{pointer}/metadata/name", "expected a string, got a number"),
        Fault(f"{pointer}/spec/overhead/a~0~1b", "expected a quantity, got a boolean"),
    )


def test_strings_that_are_not_text_are_named_in_the_order_of_the_document() -> None:
    tree: Tree = {"a": [["x\0"], "\ud800"], "b\0": {"c": "d\0"}, "e": "\U0001f600", "f": "\0"}
    with pytest.raises(Malformed) as refused:
        PODS.strict(tree)
    assert [fault.pointer for fault in refused.value.every()] == ["/b\ufffd", "/a/0/0", "/a/1", "/b\ufffd/c", "/f"]


def nested(depth: int) -> Tree:
    tree: Tree = []
    for _ in range(depth - 1):
        tree = [tree]
    return tree


@pytest.mark.slow
def test_depth_is_bounded_for_any_tree() -> None:
    with pytest.raises(Malformed, match=f"nested deeper than {MAX_DEPTH} levels") as refused:
        build({"x": nested(100_000)}, WirePod)
    (fault,) = refused.value.every()
    assert fault.pointer == "/x" + "/0" * (MAX_DEPTH - 1)
    assert build({"x": nested(MAX_DEPTH - 1)}, WirePod) == WirePod()


@pytest.mark.slow
def test_shared_and_cyclic_nodes_are_bounded() -> None:
    """YAML has aliases: ten lines may stand for billions of values."""
    laughs: list[Any] = ["ha"]
    for _ in range(40):
        laughs = [laughs, laughs]
    with pytest.raises(Malformed, match=f"more than {MAX_VALUES} values"):
        build({"x": laughs}, WirePod)
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(Malformed, match="nested deeper"):
        build({"x": ring}, WirePod)


@pytest.mark.slow
def test_the_number_of_faults_is_bounded() -> None:
    body = json.dumps({"spec": {"containers": ["x"] * 200_000}}).encode()
    with pytest.raises(Malformed) as refused:
        PODS.strict(body)
    assert len(refused.value.every()) == MAX_FAULTS
    with pytest.raises(Malformed) as refused:
        PODS.strict({"x": ["\0"] * 200_000})
    assert len(refused.value.every()) == MAX_FAULTS


def test_a_giant_member_name_is_not_copied_for_every_value_under_it() -> None:
    """A pointer is made of faults alone, and ends in dots where it is too long."""
    name, values = "n" * 1_000_000, 100_000
    before = time.process_time()
    assert build({"more": {name: [""] * values}}, UserInfo) == UserInfo()
    with pytest.raises(Malformed) as refused:
        build({"more": {name: ["\0"] * values}}, UserInfo)
    assert time.process_time() - before < 5  # copies would be 200 GB
    assert {len(fault.pointer) for fault in refused.value.every()} == {MAX_POINTER + len("...")}


@pytest.mark.slow
def test_faults_leave_no_garbage_for_the_collector() -> None:
    """An exception that is kept holds its traceback, and so the document, until the collector runs."""
    reader = Reader(WirePod, to_pod)
    bad = a_pod_object({"name": 5, "resources": {"limits": {"cpu": "lots", "memory": True}}}, {"name": "a\0"})
    bodies = [json.dumps(one).encode() for one in (bad, a_pod_object({"name": 5}))]
    bodies += [b'{"a": tru}', b"[" * 2_000 + b"]" * 2_000, b"\xff"]
    fail(reader, bodies)  # the first time fills caches
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        fail(reader, bodies)
        gc.collect()
        assert [one for one in gc.garbage if isinstance(one, Exception | types.TracebackType | types.FrameType)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def fail(reader: Reader[WirePod, Pod], bodies: list[bytes]) -> None:
    """Read bodies that cannot be; without pytest.raises, which keeps the exceptions."""
    for body in bodies:
        try:
            reader(body)
        except (Malformed, NotJson):
            continue
        pytest.fail(f"read {body!r}")


class Whole(msgspec.Struct):
    """A document of one number."""

    number: int = 0


def test_the_strict_decoder_is_asked_where_the_fast_one_or_its_value_fails() -> None:
    decoder, asked = Decoder(Whole), []

    def strictly(raw: bytes) -> int:
        asked.append(raw)
        return decoder.strict(raw).number

    def positive(wire: Whole) -> int:
        if wire.number < 0:
            raise ValueError
        return wire.number

    nul = b'{"number": 3, "x": "\\u0000"}'
    assert decoder.read(b'{"number": 1}', positive, strictly) == 1
    assert asked == []
    assert decoder.read(b'{"number": -1}', positive, strictly) == -1
    assert decoder.read(b'{"number": 2, "number": null}', positive, strictly) == 0
    with pytest.raises(Malformed, match="/x: NUL and lone surrogates are not text"):
        decoder.read(nul, positive, strictly)
    assert asked == [b'{"number": -1}', b'{"number": 2, "number": null}', nul]


LEAST, MOST = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"overhead": []}, "expected an object, got an array", id="list-of-quantities-array"),
        pytest.param({"overhead": "x"}, "expected an object, got a string", id="list-of-quantities-string"),
        pytest.param({"overhead": Number("1")}, "expected an object, got a number", id="list-of-quantities-number"),
        pytest.param({"overhead": {"cpu": {}}}, "expected a quantity, got an object", id="quantity-object"),
        pytest.param({"priorityClassName": {}}, "expected a string, got an object", id="string-object"),
        pytest.param({"activeDeadlineSeconds": "5"}, "expected a 64-bit integer, got a string", id="integer-string"),
        pytest.param({"activeDeadlineSeconds": Number("1.5")}, "expected a 64-bit integer, got 1.5", id="fraction"),
        pytest.param(
            {"activeDeadlineSeconds": Number(MOST + 1)}, f"expected a 64-bit integer, got {MOST + 1}", id="too-large"
        ),
        pytest.param(
            {"activeDeadlineSeconds": Number(LEAST - 1)}, f"expected a 64-bit integer, got {LEAST - 1}", id="too-small"
        ),
    ],
)
def test_a_value_of_another_type_is_said_to_be_what_it_is(spec: Tree, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        PODS.strict({"spec": spec})
    assert [fault.reason for fault in refused.value.every()] == [reason]


def test_a_value_that_is_not_true_or_false_is_said_to_be_what_it_is() -> None:
    with pytest.raises(Malformed, match="/spec/nativeLimitRange: expected true or false, got a string"):
        build({"spec": {"nativeLimitRange": "yes"}}, WireTier)


def test_a_name_of_the_most_characters_is_read() -> None:
    amounts = {"n" * MAX_NAME: "1"}
    spec = build({"spec": {"overhead": amounts}}, WirePod).spec
    assert spec is not None
    assert spec.overhead == amounts


def test_what_is_no_object_is_said_to_be_what_it_is() -> None:
    with pytest.raises(Malformed, match=r"^/extra: expected an object, got an array$"):
        build({"extra": []}, UserInfo)
    with pytest.raises(Malformed, match=r"^object: expected an object, got null$"):
        build(None, UserInfo)


@pytest.mark.parametrize("number", [LEAST, MOST])
def test_the_largest_and_the_smallest_integer_are_read(number: int) -> None:
    assert PODS.strict({"metadata": {"generation": Number(number)}}) == PODS.quick(
        b'{"metadata": {"generation": %d}}' % number
    )


def test_a_pointer_of_just_the_most_characters_ends_in_dots_where_more_follows() -> None:
    name = "n" * (MAX_POINTER - 1)
    with pytest.raises(Malformed) as refused:
        build({name: {"more": "\0"}}, WirePod)
    assert refused.value.pointer == f"/{name}..."
    with pytest.raises(Malformed) as refused:
        build({f"{name}n": "\0"}, WirePod)
    assert refused.value.pointer == f"/{name}..."


def test_a_fault_of_the_document_itself_is_told_of_the_object() -> None:
    assert str(Malformed("", "why")) == "object: why"


@pytest.mark.parametrize(
    ("tree", "pointer", "found"),
    [
        pytest.param({"spec": {"containers": [{"name": 5}]}}, "/spec/containers/0/name", "int", id="an-int"),
        pytest.param({"spec": {"overhead": {"cpu": 0.1}}}, "/spec/overhead/cpu", "float", id="a-float"),
        pytest.param({"spec": {"overhead": {1: "1"}}}, "/spec/overhead/1", "int", id="a-number-as-name"),
        pytest.param({"more": [{None: "1"}]}, "/more/0/None", "NoneType", id="no-name-where-nobody-reads"),
        pytest.param({"more": {True: {}}}, "/more/True", "bool", id="a-boolean-as-name"),
        pytest.param({"more": [date(2026, 1, 1)]}, "/more/0", "date", id="a-date"),
        pytest.param({"more": ("a", "b")}, "/more", "tuple", id="a-tuple"),
        pytest.param({"more": b"a"}, "/more", "bytes", id="bytes"),
        pytest.param({"metadata": {"generation": 1}}, "/metadata/generation", "int", id="an-int-where-one-is-meant"),
        pytest.param(5, "", "int", id="an-int-alone"),
    ],
)
def test_what_no_tree_can_hold_is_a_fault_where_it_is(tree: Any, pointer: str, found: str) -> None:  # noqa: ANN401  # no tree
    with pytest.raises(Malformed) as refused:
        build(tree, WirePod, "")
    (fault,) = refused.value.every()
    assert (fault.pointer, f"a {found}" in fault.reason) == (pointer, True)
