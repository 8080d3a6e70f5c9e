"""The image of this tree, and what all other pods on the node run: the same with an entry point that waits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tests.image import builders, building, standin
from tests.image.builders import Builder, NoBuilderError
from tests.image.building import Say
from tests.kind import making
from tests.node.machine import SANDBOX

NAME: Final = "tiergate:node"


def builder() -> Builder | None:
    """Return what builds images here, None if nothing does."""
    try:
        return builders.find(os.environ.get("BUILDER"))
    except NoBuilderError:
        return None


def build(say: Say, folder: Path) -> None:
    """Build the image and write `images.tar`, which a node imports; raise what tests.image raises where it cannot."""
    program = builders.find(os.environ.get("BUILDER"))
    base = os.environ.get("BASE") or standin.base(program, say)
    say(f"image: building {NAME} with {program.name} from {base}")
    built = building.build(NAME, builder=program, base=base, folder=folder / "image")
    making.write_images(built, folder / "images.tar", waiting=(*making.images_of_story(), SANDBOX))
    built.file.unlink()
