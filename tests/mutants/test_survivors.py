"""The list of known survivors, and how a mutant is known again."""

from __future__ import annotations

from tests.mutants import survivors
from tests.mutants.survivors import Change, Survivor, change_of
from tests.mutants.workspace import without_caches

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


def test_an_entry_is_read_as_it_is_written() -> None:
    survivor = Survivor("f", "a: b\nc", "'d' # e", "equivalent: it is")
    assert survivors.entry(survivor).startswith("- function: f\n")
    assert survivors.parsed(survivors.entry(survivor)) == (survivor,)


def test_functions_and_properties_lose_their_caches() -> None:
    source = "@lru_cache(maxsize=8)\ndef f(): ...\n@cache\ndef g(): ...\n@cached_property\ndef h(self): ...\n"
    assert without_caches(source) == "def f(): ...\ndef g(): ...\n@property\ndef h(self): ...\n"
