"""``make pictures``: the pictures of the usage page in the docs, of the samples of the tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, Literal

from tests.pages import samples
from tests.pages.chromium import NoBrowserError, browser
from tests.pages.serving import served

FOLDER: Final = Path(__file__).parents[2] / "docs" / "images"
PICTURES: Final[tuple[tuple[str, str, int, int, Literal["light", "dark"]], ...]] = (
    ("usage-page", "/", 1280, 1160, "light"),
    ("usage-page-refusals", "/refusals", 1280, 480, "light"),
    ("usage-page-dark", "/", 1280, 1160, "dark"),
    ("usage-page-phone", "/namespaces", 390, 844, "light"),
)
"""Name, path, width, height and colours."""


def main() -> int:
    """Take the pictures; exit code 1 where there is no browser."""
    FOLDER.mkdir(exist_ok=True)
    try:
        with served(samples.a_cluster()) as url, browser() as running:
            for name, path, width, height, scheme in PICTURES:
                size = {"width": width, "height": height}
                page = running.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # a size is one
                page.goto(f"{url}{path}")
                page.screenshot(path=FOLDER / f"{name}.png")
                print(f"docs/images/{name}.png")
    except NoBrowserError as error:
        print(f"no browser: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
