from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import debian
from tests.debian import NoPackageError

APT = """#!/bin/sh
echo "$@" >> "$LOG"
case "$1" in
install) echo "Inst tool (1.0 Debian:13 [amd64])"; echo "Inst libtool (1.0 Debian:13 [amd64])";;
download) shift 2; for name in "$@"; do echo "$name" > "$name.deb"; done;;
esac
"""
UNPACK = """#!/bin/sh
read -r name < "$2"
case "$name" in
tool) mkdir -p "$3/usr/bin"; touch "$3/usr/bin/tool";;
libtool) mkdir -p "$3/usr/lib/x86_64-linux-gnu/tool"; touch "$3/usr/lib/x86_64-linux-gnu/tool/libtool.so.1";;
esac
"""
FAILS = """#!/bin/sh
echo "$@" >> "$LOG"
echo "E: Unable to locate package tool" >&2
exit 100
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose apt-get and dpkg-deb are scripts; the folder that has them, and the log of the first."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"apt-get": APT, "dpkg-deb": UNPACK}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (programs / "log").touch()
    monkeypatch.setenv("LOG", str(programs / "log"))
    monkeypatch.setenv("PATH", f"{programs}:{os.defpath}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


def test_a_program_is_unpacked_once_with_what_it_needs(machine: Path) -> None:
    found = debian.program("tool", "usr/bin/tool")
    assert found == debian.cache_folder() / "tool/usr/bin/tool"
    (machine / "apt-get").unlink()
    assert debian.program("tool", "usr/bin/tool") == found
    assert debian.libraries("tool") == (debian.cache_folder() / "tool/usr/lib/x86_64-linux-gnu/tool",)
    assert [path.name for path in debian.cache_folder().iterdir()] == ["tool"]


def test_a_package_without_the_program_is_named_and_not_kept(machine: Path) -> None:
    del machine
    with pytest.raises(NoPackageError, match="the Debian package tool holds no usr/bin/other"):
        debian.program("tool", "usr/bin/other")
    assert list(debian.cache_folder().iterdir()) == []


def test_a_machine_without_apt_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch, machine: Path) -> None:
    monkeypatch.setenv("PATH", str(machine))
    (machine / "apt-get").unlink()
    with pytest.raises(NoPackageError, match="no apt-get to unpack the Debian packages tool"):
        debian.program("tool", "usr/bin/tool")


@pytest.mark.parametrize(("user", "tries"), [(0, ["install", "update"]), (1000, ["install"])])
def test_apt_that_fails_is_quoted(machine: Path, monkeypatch: pytest.MonkeyPatch, user: int, tries: list[str]) -> None:
    """Only root can renew the lists of packages."""
    (machine / "apt-get").write_text(FAILS)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(NoPackageError, match=r"ended with 100: E: Unable to locate package tool"):
        debian.program("tool", "usr/bin/tool")
    assert [line.split()[0] for line in (machine / "log").read_text().splitlines()] == tries


def test_old_lists_of_packages_are_renewed(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "apt-get").write_text(f'{APT}\n[ "$1" = update ] || grep -q ^update "$LOG" || exit 100\n')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert debian.program("tool", "usr/bin/tool").is_file()
