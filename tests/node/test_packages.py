from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.node import packages
from tests.node.packages import NoPackageError

APT = """#!/bin/sh
for word in "$@"; do case "$word" in --option=Dir::Cache::archives=*) echo > "${word#*archives=}/tool.deb";; esac; done
"""
UNPACK = """#!/bin/sh
mkdir -p "$3/usr/bin" && printf '#!/bin/sh\\necho "$@"\\n' > "$3/usr/bin/tool" && chmod +x "$3/usr/bin/tool"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose apt-get and dpkg-deb are scripts; the folder of its programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"apt-get": APT, "dpkg-deb": UNPACK}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.defpath}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


def test_what_is_in_path_is_not_unpacked(machine: Path) -> None:
    (machine / "tool").symlink_to("/bin/true")
    (machine / "apt-get").write_text("#!/bin/sh\nexit 100\n")
    said: list[str] = []
    packages.ensure(said.append, {"tool": "toolset"})
    assert (said, packages.absent(["tool"]), packages.why_not(["tool"])) == ([], (), None)


def test_what_is_missing_is_unpacked_once(machine: Path) -> None:
    said: list[str] = []
    folder = packages.ensure(said.append, {"tool": "toolset"})
    (machine / "apt-get").unlink()
    assert packages.ensure(said.append, {"tool": "toolset"}) == folder
    assert len(said) == 1
    assert "unshare --mount" in (folder / "tool").read_text()


def test_a_package_without_the_program_is_named(machine: Path) -> None:
    del machine
    with pytest.raises(NoPackageError, match="the Debian packages hold no program other"):
        packages.ensure(lambda _: None, {"other": "otherset"})


def test_a_machine_without_apt_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch, machine: Path) -> None:
    monkeypatch.setenv("PATH", str(machine))
    (machine / "apt-get").unlink()
    assert packages.why_not(["tool"]) == "tool not in PATH, and no apt-get to unpack the Debian packages"


def test_apt_that_fails_is_quoted(machine: Path) -> None:
    (machine / "apt-get").write_text("#!/bin/sh\necho 'E: Unable to locate package toolset' >&2\nexit 100\n")
    with pytest.raises(NoPackageError, match=r"ended with 100: E: Unable to locate package toolset"):
        packages.ensure(lambda _: None, {"tool": "toolset"})
