from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import debian
from tests.debian import NoPackageError

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


def test_a_package_is_unpacked_once(machine: Path) -> None:
    folder = debian.kept("toolset")
    (machine / "apt-get").unlink()
    assert debian.kept("toolset") == folder
    assert [path for path in folder.parent.rglob("*") if path.is_file()] == [folder / "usr/bin/tool"]


@pytest.mark.parametrize("program", ["apt-get", "dpkg-deb"])
def test_what_cannot_be_unpacked_whole_is_not_there(machine: Path, program: str) -> None:
    """Else a later run would take a part of it for the whole."""
    text = (machine / program).read_text()
    (machine / program).write_text(f"{text}echo 'E: no such luck' >&2\nexit 100\n")
    with pytest.raises(NoPackageError, match="ended with 100: E: no such luck"):
        debian.kept("toolset")
    assert list((machine.parent / "cache" / "tiergate").iterdir()) == []


def test_lists_that_are_old_are_fetched(machine: Path) -> None:
    """A container image has none."""
    fetched = machine / "fetched"
    text = (machine / "apt-get").read_text()
    script = f'[ "$1" = update ] && touch {fetched}; [ -e {fetched} ] || exit 100\n'
    (machine / "apt-get").write_text(text.replace("\n", f"\n{script}", 1))
    assert (debian.kept("toolset") / "usr/bin/tool").is_file()
