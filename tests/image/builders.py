"""The programs that build an image, and what each wants to be told. Pure but for `find`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Name = Literal["docker", "podman", "buildah"]
Commands = tuple[tuple[str, ...], ...]

# What each must answer before it is used: docker's client is often there without an engine.
WORKS: Final[Mapping[Name, tuple[str, ...]]] = {
    "docker": ("docker", "version", "--format", "{{.Server.Version}}"),
    "podman": ("podman", "info"),
    "buildah": ("buildah", "info"),
}
LIBRARY: Final = "docker.io/library/"
# Secrets need BuildKit; an attestation would turn the image into an index of two.
DOCKER: Final = {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


class NoBuilderError(RuntimeError):
    """No image can be built here; the text is for the person at the terminal."""


class BuildFailedError(RuntimeError):
    """A builder's command failed; the text is the command and the end of what it printed."""


@dataclass(frozen=True)
class Job:
    """What to build: the image's name, base (None: the Dockerfile's), the time it bears, labels and secrets by id."""

    image: str
    context: Path
    epoch: int
    base: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    cached: bool = True


@dataclass(frozen=True)
class Builder:
    """One of the programs, found to work."""

    name: Name

    def build(self, job: Job) -> tuple[str, ...]:
        """Return the command that builds the image.

        podman and buildah give every file of a layer the job's time, so that the same tree makes the same layers;
        docker takes the time for the image's own date. They need no runtime with chroot isolation.
        """
        times = (
            f"--timestamp={job.epoch}",
            f"--build-arg=EPOCH={job.epoch}",
        )  # the second for the cache: see Dockerfile
        chroot = ("--isolation=chroot", "--layers", "--identity-label=false", *times)
        return (
            *(self.name, "build", f"--file={job.context / 'Dockerfile'}", f"--tag={self.full_name(job.image)}"),
            *((f"--build-arg=SOURCE_DATE_EPOCH={job.epoch}",) if self.name == "docker" else chroot),
            *((f"--build-arg=BASE={job.base}",) if job.base else ()),
            *(f"--label={key}={value}" for key, value in sorted(job.labels.items())),
            *(f"--secret=id={key},src={path}" for key, path in sorted(job.secrets.items())),
            *(() if job.cached else ("--no-cache",)),
            str(job.context),
        )

    def save(self, image: str, file: Path) -> tuple[str, ...]:
        """Return the command that writes an image as an archive that `docker load` reads."""
        name = self.full_name(image)
        match self.name:
            case "docker":
                return ("docker", "save", f"--output={file}", name)
            case "podman":
                return ("podman", "save", "--format=docker-archive", f"--output={file}", name)
            case "buildah":
                return ("buildah", "push", "--quiet", name, f"docker-archive:{file}:{name}")

    def knows(self, image: str) -> tuple[str, ...]:
        """Return the command that succeeds if the image is in the builder's own storage."""
        if self.name == "buildah":
            return ("buildah", "inspect", "--type=image", image)
        return (self.name, "image", "inspect", image)

    def import_root(self, archive: Path, image: str) -> Commands:
        """Return the commands that make an image of one layer from an archive of a root file system."""
        if self.name != "buildah":
            return ((self.name, "import", str(archive), image),)
        # The container's name is the image's, made a word: two of these at once would be one too many anyway.
        container = "".join(letter if letter.isalnum() else "-" for letter in image)
        return (
            ("buildah", "from", f"--name={container}", "scratch"),
            ("buildah", "add", "--quiet", container, str(archive), "/"),
            ("buildah", "commit", "--quiet", "--rm", container, image),
        )

    def full_name(self, image: str) -> str:
        """Return the name under which docker, and a node, look for it: podman and buildah would say localhost/."""
        return image if "/" in image or self.name == "docker" else f"{LIBRARY}{image}"


def find(
    wanted: str | None = None,
    *,
    path_of: Callable[[str], str | None] = shutil.which,
    answer: Callable[[tuple[str, ...]], str | None] | None = None,
) -> Builder:
    """Return the first builder that works, or the wanted one; raise NoBuilderError that says why there is none."""
    if wanted and wanted not in WORKS:
        msg = f"BUILDER={wanted} is not known: docker, podman or buildah."
        raise NoBuilderError(msg)
    reasons: list[str] = []
    for name, command in WORKS.items():
        if wanted not in {None, "", name}:
            continue
        fault = (answer or _fault)(command) if path_of(name) else "not in PATH"
        if fault is None:
            return Builder(name)
        reasons.append(f"{name}: {fault}")
    msg = f"No image can be built here ({'; '.join(reasons)}). Install docker, podman or buildah."
    raise NoBuilderError(msg)


def run(command: tuple[str, ...], *, quiet: bool = True) -> None:
    """Run a builder's command; raise BuildFailedError with the end of its output."""
    output = subprocess.PIPE if quiet else None
    done = subprocess.run(
        command, env=os.environ | DOCKER, stdout=output, stderr=subprocess.STDOUT if quiet else None, check=False
    )
    if done.returncode != 0:
        tail = (done.stdout or b"")[-3000:].decode(errors="replace").strip()
        msg = f"`{' '.join(command)}` ended with {done.returncode}{':' if tail else ''}\n{tail}"
        raise BuildFailedError(msg.rstrip())


def succeeds(command: tuple[str, ...]) -> bool:
    """Return whether a command ends well; its output is of no interest."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _fault(command: tuple[str, ...]) -> str | None:
    """Return the last line of a failing command, None for one that works; an engine may hang, hence the time-out."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return f"`{' '.join(command)}` did not answer within 20 s"
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"`{' '.join(command)}` ended with {done.returncode}"
