"""The demo: a check without a cluster, then a control plane, the chart, the story. `python -m tests.controlplane.demo`.

KEEP=1 leaves the cluster running and says how to use and how to end it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
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


def _show(text: str) -> None:
    """Print a command, a remark or an output; colours only on a terminal."""
    if not text:
        return
    colour = {"$": _BOLD, "#": _DIM}.get(text[0], "") if sys.stdout.isatty() else ""
    say(f"{colour}{text}{_PLAIN if colour else ''}")


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


def _how_to_go_on(cluster: Cluster) -> None:
    say("\nThe cluster is kept:")
    say(f"  export KUBECONFIG={cluster.kubeconfig}")
    for program in cluster.programs.values():
        say(f"  export PATH={Path(program).parent}:$PATH")
    say("  kubectl get tiers")
    say("  helm test tiergate -n tiergate-system")
    if cluster.plane is not None:
        say("Pods are processes here, without a kubelet: kubectl port-forward and exec do not work.")
        say(f"End it, with everything it started: kill {cluster.plane.pid}")


def main() -> int:
    """Run the demo; the exit code is 1 when a step or the cluster failed, 130 after Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell's background has it ignored
        signal.signal(number, _interrupted)
    keep, begun = os.environ.get("KEEP", "") not in {"", "0"}, time.monotonic()
    try:
        say("== Before there is a cluster: what would it say of these manifests?")
        offline.tell(_show)
        say(f"\ncluster: {clusters.source()}")
        with clusters.opened(say, keep=keep) as cluster:
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
