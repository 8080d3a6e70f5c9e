"""The image, built once for all tests of it; skipped with the reason where it cannot be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.image import archive, builders, building, inside, sbom, standin
from tests.image.builders import NoBuilderError
from tests.image.building import REPOSITORY, Built
from tests.image.inside import Inside
from tests.image.standin import NoBaseError

IMAGE = "tiergate:test"
REVISION = "0" * 40
SOURCE = "https://git.example/tiergate"


@pytest.fixture(scope="session")
def base(say: Callable[[str], None]) -> str:
    """The name of the base image."""
    try:
        return standin.base(builders.find(os.environ.get("BUILDER")), say)
    except (NoBuilderError, NoBaseError) as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the image is built from: nobody edits it between two builds."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / name)
    for name in ("requirements", "webhook", "certs"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="session")
def built(base: str, tree: Path, tmp_path_factory: pytest.TempPathFactory, say: Callable[[str], None]) -> Built:
    """The image of this tree."""
    builder = builders.find(os.environ.get("BUILDER"))
    say(f"image: building with {builder.name} from {base}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE", SOURCE)
        patch.setenv("REVISION", REVISION)
        folder = tmp_path_factory.mktemp("image")
        return building.build(IMAGE, builder=builder, base=base, folder=folder, context=tree)


@pytest.fixture(scope="session")
def bill(built: Built) -> Path:
    """The image's software bill of materials."""
    return sbom.write(built.file)


@pytest.fixture(scope="session")
def root(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's files; who is not root owns them himself."""
    folder = tmp_path_factory.mktemp("root")
    folder.chmod(0o755)
    archive.unpack(built.file, folder)
    return folder


@pytest.fixture
def within(built: Built, root: Path, tmp_path: Path) -> Inside:
    """The image's files with this test's folder at /mnt, to run programs in."""
    if reason := inside.why_not():
        pytest.skip(f"nothing can be run inside the image: {reason}")
    tmp_path.chmod(0o755)  # the user inside is another one
    return Inside(root, built.image, tmp_path)
