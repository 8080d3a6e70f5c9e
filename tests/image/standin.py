"""A base image for the tests, where no registry can be reached.

`TIERGATE_TEST_BASE` names one; else the Dockerfile's own, if the builder has it already; else a stand-in of Debian's
own packages: the same distribution and the same minor version of Python as the Dockerfile's, pip in /usr/local. It is
made once by mmdebstrap and kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.image import builders
from tests.image.builders import Builder
from tests.image.building import REPOSITORY, Say

SUITE: Final = "trixie"
PACKAGES: Final = "/usr/local/lib/python3.13/dist-packages"
# As in Debian's own slim images; what is left out is read by nobody here.
_SLIM: Final = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


class NoBaseError(RuntimeError):
    """There is no base image to be had; the text says why."""


def of_dockerfile() -> str:
    """Return the base image that the Dockerfile names."""
    found = re.search(r"^ARG BASE=(\S+)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    if found is None:
        msg = "the Dockerfile has no line ARG BASE=..."
        raise ValueError(msg)
    return found[1]


def base(builder: Builder, say: Say) -> str:
    """Return the name of a base image that the builder can take; raise NoBaseError."""
    if base := os.environ.get("TIERGATE_TEST_BASE"):
        return base
    if builders.succeeds(builder.knows(of_dockerfile())):
        return of_dockerfile()
    recipe = _recipe("TARGET")
    key = hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]
    name = f"localhost/tiergate-test-base:{key}"
    if not builders.succeeds(builder.knows(name)):
        for command in builder.import_root(_root(key, say), name):
            builders.run(command)
    return name


def _recipe(target: str) -> tuple[str, ...]:
    """Return the command that makes the root file system; pip comes as in the Dockerfile's base: to be removable."""
    pip = f"pip=={importlib.metadata.version('pip')}"
    install = f'"{sys.executable}" -m pip install --quiet --no-deps --no-compile --target "$1{PACKAGES}" {pip}'
    return (
        *("mmdebstrap", "--variant=minbase", "--include=python3,ca-certificates"),
        *(f"--dpkgopt=path-exclude={path}" for path in _SLIM),
        f"--customize-hook={install}",
        '--customize-hook=rm -f "$1"/usr/lib/python3.*/EXTERNALLY-MANAGED',
        *(SUITE, target),
    )


def _root(key: str, say: Say) -> Path:
    """Return the stand-in's root file system as an archive, made now if the cache has none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tiergate" / "image"
    target = cache / f"base-{key}.tar"
    if target.is_file():
        return target
    if shutil.which("mmdebstrap") is None:
        msg = (
            f"no base image: {of_dockerfile()} is not here, TIERGATE_TEST_BASE names no other, "
            "and there is no mmdebstrap to make a stand-in"
        )
        raise NoBaseError(msg)
    say("image: making a stand-in for the base image once, from Debian packages (about half a minute)")
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = cache / f"unfinished-{os.getpid()}.tar"
    done = subprocess.run(_recipe(str(unfinished)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        unfinished.unlink(missing_ok=True)
        msg = f"no base image: mmdebstrap ended with {done.returncode}: {done.stderr.strip()[-300:]}"
        raise NoBaseError(msg)
    unfinished.replace(target)
    return target
