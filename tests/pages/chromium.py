"""A real browser: the one that is installed, else Debian's, unpacked in the cache folder. Nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.controlplane.binaries import cache_folder

INSTALLED: Final = ("chromium", "google-chrome", "google-chrome-stable", "chromium-headless-shell")
PACKAGE: Final = "chromium-headless-shell"
PROGRAM: Final = Path("usr/lib/chromium/chromium-headless-shell")
PATIENCE: Final = 300
"""Seconds to fetch 100 MB."""
_VARIABLE: Final = "TIERGATE_CHROMIUM"


class Program(NamedTuple):
    """A browser, and the folders of libraries that it needs besides the system's."""

    path: Path
    libraries: tuple[Path, ...] = ()


class NoBrowserError(RuntimeError):
    """There is no browser, with the reason."""


def program() -> Program:
    """Return the browser; raise NoBrowserError."""
    if named := os.environ.get(_VARIABLE):
        return Program(Path(named))
    for name in INSTALLED:
        if found := shutil.which(name):
            return Program(Path(found))
    kept = cache_folder().with_name(PACKAGE)
    if not (kept / PROGRAM).exists():
        _fetch(kept)
    libraries = sorted({path.parent for path in (kept / "usr/lib").glob("*-linux-gnu/**/*.so*")})
    return Program(kept / PROGRAM, tuple(libraries))


@contextmanager
def browser() -> Iterator[Browser]:
    """Run the browser, without a window."""
    found = program()
    folders = [*map(str, found.libraries), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, folders))}
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(found.path), env=dict(environment))
        yield running
        running.close()


@contextmanager
def browser_or_skip() -> Iterator[Browser]:
    """Run the browser; skip the test where there is none."""
    try:
        program()
    except NoBrowserError as error:
        pytest.skip(f"no browser: {error}; name one in {_VARIABLE}")
    with browser() as running:
        yield running


def _fetch(kept: Path) -> None:
    """Unpack the package and what it needs beside the place, and rename, so that what is there is whole."""
    if missing := [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]:
        msg = f"none is installed, and {' and '.join(missing)} to fetch Debian's is missing"
        raise NoBrowserError(msg)
    making = kept.with_name(f"{kept.name}.{os.getpid()}")
    (making / "packages").mkdir(parents=True)
    try:
        simulated = _run(
            "apt-get", "install", "--simulate", "--quiet", "--no-install-recommends", PACKAGE, folder=making
        )
        names = re.findall(r"^Inst (\S+)", simulated, re.MULTILINE)
        _run("apt-get", "download", "--quiet", *names, folder=making / "packages")
        for package in sorted((making / "packages").iterdir()):
            _run("dpkg-deb", "--extract", str(package), str(making), folder=making)
        shutil.rmtree(making / "packages")
        if not kept.exists():
            making.rename(kept)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _run(*command: str, folder: Path) -> str:
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        msg = f"{' '.join(command[:2])} took more than {PATIENCE} s"
        raise NoBrowserError(msg) from None
    if ran.returncode:
        msg = f"{' '.join(command[:2])} failed: {ran.stderr.strip()[-300:]}"
        raise NoBrowserError(msg)
    return ran.stdout
