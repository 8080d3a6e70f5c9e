"""A thousand namespaces are handed over and back on a real API server, and at no moment too much gets in."""

from __future__ import annotations

import dataclasses
import random
import time
from pathlib import Path

import pytest

from tests.cluster import story
from tests.cluster.controllers import written
from tests.cluster.narrator import Narrator
from tests.cluster.objects import a_tier
from tests.cluster.outage import FAIL, HANDED_OVER, bring_back, kill_all, policies
from tests.cluster.releases import Release
from tests.cluster.test_controller_scale import AT_ONCE, a_namespace, ready
from tests.cluster.test_handover import BACK_AFTER, TIMING, load
from tests.controlplane.cluster import Cluster, Say, until

pytestmark = [pytest.mark.cluster, pytest.mark.long]

NAMESPACES = 1000
CROWD = a_tier(
    "crowd",
    {
        "limits": [{"type": "Container", **story.CONTAINER["dev"]}],
        "quotas": [{"name": "compute", "hard": {"requests.cpu": "2", "limits.cpu": "4", "pods": "20"}}],
    },
)


def limit_ranges(cluster: Cluster) -> int:
    return len(cluster.kubectl("get limitranges -A -l tiergate.io/tier=crowd -o name").out.split())


@pytest.fixture(scope="module")
def crowded(bare_cluster: Cluster) -> Cluster:
    cluster = dataclasses.replace(bare_cluster, chart_values=(*bare_cluster.chart_values, *TIMING))
    story.install(Narrator(cluster, show=lambda _: None))
    cluster.apply(CROWD)
    for first in range(0, NAMESPACES, AT_ONCE):
        cluster.apply(*(a_namespace(number) for number in range(first, first + AT_ONCE)))
    until(lambda: ready(cluster) == ("True", NAMESPACES), "every quota is in force", seconds=240, pause=0.5)
    last = f"crowd-{NAMESPACES - 1:03}"
    cluster.kubectl(f"wait --for=create serviceaccount/default -n {last} --timeout=60s")
    cluster.kubectl("wait --for=condition=Enforcing tier --all --timeout=60s")
    return cluster


def test_a_thousand_namespaces_are_handed_over_and_back(crowded: Cluster, say: Say) -> None:
    """All replicas die: valid pods flow again everywhere, with defaults; then everything is as before."""
    cluster = crowded
    names = random.sample([f"crowd-{number:03}" for number in range(NAMESPACES)], NAMESPACES)
    with load(cluster, names) as sent:
        until(lambda: len(sent.accepted("valid")) > 5, "valid pods are admitted")
        kill_all(cluster)
        killed = time.monotonic()
        until(lambda: sent.refused("valid", since=killed), "nobody answers")
        until(lambda: policies(cluster) == HANDED_OVER, "it is handed over", seconds=120, pause=1)
        last_refused = [at for at, code, _ in sent.answers["valid"] if code != 201][-1]
        until(lambda: len(sent.accepted("valid", since=last_refused)) > 200, "valid pods flow again", seconds=60)
        say(f"valid pods flow {sent.accepted('valid', since=last_refused)[0] - killed:.1f} s after the kill")
        made = [one.received for one in written(cluster) if (one.verb, one.resource) == ("create", "limitranges")]
        say(f"{len(made)} LimitRanges were written in {(max(made) - min(made)).total_seconds():.1f} s")
        assert limit_ranges(cluster) == NAMESPACES
        assert sent.refused("valid", since=last_refused + 0.001) == []
        bring_back(cluster)
        back = time.monotonic()
        until(lambda: policies(cluster) == FAIL, "it is handed back", seconds=BACK_AFTER + 60)
        say(f"handed back {time.monotonic() - back:.1f} s after all replicas were ready")
        until(lambda: not limit_ranges(cluster), "nothing is left of it", seconds=120, pause=0.5)
        say(f"the last LimitRange went {time.monotonic() - back:.1f} s after")
        again = time.monotonic()
        until(lambda: len(sent.accepted("valid", since=again)) > 50, "valid pods are admitted")
        assert sent.refused("valid", since=again) == []
    assert (sent.accepted("over its range"), sent.accepted("over the quota")) == ([], [])
    assert len(sent.answers["over its range"]) > 200
    Release(cluster, (Path(story.VALUES),)).upgrade(None, "--no-hooks")
    assert policies(cluster) == FAIL
