"""The file that a command is asked to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

DEVICES: Final = "/dev/"
"""``/dev/stdout`` is a link of the system."""


class CannotWrite(Exception):
    """There is no such output; the text says which file, and why."""


def write(path: str, text: str) -> None:
    """Write the file anew, through no link that a checkout may hold.

    Raises:
        CannotWrite: See its text.
    """
    from pathlib import Path  # noqa: PLC0415 - not for a command that writes no file

    link = None if path.startswith(DEVICES) else _link(Path(path), Path.cwd())
    if link is not None:
        msg = f"{path}: {'it' if link == Path(path) else link} is a link, and what it leads to is not overwritten"
        raise CannotWrite(msg)
    try:
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - a Path costs more than the rest
            file.write(text)
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise CannotWrite(msg) from error


def _link(path: Path, here: Path) -> Path | None:
    """Return the link in a path: the file itself, or a folder of a relative path or below the current folder."""
    for one in (path, *path.parents):
        if (one == path or not one.is_absolute() or here in one.parents) and one.is_symlink():
            return one
    return None
