"""Servers of one run as child processes, each with a log of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.controlplane.processes import die_with_parent

STOP_SECONDS: Final = 20.0


class DaemonEnded(AssertionError):
    """A server ended by itself."""


class Daemons:
    """Starts, stops and restarts servers."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._commands: dict[str, tuple[str, ...]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a server; what it prints goes to `name.log`."""
        self._commands[name] = tuple(command)
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder), **self._environment},
                cwd=self._folder,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - it calls one system call and nothing that locks
            )

    def restart(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a server and start it again with the same arguments."""
        self.stop(name, number)
        self.start(name, self._commands[name])

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a server, by force if it takes too long."""
        process = self._processes.pop(name)
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def check(self) -> None:
        """Raise DaemonEnded if a server has ended by itself."""
        for name, process in self._processes.items():
            if (code := process.poll()) is not None:
                log = self._folder / f"{name}.log"
                tail = log.read_text(errors="replace").strip().splitlines()[-3:]
                msg = f"{name} ended with {code} (log: {log}):\n" + "\n".join(tail)
                raise DaemonEnded(msg)

    def until(self, holds: Callable[[], object], what: str, *, seconds: float) -> None:
        """Wait until a function returns something true; raise AssertionError, and at once if a server has ended."""
        end = time.monotonic() + seconds
        while not holds():
            self.check()
            if time.monotonic() > end:
                msg = f"after {seconds:g} s it is still not so that {what} (logs: {self._folder})"
                raise AssertionError(msg)
            time.sleep(0.1)
