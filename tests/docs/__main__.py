"""Write the pages of docs/ that are made from the product (``make docs``)."""

from __future__ import annotations

from tests.docs.pages import PAGES


def main() -> None:
    """Write the pages."""
    for page, written in PAGES.items():
        page.write_text(written())
        print(f"docs: {page.name} written")


if __name__ == "__main__":
    main()
