"""A corner of this machine for one run: network, mounts, processes and sockets of its own.

Whatever happens in it ends with its first process, and the kernel ends that one with whoever started it: no task,
mount, bridge or address is left, even after kill -9. Only cgroups and the run's folder stay; the next run removes them.
`python -m tests.node.namespaces FOLDER PACKAGES COMMAND...` is that first process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from tests.controlplane.processes import die_with_parent
from tests.image.building import REPOSITORY
from tests.node import packages

BRIDGE: Final = "tiergate0"
GATEWAY: Final = "198.18.7.1"
"""The node, as pods see it; the subnet is for tests (RFC 2544) and exists in this network namespace only."""
PODS: Final = "198.18.7.0/24"
SERVICES: Final = "198.18.8.0/24"
PREFIX: Final = "tiergate-node-"
CGROUPS: Final = Path("/sys/fs/cgroup")
_LOCK: Final = "lock"
_END_SECONDS: Final = 5.0
_UNSHARE: Final = ("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc")
# What kubelet and containerd write to fixed places goes to the run's folder.
_OVER: Final = ("/var/lib", "/var/log")


@contextmanager
def folder() -> Iterator[Path]:
    """Make the folder of a run and its cgroup of the same name; remove those of runs that were killed, too."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_ours(left):
            _remove_unless_held(left)
    made = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (made / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make_cgroups(made.name)
            yield made
    finally:
        _remove_unless_held(made)


def _is_ours(left: Path) -> bool:
    """Say whether a run made it: the place is everybody's, and somebody else's folder may lead root anywhere."""
    with contextlib.suppress(FileNotFoundError):  # another run has just removed it
        found = left.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and (left / _LOCK).is_file()
    return False


def _remove_unless_held(left: Path) -> None:
    lock = _held(left)
    if lock is not None:
        with lock:
            _remove_cgroups(left.name)
            if not _cgroups(left.name):  # else the next run needs to find them
                shutil.rmtree(left, ignore_errors=True)


def _held(left: Path) -> IO[str] | None:
    """Return the lock of a folder whose run has ended, None while it goes on."""
    lock = (left / _LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def hierarchies() -> tuple[Path, ...]:
    """Return the root of each hierarchy of cgroups: one with version 2, several with version 1."""
    if (CGROUPS / "cgroup.controllers").is_file():
        return (CGROUPS,)
    return tuple(each for each in CGROUPS.glob("*") if not each.is_symlink() and (each / "cgroup.procs").is_file())


def _make_cgroups(name: str) -> None:
    for root in hierarchies():
        (root / name).mkdir()
        if root == CGROUPS:
            enabled = " ".join(f"+{each}" for each in (root / "cgroup.controllers").read_text().split())
            for place in (root, root / name):
                (place / "cgroup.subtree_control").write_text(enabled)


def _cgroups(name: str) -> list[Path]:
    return [place for root in hierarchies() if (place := root / name).is_dir()]


def _remove_cgroups(name: str) -> None:
    """Remove a run's cgroups, deepest first; its processes have been killed, and take a moment to end."""
    end = time.monotonic() + _END_SECONDS
    while (left := _cgroups(name)) and time.monotonic() < end:
        for root in left:
            for place, _, _ in os.walk(root, topdown=False):
                with contextlib.suppress(OSError):
                    Path(place).rmdir()
        time.sleep(0.05)


def why_not() -> str | None:
    """Return why none can be made here, None if they can: in most containers root may not."""
    if not hierarchies():
        return f"no cgroups in {CGROUPS}"
    try:
        with folder() as run:
            tried = enter(run, ("true",), errors=subprocess.PIPE)
            said = tried.communicate()[1].strip()
    except OSError as error:
        return f"no cgroup of its own: {error.filename}: {error.strerror}"
    return None if tried.returncode == 0 else f"no namespaces of its own: {said.partition(chr(10))[0]}"


def enter(run: Path, command: Sequence[str], *, errors: int | None = None) -> subprocess.Popen[str]:
    """Start a command in namespaces of its own; they end with it, and with this process."""
    first = (sys.executable, "-m", "tests.node.namespaces", str(run), str(packages.cache_folder()))
    return subprocess.Popen(
        [*_UNSHARE, *first, *command],
        cwd=REPOSITORY,
        text=True,
        stderr=errors,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - it calls one system call and nothing that locks
    )


def prepare(run: Path, unpacked: Path) -> None:
    """Set up the namespaces of this process."""
    if (unpacked / "root").is_dir():
        _shell(packages.lay_over_usr(unpacked))
    _shell("mount -t tmpfs tmpfs /run")
    for place in _OVER:
        upper, work = (run / "over" / place.strip("/").replace("/", "-") / name for name in ("upper", "work"))
        upper.mkdir(parents=True)
        work.mkdir()
        _shell(f"mount -t overlay -o lowerdir={place},upperdir={upper},workdir={work} overlay {place}")
    _shell("hostname node-1")
    _shell("ip link set lo up")
    _shell(f"ip link add {BRIDGE} type bridge && ip address add {GATEWAY}/24 dev {BRIDGE} && ip link set {BRIDGE} up")


def _shell(line: str) -> None:
    subprocess.run(["sh", "-c", line], check=True)


def main(arguments: Sequence[str]) -> int:
    """Be the first process: run the command, bury every orphan, and end with the command's exit code."""
    run, unpacked, *command = arguments
    prepare(Path(run), Path(unpacked))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the command gets it too, and ends in order
    child = os.fork()
    if child == 0:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606 - no shell is meant
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
