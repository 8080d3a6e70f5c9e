"""The attacks of bench.memory on a replica in a container, whose memory the kernel limits and counts."""

from __future__ import annotations

import base64
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from bench import attacks
from bench.attacks import MIB, Port
from tests.controlplane.cluster import NAMESPACE, Cluster, Say
from tests.node.namespaces import CGROUPS

TIMES: Final = 10


def attack(cluster: Cluster, name: str, say: Say) -> None:
    """Attack one replica with everything; print the most memory that its container had, and its limit."""
    pod = cluster.kubectl(f"get pod {name} -n {NAMESPACE} -o json").json
    port = Port(9443, _context(cluster), f"tiergate-webhook.{NAMESPACE}.svc", pod["status"]["podIP"])
    for title, send in chosen(port).items():
        begun = time.monotonic()
        got = send()
        answers = ", ".join(f"{count} x {status}" for status, count in got.items()) if isinstance(got, Counter) else ""
        say(f"  {time.monotonic() - begun:5.1f} s  {title}{': ' if answers else ''}{answers}")
    (container,) = pod["status"]["containerStatuses"]
    most, limit = memory(container["containerID"].removeprefix("containerd://"))
    say(f"  most memory of the container: {most / MIB:.0f} of {limit / MIB:.0f} MiB")
    assert most < limit, f"the container had {most} bytes of memory, and {limit} is its limit"


def chosen(port: Port) -> Mapping[str, Callable[[], object]]:
    """Return the attacks by what they are: those of bench.memory that need most memory, in less time."""

    def nothing() -> None:
        """Hold still for no time."""

    return {
        f"{TIMES} pods with 2.9 MB of < and a NUL": lambda: attacks.escaped_and_nul(port, TIMES),
        "8 reviews of 36 MiB at once": lambda: attacks.large_at_once(port),
        "4 reviews of 40 MiB of two-byte text with a NUL": lambda: attacks.two_byte_text(port),
        "4 uploads that stall one byte short of 40 MiB": lambda: attacks.stalled(port, 4, 40 * MIB, nothing),
        "380 connections that read none of two large answers": lambda: attacks.unread(port, 380, nothing),
        "380 requests with 36,000 headers": lambda: attacks.headers(port, 380, nothing),
        "100 Tier names of 1 MB": lambda: attacks.tier_names(port),
        "20 resource names of 3 MB": lambda: attacks.resource_names(port),
    }


def memory(container: str) -> tuple[int, int]:
    """Return the most bytes that a container had, and its limit, as the kernel has them in the container's cgroup."""
    version_2 = (CGROUPS / "cgroup.controllers").is_file()
    names = ("memory.peak", "memory.max") if version_2 else ("memory.max_usage_in_bytes", "memory.limit_in_bytes")
    root = CGROUPS if version_2 else CGROUPS / "memory"
    (place,) = root.glob(f"tiergate-node-*/kubepods/**/{container}")
    most, limit = (int((place / name).read_text()) for name in names)
    return most, limit


def _context(cluster: Cluster) -> ssl.SSLContext:
    configuration = cluster.kubectl("get validatingwebhookconfiguration tiergate -o json").json
    bundle = base64.b64decode(configuration["webhooks"][0]["clientConfig"]["caBundle"])
    return ssl.create_default_context(cadata=bundle.decode())
