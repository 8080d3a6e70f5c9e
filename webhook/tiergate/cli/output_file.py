"""The file that a command is asked to write."""

from __future__ import annotations


class CannotWrite(Exception):
    """There is no such output; the text says which file, and why."""


def write(path: str, text: str) -> None:
    """Write the file anew.

    Raises:
        CannotWrite: See its text.
    """
    try:
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - a Path costs more than the rest
            file.write(text)
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise CannotWrite(msg) from error
