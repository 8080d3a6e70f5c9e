"""Mutants that no test notices, and the committed list of those that are known, each with a reason.

A mutant is known by its function and the lines that it changes. It has no line number and no module, so that the list
outlives edits elsewhere, and a function that moves to another module.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import yaml

LIST: Final = Path(__file__).with_name("survivors.yaml")
_MANGLED: Final = re.compile(r"x(?:ǁ(?P<type>\w+)ǁ|_)(?P<function>\w+)__mutmut_(?P<number>\d+)")
_HEADER: Final = """\
# Mutants that no test notices: what changes in which function, and why that is accepted.
# `make mutants` fails on a survivor that is not listed here and prints its entry. A reason names why no test can or
# should notice: an equivalent mutant, an optimisation, a text that is shown to nobody. A gap gets a test instead.
"""


class Change(msgspec.Struct, frozen=True):
    """What a mutant changes: a function, its lines as they are, and as the mutant has them (without indentation)."""

    function: str
    was: str
    now: str


class Survivor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of the list."""

    function: str
    was: str
    now: str
    reason: str

    @property
    def change(self) -> Change:
        """What it is known by."""
        return Change(self.function, self.was, self.now)


def known() -> tuple[Survivor, ...]:
    """Return the committed list; raise msgspec.ValidationError where an entry lacks a part."""
    return parsed(LIST.read_text())


def parsed(text: str) -> tuple[Survivor, ...]:
    """Return the entries of a list."""
    return msgspec.convert(yaml.safe_load(text) or [], tuple[Survivor, ...])


def entry(survivor: Survivor) -> str:
    """Return an entry of the list as text."""
    fields = {name: getattr(survivor, name) for name in survivor.__struct_fields__}
    return yaml.safe_dump([fields], sort_keys=False, allow_unicode=True, width=1000)


def written(survivors: Iterable[Survivor]) -> str:
    """Return the whole list as text, in the order of functions."""
    ordered = sorted(survivors, key=lambda one: (one.function, one.was, one.now))
    return _HEADER + "".join(map(entry, ordered))


def change_of(name: str, mutated: str) -> Change:
    """Return what a mutant changes, from its name and the text of its module as mutmut wrote it."""
    mangled = name.rpartition(".")[2]
    found = _MANGLED.fullmatch(mangled)
    if found is None:
        msg = f"not a name of mutmut: {name}"
        raise ValueError(msg)
    function = f"{found['type']}.{found['function']}" if found["type"] else found["function"]
    original = _text(mutated, f"{mangled.removesuffix(found['number'])}orig")
    changes = list(difflib.unified_diff(original, _text(mutated, mangled), n=0, lineterm=""))[2:]
    was, now = ("\n".join(line[1:] for line in changes if line[0] == sign) for sign in "-+")
    return Change(function, was, now)


def _text(mutated: str, name: str) -> list[str]:
    """Return the lines of a function without indentation and blank lines, its name left out."""
    lines = mutated.splitlines()
    start = next(index for index, line in enumerate(lines) if re.search(rf"\bdef {name}\(", line))
    depth = _indentation(lines[start])
    body = [lines[start].replace(name, "")]
    for line in lines[start + 1 :]:
        if line.strip() and _indentation(line) <= depth and not line.lstrip().startswith(")"):
            break
        body.append(line)
    return [line.strip() for line in body if line.strip()]


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())
