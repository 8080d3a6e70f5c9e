"""Programs of a node that come as Debian packages, from PATH or unpacked in the user's cache folder."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tests import debian
from tests.debian import NoPackageError
from tests.image.building import Say

STORAGE: Final = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/storage"\nrunroot = "{0}/run"\n'


def cache_folder() -> Path:
    """Return the folder of everything that is unpacked; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tiergate" / "packages"


def absent(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return which of the programs are neither in PATH nor unpacked."""
    programs = cache_folder() / "programs"
    return tuple(name for name in wanted if not shutil.which(name) and not (programs / name).is_file())


def why_not(names: Iterable[str]) -> str | None:
    """Return why the programs cannot be had here, None if they can."""
    wanted, tools = absent(names), debian.missing_tools()
    if wanted and tools:
        return f"{', '.join(wanted)} not in PATH, and no {', '.join(tools)} to unpack the Debian packages"
    return None


def ensure(say: Say, packages: Mapping[str, str]) -> Path:
    """Unpack the packages (by program) of what is missing; return the folder to add at the end of PATH."""
    folder = cache_folder()
    if wanted := absent(packages):
        say(f"packages: unpacking {', '.join(wanted)} once in {folder}; nothing is installed")
        debian.unpack([packages[name] for name in wanted], folder / "archives", folder / "root")
        _write_settings(folder)
        for name in wanted:
            _write_program(folder, name)
    return folder / "programs"


def _write_settings(folder: Path) -> None:
    """Write what buildah reads: it stores images here, and takes those of any origin, as Debian's policy does."""
    home = folder / "home" / ".config" / "containers"
    home.mkdir(parents=True, exist_ok=True)
    (home / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
    (folder / "storage.conf").write_text(STORAGE.format(folder / "images"))


def _write_program(folder: Path, name: str) -> None:
    """Write a program that runs the unpacked one where the packages lie over /usr, as if they were installed."""
    if not any((folder / "root" / "usr" / place / name).is_file() for place in ("bin", "sbin")):
        msg = f"the Debian packages hold no program {name}"
        raise NoPackageError(msg)
    program = folder / "programs" / name
    program.parent.mkdir(exist_ok=True)
    settings = f'HOME="{folder}/home" CONTAINERS_STORAGE_CONF="{folder}/storage.conf"'
    script = f'set -e; {lay_over_usr(folder)}; exec "$0" "$@"'
    program.write_text(f'#!/bin/sh\nexec env {settings} unshare --mount sh -c {shlex.quote(script)} {name} "$@"\n')
    program.chmod(0o755)


def lay_over_usr(folder: Path) -> str:
    """Return the command that shows what is unpacked as part of /usr; it needs a mount namespace of its own."""
    return f'mount -t overlay -o lowerdir="{folder}/root/usr":/usr overlay /usr'
