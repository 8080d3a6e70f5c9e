"""The list of known survivors, and how a mutant is known again."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.mutants import survivors
from tests.mutants.survivors import Change, Survivor, change_of
from tests.mutants.workspace import PACKAGES, without_caches

SOURCES = Path(__file__).parents[2] / "webhook" / "tiergate"

MUTATED = """\
def x_pending__mutmut_orig(
    names: tuple[str, ...],
) -> bool:
    if names:
        return True
    return False

def x_pending__mutmut_1(
    names: tuple[str, ...],
) -> bool:
    if names:
        return False
    return False

class Quantity:
    def xǁQuantityǁ__ge____mutmut_orig(self, other: object) -> bool:
        return self.nano >= other.nano

    def xǁQuantityǁ__ge____mutmut_12(self, other: object) -> bool:
        return self.nano > other.nano
"""


def test_a_mutant_is_known_by_its_function_and_its_lines() -> None:
    assert change_of("tiergate.core.quota.x_pending__mutmut_1", MUTATED) == Change(
        "pending", "return True", "return False"
    )
    assert change_of("tiergate.core.quantity.xǁQuantityǁ__ge____mutmut_12", MUTATED) == Change(
        "Quantity.__ge__", "return self.nano >= other.nano", "return self.nano > other.nano"
    )


def test_the_list_is_in_order_has_no_entry_twice_and_a_reason_for_each() -> None:
    known = survivors.known()
    assert survivors.LIST.read_text() == survivors.written(known)
    assert len({one.change for one in known}) == len(known)
    assert all(len(one.reason) > 10 for one in known)


def functions() -> dict[str, set[str]]:
    """Return the lines of each function that mutmut changes, as an entry has them; of equal names all together."""
    found = defaultdict[str, set[str]](set)
    for path in (path for package in PACKAGES for path in (SOURCES / package).rglob("*.py")):
        text = path.read_text()
        lines, body = text.splitlines(), ast.parse(text).body
        methods = [(f"{one.name}.", each) for one in body if isinstance(one, ast.ClassDef) for each in one.body]
        for prefix, node in [*(("", one) for one in body), *methods]:
            if isinstance(node, ast.FunctionDef):
                own = [line.strip() for line in lines[node.lineno - 1 : node.end_lineno]]
                found[f"{prefix}{node.name}"].update([own[0].replace(node.name, "", 1), *own])
    return found


def test_the_lines_of_an_entry_are_still_there() -> None:
    """Else it accepts nothing any more, and whoever reads it looks for it in vain."""
    lines = functions()
    gone = [one for one in survivors.known() if not lines[one.function].issuperset(one.was.splitlines())]
    assert [f"{one.function}: {one.was}" for one in gone] == []


def test_an_entry_is_read_as_it_is_written() -> None:
    survivor = Survivor("f", "a: b\nc", "'d' # e", "equivalent: it is")
    assert survivors.entry(survivor).startswith("- function: f\n")
    assert survivors.parsed(survivors.entry(survivor)) == (survivor,)


def test_functions_and_properties_lose_their_caches() -> None:
    source = "@lru_cache(maxsize=8)\ndef f(): ...\n@cache\ndef g(): ...\n@cached_property\ndef h(self): ...\n"
    assert without_caches(source) == "def f(): ...\ndef g(): ...\n@property\ndef h(self): ...\n"
