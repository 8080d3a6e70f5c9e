"""A real browser: the one that is installed, else Debian's, unpacked in the cache folder. Nothing is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import debian
from tests.debian import NoPackageError

INSTALLED: Final = ("chromium", "google-chrome", "google-chrome-stable", "chromium-headless-shell")
PACKAGE: Final = "chromium-headless-shell"
PROGRAM: Final = Path("usr/lib/chromium/chromium-headless-shell")
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
    try:
        kept = debian.kept(PACKAGE)
    except NoPackageError as error:
        msg = f"none is installed, and {error}"
        raise NoBrowserError(msg) from error
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
