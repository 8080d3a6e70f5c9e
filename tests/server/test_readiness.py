"""What the probes say."""

from pathlib import Path

import pytest

from tests.server.pairs import a_pair, trusting, write
from tests.server.running import small_server, wait_for

pytestmark = pytest.mark.process


def test_a_failing_task_is_told_and_leaves_the_process_ready(tmp_path: Path) -> None:
    pair = a_pair()
    folder = write(tmp_path / "tls", pair)
    with small_server(tmp_path, "--tls-dir", str(folder), "--task-fails") as server:
        wait_for(lambda: "the task broke" in server.log(), "the first failure")
        reply = server.get("/readyz", trusting(pair))
        assert (reply.status, reply.body) == (200, b"ok\ntask failing failed: RuntimeError: the task broke\n")
        assert server.get("/livez", trusting(pair)).status == 200
