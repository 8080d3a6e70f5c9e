"""What all tests share: the flag that rewrites golden files, and what comes first."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden/cases/*/response.json; review the diff"
    )


@pytest.fixture
def seed() -> int:
    """The seed of random cases, so that `make test` ends the same way twice; longer campaigns take a new one each."""
    return 20261129


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files that need a cluster come first: they take longest, and others fill what is left at the end."""
    items.sort(key=lambda item: item.get_closest_marker("cluster") is None)
