from __future__ import annotations

from pathlib import Path

import pytest

from tests.debian import NoPackageError
from tests.node import packages


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
