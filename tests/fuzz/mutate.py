"""Changes of an input: to its bytes, and to its structure where it is JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any, Final

from tests.fuzz.pods import Author
from tests.quantity_oracle.texts import random_text

LARGEST: Final = 16384


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_QUANTITIES: Final = (
    "",
    " 1 ",
    *_words(
        "0 1 -1 1m 1n 10m 9m 100m 99m 101m 500m 501m 499m 1u 0.5 1e3 2 2001m 32Mi 512Mi 536870913 1Gi 1073741825 8Gi "
        "10Gi 10E 8Ei 18446744073709551616 1e1000 1e1001 1K Ki 1500m 1000m 1k 0.0001Ki 1.5Gi 4Mi 600Mi"
    ),
)
_WORDS: Final = _words(
    "Always Running Failed Succeeded BestEffort Burstable high gold silver agent setup CREATE UPDATE DELETE "
    "resize status dev prod alice bob Container Pod PersistentVolumeClaim In NotIn Exists Terminating "
    "PriorityClass 2026-11-22T20:00:00Z kube-system Enforce Warn Tier"
)
_NAMES: Final = _words(
    "cpu memory ephemeral-storage storage hugepages-2Mi nvidia.com/gpu requests.cpu limits.memory pods "
    "deviceclass.resource.kubernetes.io/gpu requests limits resources containers initContainers restartPolicy "
    "overhead spec status metadata annotations tiergate.io/defaults tiergate.io/tier labels name "
    "volume.beta.kubernetes.io/storage-class priorityClassName activeDeadlineSeconds affinity deletionTimestamp "
    "containerStatuses allocatedResources qosClass phase conditions storageClassName oldObject object "
    "volumeAttributesClassName namespace dryRun min max default defaultRequest maxLimitRequestRatio hard scopes "
    "scopeSelector type operation subResource deletionGracePeriodSeconds generation a/b~c requests.storage "
    "podAffinity requiredDuringSchedulingIgnoredDuringExecution namespaceSelector"
)
_ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    60,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    0.5,
    1e300,
    [],
    {},
    [None],
    [{}],
    [[]],
    {"": None},
    "",
    "\0",
    "\ud800",
    "é",
    "\u00a01",
    "x" * 300,
)
_TOKENS: Final = (
    b"null",
    b"true",
    b"{}",
    b"[]",
    b'""',
    b"0",
    b"-0",
    b"1e400",
    b"1E-7",
    b"123456789012345678901234567890",
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\\u0031"',
    b"\\",
    b'"',
    b",",
    b":",
    b"{",
    b"}",
    b"[" * 600,
    b"]" * 600,
    b"[" * 1100 + b"]" * 1100,
    b"\xff",
    b"\xef\xbb\xbf",
    b"NaN",
    b"\0",
    b"\t",
    b"\r\n",
    b'"request":',
    b'"object":{',
    b'"cpu":"1",',
    b"\xed\xa0\x80",
    b"01",
    b"1.",
)

Tree = Any


class Mutator:
    """Changes inputs with a random generator; ``others`` are inputs to borrow from."""

    def __init__(self, rng: Random, others: Sequence[bytes]) -> None:
        """Take the generator and the corpus, which may grow."""
        self._rng = rng
        self._others = others
        self._author = Author(rng)

    def __call__(self, data: bytes) -> bytes:
        """Return a changed input of at most LARGEST bytes."""
        if self._rng.random() < 0.75:  # noqa: PLR2004, RUF100  # structure finds more than bytes do
            changed = self._structure(data)
            if self._rng.random() < 0.1:  # noqa: PLR2004, RUF100  # now and then both
                changed = self._bytes(changed)
        else:
            changed = self._bytes(data)
        return changed[:LARGEST]

    def _bytes(self, data: bytes) -> bytes:
        for _ in range(self._rng.choice((1, 1, 2, 4))):
            at = self._rng.randrange(len(data) + 1)
            end = min(len(data), at + self._rng.choice((0, 1, 1, 2, 8, 64)))
            data = data[:at] + self._piece(data, at, end) + data[end:]
        return data

    def _piece(self, data: bytes, at: int, end: int) -> bytes:
        match self._rng.randrange(5):
            case 0:
                return b""
            case 1:
                return self._rng.choice(_TOKENS)
            case 2:
                return bytes([self._rng.randrange(256)])
            case 3:
                return data[at:end] * 2
            case _:
                other = self._rng.choice(self._others)
                start = self._rng.randrange(len(other) + 1)
                return other[start : start + self._rng.randrange(1, 200)]

    def _structure(self, data: bytes) -> bytes:
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            return self._bytes(data)
        gentle = self._rng.random() < 0.7  # noqa: PLR2004, RUF100  # well-formed ones go deeper
        for _ in range(self._rng.choice((1, 1, 1, 2, 3, 6))):
            if not gentle or not self._author.changed(tree):
                tree = self._changed(tree)
        return self._written(tree)

    def _written(self, tree: Tree) -> bytes:
        """Write JSON, sometimes with every character escaped or with blanks."""
        style = self._rng.randrange(20)
        text = json.dumps(tree, ensure_ascii=style != 0, indent=1 if style == 1 else None)
        return text.encode(errors="surrogatepass")

    def _changed(self, tree: Tree) -> Tree:
        places = list(_places(tree))
        if not places:
            return self._value()
        container, key = self._rng.choice(places)
        operation: Callable[[Tree, Tree], None] = self._rng.choice(
            (
                self._replace,
                self._replace,
                self._quantity,
                self._quantity,
                self._remove,
                self._add,
                self._add,
                self._copy,
                self._borrow,
            )
        )
        operation(container, key)
        return tree

    def _value(self) -> Tree:
        match self._rng.randrange(6):
            case 0:
                return random_text(self._rng)
            case 1 | 2:
                return self._rng.choice(_QUANTITIES)
            case 3:
                return self._rng.choice(_WORDS)
            case 4:
                return {self._rng.choice(_NAMES): self._rng.choice(_QUANTITIES)}
            case _:
                return deepcopy(self._rng.choice(_ODD))

    def _replace(self, container: Tree, key: Tree) -> None:
        container[key] = self._value()

    def _quantity(self, container: Tree, key: Tree) -> None:
        """Change a leaf that looks like an amount; another leaf only sometimes."""
        if isinstance(container[key], dict | list):
            inner = [place for place in _places(container[key]) if isinstance(place[0][place[1]], str)]
            if not inner:
                return
            container, key = self._rng.choice(inner)
        container[key] = self._rng.choice(_QUANTITIES)

    def _remove(self, container: Tree, key: Tree) -> None:
        del container[key]

    def _add(self, container: Tree, key: Tree) -> None:
        target = container[key] if isinstance(container[key], dict | list) else container
        if isinstance(target, dict):
            target[self._rng.choice(_NAMES)] = self._value()
        else:
            target.insert(self._rng.randrange(len(target) + 1), self._value())

    def _copy(self, container: Tree, key: Tree) -> None:
        """Repeat an element of a list, or write a member under another name."""
        value = json.loads(json.dumps(container[key]))
        if isinstance(container, list):
            container.append(value)
        else:
            container[self._rng.choice(_NAMES)] = value

    def _borrow(self, container: Tree, key: Tree) -> None:
        """Take the value at a place of the same name in another input."""
        try:
            other = json.loads(self._rng.choice(self._others))
        except (ValueError, RecursionError):
            return
        values = [inner[name] for inner, name in _places(other) if name == key]
        if values:
            container[key] = self._rng.choice(values)


def _places(tree: Tree) -> list[tuple[Tree, Tree]]:
    """Return every (container, key) of a tree."""
    found: list[tuple[Tree, Tree]] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        keys: Any = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            found.append((node, key))
            pending.append(node[key])
    return found
