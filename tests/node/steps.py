"""The life of an installation on real nodes, step by step: the same on our own node and on kind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from tests.cluster import story
from tests.cluster.narrator import Narrator
from tests.cluster.objects import a_pod
from tests.cluster.traffic import traffic
from tests.controlplane.cluster import NAMESPACE, Cluster, Say, until

CHART: Final = "charts/tiergate"
FILES: Final = f"-f {CHART}/values/environments.yaml"
WEBHOOK: Final = "app.kubernetes.io/component=webhook"
NEXT: Final = {
    "logLevel": "warning",
    "webhook": {"podAnnotations": {"example.com/changed": "yes"}},
    "controller": {"podAnnotations": {"example.com/changed": "yes"}},
    "tiers": {"extra": {"spec": {"limits": [{"type": "Container", "default": {"cpu": "100m"}}]}}},
}
"""What an upgrade changes: both pod templates, and a tier is new."""
SENDERS: Final = 4


class Place(Protocol):
    """Where the steps are taken."""

    @property
    def cluster(self) -> Cluster: ...

    def restart(self, server: str) -> None:
        """Restart `kubelet` or `containerd` on every node that runs our pods."""

    def attack(self, say: Say) -> None:
        """Attack a replica directly, where its port can be reached."""


@dataclass(frozen=True)
class Step:
    """One step; what does not hold raises AssertionError. ``elsewhere`` is the test that holds it without a node."""

    title: str
    take: Callable[[Place, Say], None]
    elsewhere: str = ""


@contextmanager
def under_load(cluster: Cluster, say: Say) -> Iterator[None]:
    """Create pods all the while, dozens a second; none may fail."""
    begun = time.monotonic()
    with traffic(cluster, "dev", dry_run=True, senders=SENDERS, pause=0.03) as requests:
        requests.goes_on(20)
        yield
        requests.goes_on(20)
    seconds = time.monotonic() - begun
    count, failed = len(requests.answers), requests.failed
    say(f"  {len(failed)} of {count} creates failed, {count / seconds:.0f} a second for {seconds:.0f} s")
    assert failed == [], failed[:3]


def rolled_out(cluster: Cluster) -> None:
    """Wait until both Deployments are complete, and no old replica is left."""
    for component in ("webhook", "controller"):
        cluster.kubectl(f"rollout status deployment/tiergate-{component} -n {NAMESPACE} --timeout=180s")
    until(lambda: not _stopping(cluster), "no replica is stopping", seconds=90, pause=0.5)


def a_replica(cluster: Cluster) -> str:
    """Return the name of a replica of the webhook."""
    return str(_pods(cluster)[0]["metadata"]["name"])


def _stopping(cluster: Cluster) -> list[str]:
    return [str(pod["metadata"]["name"]) for pod in _pods(cluster) if "deletionTimestamp" in pod["metadata"]]


def _pods(cluster: Cluster) -> Sequence[dict[str, dict[str, object]]]:
    items: Sequence[dict[str, dict[str, object]]] = cluster.kubectl(
        f"get pods -n {NAMESPACE} -l {WEBHOOK} -o json"
    ).json["items"]
    return items


def _story(place: Place, say: Say) -> None:
    narrator = Narrator(place.cluster, lambda _: None)
    for step in story.STEPS:
        begun = time.monotonic()
        step.tell(narrator)
        say(f"  {time.monotonic() - begun:5.1f} s  {step.title}")


def _helm_test(place: Place, say: Say) -> None:
    del say
    Narrator(place.cluster, lambda _: None).run(f"helm test tiergate -n {NAMESPACE}", "Succeeded")


def _rolling_restart(place: Place, say: Say) -> None:
    with under_load(place.cluster, say):
        for component in ("webhook", "controller"):
            place.cluster.kubectl(f"rollout restart deployment/tiergate-{component} -n {NAMESPACE}")
        rolled_out(place.cluster)


def _replica_deleted(place: Place, say: Say) -> None:
    cluster = place.cluster
    with under_load(cluster, say):
        cluster.kubectl(f"delete pod {a_replica(cluster)} -n {NAMESPACE} --timeout=120s")
        rolled_out(cluster)


def _upgrade(place: Place, say: Say) -> None:
    cluster = place.cluster
    values = "".join(f" --set {value}" for value in cluster.chart_values)
    with under_load(cluster, say):
        line = f"helm upgrade tiergate {CHART} -n {NAMESPACE} {FILES} -f - {values} --timeout 180s"
        upgraded = cluster.run(line, stdin=json.dumps(NEXT))
        assert upgraded.code == 0, upgraded.text
        rolled_out(cluster)
        cluster.kubectl("wait --for=condition=Ready tier/extra --timeout=60s")


def _rollback(place: Place, say: Say) -> None:
    cluster = place.cluster
    with under_load(cluster, say):
        rolled_back = cluster.run(f"helm rollback tiergate 1 -n {NAMESPACE} --timeout 180s")
        assert rolled_back.code == 0, rolled_back.text
        rolled_out(cluster)


def _restarts(place: Place, say: Say) -> None:
    with under_load(place.cluster, say):
        for server in ("kubelet", "containerd"):
            place.restart(server)
            time.sleep(5)  # what it would break, it breaks within a few probes
        rolled_out(place.cluster)


def _attack(place: Place, say: Say) -> None:
    """Send what memory is most needed for: through the API server, as every tenant may, and to the port itself."""
    cluster = place.cluster
    before = _restarts_of(cluster)
    pod = a_pod("large")
    pod["spec"]["containers"][0]["env"] = [{"name": "A", "value": "<" * 2_900_000}, {"name": "B", "value": "a\0b"}]
    with under_load(cluster, say), cluster.raw_api() as raw_api, ThreadPoolExecutor(8) as pool:
        path = "/api/v1/namespaces/dev/pods?dryRun=All"
        answers = list(pool.map(lambda _: raw_api.call("POST", path, pod), range(16)))
    say(f"  through the API server: {_counted([code for code, _ in answers])}")
    place.attack(say)
    assert _restarts_of(cluster) == before
    with under_load(cluster, say):
        time.sleep(2)


def _counted(codes: Sequence[int]) -> str:
    return ", ".join(f"{codes.count(code)} x {code}" for code in sorted(set(codes)))


def _restarts_of(cluster: Cluster) -> dict[str, int]:
    """Return how often the container of each replica was started again: a container over its limit is."""
    listed = cluster.kubectl(f"get pods -n {NAMESPACE} -l {WEBHOOK} -o json").json["items"]
    return {
        pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"]
        for pod in listed
        if "deletionTimestamp" not in pod["metadata"]
    }


def _uninstall(place: Place, say: Say) -> None:
    cluster = place.cluster
    with under_load(cluster, say):
        removed = cluster.run(f"helm uninstall tiergate -n {NAMESPACE} --wait --timeout 180s")
        assert removed.code == 0, removed.text
        until(lambda: not _pods(cluster), "every replica has ended", seconds=90, pause=0.5)


STEPS: Final = (
    Step("The story, told with kubectl", _story),
    Step("helm test", _helm_test),
    Step("Rolling restart", _rolling_restart),
    Step("A replica deleted", _replica_deleted),
    Step("Upgrade with a new tier", _upgrade),
    Step("Rollback", _rollback, "tests/cluster/test_upgrade_under_load.py"),
    Step("kubelet and containerd restarted", _restarts),
    Step("Memory under attack, within the chart's limit", _attack, "tests/server/test_memory.py"),
    Step("Uninstallation", _uninstall),
)


def take(place: Place, say: Say, steps: Sequence[Step] = STEPS) -> None:
    """Take steps; raise AssertionError at the first that does not hold."""
    begun = time.monotonic()
    for number, step in enumerate(steps, start=1):
        say(f"\n== {number}/{len(steps)}  {step.title}")
        started = time.monotonic()
        step.take(place, say)
        say(f"  ok  {time.monotonic() - started:.1f} s")
    say(f"\nAll {len(steps)} steps held; {time.monotonic() - begun:.0f} s in all.")
