from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import debian
from tests.debian import NoPackageError
from tests.node import packages


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packages that were fetched; each holds the program `tool`. PATH has none."""
    fetched: list[str] = []

    def unpack(names: Sequence[str], root: Path) -> None:
        fetched.extend(names)
        (root / "usr/bin").mkdir(parents=True)
        (root / "usr/bin/tool").touch()

    monkeypatch.setattr(debian, "unpack", unpack)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    return fetched


def test_what_is_in_path_is_not_unpacked(unpacked: list[str], tmp_path: Path) -> None:
    (tmp_path / "bin/tool").symlink_to("/bin/true")
    said: list[str] = []
    packages.ensure(said.append, {"tool": "toolset"})
    assert (said, unpacked, packages.absent(["tool"]), packages.why_not(["tool"])) == ([], [], (), None)


def test_what_is_missing_is_unpacked_once(unpacked: list[str]) -> None:
    said: list[str] = []
    folder = packages.ensure(said.append, {"tool": "toolset"})
    assert packages.ensure(said.append, {"tool": "toolset"}) == folder
    assert (len(said), unpacked) == (1, ["toolset"])
    assert "unshare --mount" in (folder / "tool").read_text()


def test_a_package_without_the_program_is_named(unpacked: list[str]) -> None:
    del unpacked
    with pytest.raises(NoPackageError, match="the Debian packages hold no program other"):
        packages.ensure(lambda _: None, {"other": "otherset"})


def test_a_machine_without_apt_is_told_what_is_missing(unpacked: list[str]) -> None:
    del unpacked
    expected = "tool not in PATH, and no apt-get, dpkg-deb to unpack the Debian packages"
    assert packages.why_not(["tool"]) == expected
