"""Write docs/values.md anew (``make docs``)."""

from __future__ import annotations

from tests.docs.values import PAGE, written


def main() -> None:
    """Write the page."""
    PAGE.write_text(written())
    print(f"docs: {PAGE.name} written")


if __name__ == "__main__":
    main()
