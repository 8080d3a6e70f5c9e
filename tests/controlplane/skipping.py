"""Which tests need a cluster, and what happens when there is none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import pytest

from tests.controlplane import binaries, cluster
from tests.controlplane.binaries import Program


def skip_without_programs(items: Iterable[pytest.Item], marker: str = "cluster", more: Sequence[Program] = ()) -> None:
    """Skip tests with a marker if programs are not built; with TIERGATE_REQUIRE_CLUSTER=1 they run and fail."""
    missing = (*cluster.missing(), *(program.name for program in binaries.find(more)[1]))
    if not missing or os.environ.get("TIERGATE_REQUIRE_CLUSTER") == "1":
        return
    builds = "`make test` builds them, or give KUBECONFIG" if marker == "cluster" else f"`make {marker}` builds them"
    reason = f"no control plane: {', '.join(missing)} not built yet ({builds})"
    for item in items:
        if item.get_closest_marker(marker):
            item.add_marker(pytest.mark.skip(reason=reason))
