"""Debian packages, downloaded by apt, which verifies them, and unpacked in a folder. Nothing is installed.

Versions are apt's newest: a pinned one leaves the mirrors with the next security fix.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.controlplane.binaries import cache_folder

TOOLS: Final = ("apt-get", "dpkg-deb")
PATIENCE: Final = 300
"""Seconds to fetch 100 MB."""


class NoPackageError(RuntimeError):
    """A package cannot be unpacked; the text says why."""


def missing_tools() -> list[str]:
    """Return what is missing here to unpack any."""
    return [name for name in TOOLS if shutil.which(name) is None]


def kept(package: str) -> Path:
    """Return the folder in the user's cache that holds a package and what it needs, unpacked once; see `unpack`."""
    folder = cache_folder().with_name(package)
    if not folder.exists():  # made beside its place, so that what is there is whole
        making = folder.with_name(f"{package}.{os.getpid()}")
        try:
            unpack([package], making / "packages", making)
            shutil.rmtree(making / "packages")
            with contextlib.suppress(OSError):  # another run was faster
                making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


def unpack(packages: Sequence[str], archives: Path, root: Path) -> None:
    """Download packages, and those that they need and this machine lacks; unpack them. It takes no root.

    Raises:
        NoPackageError: See its text.
    """
    if missing := missing_tools():
        msg = f"{' and '.join(missing)} to unpack Debian packages not in PATH"
        raise NoPackageError(msg)
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    line = ("apt-get", "install", "--yes", "--quiet", "--download-only", "--no-install-recommends")
    options = (
        f"--option=Dir::Cache::archives={archives}",
        "--option=Debug::NoLocking=1",
        "--option=APT::Sandbox::User=root",
    )
    try:
        _run((*line, *options, *packages))
    except NoPackageError:  # the lists of what the mirrors have are old, or empty as in a container image
        _run(("apt-get", "update", "--quiet"))
        _run((*line, *options, *packages))
    for file in sorted(archives.glob("*.deb")):
        _run(("dpkg-deb", "--extract", str(file), str(root)))


def _run(command: tuple[str, ...]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    said = f"`{' '.join(command)}`"
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        msg = f"{said} took more than {PATIENCE} s"
        raise NoPackageError(msg) from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        msg = f"{said} ended with {done.returncode}: {' '.join(last)}"
        raise NoPackageError(msg)
