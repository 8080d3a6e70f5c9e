"""The program ``tiergate``: finds the command; ``check`` starts without what the others need."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGIN: Final = "kubectl-tiergate"
"""The name under which kubectl finds the program: `kubectl tiergate`."""
RARELY: Final = 100_000
"""Objects between two collections of a process that lives for a moment and makes hardly any cycles."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``argv`` is without the program's name."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["check"] and argv is None:
        gc.set_threshold(RARELY)
    from tiergate.cli import commands  # noqa: PLC0415 - a command pays for its own libraries alone

    if words[:1] and words[0] in commands.COMMANDS:
        program = "kubectl tiergate" if argv is None and sys.argv[0].endswith(PLUGIN) else "tiergate"
        return commands.run(program, words[0], words[1:])
    from tiergate.cli import main as others  # noqa: PLC0415 - as above

    return others.main(words)
