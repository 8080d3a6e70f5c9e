"""Write anew what is made of the chart's values (``make docs``)."""

from __future__ import annotations

from tests.docs import readme, sections, values


def main() -> None:
    """Write the pages and the file."""
    files = ((values.PAGE, values.written()), (readme.FILE, readme.written()), (sections.FILE, sections.written()))
    for path, text in files:
        path.write_text(text)
        print(f"docs: {path.relative_to(values.ROOT)} written")


if __name__ == "__main__":
    main()
