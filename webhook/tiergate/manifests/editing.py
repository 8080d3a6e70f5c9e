"""Members added to the objects of a file whose text otherwise stays: comments, order, spelling.

Where the text of a document does not allow that, as with an alias in the place of a container, the document is written
anew. Either way it is read again, and is what it should be, or the document is left as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.manifests.documents import Document, ManifestFault, tokens
from tiergate.manifests.json_document import JsonDocument
from tiergate.manifests.stream import BYTE_ORDER_MARK, read_segment, segments
from tiergate.manifests.yaml_document import child, nodes
from tiergate.manifests.yaml_text import block, flow, read, scalar
from tiergate.wire.tree import Number

Edit = Callable[[Document], Sequence[JSONPatchOp]]
"""Returns what is to be added to a document, in pointers into it; every parent is there."""


class _NoRoom(ValueError):
    """There is no place in the text where the member could be written."""


def edited(raw: bytes, edit: Edit) -> bytes:
    """Return the text of a file with what is added to its documents."""
    parts = [BYTE_ORDER_MARK] if raw.startswith(BYTE_ORDER_MARK) else []
    for segment in segments(raw):
        parts += [_segment(segment.text, segment.above, edit), segment.separator]
    return b"".join(parts)


def _segment(text: bytes, above: int, edit: Edit) -> bytes:
    read_all = list(read_segment(text, above))
    found = [one for one in read_all if not isinstance(one, ManifestFault)]
    additions = [list(edit(one)) for one in found]
    if not any(additions) or len(found) < len(read_all):  # what cannot be read stays as it is, with what is beside it
        return text
    wanted = [_added(read(one.json), operations) for one, operations in zip(found, additions, strict=True)]
    if not isinstance(found[0], JsonDocument):
        for make in (_inserted, _written):
            made = make(text, additions, wanted)
            if made is not None and _says(made, wanted):
                return made
    return "".join(json.dumps(_numbers(one), indent=2, ensure_ascii=False) + "\n" for one in wanted).encode()


def _says(text: bytes, wanted: Sequence[Any]) -> bool:
    """Say whether a text holds these values."""
    found = list(read_segment(text, 0))
    values = [None if isinstance(one, ManifestFault) else read(one.json) for one in found]
    return json.dumps(values) == json.dumps(list(wanted))


def _numbers(value: Any) -> Any:  # noqa: ANN401  # any value of JSON
    """Return a value with its numbers as numbers."""
    if isinstance(value, Number):
        return json.loads(value)
    if isinstance(value, dict):
        return {name: _numbers(one) for name, one in value.items()}
    return [_numbers(one) for one in value] if isinstance(value, list) else value


def _added(value: Any, operations: Sequence[JSONPatchOp]) -> Any:  # noqa: ANN401  # any value of JSON
    for one in operations:
        *parents, name = tokens(one.path)
        at = value
        for token in parents:
            key: Any = int(token) if isinstance(at, list) else token
            if at[key] is None:  # which the API server reads as an object without members
                at[key] = {}
            at = at[key]
        at[name] = _plain(one.value)
    return value


def _plain(value: Any) -> Any:  # noqa: ANN401  # any value of JSON
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def _written(text: bytes, _additions: Sequence[Sequence[JSONPatchOp]], wanted: Sequence[Any]) -> bytes | None:
    """Return the documents written anew, with the line ends of the text."""
    end = "\r\n" if b"\r\n" in text else "\n"
    return f"{end}---{end}".join(end.join(block(one)) for one in wanted).encode() + end.encode()


def _inserted(text: bytes, additions: Sequence[Sequence[JSONPatchOp]], _wanted: Sequence[Any]) -> bytes | None:
    """Return the text with the additions in it, None where one has no place."""
    lines = text.decode().split("\n")
    places: list[tuple[int, int, str]] = []
    try:
        for root, operations in zip((one for one in nodes(text) if not _is_empty(one)), additions, strict=True):
            places += [_place(root, one, lines) for one in operations]
    except (_NoRoom, ValueError):
        return None
    places.sort(key=lambda place: place[:2])
    for number in reversed(range(len(places))):  # what goes to one place goes there in order
        line, column, new = places[number]
        if number and places[number - 1][:2] == (line, column) and new[:1] not in ("\r", "\n", ","):
            new = f", {new}"  # the second member of an object that was empty
        lines[line] = lines[line][:column] + new + lines[line][column:]
    return "\n".join(lines).encode()


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and not node.value


def _place(root: Node, operation: JSONPatchOp, lines: Sequence[str]) -> tuple[int, int, str]:
    """Return where a member goes, and its text."""
    *parents, name = tokens(operation.path)
    node = root
    for token in parents:
        found = child(node, token)
        if found is None or found[0].start_mark.index < found[1].index:  # an alias: its anchor stands above
            raise _NoRoom(operation.path)
        node = found[0]
    value = _plain(operation.value)
    if not isinstance(node, MappingNode):
        raise _NoRoom(operation.path)
    if (there := child(node, name)) is not None:
        return _filled(there[0], value)
    if node.flow_style:
        separator = ", " if node.value else ""
        return node.end_mark.line, node.end_mark.column - 1, f"{separator}{scalar(name)}: {flow(value)}"
    line = _last_line(node)
    end = "\r\n" if lines[line].endswith("\r") else "\n"
    column = node.value[0][0].start_mark.column
    new = "".join(f"{end}{one}" for one in block({name: value}, column))
    return line, len(lines[line].removesuffix("\r")), new


def _filled(node: Node, value: Any) -> tuple[int, int, str]:  # noqa: ANN401  # any value of JSON
    """Return where a value goes whose place is empty: ``{}``, or nothing after the colon."""
    if isinstance(node, MappingNode) and node.flow_style and not node.value and isinstance(value, dict):
        return node.end_mark.line, node.end_mark.column - 1, flow(value)[1:-1]
    if isinstance(node, ScalarNode) and node.start_mark.index == node.end_mark.index:
        return node.end_mark.line, node.end_mark.column, f" {flow(value)}"
    raise _NoRoom


def _last_line(node: Node) -> int:
    """Return the line in which a node ends; that of a block scalar is not known."""
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        raise _NoRoom
    if not isinstance(node, CollectionNode) or node.flow_style:
        return int(node.end_mark.line)
    key, last = node.value[-1] if isinstance(node, MappingNode) else (node.value[-1], node.value[-1])
    if last.start_mark.index < key.start_mark.index:
        raise _NoRoom  # an alias
    return _last_line(last)
