"""The numbers of values/teams.yaml are sound, and the tables of docs/teams.md are made of them."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.teams import page
from tests.teams.matrix import EXPERIMENTATION, OBSERVABILITY, PIPELINE, SERVING, TEAMS
from tests.teams.page import DEVICES, GPU, PAGE, POOL
from tiergate.core.quantity import Quantity

VALUES: Final = page.values()
TEXT: Final = PAGE.read_text()


def quantity(text: str) -> Quantity:
    return Quantity.parse(text)


@pytest.mark.parametrize("name", page.TABLES)
def test_the_tables_are_those_of_the_values(name: str) -> None:
    """Cell by cell."""
    (table,) = re.findall(rf"<!-- {name} -->\n((?:\|.*\n)+)", TEXT)
    assert table.rstrip("\n") == page.TABLES[name](VALUES)


def test_nothing_that_cannot_be_taken_back_is_overcommitted() -> None:
    """Requests and memory limits fit into the pool, with room for what runs on every node."""
    sums = page.totals(VALUES)
    for name, kind in page.COLUMNS.items():
        if name != "limits.cpu":
            assert sums[name] <= quantity(POOL[kind]), name
    assert quantity(POOL["cpu"]) - sums["requests.cpu"] >= quantity("4")
    assert quantity(POOL["memory"]) - sums["requests.memory"] >= quantity("16Gi")


def test_only_experiments_may_use_more_memory_than_they_reserve() -> None:
    """And what is between fits into what stays free."""
    for tier in VALUES["tiers"]:
        bounds = page.hard(VALUES, tier)
        assert (bounds["limits.memory"] > bounds["requests.memory"]) is (tier == EXPERIMENTATION)
        assert (page.item(VALUES, tier)["maxLimitRequestRatio"]["memory"] != "1") is (tier == EXPERIMENTATION)


def test_serving_is_guaranteed_by_its_numbers() -> None:
    """Ratio 1, equal defaults, equal bounds."""
    serving, bounds = page.item(VALUES, SERVING), page.hard(VALUES, SERVING)
    assert set(serving["maxLimitRequestRatio"].values()) == {"1"}
    assert all(serving["default"][name] == serving["defaultRequest"][name] for name in ("cpu", "memory"))
    assert [bounds[f"limits.{name}"] for name in ("cpu", "memory")] == [
        bounds[f"requests.{name}"] for name in ("cpu", "memory")
    ]


def test_every_tier_bounds_what_the_pool_has() -> None:
    """A quota that does not name GPUs, storage or node ports would leave them open."""
    for tier in VALUES["tiers"]:
        bounds = page.hard(VALUES, tier)
        counts = {"services.nodeports", "services.loadbalancers", "persistentvolumeclaims"}
        assert bounds.keys() >= {*page.COLUMNS, *counts, "requests.ephemeral-storage"}
        assert bounds[DEVICES] == bounds[GPU], "or a ResourceClaim gets what the quota on GPUs refuses"
        assert page.item(VALUES, tier)["default"].keys() == {"cpu", "memory", "ephemeral-storage"}
    assert page.hard(VALUES, PIPELINE)[GPU] == quantity(POOL["gpu"])


@pytest.mark.parametrize("tier", VALUES["tiers"])
@pytest.mark.parametrize("resource", ["cpu", "memory"])
def test_ranges_are_in_order_and_their_largest_container_fits(tier: str, resource: str) -> None:
    """The largest container fits the smallest quota of the tier that counts it, and half a node."""
    found = page.item(VALUES, tier)
    low, request, limit, high = (
        quantity(found[name][resource]) for name in ("min", "defaultRequest", "default", "max")
    )
    assert low <= request <= limit <= high
    assert limit.nano <= request.nano * int(found["maxLimitRequestRatio"][resource])
    assert high.nano <= quantity(POOL[resource]).nano // 4
    for quota in VALUES["tiers"][tier]["spec"]["quotas"]:
        assert high <= quantity(quota["hard"].get(f"limits.{resource}", "1E"))


def test_every_namespace_is_a_tier_of_its_own_with_a_group() -> None:
    """One answer to the question who may do what where."""
    assert {name: each["tier"] for name, each in VALUES["namespaces"].items()} == {
        name: name for name in VALUES["tiers"]
    }
    assert [each["groups"] for each in VALUES["namespaces"].values()] == [
        [f"team-{name}"] for name in VALUES["namespaces"]
    ]
    assert set(VALUES["namespaces"]) == {*TEAMS, OBSERVABILITY}
