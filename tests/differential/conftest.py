"""A real API server for the comparison, started once for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import cluster
from tests.controlplane.skipping import skip_without_programs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip cluster tests, with the reason, where programs would have to be built first."""
    skip_without_programs(items)


@pytest.fixture(scope="package")
def kubeconfig() -> Iterator[Path]:
    """A cluster without Tiergate: policies are native objects there."""
    with cluster.opened(print) as opened:
        yield opened.kubeconfig
