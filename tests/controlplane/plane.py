"""Start a control plane beside this process and end it again; see `supervisor` for what it is made of."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from tests.controlplane.binaries import ALTERNATIVES, Binaries, ControlPlaneError
from tests.controlplane.processes import MARK, sweep

REPOSITORY: Final = Path(__file__).parents[2]
ENDED: Final[Mapping[str, Any]] = {"error": "it ended"}
PRESERVE: Final = "preserve"
START_SECONDS: Final = 240.0
STOP_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Plane:
    """A running control plane."""

    folder: Path
    kubeconfig: Path
    pid: int
    mark: str
    _commands: IO[str]
    _answers: queue.Queue[Mapping[str, Any]]

    def restart(self, name: str) -> None:
        """Kill a server, such as kube-apiserver, and start it again; it may not be ready yet on return."""
        self._command(f"restart {name}")

    def save(self) -> None:
        """Make a backup of etcd's data."""
        self._command("save")

    def restore(self) -> None:
        """Restore the backup: everything in the cluster is as it was, and the servers have started again."""
        self._command("restore")

    def _command(self, line: str) -> None:
        self._commands.write(f"{line}\n")
        self._commands.flush()
        _answer(self._answers, 60)

    def preserve(self) -> None:
        """Have the folder stay when this control plane ends, as after a failure."""
        (self.folder / PRESERVE).touch()

    @property
    def is_preserved(self) -> bool:
        """Return whether the folder stays."""
        return (self.folder / PRESERVE).exists()

    def keep(self) -> None:
        """Let the control plane live on after this process; `kill PID` ends it and removes its folder."""
        self._commands.write("keep\n")
        self._commands.flush()


@contextmanager
def running(
    binaries: Binaries, *, namespace: str, keep: bool = False, say: Callable[[str], None] = print
) -> Iterator[Plane]:
    """Run a control plane whose kubelet runs the pods of `namespace`; end it on the way out.

    After a failure its folder stays, with logs and etcd data, and `say` tells where; otherwise it is removed.
    With `keep` it lives on after a block that ended well. Raises ControlPlaneError if it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="tiergate-controlplane-"))
    mark = secrets.token_hex(8)
    process = _start(binaries, folder, mark, namespace)
    answers = _answers_of(process)
    try:
        plane = _until_ready(process, answers, folder, mark)
        yield plane
        if keep:
            plane.keep()
            return
    except KeyboardInterrupt:
        _stop(process, mark)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except BaseException:
        _stop(process, mark)
        if fault := _fault(answers):
            say(f"the control plane had ended by itself: {fault}")
        say(_what_is_kept(folder))
        raise
    _stop(process, mark)
    if plane.is_preserved:
        say(_what_is_kept(folder))
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _what_is_kept(folder: Path) -> str:
    return f"kept of this run: logs of the servers and etcd's data in {folder}, logs of the pods in {folder / 'pods'}"


def _fault(answers: queue.Queue[Mapping[str, Any]]) -> str | None:
    """Return why the supervisor, which has ended, ended before it was told to; None if it did not."""
    while True:
        try:
            answer = answers.get(timeout=1)
        except queue.Empty:
            return None
        if answer == ENDED:
            return None
        if "error" in answer:
            return str(answer["error"])


def _start(binaries: Binaries, folder: Path, mark: str, namespace: str) -> subprocess.Popen[str]:
    settings = folder / "settings.json"
    programs = {name: str(path) for name, path in binaries.paths.items()}
    content = {"folder": str(folder), "programs": programs, "namespace": namespace, "mark": mark}
    settings.write_text(json.dumps(content))
    with (folder / "supervisor.log").open("w") as log:
        # A session of its own: Ctrl-C at the terminal is for us, and we end it in order.
        return subprocess.Popen(
            [sys.executable, "-m", "tests.controlplane.supervisor", str(settings)],
            cwd=REPOSITORY,
            env={**os.environ, MARK: mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def _answers_of(process: subprocess.Popen[str]) -> queue.Queue[Mapping[str, Any]]:
    answers: queue.Queue[Mapping[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(process.stdout, answers), daemon=True).start()
    return answers


def _until_ready(
    process: subprocess.Popen[str], answers: queue.Queue[Mapping[str, Any]], folder: Path, mark: str
) -> Plane:
    if process.stdin is None:  # pragma: no cover - a pipe was asked for
        raise RuntimeError
    try:
        ready = _answer(answers, START_SECONDS)
    except ControlPlaneError as error:
        msg = f"The control plane did not start: {error}. {ALTERNATIVES}"
        raise ControlPlaneError(msg) from error
    return Plane(folder, Path(ready["kubeconfig"]), ready["pid"], mark, process.stdin, answers)


def _listen(output: IO[str], answers: queue.Queue[Mapping[str, Any]]) -> None:
    with output:
        for line in output:
            answers.put(json.loads(line))
    answers.put(ENDED)


def _answer(answers: queue.Queue[Mapping[str, Any]], seconds: float) -> Mapping[str, Any]:
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        answer = {"error": f"no answer for {seconds:.0f} s"}
    if "error" in answer:
        raise ControlPlaneError(answer["error"])
    return answer


def _stop(process: subprocess.Popen[str], mark: str) -> None:
    """End the control plane by the end of its standard input; at the latest by force."""
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        sweep(mark)
