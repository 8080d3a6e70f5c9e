"""Every panel of the dashboard, asked of a real Prometheus that scrapes a real replica."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests import debian
from tests.chart.test_monitoring import panels
from tests.cluster.objects import a_pod
from tests.cluster.replicas import Replica, replicas
from tests.controlplane.cluster import Cluster, until
from tests.controlplane.network import free_ports
from tests.controlplane.processes import die_with_parent
from tests.debian import NoPackageError

pytestmark = pytest.mark.cluster

UNVERIFIED: Final = ssl._create_unverified_context()  # noqa: S323 - the module's own name for it


def test_no_panel_is_empty(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """Reviews, refusals, errors and growing usage: each query has an answer, in the time a person waits for a page."""
    if cluster.plane is None:
        pytest.skip("the replicas of a given cluster cannot be scraped from here")
    try:
        program = shutil.which("prometheus") or str(debian.kept("prometheus") / "usr/bin/prometheus")
    except NoPackageError as error:
        pytest.skip(f"no `prometheus` in PATH, and {error}")
    replica, numbers = replicas(cluster)[0], count()
    asked = [(title, query) for title, query in panels()]
    with _scraping(program, cluster, replicas(cluster), tmp_path) as address:

        def is_full() -> bool:
            _happen(cluster, namespace, replica, next(numbers))
            empty[:] = [title for title, query in asked if not _answer(address, query)]
            return not empty

        empty: list[str] = []
        try:
            until(is_full, "every panel shows something", seconds=60, pause=1)
        except AssertionError as error:
            error.add_note(f"empty: {empty}")
            raise


def _happen(cluster: Cluster, namespace: str, replica: Replica, number: int) -> None:
    """Let one more pod in, refuse one, and send what is no review."""
    small, huge = a_pod(f"small-{number}", requests={"cpu": "10m"}), a_pod("huge", limits={"cpu": "400"})
    cluster.run(f"kubectl create -n {namespace} -f -", stdin=json.dumps(small))
    assert cluster.run(f"kubectl create -n {namespace} -f -", stdin=json.dumps(huge)).code != 0
    connection = http.client.HTTPSConnection(replica.address, replica.port, timeout=10, context=UNVERIFIED)
    with closing(connection):
        connection.request("POST", "/validate", b"no review", {"Content-Type": "text/plain"})
        connection.getresponse().read()


def _answer(address: str, query: str) -> list[object]:
    url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(url, timeout=10) as response:
        found: list[object] = json.load(response)["data"]["result"]
    return found


@contextmanager
def _scraping(program: str, cluster: Cluster, replicas_: tuple[Replica, ...], folder: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes every replica each second; yield its address."""
    (port,) = free_ports("127.0.0.1", 1)
    token = yaml.safe_load(cluster.kubeconfig.read_text())["users"][0]["user"]["token"]
    job = {
        "job_name": "tiergate",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "scheme": "https",
        "authorization": {"credentials": token},
        "tls_config": {"insecure_skip_verify": True},
        "static_configs": [{"targets": [f"{one.address}:{one.port}" for one in replicas_]}],
    }
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump({"scrape_configs": [job]}))
    address = f"127.0.0.1:{port}"
    line = [
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(line, cwd=folder, stdout=log, stderr=log, preexec_fn=die_with_parent())  # noqa: PLW1509 - it calls one system call and nothing that locks
        try:
            until(lambda: _is_ready(address), "Prometheus is ready", seconds=30)
            yield address
        finally:
            process.kill()
            process.wait()


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
