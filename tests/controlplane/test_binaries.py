from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane import binaries
from tests.controlplane.binaries import ALL, ALTERNATIVES, NAMES, PROGRAMS, ControlPlaneError, ensure, find, recipe_key


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
    return tmp_path / "cache" / "tiergate" / "controlplane"


def built_in(cache: Path, *names: str) -> None:
    for program in ALL:
        if program.name in names:
            programs_in(cache / recipe_key(program.module), program.name)


def test_the_users_own_programs_win_for_what_they_hold(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in(empty_cache, *NAMES[:-1])
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(programs_in(tmp_path / "own", "etcd")))
    found, missing = find(PROGRAMS)
    assert found["etcd"] == tmp_path / "own" / "etcd"
    assert found["kubectl"] == empty_cache / recipe_key("kubernetes") / "kubectl"
    assert [program.name for program in missing] == [NAMES[-1]]


def test_another_recipe_is_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of one module's files or flags moves its programs and leaves those of the others."""
    before = {program.module: recipe_key(program.module) for program in ALL}
    other = tuple(replace(one, flags="-X a=b") if one.name == "kwok" else one for one in ALL)
    monkeypatch.setattr(binaries, "ALL", other)
    assert {module for module, key in before.items() if recipe_key(module) != key} == {"kwok"}


def test_nothing_is_built_when_everything_is_there(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in(empty_cache, *NAMES[2:])
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
    assert [path.name for path in empty_cache.rglob("*") if path.is_file()] == [".lock"]


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
    for program in ALL:
        module = binaries.MODULES / program.module
        assert (module / "go.sum").is_file()
        assert program.package.rpartition("/")[0].split("/")[0] in (module / "go.mod").read_text()
