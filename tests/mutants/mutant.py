"""One step of the engine, and the source with that step taken out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "webhook"

_FOLDERS: Final = {
    "tiergate.core.mode": ("tests/wire",),
    "tiergate.core": ("tests/core",),
    "tiergate.wire": ("tests/wire", "tests/core"),
    "tiergate.admission": ("tests/admission",),
    "tiergate.server.admit": ("tests/server/test_modes.py", "tests/server/test_admit_resize.py"),
    "tiergate.cluster.usage_index": ("tests/cluster_client/test_usage_index.py",),
}
"""The tests of each module, those of a longer prefix first."""


class Missing(LookupError):
    """The text that a mutant replaces is not, or not only once, in its module."""


class Mutant(msgspec.Struct, frozen=True):
    """A step taken out: ``before`` stands exactly once in the module, and is replaced by ``after``.

    ``rules`` are the ids of the rules that lose their step, ``what`` says which step in words.
    """

    rules: tuple[str, ...]
    module: str
    what: str
    before: str
    after: str

    @property
    def name(self) -> str:
        """What the mutant is called on the terminal and in the table."""
        return f"{self.module.rpartition('.')[2]}: {self.what}"

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders or files of tests that should notice."""
        return next(folders for prefix, folders in _FOLDERS.items() if self.module.startswith(prefix))

    @property
    def path(self) -> Path:
        """The module's file."""
        return source_path(self.module)

    def path_in(self, tree: Path) -> Path:
        """Return the module's file in a copy of the repository."""
        return tree / self.path.relative_to(ROOT)

    def applied(self, source: str) -> str:
        """Return the source without the step; raise Missing where it is not what was meant."""
        if (count := source.count(self.before)) != 1:
            msg = f"{self.name}: its text stands {count} times in {self.module}, not once:\n{self.before}"
            raise Missing(msg)
        return source.replace(self.before, self.after)


def source_path(module: str) -> Path:
    """Return the file of a module of ours."""
    return SOURCES / f"{module.replace('.', '/')}.py"


def steps(module: str, *rows: tuple[str, str, str, str]) -> tuple[Mutant, ...]:
    """Return the mutants of a module: each row is (rule ids, what is taken out, text, text without it)."""
    return tuple(Mutant(tuple(rules.split()), module, what, before, after) for rules, what, before, after in rows)
