"""Examples that readers copy are valid: tiers, and values of the chart inside objects of other tools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import msgspec
import pytest
import yaml

from tests.docs.test_links import PAGES
from tests.docs.values import CHART, ROOT, read_schema
from tiergate.wire.tier import tier_and_faults

_YAML: Final = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _examples() -> Iterator[Any]:
    for page in PAGES:
        for number, block in enumerate(_YAML.findall(page.read_text())):
            for document in yaml.safe_load_all(block):
                yield pytest.param(document, id=f"{page.relative_to(ROOT)}-{number}")


EXAMPLES: Final = list(_examples())
TIERS: Final = [one for one in EXAMPLES if one.values[0].get("kind") == "Tier"]
RELEASES: Final = [one for one in EXAMPLES if one.values[0].get("kind") in ("Application", "HelmRelease")]


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_is_in_force_as_it_is_written(tier: Any) -> None:  # noqa: ANN401  # any object
    assert tier_and_faults(msgspec.json.encode(tier))[1] == ()


@pytest.mark.parametrize("release", RELEASES)
def test_values_of_a_release_are_values_of_the_chart(release: Any) -> None:  # noqa: ANN401  # any object
    spec = release["spec"]
    values = spec["values"] if release["kind"] == "HelmRelease" else spec["source"]["helm"]["valuesObject"]
    jsonschema.validate(_merged(yaml.safe_load((CHART / "values.yaml").read_text()), values), read_schema())


def _merged(under: Any, over: Any) -> Any:  # noqa: ANN401  # any value of JSON
    """Return values over those of the chart, as Helm merges them."""
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    return under | {key: _merged(under.get(key), value) for key, value in over.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_nothing_is_installed_by_name_from_an_index(page: Path) -> None:
    """A release publishes no Python package, so that a name would be somebody else's."""
    assert [
        one for one in re.findall(r"pip install '?([^\s'`]*)", page.read_text()) if not one.startswith((".", "git+"))
    ] == []


def test_there_are_such_examples() -> None:
    assert len(TIERS) >= 4  # README, quick start, adopting, CI
    assert {one.values[0]["kind"] for one in RELEASES} == {"Application", "HelmRelease"}
