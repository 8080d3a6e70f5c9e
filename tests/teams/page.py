"""The numbers of docs/teams.md, worked out from values/teams.yaml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.helm import TEAMS
from tiergate.core.quantity import Quantity

PAGE: Final = Path(__file__).parents[2] / "docs" / "teams.md"
GPU: Final = "requests.nvidia.com/gpu"
DEVICES: Final = "gpu.nvidia.com.deviceclass.resource.k8s.io/devices"
POOL: Final = {"cpu": "64", "memory": "256Gi", "ephemeral": "1Ti", "gpu": "8", "pods": "220", "storage": "3Ti"}
"""Two nodes of 32 CPUs, 128Gi, 512Gi of disk, 4 GPUs and 110 pods each, and what the storage class may give out."""
COLUMNS: Final = {
    "requests.cpu": "cpu",
    "limits.cpu": "cpu",
    "requests.memory": "memory",
    "limits.memory": "memory",
    "limits.ephemeral-storage": "ephemeral",
    GPU: "gpu",
    "pods": "pods",
    "requests.storage": "storage",
}
"""The columns of the budget: a quota's name, and what of the pool it takes."""


@dataclass(frozen=True)
class Workload:
    """A pod as the page speaks of it."""

    tier: str
    quota: str
    name: str
    asks: Mapping[str, str]


WORKLOADS: Final = (
    Workload(
        "data-pipeline",
        "compute",
        "training worker",
        {"requests.cpu": "4", "limits.cpu": "5", "requests.memory": "18Gi", "limits.memory": "18Gi", GPU: "1"},
    ),
    Workload(
        "model-serving",
        "compute",
        "model replica",
        {"requests.cpu": "2", "limits.cpu": "2", "requests.memory": "6Gi", "limits.memory": "6Gi"},
    ),
    Workload(
        "experimentation",
        "compute",
        "experiment at its largest",
        {"requests.cpu": "500m", "limits.cpu": "1", "requests.memory": "1Gi", "limits.memory": "2Gi"},
    ),
    Workload(
        "experimentation",
        "compute",
        "experiment that says nothing",
        {"requests.cpu": "100m", "limits.cpu": "400m", "requests.memory": "256Mi", "limits.memory": "512Mi"},
    ),
)
Values = Mapping[str, Any]


def values() -> Values:
    """Return what values/teams.yaml holds."""
    loaded: Values = yaml.safe_load(TEAMS.read_text())
    return loaded


def hard(values: Values, tier: str, quota: str = "compute") -> dict[str, Quantity]:
    """Return the bounds of a quota; `compute` has no scope and so is what the whole tier may take."""
    (found,) = (each for each in values["tiers"][tier]["spec"]["quotas"] if each["name"] == quota)
    return {name: Quantity.parse(str(amount)) for name, amount in found["hard"].items()}


def item(values: Values, tier: str) -> Mapping[str, Mapping[str, str]]:
    """Return the Container item of a tier."""
    (found,) = (each for each in values["tiers"][tier]["spec"]["limits"] if each["type"] == "Container")
    return {key: value for key, value in found.items() if key != "type"}


def totals(values: Values) -> dict[str, Quantity]:
    """Return the sums over all tiers, by the name of the bound."""
    return {name: _sum(hard(values, tier)[name] for tier in values["tiers"]) for name in COLUMNS}


def room(values: Values, workload: Workload) -> dict[str, int]:
    """Return how many such pods each bound of the quota has room for."""
    bounds = hard(values, workload.tier, workload.quota)
    asks = {name: Quantity.parse(text) for name, text in {**workload.asks, "pods": "1"}.items()}
    return {name: bounds[name].nano // each.nano for name, each in asks.items() if name in bounds}


def _sum(amounts: Iterator[Quantity]) -> Quantity:
    total = Quantity(0)
    for each in amounts:
        total = each if not total else total + each
    return total


def budget(values: Values) -> str:
    """Return the table of what each tier may take of the pool."""
    sums = totals(values)
    pool = {name: Quantity.parse(POOL[kind]) for name, kind in COLUMNS.items()}
    rows = [
        _row("tier", *(f"`{name}`" for name in COLUMNS)),
        _row(*("---" for _ in range(len(COLUMNS) + 1))),
        *(_row(f"`{tier}`", *(str(hard(values, tier)[name]) for name in COLUMNS)) for tier in values["tiers"]),
        _row("**sum**", *(f"**{sums[name]}**" for name in COLUMNS)),
        _row("pool", *(str(pool[name]) for name in COLUMNS)),
        _row("sum of the pool", *(f"{sums[name].nano * 100 // pool[name].nano}%" for name in COLUMNS)),
    ]
    return "\n".join(rows)


def ranges(values: Values) -> str:
    """Return the table of what a container may ask for in each tier."""
    columns = ("defaultRequest", "default", "min", "max", "maxLimitRequestRatio")
    rows = [_row("tier", *(f"`{name}`" for name in columns)), _row(*("---" for _ in range(len(columns) + 1)))]
    for tier in values["tiers"]:
        found = item(values, tier)
        cells = (" / ".join(found[name][resource] for resource in ("cpu", "memory")) for name in columns)
        rows.append(_row(f"`{tier}`", *cells))
    return "\n".join(rows)


def fits(values: Values) -> str:
    """Return the table of how many of each workload a quota has room for, and what ends first."""
    rows = [_row("pod", "asks (request/limit)", "quota", "fit", "room by bound"), _row(*("---" for _ in range(5)))]
    rows.extend(starmap(_fit, ((values, each) for each in WORKLOADS)))
    return "\n".join(rows)


def _fit(values: Values, workload: Workload) -> str:
    by_bound = room(values, workload)
    asks = workload.asks
    text = f"{asks['requests.cpu']}/{asks['limits.cpu']} CPU, {asks['requests.memory']}/{asks['limits.memory']}"
    if GPU in asks:
        text += f", {asks[GPU]} GPU"
    least = min(by_bound.values())
    bounds = ", ".join(f"{name} {count}" for name, count in by_bound.items())
    return _row(workload.name, text, f"`{workload.tier}` `{workload.quota}`", f"**{least}**", bounds)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


TABLES: Final[Mapping[str, Callable[[Values], str]]] = {"budget": budget, "ranges": ranges, "fits": fits}
"""The tables of the page by the name of the comment above each."""
