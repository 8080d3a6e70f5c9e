"""`python -m tests.image [--sbom]`; see `make image` and `make sbom`."""

from __future__ import annotations

import os
import sys

from tests.image import builders, building, sbom
from tests.image.builders import BuildFailedError, NoBuilderError


def main(arguments: list[str]) -> int:
    """Build the image named by IMAGE from BASE with BUILDER, all optional; the exit code is 1 when it cannot be."""
    try:
        builder = builders.find(os.environ.get("BUILDER"))
        name, base = os.environ.get("IMAGE") or building.DEFAULT_IMAGE, os.environ.get("BASE") or None
        print(f"image: building {name} with {builder.name}", flush=True)
        built = building.build(name, builder=builder, base=base, quiet=False)
        print(building.describe(built))
        if "--sbom" in arguments:
            print(sbom.describe(sbom.write(built.file)))
    except (NoBuilderError, BuildFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
