"""What all tests share: the flag that rewrites golden files, and which tests run in one process."""

from __future__ import annotations

import pytest

_ONE_PROCESS = ("teams",)
"""Fixtures of a session that are dear to make: all tests that use one run in the same process of pytest-xdist."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden/cases/*/response.json; review the diff"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name the group of each test for `--dist loadgroup`: what it shares, else its file; long ones go first."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    items.sort(key=lambda item: item.get_closest_marker("cluster") is None)
    for item in items:
        shared = [name for name in _ONE_PROCESS if name in getattr(item, "fixturenames", ())]
        item.add_marker(pytest.mark.xdist_group(shared[0] if shared else item.nodeid.partition("::")[0]))
