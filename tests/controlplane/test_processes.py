from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.controlplane.cluster import until
from tests.controlplane.network import claim_subnet, free_ports
from tests.controlplane.processes import MARK, die_with_parent, marked, sweep

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the built control plane is for Linux")

# A parent that starts a child as the harness does, tells its id, and waits.
PARENT = """
import subprocess, sys, time
from tests.controlplane.processes import die_with_parent
child = subprocess.Popen(["sleep", "60"], start_new_session=True, preexec_fn=die_with_parent())
print(child.pid, flush=True)
time.sleep(60)
"""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_dies_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _runs(child)
        parent.kill()
    until(lambda: not _runs(child), "the child has died with its parent", seconds=5)


def test_a_sweep_ends_what_carries_the_mark_and_nothing_else() -> None:
    mark = f"test-{os.getpid()}-{time.monotonic_ns()}"
    environment = {**os.environ, MARK: mark}
    # The shell's own child is the grandchild that nobody else would find; it is in a session of its own.
    with (
        subprocess.Popen(["sh", "-c", "setsid sleep 60 & wait"], env=environment) as ours,
        subprocess.Popen(["sleep", "60"], preexec_fn=die_with_parent()) as other,  # noqa: PLW1509 - no threads here
    ):
        until(lambda: len(tuple(marked(mark))) >= 2, "the shell has started its child")
        killed = sweep(mark)
        assert ours.pid in killed
        assert other.pid not in killed
        assert tuple(marked(mark)) == ()
        assert other.poll() is None
        other.kill()


def test_two_runs_never_share_a_subnet() -> None:
    with claim_subnet() as first, claim_subnet() as second:
        assert first.number != second.number
        assert first.services != second.services
    with claim_subnet() as again:
        assert again.number <= first.number


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports("127.0.0.1", 20)
    assert len(set(ports)) == 20
    assert all(port > 1023 for port in ports)
