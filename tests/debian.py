"""Programs that come as Debian packages, unpacked in the user's cache folder. Nothing is installed.

apt verifies what it downloads. Versions are apt's newest: a pinned one leaves the mirrors with the next security fix.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

TOOLS: Final = ("apt-get", "dpkg-deb")
PATIENCE: Final = 300
"""Seconds for one command; a browser is 100 MB."""


class NoPackageError(RuntimeError):
    """A program can neither be found nor unpacked; the text says why."""


def cache_folder() -> Path:
    """Return the folder of everything that is kept for later runs; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tiergate"


def missing_tools() -> str:
    """Return which programs are missing that unpacking needs, '' if it can be done here."""
    return ", ".join(name for name in TOOLS if shutil.which(name) is None)


def program(package: str, path: str) -> Path:
    """Return a program of a package by its path in it, unpacked once with all that the package needs."""
    kept = cache_folder() / package
    if not (kept / path).is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=f"{package}.") as beside:
            made = Path(beside) / "root"
            unpack([package], made)
            if not (made / path).is_file():
                msg = f"the Debian package {package} holds no {path}"
                raise NoPackageError(msg)
            if not (kept / path).is_file():  # another run may have been faster
                shutil.rmtree(kept, ignore_errors=True)
                made.rename(kept)
    return kept / path


def libraries(package: str) -> tuple[Path, ...]:
    """Return the folders of libraries that were unpacked with the package."""
    found = (cache_folder() / package / "usr/lib").glob("*-linux-gnu/**/*.so*")
    return tuple(sorted({path.parent for path in found}))


def unpack(packages: Sequence[str], root: Path) -> None:
    """Fetch the packages and those that they need and this machine lacks, and unpack them into a folder."""
    if missing := missing_tools():
        msg = f"no {missing} to unpack the Debian packages {', '.join(packages)}"
        raise NoPackageError(msg)
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix="archives.") as name:
        try:
            _download(packages, Path(name))
        except NoPackageError:  # the lists of what the mirrors have are old, or empty as in a container image
            if os.geteuid() != 0:
                raise
            _run("apt-get", "update", "--quiet", folder=root)
            _download(packages, Path(name))
        for file in sorted(Path(name).glob("*.deb")):
            _run("dpkg-deb", "--extract", str(file), str(root), folder=root)


def _download(packages: Sequence[str], folder: Path) -> None:
    """Download without a lock of the system and, as any user, without root."""
    line = ("apt-get", "install", "--simulate", "--quiet", "--no-install-recommends", *packages)
    needed = re.findall(r"^Inst (\S+)", _run(*line, folder=folder), re.MULTILINE)
    _run("apt-get", "download", "--quiet", *dict.fromkeys((*packages, *needed)), folder=folder)


def _run(*command: str, folder: Path) -> str:
    line = " ".join(command)
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        msg = f"`{line}` took more than {PATIENCE} s"
        raise NoPackageError(msg) from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        msg = f"`{line}` ended with {done.returncode}: {' '.join(last)}"
        raise NoPackageError(msg)
    return done.stdout
