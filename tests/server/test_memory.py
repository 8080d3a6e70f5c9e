"""The real server stays up, and answers, within the chart's memory limit, whatever comes to its port."""

import contextlib
import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bench.attacks import Bystander, Port
from bench.memory import MOST_PEAK, Watch, all_attacks, resident
from tests.server.fake_api import NAMESPACES, TIERS, FakeApi, a_namespace, a_review, a_tier
from tests.server.running import Server
from tests.server.test_serve_command import SMALL, a_pod

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
GROUPS = Path("/sys/fs/cgroup/memory")
TIMES = 30
"""Enough to pass the limit, had each left its review behind."""
MANY_TIMES = 500


def the_limit() -> int:
    """Return the chart's memory limit of the webhook in bytes."""
    values = yaml.safe_load((ROOT / "charts/tiergate/values.yaml").read_text())
    text: str = values["webhook"]["resources"]["limits"]["memory"]
    return int(text.removesuffix("Mi")) * 2**20


@contextlib.contextmanager
def limited(server: Server) -> Iterator[None]:
    """Put a process, which has only just begun, into a memory cgroup of the limit.

    Where none can be made, it and each below it may have as much memory of its own: address space alone would count
    what threads set aside and never use.
    """
    group = GROUPS / f"tiergate-test-{server.process.pid}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(the_limit()))
        (group / "cgroup.procs").write_text(str(server.process.pid))
    except OSError:
        resource.prlimit(server.process.pid, resource.RLIMIT_DATA, (the_limit(), the_limit()))
        yield
        return
    try:
        yield
    finally:
        server.stop()
        group.rmdir()


@pytest.mark.parametrize(
    ("times", "groups"),
    [
        pytest.param(TIMES, GROUPS, id="some"),
        pytest.param(MANY_TIMES, GROUPS, id="many", marks=pytest.mark.long),
        pytest.param(TIMES, Path("/nowhere"), id="without-cgroups", marks=pytest.mark.long),
    ],
)
def test_it_stays_up_and_answers_within_the_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, times: int, groups: Path
) -> None:
    monkeypatch.setattr("tests.server.test_memory.GROUPS", groups)
    api = FakeApi()
    api.put(TIERS, a_tier())
    api.put(NAMESPACES, a_namespace())
    for number in range(5_000):
        api.put(NAMESPACES, a_namespace(f"team-{number}"))
    with a_pod(tmp_path, api) as (server, context, _), limited(server):
        server.wait_ready(context)
        worker, port = server.worker(), Port(server.port, context)
        print(f"5,000 namespaces: {resident(server.process.pid) >> 20} MiB")
        body = json.dumps(a_review(resources=SMALL)).encode()
        with Bystander(port, body) as bystander, Watch(server.process.pid) as watch:
            for name, attack in all_attacks(port, times).items():
                attack()
                print(f"{name}: {resident(server.process.pid) >> 20} MiB, at most {watch.most >> 20} so far")
        assert server.worker() == worker, "the worker was killed"
        assert set(bystander.statuses) == {200}
        assert watch.most <= MOST_PEAK
