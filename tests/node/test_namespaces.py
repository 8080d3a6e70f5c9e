from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.image.building import REPOSITORY
from tests.node import __main__ as command
from tests.node import namespaces, packages
from tests.node.inside import NO_NODE, chosen
from tests.node.steps import STEPS


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two hierarchies of cgroups that are ordinary folders, and a place of our own for runs' folders."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "runs"))
    monkeypatch.setattr(namespaces, "CGROUPS", tmp_path / "cgroups")
    (tmp_path / "runs").mkdir()
    for name in ("memory", "pids"):
        (tmp_path / "cgroups" / name).mkdir(parents=True)
        (tmp_path / "cgroups" / name / "cgroup.procs").touch()
    return tmp_path / "cgroups"


def groups(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.glob("*/tiergate-node-*/**") if path.is_dir()}


def test_a_run_leaves_nothing(cgroups: Path) -> None:
    seen: list[Path] = []

    def interrupted() -> None:
        with namespaces.folder() as run:
            seen.append(run)
            (cgroups / "memory" / run.name / "kubepods" / "pod").mkdir(parents=True)
            assert groups(cgroups) >= {f"memory/{run.name}/kubepods/pod", f"pids/{run.name}"}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (groups(cgroups), seen[0].exists()) == (set(), False)


def test_the_next_run_removes_what_a_killed_one_left(cgroups: Path) -> None:
    """A run that goes on holds its lock, and keeps what it has."""
    killed = Path(tempfile.mkdtemp(prefix=namespaces.PREFIX))
    (killed / "lock").touch()
    (cgroups / "memory" / killed.name / "kubepods").mkdir(parents=True)
    with namespaces.folder() as running, namespaces.folder() as run:
        assert not killed.exists()
        assert groups(cgroups) == {f"{each}/{one.name}" for each in ("memory", "pids") for one in (running, run)}


def test_what_no_run_made_is_left_alone(cgroups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root opens and removes nothing that somebody else put where runs are: a link may lead anywhere."""
    runs = cgroups.with_name("runs")
    (foreign := runs / "tiergate-node-foreign").mkdir()
    (precious := cgroups.with_name("precious")).write_text("kept")
    (foreign / "lock").symlink_to(precious)
    (runs / "tiergate-node-link").symlink_to(foreign)
    (runs / "tiergate-node-file").touch()
    before = sorted(runs.iterdir())
    somebody_else = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)
    with namespaces.folder():
        assert set(before) < set(runs.iterdir())
    assert (sorted(runs.iterdir()), precious.read_text()) == (before, "kept")


@pytest.mark.parametrize(
    ("unshare", "reason"),
    [
        ('echo "unshare failed: Operation not permitted" >&2; exit 1', "no namespaces of its own: unshare failed: Op"),
        ("exit 0", None),
    ],
)
def test_a_machine_that_gives_none_says_so_before_anything_is_built(
    cgroups: Path, monkeypatch: pytest.MonkeyPatch, unshare: str, reason: str | None
) -> None:
    program = cgroups.with_name("unshare")
    program.write_text(f"#!/bin/sh\n{unshare}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.defpath}")
    said = namespaces.why_not()
    assert said is None if reason is None else str(said).startswith(reason)
    monkeypatch.setattr(namespaces, "CGROUPS", cgroups / "none")
    assert namespaces.why_not() == f"no cgroups in {cgroups}/none"
    assert list(cgroups.with_name("runs").iterdir()) == []


@pytest.mark.parametrize("skips", [False, True])
def test_a_machine_that_can_run_none_is_told_why(
    skips: bool,  # noqa: FBT001 - a parameter of the table
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command.main(["--or-skip"] if skips else []) == (0 if skips else 1)
    assert capsys.readouterr().out == f"node: {'skipped, ' if skips else ''}a node needs root\n"


@pytest.mark.parametrize(
    ("ended", "skips", "code"), [(NO_NODE, True, 0), (NO_NODE, False, 1), (1, True, 1), (0, True, 0)]
)
def test_only_a_node_that_never_was_ready_is_skipped(
    ended: int,
    skips: bool,  # noqa: FBT001 - a parameter of the table
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "why_not", lambda: None)
    monkeypatch.setattr(command, "_run", lambda _: ended)
    assert command.main(["--or-skip"] if skips else []) == code
    assert ("no node became ready here" in capsys.readouterr().out) == (ended == NO_NODE)


def test_a_brief_run_leaves_out_only_what_another_test_holds() -> None:
    left_out = [step.elsewhere for step in STEPS if step not in chosen(brief=True, kept=False)]
    assert [each for each in left_out if (REPOSITORY / each).is_file()] == left_out != []
    assert chosen(brief=False, kept=False) == STEPS
    assert chosen(brief=False, kept=True) == STEPS[:-1]


def test_another_cluster_is_not_ours_to_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages, "why_not", lambda _: None)
    monkeypatch.setenv("CLUSTER", "kind")
    assert command.why_not() == "another cluster is wanted (kind)"
