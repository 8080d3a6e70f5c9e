"""docs/teams.md tells the numbers of values/teams.yaml, and those are sound."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.chart.helm import Helm
from tests.teams import page
from tests.teams.matrix import EXPERIMENTATION, OBSERVABILITY, OTLP, PIPELINE, PUSH, SERVING, TEAMS
from tests.teams.page import GPU, PAGE, POOL, WORKLOADS
from tests.teams.rights import WRITE
from tiergate.core.quantity import Quantity

VALUES: Final = page.values()
TEXT: Final = PAGE.read_text()
FLOWING: Final = " ".join(TEXT.split())
"""The page without its line breaks."""


def quantity(text: str) -> Quantity:
    return Quantity.parse(text)


@pytest.mark.parametrize("name", page.TABLES)
def test_the_tables_are_those_of_the_values(name: str) -> None:
    """Cell by cell."""
    (table,) = re.findall(rf"<!-- {name} -->\n((?:\|.*\n)+)", TEXT)
    assert table.rstrip("\n") == page.TABLES[name](VALUES)


def sentences() -> list[str]:
    """Return what the prose has to say, worked out from the values."""
    sums, fit = page.totals(VALUES), {each.name: min(page.room(VALUES, each).values()) for each in WORKLOADS}
    pool = {name: quantity(text) for name, text in POOL.items()}
    training, experiments = page.hard(VALUES, PIPELINE), page.hard(VALUES, EXPERIMENTATION)
    between = experiments["limits.memory"] - experiments["requests.memory"]
    ports = ", ".join(str(port) for port in (*OTLP, PUSH))
    lasting = page.hard(VALUES, EXPERIMENTATION, "long-lived")
    return [
        f"{sums['requests.cpu']} of {pool['cpu']} CPUs, {sums['requests.memory']} of {pool['memory']}",
        f"{sums[GPU]} of {pool['gpu']} GPUs",
        f"{pool['cpu'] - sums['requests.cpu']} CPUs and {pool['memory'] - sums['requests.memory']} stay free",
        f"CPU limits are overcommitted, to {sums['limits.cpu'].nano * 100 // pool['cpu'].nano}%",
        f"Memory limits are not**: {sums['limits.memory']} of {pool['memory']}",
        f"{sums['pods']} of {pool['pods']}. The other {pool['pods'] - sums['pods']} are for DaemonSets",
        f"{training['limits.cpu']} for all bounds the team's bursts to a third over its {training['requests.cpu']}",
        f"{experiments['limits.memory']} of limits over {experiments['requests.memory']} of requests",
        f"The {between} between fit into the {pool['memory'] - sums['requests.memory']} that stay free",
        f"{fit['training worker']} workers, one for each GPU, {fit['training worker'] // 2} on a node",
        f"{fit['model replica']} replicas at a rollout's peak",
        f"{experiments['pods']} pods, of which {lasting['pods']} may live without `activeDeadlineSeconds`",
        f"{lasting['requests.cpu']} CPU and {lasting['requests.memory']} of the requests",
        f"| a team | all | none | TCP {ports} | UDP and TCP 53 |",
        f"| `networking.k8s.io` | `networkpolicies` | {', '.join(f'`{verb}`' for verb in WRITE)} |",
    ]


@pytest.mark.parametrize("sentence", sentences())
def test_the_prose_tells_the_numbers_of_the_values(sentence: str) -> None:
    assert sentence in FLOWING


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
    assert serving["default"] == serving["defaultRequest"]
    assert [bounds[f"limits.{name}"] for name in ("cpu", "memory")] == [
        bounds[f"requests.{name}"] for name in ("cpu", "memory")
    ]


def test_every_tier_bounds_what_the_pool_has() -> None:
    """A quota that does not name GPUs, storage or node ports would leave them open."""
    for tier in VALUES["tiers"]:
        assert page.hard(VALUES, tier).keys() >= {*page.COLUMNS, "services.nodeports", "services.loadbalancers"}
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


@pytest.mark.helm
def test_the_requests_of_tiergate_itself_are_as_told(helm: Helm) -> None:
    """They come out of what stays free."""
    rendered = helm.render()
    cpu, memory = Quantity(0), 0
    for component in ("webhook", "controller"):
        requests = rendered.container(component)["resources"]["requests"]
        replicas = rendered.one("Deployment", f"tiergate-{component}")["spec"]["replicas"]
        cpu += Quantity(quantity(requests["cpu"]).nano * replicas)
        memory += quantity(requests["memory"]).nano * replicas
    assert f"itself ({cpu} and {Quantity(memory, 'BinarySI')})" in FLOWING


def test_every_namespace_is_a_tier_of_its_own_with_a_group() -> None:
    """One answer to the question who may do what where."""
    assert {name: each["tier"] for name, each in VALUES["namespaces"].items()} == {
        name: name for name in VALUES["tiers"]
    }
    assert [each["groups"] for each in VALUES["namespaces"].values()] == [
        [f"team-{name}"] for name in VALUES["namespaces"]
    ]
    assert set(VALUES["namespaces"]) == {*TEAMS, OBSERVABILITY}
