"""The demo: a check while there is no cluster yet, then the chart, the story. `python -m tests.controlplane.demo`.

KEEP=1 leaves the cluster running and says how to use and how to end it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

from tests.cluster.narrator import Narrator
from tests.cluster.story import STEPS
from tests.controlplane import cluster as clusters
from tests.controlplane import offline
from tests.controlplane.binaries import ControlPlaneError
from tests.controlplane.cluster import Cluster

_BOLD, _DIM, _PLAIN = "\033[1m", "\033[2m", "\033[0m"


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def _painted(text: str) -> str:
    """Return a command, a remark or an output; colours only on a terminal."""
    colour = {"$": _BOLD, "#": _DIM}.get(text[:1], "") if sys.stdout.isatty() else ""
    return f"{colour}{text}{_PLAIN if colour else ''}"


def _show(text: str) -> None:
    """Print it, if it is anything."""
    if text:
        say(_painted(text))


def _tell_offline() -> None:
    """Print what manifests are told before there is a cluster: at once, as the control plane says how far it is."""
    told: list[str] = []
    offline.tell(told.append)
    say("\n".join(["== Before there is a cluster: what would it say of these manifests?", *map(_painted, told), ""]))


def _tell(cluster: Cluster) -> list[tuple[str, float]]:
    """Tell the story; return the seconds that each step took."""
    narrator, times = Narrator(cluster, _show), []
    for number, step in enumerate(STEPS, start=1):
        say(f"\n== {number}/{len(STEPS)}  {step.title}")
        begun = time.monotonic()
        step.tell(narrator)
        times.append((step.title, time.monotonic() - begun))
    return times


def _summary(times: list[tuple[str, float]], total: float) -> None:
    say("\n== Summary")
    for number, (title, seconds) in enumerate(times, start=1):
        say(f"  ok {number:>2}  {seconds:5.1f} s  {title}")
    say(f"All {len(times)} steps held on a real API server; {total:.0f} s in all.")


def usage_pages(logs: str) -> list[str]:
    """Return the addresses of the usage pages that the logs of replicas name: the second of those that each opened."""
    return re.findall(r"Listening at: https://\S+?,(https://[^\s,]+)", logs)


def _how_to_go_on(cluster: Cluster) -> None:
    say("\nThe cluster is kept:")
    say(f"  export KUBECONFIG={cluster.kubeconfig}")
    for program in cluster.programs.values():
        say(f"  export PATH={Path(program).parent}:$PATH")
    say("  kubectl get tiers")
    say("  helm test tiergate -n tiergate-system")
    if cluster.plane is not None:
        say("Pods are processes here, without a kubelet: kubectl port-forward and exec do not work.")
        logs = cluster.kubectl("logs -n tiergate-system -l app.kubernetes.io/component=webhook --tail=-1").out
        for address in usage_pages(logs):
            say(f"The usage page of a replica (docs/usage-page.md): {address}")
        say(f"End it, with everything it started: kill {cluster.plane.pid}")


def main() -> int:
    """Run the demo; the exit code is 1 when a step or the cluster failed, 130 after Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell's background has it ignored
        signal.signal(number, _interrupted)
    keep, begun = os.environ.get("KEEP", "") not in {"", "0"}, time.monotonic()
    try:
        with ThreadPoolExecutor(1) as beside:
            checked = beside.submit(_tell_offline)
            say(f"cluster: {clusters.source()}")
            with clusters.opened(say, keep=keep) as cluster:
                checked.result()
                _summary(_tell(cluster), time.monotonic() - begun)
                if keep:
                    _how_to_go_on(cluster)
    except ControlPlaneError as error:
        say(f"\n{error}")
        return 1
    except AssertionError as error:
        say(f"\nThis step did not hold:\n{error}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted; everything that was started has ended.")
        return 130
    return 0


def _interrupted(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
