"""Build the image of this tree and say what came of it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from tests.image import archive, builders
from tests.image.builders import Builder, Job

REPOSITORY: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = REPOSITORY / "build" / "image"
DEFAULT_IMAGE: Final = "tiergate:dev"
LABEL: Final = "org.opencontainers.image"
SECRETS_IN_BUILD: Final = "/run/secrets"
# Where to install from, and how to trust it. The rest of pip's settings is the Dockerfile's own business.
PIP_KEYS: Final = ("index-url", "extra-index-url", "trusted-host", "cert", "proxy")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """An image in the builder's storage, and the same in an archive."""

    builder: Builder
    name: str
    file: Path
    image: archive.Image


def build(
    image: str = DEFAULT_IMAGE,
    *,
    builder: Builder,
    base: str | None = None,
    folder: Path = FOLDER,
    context: Path = REPOSITORY,
    cached: bool = True,
    quiet: bool = True,
) -> Built:
    """Build the image and save it to `folder`; raise BuildFailedError."""
    with _secrets() as secrets:
        job = Job(image, context, epoch(), base, labels(os.environ), secrets, cached)
        builders.run(builder.build(job), quiet=quiet)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tiergate.tar"
    file.unlink(missing_ok=True)
    builders.run(builder.save(image, file))
    return Built(builder, builder.full_name(image), file, archive.read(file))


def describe(built: Built) -> str:
    """Return one line for each thing one wants to know."""
    compressed, plain = archive.compressed_size(built.file), built.file.stat().st_size
    return (
        f"{built.name} ({built.image.digest[:19]}), built with {built.builder.name}\n"
        f"size: {compressed / 1e6:.1f} MB compressed, {plain / 1e6:.1f} MB unpacked\n"
        f"archive: {built.file}"
    )


def epoch() -> int:
    """Return the time that the image bears: SOURCE_DATE_EPOCH, or the time of the last commit, in seconds."""
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(epoch)
    return int(_git("log", "-1", "--format=%ct") or 0)


def labels(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that change with the tree; one that is not known is left out.

    VERSION, REVISION and SOURCE come first, then pyproject.toml and git.
    """
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    known = {
        "version": environment.get("VERSION") or str(project["version"]),
        "revision": environment.get("REVISION") or _revision(),
        "source": environment.get("SOURCE") or without_credentials(_git("config", "--get", "remote.origin.url")),
    }
    return {f"{LABEL}.{key}": value for key, value in known.items() if value}


def without_credentials(url: str) -> str:
    """Return an address for everybody to see, or nothing where it is none: a path, or ssh."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.removesuffix(".git"), "", ""))


def pip_settings(listed: str) -> dict[str, str]:
    """Return where pip installs from, out of what `pip config list` prints: the environment wins over files."""
    found: dict[str, dict[str, str]] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if key in PIP_KEYS:
            found.setdefault(section, {})[key] = " ".join(str(ast.literal_eval(value)).split())
    return found.get("global", {}) | found.get("install", {}) | found.get(":env:", {})


@contextmanager
def _secrets() -> Iterator[dict[str, Path]]:
    """Yield files for the build, that pip there installs from where pip here does; they are gone afterwards."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings = pip_settings(listed)
    with tempfile.TemporaryDirectory(prefix="tiergate-image-") as folder:
        secrets: dict[str, Path] = {}
        if "cert" in settings:
            secrets["ca.crt"] = Path(settings["cert"]).expanduser()
            settings["cert"] = f"{SECRETS_IN_BUILD}/ca.crt"
        if settings:
            file = Path(folder) / "pip.conf"
            file.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
            secrets["pip.conf"] = file
        yield secrets


def _revision() -> str:
    revision = _git("rev-parse", "HEAD")
    return f"{revision}-dirty" if revision and _git("status", "--porcelain") else revision


def _git(*words: str) -> str:
    """Return what git says, nothing where there is no git or no repository: an image builds from a tarball too."""
    try:
        done = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
