"""What all tests share: the flag that rewrites golden files, what comes first, and a way to the terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden/cases/*/response.json; review the diff"
    )


@pytest.fixture
def seed() -> int:
    """The seed of random cases, so that `make test` ends the same way twice; longer campaigns take a new one each."""
    return 20261129


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print to the terminal at once, past pytest's capture: a build takes minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def print_now(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", end="", flush=True)

    return print_now


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files that need a cluster come first: they take longest, and others fill what is left at the end."""
    items.sort(key=lambda item: item.get_closest_marker("cluster") is None)
