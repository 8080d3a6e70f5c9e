"""The tree that mutmut works on: a copy of the product and its tests in the layout that mutmut reads.

Two things differ from the repository. The package lies under ``src/``, because mutmut derives the names of modules from
their paths and knows no source root ``webhook/``. Functions lose ``@lru_cache`` and ``@cache``, and what is computed
once for each value is computed each time: mutmut leaves decorated functions alone, and a cache filled before the fork
would hide a mutant, also one in a value of a table of tests.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("core", "wire", "admission")
"""The packages under ``webhook/tiergate`` that are mutated."""
TESTS: Final = (
    "tests/core",
    "tests/wire",
    "tests/admission",
    "tests/controller/test_handover.py",
    "tests/controller/test_status.py",
    "tests/golden/test_golden.py",
    "tests/quantity_oracle/test_recorded.py",
    "tests/server/test_admit_bad_input.py",
    "tests/server/test_admit_label_guard.py",
    "tests/server/test_admit_resize.py",
    "tests/server/test_admit_tier_of_namespace.py",
    "tests/server/test_admit_usage.py",
)
"""The tests that must notice: those of the packages, what rests on them alone, the recorded answers and quantities."""

_CACHE: Final = re.compile(r"^@(?:functools\.)?(?:lru_cache|cache)(?:\(.*\))?\n", re.MULTILINE)
_MYPY: Final = """\
[mypy]
mypy_path = src
strict = True
explicit_package_bases = True
namespace_packages = True
warn_unused_ignores = False
disable_error_code = misc, no-redef, has-type
"""
"""The repository's strictness without what mutmut's own code breaks."""
_SETTINGS: Final = """
[tool.mutmut]
source_paths = ["src/"]
only_mutate = [{mutated}]
pytest_add_cli_args_test_selection = [{tests}]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", "-p", "tests.mutants.plugin"]
type_check_command = ["mypy", "--config-file", "mypy.ini", "--output", "json", {checked}]
also_copy = ["mypy.ini"]
use_git_change_detection = false
"""


def fill(folder: Path, packages: tuple[str, ...], modules: str) -> None:
    """Copy the product and the tests into an empty folder, with mutmut's settings for these packages."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "webhook" / "tiergate", folder / "src" / "tiergate", ignore=skip)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=skip)
    for path in sources(folder, packages, "*"):
        path.write_text(without_caches(path.read_text()))
    (folder / "mypy.ini").write_text(_MYPY)
    settings = _SETTINGS.format(
        mutated=_listed(str(path.relative_to(folder)) for path in sources(folder, packages, modules)),
        checked=_listed(f"src/tiergate/{package}" for package in packages),
        tests=_listed(TESTS),
    )
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + settings)


def without_caches(source: str) -> str:
    """Return the source of a module without the decorators that cache results."""
    return _CACHE.sub("", source).replace("@cached_property\n", "@property\n")


def sources(folder: Path, packages: tuple[str, ...], modules: str) -> list[Path]:
    """Return the modules of these packages whose names match, as ``workload_*`` does."""
    homes = [folder / "src" / "tiergate" / package for package in packages]
    return sorted(path for home in homes for path in home.glob(f"{modules}.py"))


def names(folder: Path, packages: tuple[str, ...], modules: str) -> list[str]:
    """Return mutmut's names of all mutants, as `tiergate.core.quota.x_pending__mutmut_3`."""
    # Late: the environment of `make check` has no mutmut.
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name

    found = list[str]()
    with chdir(folder):  # mutmut reads its settings from the working directory
        for path in sources(folder, packages, modules):
            relative = path.relative_to(folder)
            mutated = mutate_file_contents(str(relative), path.read_text())
            found += [get_mutant_name(relative, name) for name in mutated.mutant_names]
    return found


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)
