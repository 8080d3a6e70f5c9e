"""The arithmetic of the benchmark, and that it asks what it says it asks."""

import os
import subprocess
import sys

import pytest

from bench.cpu import cpu_seconds
from bench.report import BASE, Sample, rows, table
from bench.review import NAMESPACE, SIZE, review
from tiergate.admission.request import read

OURS = "tiergate /validate"


def sample(server: str, connections: int, cpu: float, *, seconds: float = 1.0) -> Sample:
    return Sample(server, connections, requests=1000, seconds=seconds, cpu=cpu)


@pytest.mark.parametrize("defaulted", [True, False])
def test_review_is_a_real_one_of_the_size_it_claims(defaulted: bool) -> None:  # noqa: FBT001  # a parameter
    """Both endpoints read it: two containers in a governed namespace, in 9,000 bytes."""
    body = review(defaulted=defaulted)
    asked = read("validate" if defaulted else "mutate", body)
    assert len(body) == SIZE
    assert asked.namespace == NAMESPACE
    assert asked.old is None


def test_ratio_is_taken_inside_each_round() -> None:
    """A round in which the whole machine was slow changes the microseconds and not the ratio."""
    samples = [
        *(sample(BASE, 1, 0.01), sample(OURS, 1, 0.05, seconds=2)),
        *(sample(BASE, 1, 0.10), sample(OURS, 1, 0.50, seconds=2)),
        *(sample(BASE, 1, 0.02), sample(OURS, 1, 0.10, seconds=2)),
    ]
    base, ours = rows(samples)
    assert (base.cpu_ratio, base.rate_ratio) == (1.0, 1.0)
    assert ours.cpu_ratio == pytest.approx(5.0)
    assert ours.rate_ratio == pytest.approx(0.5)
    assert ours.cpu_microseconds == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("connections", "ratio", "verdict"),
    [
        pytest.param(1, 5.4, "the target is at most 5.5 x: reached", id="under-at-1"),
        pytest.param(1, 5.6, "the target is at most 5.5 x: missed", id="over-at-1"),
        pytest.param(8, 7.4, "the target is at most 7.5 x: reached", id="under-at-8"),
        pytest.param(8, 7.6, "the target is at most 7.5 x: missed", id="over-at-8"),
    ],
)
def test_table_says_whether_the_target_is_reached(connections: int, ratio: float, verdict: str) -> None:
    """The last lines are the answer, one for each number of connections that was measured."""
    found = rows([sample(BASE, connections, 0.01), sample(OURS, connections, 0.01 * ratio)])
    last = table(found).splitlines()[-1]
    assert last == f"at {connections}: {ratio:.2f} x nginx's CPU, {verdict}"


def test_cpu_of_children_counts() -> None:
    """The worker of gunicorn is a child of the process that was started: its time is the one that matters."""
    burn = (
        "import time\nwhile time.process_time() < 0.2: pass\nprint('burnt', flush=True)\nimport sys; sys.stdin.read()"
    )
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert cpu_seconds(process.pid) >= 0.2 - 2 / os.sysconf("SC_CLK_TCK")  # both clocks round to ticks
