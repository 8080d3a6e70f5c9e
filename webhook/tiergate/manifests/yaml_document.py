"""A YAML document as JSON, read as Kubernetes' own reader does, by PyYAML's C parser.

What a document can make us do is bounded: its depth before the C composer recurses, its values before nodes are made of
them, and what its aliases expand to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import msgspec
import yaml
from yaml.composer import Composer, ComposerError
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stub forgets it
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, Event, NodeEvent, ScalarEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.manifests.documents import MAX_DEPTH, Document, ManifestFault, Place, index, tokens
from tiergate.manifests.scalars import MERGE, NOT_A_NUMBER, TEXT, BadScalar, plain, tagged

MAX_VALUES: Final = 2_000_000
"""Of one document: a node takes half a kilobyte. A List of all pods of a large cluster has fewer."""
MAX_EXPANDED: Final = 250_000
"""Values that the aliases of a document may add."""
MAX_CHARACTERS: Final = 16 * 2**20
"""Characters that they may add."""

_SUSPICIOUS: Final = 100
"""Brackets, or columns of indentation and dashes, below which no document is nested too deep."""
_INDENTED: Final = re.compile(rb"^[ \-?:]{%d}" % _SUSPICIOUS, re.MULTILINE)
_NESTING: Final = (b"\n", b"[", b"{", b"- ", b"? ")
"""Each level of nesting begins with one of them."""
_LONE_TAG: Final = re.compile(rb"(?:^|[\s,\[{])!(?:<!>)?(?=[\s,\]}]|\Z)")
"""The tag ``!``, or text that looks like it."""
_SEPARATORS: Final = (b",", b"[", b"{", b"\n", b":", b"- ", b"? ")
_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"


class YamlDocument(Document):
    """A document of a YAML file."""

    __slots__ = ("_above", "_number", "_text", "json")

    def __init__(self, text: bytes, above: int, number: int, json: bytes) -> None:
        """Take the text that begins ``above`` lines below the start of its file, and which document of it this is."""
        self._text = text
        self._above = above
        self._number = number
        self.json = json

    def place(self, pointer: str) -> Place:
        """Return where the value at a JSON pointer is: its key, or the entry of a list."""
        node = _composed(self._text)[self._number]
        mark = node.start_mark
        for token in tokens(pointer):
            found = child(node, token)
            if found is None:
                break
            node, mark = found
        return Place(self._above + mark.line + 1, mark.column + 1)


@lru_cache(maxsize=1)
def _composed(text: bytes) -> list[Node]:
    """Return the documents of a text that can be read; who looks for one place in it soon looks for another."""
    found: list[Node] = []
    with suppress(yaml.YAMLError, RecursionError):  # told when it was read; what is before it has places
        found.extend(nodes(text))
    return found


def read_yaml(text: bytes, above: int) -> Iterator[YamlDocument]:
    """Yield the documents of a text that begins so many lines below the start of its file.

    Raises:
        ManifestFault: The first document that cannot be read; what follows it in the text is not read.
    """
    try:
        _guard(text)
        for number, node in enumerate(nodes(text)):
            yield YamlDocument(text, above, number, msgspec.json.encode(_value(node, text)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column, reason = mark.line if mark else 0, mark.column if mark else 0, _reason(error)
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count(b"\n"), len(before) - before.rfind(b"\n") - 1
        reason = f"{error.reason} (byte 0x{error.character:02x})"
    except _UnfitNode as error:
        line, column, reason = error.line, error.column, str(error)
        if error.first is not None:
            reason = f"{reason}, first in line {above + error.first + 1}"
    except RecursionError:
        line, column, reason = 0, 0, _TOO_DEEP
    else:
        return
    raise ManifestFault(Place(above + line + 1, column + 1), reason)


def _reason(error: yaml.MarkedYAMLError) -> str:
    parts = [error.problem, *([error.context] if error.context and error.problem_mark else [])]
    return ", ".join(shortened(part) for part in parts if part)


def _guard(text: bytes) -> None:
    """Refuse what takes too much memory, time or stack before the composer sees it."""
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _UnfitNode(None, "not UTF-8")
    if len(text) > MAX_VALUES and sum(map(text.count, _SEPARATORS)) > MAX_VALUES:
        raise _UnfitNode(None, f"more than {MAX_VALUES} values in one document")
    if sum(map(text.count, _NESTING)) <= MAX_DEPTH:
        return
    if text.count(b"[") + text.count(b"{") <= _SUSPICIOUS and _INDENTED.search(text) is None:
        return
    depth, parser = 0, CParser(text)
    while (event := parser.get_event()) is not None:
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _UnfitNode(event, _TOO_DEEP)


class _Composer(CParser):
    """PyYAML's C composer; the tag of a plain scalar is what it stands for."""

    def resolve(self, kind: type[Node], value: str, implicit: Any) -> Any:  # noqa: ANN401  # a tag can be anything
        """Return the tag of a node that has none."""
        if kind is ScalarNode:
            return plain[value] if implicit[0] else TEXT
        return None

    def descend_resolver(self, _parent: Node | None, _index: Any) -> None:  # noqa: ANN401  # a node or a number
        """Do nothing: what a tag is does not depend on where a node is."""

    def ascend_resolver(self) -> None:
        """Do nothing."""


