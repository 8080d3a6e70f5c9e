from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane import binaries
from tests.controlplane.binaries import ALTERNATIVES, NAMES, PROGRAMS, ControlPlaneError, ensure, find, recipe_key


def programs_in(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path / "cache" / "tiergate" / "controlplane" / recipe_key()


def test_the_users_own_programs_win_for_what_they_hold(tmp_path: Path) -> None:
    own, cache = programs_in(tmp_path / "own", "etcd"), programs_in(tmp_path / "cache", *NAMES[:-1])
    found, missing = find((own, cache), PROGRAMS)
    assert found["etcd"] == own / "etcd"
    assert found["kubectl"] == cache / "kubectl"
    assert [program.name for program in missing] == [NAMES[-1]]


def test_nothing_is_built_when_everything_is_there(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs_in(empty_cache, *NAMES[2:])
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(programs_in(tmp_path / "assets", *NAMES[:2])))
    said: list[str] = []
    assert set(ensure(said.append).paths) == set(NAMES)
    assert said == []


def test_without_go_one_sentence_names_the_alternatives(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ControlPlaneError) as caught:
        ensure(lambda _: None)
    assert "no `go` in PATH" in str(caught.value)
    assert str(caught.value).endswith(ALTERNATIVES)
    assert not empty_cache.exists()


@pytest.mark.parametrize("version", ["go1.25.3", "devel", ""])
def test_an_old_go_is_named(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    go = programs_in(tmp_path / "bin", "go") / "go"
    go.write_text(f"#!/bin/sh\necho {version}\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    with pytest.raises(ControlPlaneError, match=r"needs Go 1\.26 or later"):
        ensure(lambda _: None)
    assert not empty_cache.exists()


def test_a_failing_build_says_which_and_leaves_nothing_half_done(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = programs_in(tmp_path / "bin", "go") / "go"
    go.write_text("#!/bin/sh\n[ $1 = env ] && { echo go1.26.0; exit; }\necho no network; exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    said: list[str] = []
    with pytest.raises(ControlPlaneError) as caught:
        ensure(said.append)
    assert "Building etcd failed" in str(caught.value)
    assert "no network" in str(caught.value)
    assert ALTERNATIVES in str(caught.value)
    assert "7 of 7 programs are missing" in said[0]
    assert not [path for path in empty_cache.iterdir() if path.name != ".lock"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = programs_in(tmp_path / "bin", "go") / "go"
    go.write_text("#!/bin/sh\necho go1.26.0\n")
    (tmp_path / "file").touch()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with pytest.raises(ControlPlaneError, match="set XDG_CACHE_HOME"):
        ensure(lambda _: None)


def test_another_system_is_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(ControlPlaneError, match="runs on Linux only, this is darwin"):
        ensure(lambda _: None)


def test_every_program_of_a_build_is_pinned_by_a_module() -> None:
    """The recipe's key covers the module files: another version is another folder."""
    for program in PROGRAMS:
        module = binaries.MODULES / program.module
        assert (module / "go.sum").is_file()
        assert program.package.rpartition("/")[0].split("/")[0] in (module / "go.mod").read_text()
