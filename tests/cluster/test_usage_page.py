"""The usage page of real replicas in a real browser, after a Deployment that does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.cluster.replicas import Replica, replicas
from tests.cluster.workloads import workload
from tests.controlplane.cluster import Cluster, until
from tests.pages.chromium import browser_or_skip

pytestmark = pytest.mark.cluster

_OPTION: Final = b"--usage-port"


def address(replica: Replica) -> str:
    """Return where the replica serves its pages: the harness gave it a port in place of 9444."""
    words = Path(f"/proc/{replica.pid}/cmdline").read_bytes().split(b"\0")
    found = [word.partition(b"=")[2] or words[at + 1] for at, word in enumerate(words) if word.startswith(_OPTION)]
    return f"{replica.address}:{found[-1].decode()}"


def test_the_page_of_a_replica_shows_what_waits_and_why(cluster: Cluster, namespace: str) -> None:
    cluster.apply(workload("agent", replicas=30, cpu="500m"), namespace=namespace)
    addresses = [address(one) for one in replicas(cluster)]
    with browser_or_skip() as browser:
        page = browser.new_context(ignore_https_errors=True).new_page()

        def shown() -> str:
            texts = []
            for one in addresses:
                page.goto(f"https://{one}/namespaces/{namespace}")
                texts.append(page.locator("main").inner_text())
            return "\n".join(texts)

        words = ("Deployment agent", "Would pass:", "limits.cpu", "full", "workload-does-not-fit", "quota-exceeded")

        def waits() -> bool:
            text = shown()
            return all(each in text for each in words) and "ReplicaSet" not in text

        until(waits, "the page shows the workload that waits, its verdict and its pods under one name")
        text = shown()
    assert "100% used, 0 left" in text