class _Recomposer(Composer, _Composer):
    """A slower composer, for a document that gives an anchor twice: an alias is of the latest, as for Kubernetes.

    And for one with the tag ``!``, which makes a text of any scalar but the key ``<<``: the quicker one passes over it.
    """

    def __init__(self, text: bytes) -> None:
        """Take the document."""
        _Composer.__init__(self, text)
        Composer.__init__(self)

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:  # noqa: ANN401  # a node or a number
        """Return the next node."""
        event = self.peek_event()
        if isinstance(event, NodeEvent) and not isinstance(event, AliasEvent):
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: Any) -> ScalarNode:  # noqa: ANN401  # a text or None
        """Return the next node, which is a scalar."""
        event = self.peek_event()
        if isinstance(event, ScalarEvent) and event.tag == "!" and event.value != "<<":
            event.implicit = (False, True)
        return super().compose_scalar_node(anchor)


def nodes(text: bytes) -> Iterator[Node]:
    """Yield the documents of a text as nodes."""
    composer: CParser = _Recomposer(text) if _LONE_TAG.search(text) else _Composer(text)
    try:
        while composer.check_node():
            node = composer.get_node()
            assert node is not None  # noqa: S101  # as the check says
            yield node
    except ComposerError as error:
        if "duplicate anchor" not in (error.context or ""):
            raise
        composer = _Recomposer(text)
        while composer.check_node():
            node = composer.get_node()
            assert node is not None  # noqa: S101  # as the check says
            yield node


class _UnfitNode(ValueError):
    """A node that has no value in JSON; lines and column count from 0."""

    def __init__(self, node: Node | Event | None, reason: str, *, first: Node | None = None) -> None:
        """Take where (None: the document as a whole), why, and the node that it contradicts."""
        super().__init__(reason)
        self.first = None if first is None else first.start_mark.line
        mark = None if node is None else node.start_mark
        self.line = mark.line if mark else 0
        self.column = mark.column if mark else 0


