"""The webhook's memory: at rest, and the most it held while hostile clients had its port.

`python -m bench.memory`.
"""

from __future__ import annotations

import argparse
import contextlib
import ssl
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from bench import attacks
from bench.apiserver import api_server
from bench.attacks import MIB, Bystander, Port
from bench.files import SERVER_NAME, Files
from bench.review import review
from bench.servers import tiergate
from tiergate.server.large_reviews import IDLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_STEADY: Final = 80 * MIB
MOST_PEAK: Final = 300 * MIB
TIMES: Final = 500
LOOK: Final = 0.02
"""Seconds between two looks: the reading of a large review takes several times as long."""


def resident(pid: int) -> int:
    """Return the bytes of memory that a process and all below it own; files are not theirs."""
    owned = 0
    with contextlib.suppress(OSError, KeyError):  # it has ended meanwhile
        owned = _numbers(Path(f"/proc/{pid}/smaps_rollup"))["Pss_Anon"]  # what several share counts once
        owned += sum(map(resident, map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())))
    return owned


class Watch(threading.Thread):
    """Looks at the memory of a process and all below it many times a second; ``most`` is the most it saw at once."""

    def __init__(self, pid: int) -> None:
        """Watch this process."""
        super().__init__(daemon=True)
        self.most = 0
        self._pid = pid
        self._over = threading.Event()

    def run(self) -> None:
        """Watch until the end of the block."""
        while not self._over.wait(LOOK):
            self.most = max(self.most, resident(self._pid))

    def __enter__(self) -> Self:
        """Begin."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        self.join()


def _numbers(path: Path) -> dict[str, int]:
    """Return the sizes of a file of /proc in bytes."""
    pairs = (line.split(":", 1) for line in path.read_text().splitlines() if line.endswith(" kB"))
    return {name: 1024 * int(value.split()[0]) for name, value in pairs}


def all_attacks(port: Port, times: int = TIMES) -> dict[str, Callable[[], object]]:
    """Return every attack by what it is."""

    def nothing() -> None:
        """Hold still for a moment."""
        time.sleep(1)

    return {
        f"{times} pods with 2.9 MB of < and a NUL": lambda: attacks.escaped_and_nul(port, times),
        "8 reviews of 36 MiB at once": lambda: attacks.large_at_once(port),
        "4 reviews of 40 MiB of two-byte text with a NUL": lambda: attacks.two_byte_text(port),
        "4 uploads that stall one byte short of 40 MiB": lambda: attacks.stalled(port, 4, 40 * MIB, nothing),
        "200 uploads that stall one byte short of 1 MiB": lambda: attacks.stalled(port, 200, MIB, nothing),
        "2,000 idle connections": lambda: attacks.idle(port, 2_000, nothing),
        "380 connections that read none of two large answers": lambda: attacks.unread(port, 380, nothing),
        "380 requests with 36,000 headers": lambda: attacks.headers(port, 380, nothing),
        "100 Tier names of 1 MB": lambda: attacks.tier_names(port),
        "20 resource names of 3 MB": lambda: attacks.resource_names(port),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="how often the pod with NUL is sent")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="tiergate-bench-") as folder, ExitStack() as stack:
        files = Files.lay_down(Path(folder))
        server = stack.enter_context(tiergate(files, stack.enter_context(api_server(files.tls))))
        port = Port(server.port, ssl.create_default_context(cafile=str(files.authority)), SERVER_NAME)
        time.sleep(2)
        steady = resident(server.pid)
        print(f"webhook at rest: {_mib(steady)}")
        with Bystander(port, review(defaulted=True)) as bystander, Watch(server.pid) as watch:
            for name, attack in all_attacks(port, options.times).items():
                got = attack()
                now = _mib(resident(server.pid))
                print(f"  {name}: {now} afterwards, at most {_mib(watch.most)} so far; {got or ''}", flush=True)
        print(f"  ordinary reviews meanwhile: {dict(bystander.statuses)}, slowest {bystander.slowest:.2f} s")
        time.sleep(IDLE + 1)  # the process that reads large reviews has ended
        after = resident(server.pid)
    verdicts = _verdict("steady", max(steady, after), MOST_STEADY), _verdict("peak", watch.most, MOST_PEAK)
    print("\n".join(verdicts))
    return int(any("missed" in one for one in verdicts))


def _verdict(name: str, found: int, most: int) -> str:
    return f"  {name} {_mib(found)}, at most {_mib(most)}: {'reached' if found <= most else 'missed'}"


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"


if __name__ == "__main__":
    raise SystemExit(main())
