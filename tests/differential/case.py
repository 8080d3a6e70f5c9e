"""One case: an object to create, or a change of one that stands, under a policy; and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from tests.differential.outcome import Outcome
from tests.differential.policies import Json, Policy

Class = Literal["pod creates", "claim creates", "resizes", "claim updates", "several ranges"]

MIX: Final[dict[Class, int]] = {
    "pod creates": 69,
    "claim creates": 12,
    "resizes": 10,
    "claim updates": 5,
    "several ranges": 4,
}
"""About so many of a hundred cases are of each class."""


class Standing(msgspec.Struct):
    """An object that is there before the policy is, with the status it has."""

    document: Json
    """A pod as it was created; of a claim its name and ``spec`` only, as it lives on and is bound."""
    status: Json = {}


class Case(msgspec.Struct):
    """An object to create under a policy, or, where something is standing, an update of that.

    The document of an update has ``kind``, ``verb`` (PUT or PATCH) and ``changes``: values by JSON pointer.
    """

    policy: Policy
    document: Json
    standing: Standing | None = None

    @property
    def kind(self) -> str:
        """Return Pod or PersistentVolumeClaim."""
        return str(self.document["kind"])

    @property
    def of(self) -> Class:
        """Return the class by which the case is counted."""
        pod = self.kind == "Pod"
        if self.standing is not None:
            return "resizes" if pod else "claim updates"
        if self.policy.further:
            return "several ranges"
        return "pod creates" if pod else "claim creates"


class Result(msgspec.Struct):
    """What became of a case. ``explained`` names the differences on purpose without which we agree."""

    native: Outcome
    ours: Outcome
    disagreement: str = ""
    explained: Sequence[str] = ()

    @property
    def fault(self) -> bool:
        """Whether the two disagree and nobody meant it."""
        return bool(self.disagreement) and not self.explained


def updated(stored: Json, document: Json) -> Json:
    """Return the whole object that an update asks for; raise LookupError where a pointer leads nowhere."""
    result: Json = copied(stored)
    for pointer, value in document["changes"].items():
        *parents, last = pointer.split("/")[1:]
        target: Any = result
        for token in parents:
            target = target[int(token)] if isinstance(target, list) else target[token]
        target[int(last) if isinstance(target, list) else last] = copied(value)
    return result


def request(stored: Json, document: Json) -> tuple[str, str, bytes]:
    """Return method, media type and body of an update."""
    if document["verb"] == "PUT":
        metadata = {name: value for name, value in stored["metadata"].items() if name != "resourceVersion"}
        whole = updated({**stored, "metadata": metadata}, document)
        return "PUT", "application/json", msgspec.json.encode(whole)
    operations = [{"op": "add", "path": path, "value": value} for path, value in document["changes"].items()]
    return "PATCH", "application/json-patch+json", msgspec.json.encode(operations)


def copied(tree: Any) -> Any:  # noqa: ANN401  # JSON
    """Return a deep copy of a JSON document; `copy` does not know Raw numbers."""
    if isinstance(tree, dict):
        return {name: copied(member) for name, member in tree.items()}
    if isinstance(tree, list):
        return [copied(member) for member in tree]
    return tree
