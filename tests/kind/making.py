"""Make a kind cluster with the image of this tree in it: the same for `make demo` and for the workflow.

The manifests of the story name images that no registry has. On kind they are this tree's own image under those
names, with an entry point that waits to be stopped; a node needs no registry then.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.image import archive, builders, building
from tests.image.archive import Variant
from tests.image.builders import BuildFailedError, NoBuilderError
from tests.image.building import Built
from tests.kind import versions
from tests.kind.versions import UnknownMinorError

CONFIG: Final = Path(__file__).with_name("cluster.yaml")
STORY: Final = building.REPOSITORY / "tests" / "cluster"
IMAGE_OF_STORY: Final = re.compile(r"registry\.example/[\w./-]+:[\w.-]+")
WAITS: Final = ("python", "-c", "import signal; signal.pause()")
WAITS_STOP: Final = "SIGKILL"
"""A first process ignores SIGTERM, and one that handles it would miss it while it starts: 30 s for each pod."""
Say = Callable[[str], None]


class KindError(RuntimeError):
    """There can be no kind cluster here; the text says why."""


def create(name: str, *, image: str, kubeconfig: Path) -> tuple[str, ...]:
    """Return the command that makes a cluster; it comes back when all nodes are ready."""
    return (
        *("kind", "create", "cluster", f"--name={name}", f"--image={image}", f"--config={CONFIG}"),
        *(f"--kubeconfig={kubeconfig}", "--wait=180s"),
    )


def load(name: str, file: Path) -> tuple[str, ...]:
    """Return the command that brings an archive's image to all nodes."""
    return ("kind", "load", "image-archive", str(file), f"--name={name}")


def delete(name: str) -> tuple[str, ...]:
    """Return the command that ends a cluster."""
    return ("kind", "delete", "cluster", f"--name={name}")


def images_of_story(folder: Path = STORY) -> tuple[str, ...]:
    """Return the images that the story's manifests and commands name."""
    files = (*folder.glob("manifests/*.yaml"), folder / "story.py")
    return tuple(sorted({name for file in files for name in IMAGE_OF_STORY.findall(file.read_text())}))


@contextmanager
def made(say: Say, *, image: str, keep: bool) -> Iterator[Path]:
    """Make a cluster of the minor that KUBERNETES names, the newest without it; yield its kubeconfig.

    Raises KindError. Unless it is to be kept, the cluster ends with the block.
    """
    try:
        with _made(say, image=image, keep=keep) as kubeconfig:
            yield kubeconfig
    except (NoBuilderError, BuildFailedError, UnknownMinorError) as error:
        raise KindError(str(error)) from error


@contextmanager
def _made(say: Say, *, image: str, keep: bool) -> Iterator[Path]:
    minor = os.environ.get("KUBERNETES") or versions.NEWEST
    release = versions.release(minor)
    if shutil.which("kind") is None:
        msg = f"CLUSTER=kind needs `kind` in PATH: `go install sigs.k8s.io/kind@{release.kind}` installs it."
        raise KindError(msg)
    builder = builders.find(os.environ.get("BUILDER"))
    name = f"tiergate-{secrets.token_hex(3)}"
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="tiergate-kind-"))
        say(f"kind: building {image} with {builder.name}")
        base = os.environ.get("BASE") or None
        built = building.build(image, builder=builder, base=base, folder=folder / "image")
        say(f"kind: creating cluster {name}, Kubernetes {minor}; `{' '.join(delete(name))}` ends it")
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.callback(builders.run, delete(name))
        kubeconfig = folder / "kubeconfig"
        builders.run(create(name, image=release.image, kubeconfig=kubeconfig))
        say("kind: loading the images")
        write_images(built, folder / "images.tar", waiting=images_of_story())
        builders.run(load(name, folder / "images.tar"))
        yield kubeconfig


def write_images(built: Built, file: Path, *, waiting: Sequence[str]) -> None:
    """Write the image, and the same under every name of `waiting`, in the plain form that every containerd imports."""
    own = Variant([built.name], built.image.settings["Entrypoint"])
    archive.write_variants(built.file, file, [own, Variant(waiting, WAITS, WAITS_STOP)])
