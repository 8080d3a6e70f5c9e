"""What others wait for while one tenant sends the worst reviews: latency of ordinary ones, quiet and under attack.

The real server process over TLS, on a core of its own where there are two: attackers and who is measured are on other
machines in a cluster. `python -m bench.hostile`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.apiserver import api_server
from bench.files import SERVER_NAME, Files
from bench.load import Load, Target, WrongAnswerError
from bench.review import NAMESPACE, review
from bench.servers import Server, nginx, tiergate
from tiergate.server.large_reviews_process import stand_back

SECONDS: Final = 8.0
"""The 99th percentile is that of 400 reviews."""
RATE: Final = 50
"""Ordinary reviews a second: as many as a busy cluster creates pods."""
CONNECTIONS: Final = 40
HOSTILE: Final = "team-1"
"""A governed namespace that is not the one of ordinary reviews."""
CROWD: Final = 200
"""Connections of one address that is no API server's."""
LARGEST: Final = 1_000_000
"""Bytes of a small body that is nearly too large to be one."""
CROWD_ADDRESS: Final = "127.0.1.1"
MOST: Final = 3.0
"""The most that the 99th percentile may grow by under attack."""


class Waited(msgspec.Struct):
    """Milliseconds that ordinary reviews took."""

    name: str
    size: int
    median: float
    most: float
    worst: float
    answered: int


def pod(*containers: dict[str, Any]) -> bytes:
    """Return the review of a pod of a hostile tenant, as the API server writes it."""
    document = json.loads(review(defaulted=False))
    document["request"]["namespace"] = HOSTILE
    document["request"]["object"]["spec"]["containers"] = list(containers)
    return json.dumps(document, separators=(",", ":")).replace("<", "\\u003c").encode()


def container(name: str = "a", **more: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    """Return a container as the API server has completed it."""
    fixed = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
    return {"name": name, "image": "i", "resources": {}, "imagePullPolicy": "Always", **fixed, **more}


def attacks() -> dict[str, bytes]:
    """Return the reviews by name; they are below 1 MiB, as the server takes few larger ones at a time."""
    nul = {"name": "b", "value": "\0"}
    return {
        "an ordinary pod": review(defaulted=False).replace(
            b'"namespace":"%s"' % NAMESPACE.encode(), b'"namespace":"%s"' % HOSTILE.encode()
        ),
        "240,000 empty args and NUL": pod(container(args=[""] * 240_000, env=[nul])),
        "6,000 containers": pod(*(container(f"c{number}") for number in range(6_000))),
        "250 containers": pod(*(container(f"c{number}") for number in range(250))),
        "50,000 resource names": pod(
            container(resources={"requests": {f"a{number}": "1" for number in range(50_000)}})
        ),
        "150 KB of < and NUL": pod(container(env=[{"name": "a", "value": "<" * 150_000}, nul])),
    }


def crowds() -> dict[str, bytes]:
    """Return by name what one address sends on many connections: the server answers these at once where it has time."""
    full = pod(*(container(f"c{number}", resources={"limits": {"e.c/a": "1"}}) for number in range(40)))
    largest = pod(container(args=["x" * LARGEST]))
    return {f"{CROWD} of an address: {len(body):,} B": body for body in (pod({"name": "a"}), full, largest)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the attacks and print what others waited for."""
    parser = argparse.ArgumentParser(prog="bench.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of one measurement")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="parallel hostile requests")
    options = parser.parse_args(argv)
    print(f"Ordinary reviews, {RATE} a second, beside {options.connections} connections of one hostile tenant.")
    if (busy := os.getloadavg()[0]) > 1:
        print(f"This machine is busy (load {busy:.1f}): compare rows of one run only.", flush=True)
    first, *others = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="tiergate-bench-") as folder, contextlib.ExitStack() as stack:
        files = Files.lay_down(Path(folder))
        stack.enter_context(on(others or [first]))
        api = stack.enter_context(api_server(files.tls))
        with on([first]):
            server = stack.enter_context(tiergate(files, api))
        beside(server, files, options)
        print("The same beside nginx with a static answer: what machine and attackers cost where nothing is decided.")
        with on([first]):
            static = stack.enter_context(nginx(files))
        beside(static, files, options)
    return 0


@contextlib.contextmanager
def on(cores: Sequence[int]) -> Iterator[None]:
    """Run on some cores; a process that is started meanwhile stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def beside(server: Server, files: Files, options: argparse.Namespace) -> None:
    """Print what ordinary reviews wait for at a server, quiet and beside each attack."""

    def target(body: bytes, source: str = "") -> Target:
        return Target(server.port, SERVER_NAME, files.authority, "/mutate", body, source)

    ordinary = target(review(defaulted=False))
    rows = [(name, target(body), options.connections) for name, body in attacks().items()]
    rows += [(name, target(body, CROWD_ADDRESS), CROWD) for name, body in crowds().items()]
    for name, hostile, many in rows:
        quiet = waited("quiet", ordinary, None, options.seconds, 0)
        attacked = waited(name, ordinary, hostile, options.seconds, many)
        print(line(attacked, quiet), flush=True)


def line(row: Waited, quiet: Waited) -> str:
    """Return a row of the table."""
    ratio = row.most / quiet.most  # of the seconds just before, as machines differ from minute to minute
    return (
        f"{row.name:<28}{row.size:>11,} B  p50 {row.median:6.2f} ms"
        f"  p99 {row.most:7.2f} ms = {ratio:4.1f} x {quiet.most:5.2f}"
        f" ({'reached' if ratio <= MOST else f'above {MOST:g}'})  worst {row.worst:7.2f} ms"
        f"  hostile answers {row.answered}"
    )


def waited(name: str, ordinary: Target, hostile: Target | None, seconds: float, connections: int) -> Waited:
    """Return how long ordinary reviews took, beside a process that sends hostile ones."""
    context = multiprocessing.get_context("fork")
    answered = context.Value("i", 0)
    over = context.Event()
    process = None
    if hostile is not None:
        process = context.Process(target=attack, args=(hostile, connections, over, answered))
        process.start()
        time.sleep(1.0)
    try:
        with Load(ordinary, 1) as load:
            times = sorted(paced(load.once, seconds))
    finally:
        over.set()
        if process is not None:
            process.join(30)
    size = 0 if hostile is None else len(hostile.body)
    return Waited(name, size, times[len(times) // 2], times[len(times) * 99 // 100], times[-1], answered.value)


def paced(call: Callable[[], None], seconds: float) -> Iterator[float]:
    """Call at a fixed rate for so many seconds, also where calls take long, and yield the milliseconds of each."""
    start = time.perf_counter()
    for number in range(int(seconds * RATE)):
        if number and time.perf_counter() > start + seconds:
            return
        due = start + number / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        begun = time.perf_counter()
        call()
        yield (time.perf_counter() - begun) * 1000


def attack(target: Target, connections: int, over: Any, answered: Any) -> None:  # noqa: ANN401  # of multiprocessing
    """Send the hostile review on many connections at once, until it is over, whatever is answered.

    Real attackers share no core with who is measured. These do, so they leave it at once.
    """
    stand_back()

    def send() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError, WrongAnswerError), Load(target, 1, warm=False) as load:
                while not over.is_set():
                    load.once(check=False)
                    with answered.get_lock():
                        answered.value += 1

    threads = [threading.Thread(target=send, daemon=True) for _ in range(connections)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)


if __name__ == "__main__":
    raise SystemExit(main())
