"""The ways of holding a sum that `sums` knows; that the library has no other is checked by `quantity_oracle`."""

from __future__ import annotations

import pytest

from tests.builders import a_container, a_pod, an_item
from tests.differential.sums import MOST, forms, held, hidden, milli_units, whole_units
from tiergate.core.native import LimitRange, refusals, sentence
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.tier import LimitRangeItem

STORAGE = "ephemeral-storage"


def limited(*limits: str) -> Pod:
    """Return a pod of containers with these limits of storage and nothing asked for."""
    return a_pod(
        *(a_container(f"c{at}", requests={STORAGE: "0"}, limits={STORAGE: one}) for at, one in enumerate(limits))
    )


@pytest.mark.parametrize(
    ("text", "whole", "milli"),
    [
        pytest.param("9300P", {9300 * 10**15 - 2**64, 0}, {9300 * 10**18 % 2**64, 0}, id="any-power"),
        pytest.param("9223372036854775810", {2 - 2**63}, {2000, 0}, id="a-power-of-1"),
        pytest.param("9223372036854775809", {1 - 2**63}, {1000}, id="a-decimal"),
    ],
)
def test_a_sum_wraps_or_is_zero(text: str, whole: set[int], milli: set[int]) -> None:
    """Q-21."""
    total = Quantity.parse(text)
    found = held(total)
    assert all(one == total for one in found)
    assert {whole_units(one) for one in found} == whole
    assert {milli_units(one) for one in found} == milli


def test_what_is_no_sum_is_projected_as_ever() -> None:
    assert (whole_units(Quantity.parse("10E")), milli_units(Quantity.parse("1500m"))) == (0, 1500)


@pytest.mark.parametrize(
    ("pod", "item", "sides"),
    [
        pytest.param(limited("6E", "5E"), an_item("Pod", high={STORAGE: "20E"}), {"limits"}, id="a-sum"),
        pytest.param(limited("6E", "5E"), an_item(high={STORAGE: "20E"}), set(), id="no-pod-item"),
        pytest.param(limited("6E", "5E"), an_item("Pod", high={"memory": "20E"}), set(), id="another-resource"),
        pytest.param(limited("4E", "5E"), an_item("Pod", high={STORAGE: "20E"}), set(), id="it-fits"),
        pytest.param(
            a_pod(
                a_container(limits={"memory": "6Ei"}),
                a_container("b", limits={"memory": "2Ei"}),
                limits={"memory": "8Ei"},
            ),
            an_item("Pod", high={"memory": "7Ei"}),
            {"requests", "limits"},
            id="a-pod-level-sum-as-read",
        ),
        pytest.param(limited("11E", "0"), an_item("Pod", high={STORAGE: "20E"}), set(), id="one-container-s-own"),
    ],
)
def test_only_sums_that_a_pod_item_judges_are_hidden(pod: Pod, item: LimitRangeItem, sides: set[str]) -> None:
    found = hidden(pod, (item,))
    assert {side for side, _ in found} == sides
    assert all(total.nano > MOST for total in found.values())
    assert bool([*forms(pod, (item,))]) == bool(sides)


def test_a_form_decides_what_limit_ranger_says_and_only_while_it_is_in_force() -> None:
    """L-40: the sum is the bound; as a pair both are 0, as a decimal it wraps to 1.55E."""
    pod, item = limited("104857599", "19999999999895142401"), an_item("Pod", high={STORAGE: "20E"})
    before = tuple(refusals(pod, (LimitRange("one", (item,)),)))
    said = set()
    for form in forms(pod, (item,)):
        with form():
            said.add(tuple(sentence(one) for one in refusals(pod, (LimitRange("one", (item,)),))))
    assert said == {(), (f"maximum {STORAGE} usage per Pod is 20E, but limit is 20E",)}
    assert tuple(refusals(pod, (LimitRange("one", (item,)),))) == before
