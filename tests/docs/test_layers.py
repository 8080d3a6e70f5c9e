"""CONTRIBUTING's table of layers has every package that import-linter keeps apart."""

from __future__ import annotations

import re
import tomllib

from tests.docs.values import ROOT


def test_every_package_is_in_the_table_of_layers_from_the_top_down() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["type"] == "layers")
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("| layer | package | may do |\n")[2].partition("\n\n")[0]
    rows = [re.findall(r"`(tiergate[a-z_.]*)`", row.split(" | ")[1]) for row in table.splitlines()[1:]]
    shown = [package for row in rows for package in row]
    kept = [package for layer in layers for package in layer.split(" | ")]
    assert sorted(shown) == sorted([*kept, "tiergate_certs"])
    order = {package: number for number, row in enumerate(rows) for package in row}
    assert [order[package] for package in kept] == sorted(order[package] for package in kept)