class _Values:
    """Makes the values of nodes; so many are left that a document may have, its aliases expanded."""

    def __init__(self, left: int) -> None:
        """Take the number."""
        self._left = left

    def of(self, node: Node, depth: int) -> Any:  # noqa: ANN401  # any value of JSON
        """Return the value of a node at a depth."""
        if type(node) is ScalarNode:
            return _scalar(node)
        self._left -= len(node.value)
        if self._left < 0:
            raise _UnfitNode(node, f"its aliases add more than {MAX_EXPANDED} values")
        if depth > MAX_DEPTH:
            raise _UnfitNode(node, f"{_TOO_DEEP}, or an anchor that contains itself")
        if isinstance(node, SequenceNode):
            return [self.of(one, depth + 1) for one in node.value]
        return self._mapping(node, depth)

    def _mapping(self, node: Node, depth: int) -> dict[str, Any]:
        """Return an object: of merged members and written ones the later wins, of two written ones neither."""
        found: dict[str, Any] = {}
        merged: set[str] = set()
        for key, value in node.value:
            tag: Any = key.tag
            if tag is not TEXT and _merges(key):
                added = self._merged(value, depth)
                merged |= added.keys()
                found |= added
                continue
            name = key.value if tag is TEXT else _name(key)
            if name in found and name not in merged:
                first = next(one for one, _ in node.value if not _merges(one) and _name(one) == name)
                raise _UnfitNode(key, f'duplicate key "{shortened(name, VALUE_SHOWN)}"', first=first)
            merged.discard(name)
            tag = value.tag  # the most common values without a call
            found[name] = value.value if tag is TEXT else self.of(value, depth + 1)
        return found

    def _merged(self, node: Node, depth: int) -> dict[str, Any]:
        members = reversed(node.value) if isinstance(node, SequenceNode) else (node,)
        found: dict[str, Any] = {}
        for one in members:
            if not isinstance(one, MappingNode):
                raise _UnfitNode(one, "<< takes a mapping or a list of mappings")
            found |= self.of(one, depth + 1)
        return found


def _value(node: Node, text: bytes) -> Any:  # noqa: ANN401  # any value of JSON
    """Return the value of a document with this text."""
    value = _Values(MAX_EXPANDED + len(text)).of(node, 1)
    if b"&" in text and _characters(value) > MAX_CHARACTERS + len(text):
        raise _UnfitNode(node, f"its aliases add more than {MAX_CHARACTERS} characters")
    return value


def _characters(value: Any) -> int:  # noqa: ANN401  # any value of JSON
    """Return how many characters the texts in a value have, names included."""
    total, pending = 0, [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, dict):
            pending += (*one, *one.values())
        elif isinstance(one, list):
            pending += one
    return total


def _scalar(node: ScalarNode) -> Any:  # noqa: ANN401  # any scalar of JSON
    value: Any = node.tag
    if type(value) is str:
        try:
            value = tagged(value, node.value)
        except BadScalar as error:
            raise _UnfitNode(node, str(error)) from None
    if value is TEXT or value is MERGE:
        return node.value
    if value is NOT_A_NUMBER:
        raise _UnfitNode(node, f"{node.value} has no value in JSON")
    return value


def _merges(key: Node) -> bool:
    """Say whether a key is ``<<``, which some tools write with its tag."""
    tag: Any = key.tag
    return tag is MERGE or (tag == "tag:yaml.org,2002:merge" and key.value == "<<")


def _name(key: Node) -> str:
    """Return the name of a member: JSON has texts alone."""
    if not isinstance(key, ScalarNode):
        raise _UnfitNode(key, "a key that is not a scalar has no name in JSON")
    tag: Any = key.tag
    value = key.value if tag is NOT_A_NUMBER else _scalar(key)
    if value is None:
        raise _UnfitNode(key, "the key null has no name in JSON")
    if isinstance(value, str):
        return value
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value).lower()


def child(node: Node, token: str) -> tuple[Node, yaml.Mark] | None:
    """Return the member or entry of a node, and the mark of its key; None where there is none."""
    if isinstance(node, SequenceNode):
        at = index(token, len(node.value))
        return None if at is None else (node.value[at], node.value[at].start_mark)
    found = None
    for key, value in node.value if isinstance(node, MappingNode) else ():
        if _merges(key):
            every = value.value if isinstance(value, SequenceNode) else [value]
            found = next((one for one in (child(each, token) for each in every) if one), found)
        elif _name(key) == token:
            found = value, key.start_mark
    return found
