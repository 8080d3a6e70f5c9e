"""CPU time of a process and all its descendants, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TICK: Final = 1.0 / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of the living tree under ``pid``, and of its children that have ended."""
    children: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (line := _read(folder / "stat")):
            # The second field is a name in parentheses that may hold anything; counting starts behind it.
            fields = line.rpartition(")")[2].split()
            parent, times = int(fields[1]), fields[11:15]  # utime, stime, cutime, cstime
            children.setdefault(parent, []).append(int(folder.name))
            spent[int(folder.name)] = sum(map(int, times)) * TICK
    tree = [pid]
    for member in tree:
        tree.extend(children.get(member, ()))
    return sum(spent.get(member, 0.0) for member in tree)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended since the folder was listed
        return ""
