"""Which tests need a cluster, and what happens when there is none."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from tests.controlplane import cluster


def skip_without_programs(items: Iterable[pytest.Item]) -> None:
    """Skip tests marked `cluster` if programs are not built; with TIERGATE_REQUIRE_CLUSTER=1 they run and fail."""
    missing = cluster.missing()
    if not missing or os.environ.get("TIERGATE_REQUIRE_CLUSTER") == "1":
        return
    reason = f"no control plane: {', '.join(missing)} not built yet (`make test` builds them, or give KUBECONFIG)"
    for item in items:
        if item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.skip(reason=reason))
