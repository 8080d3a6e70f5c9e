"""Files, folders, standard input; Lists; what cannot be read."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from tiergate.manifests import files
from tiergate.manifests import load as load_module
from tiergate.manifests.documents import Place
from tiergate.manifests.load import load

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: dev}\n"


def names(*paths: str | Path, ignore: tuple[str, ...] = ()) -> list[str]:
    return [one.name for one in load(map(str, paths), ignore=ignore).manifests]


def test_an_object_knows_what_and_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(
        "---\n" + POD % "one" + "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {generateName: d-}\n"
    )
    one, two = load([str(file)]).manifests
    assert (one.path, one.kind, one.api_version, one.group, one.namespace, one.name) == (
        str(file),
        "Pod",
        "v1",
        "",
        "dev",
        "one",
    )
    assert (two.group, two.namespace, two.name, two.place("/metadata")) == ("apps", "", "d-", Place(8, 1))


def test_a_folder_is_read_with_all_below_it_in_order(tmp_path: Path) -> None:
    """As `kubectl apply -R` reads it: of two objects with the same name both have the same one last.

    Hidden folders are read too, but not git's own.
    """
    for path in ("b.yml", "a/z.yaml", "a/y.json", "a.yaml", "c.txt", ".git/config.yaml", "d/.hidden/x.yaml"):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(POD % path)
    assert names(tmp_path) == ["a/y.json", "a/z.yaml", "a.yaml", "b.yml", "d/.hidden/x.yaml"]
    assert names(tmp_path, ignore=("*/a/*", "*/.*")) == ["a.yaml", "b.yml"]
    assert names(tmp_path, ignore=("z.yaml", "x.yaml")) == ["a/y.json", "a.yaml", "b.yml"]
    assert load([str(tmp_path)]).files == 5


def test_a_named_file_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "rendered").write_text(POD % "one")
    assert names(tmp_path / "rendered") == ["one"]


def test_a_loop_of_folders_ends(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(POD % "one")
    for name in ("loop", "loop.yaml"):
        (tmp_path / name).symlink_to(tmp_path, target_is_directory=True)
    assert names(tmp_path) == ["one"]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((POD % "one").encode())))
    (manifest,) = load(["-"]).manifests
    assert (manifest.path, manifest.name) == ("<stdin>", "one")


def test_what_cannot_be_opened_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(POD % "one")
    loaded = load([str(tmp_path / "missing.yaml"), str(tmp_path / "one.yaml")])
    assert [str(one) for one in loaded.faults] == [f"{tmp_path}/missing.yaml: No such file or directory"]
    assert [one.name for one in loaded.manifests] == ["one"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(POD % "one")
    file.chmod(0)
    (fault,) = load([str(file)]).faults
    assert fault.reason == "Permission denied"


def test_a_file_is_read_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 2**20)
    file = tmp_path / "one.yaml"
    file.write_bytes(b"#" * (2**20 + 1))
    assert [str(one) for one in load([str(file)]).faults] == [f"{file}: more than 1 MiB"]


def test_what_is_no_regular_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    """A pull request may bring links to any of them."""
    os.mkfifo(tmp_path / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.yaml"))
    for name, target in {"zero": "/dev/zero", "tty": "/dev/tty", "environ": "/proc/self/environ"}.items():
        (tmp_path / f"{name}.yaml").symlink_to(target)
    (tmp_path / "empty.yaml").touch()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    faults = {Path(one.path).stem: one.reason for one in load([str(tmp_path)]).faults}
    refused = "not a regular file; give what a pipe holds as -"
    assert faults == {
        **dict.fromkeys(("environ", "pipe", "socket", "tty", "zero"), refused),
        "loop": "Too many levels of symbolic links",
    }


def test_what_a_shell_substitutes_is_read() -> None:
    """``--tiers <(helm template ...)``: whoever runs the command names the pipe, no pull request does."""
    reading, writing = os.pipe()
    os.write(writing, (POD % "one").encode())
    os.close(writing)
    try:
        assert names(f"/dev/fd/{reading}") == ["one"]
    finally:
        os.close(reading)


def test_files_are_read_up_to_a_bound_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "MAX_TOTAL", 2**20)
    for name, size in (("a", 2**19), ("b", 2**20), ("c", 2**18)):
        (tmp_path / f"{name}.yaml").write_text(POD % name + "#" * size)
    loaded = load([str(tmp_path)])
    assert [one.name for one in loaded.manifests] == ["a", "c"]
    assert [str(one) for one in loaded.faults] == [f"{tmp_path}/b.yaml: more than 1 MiB in all files: it is not read"]


def test_a_list_is_its_items(tmp_path: Path) -> None:
    inner = "apiVersion: v1\n  kind: List\n  items:\n  - apiVersion: v1\n    kind: Pod\n    metadata: {name: in}\n"
    file = tmp_path / "list.yaml"
    file.write_text(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: out\n- " + inner
    )
    first, second = load([str(file)]).manifests
    assert [first.name, second.name] == ["out", "in"]
    assert first.place("/metadata/name") == Place(7, 5)
    assert second.place() == Place(11, 5)


def test_the_items_of_a_list_of_one_kind_are_of_that_kind(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text(
        json.dumps({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{"metadata": {"name": "one"}}]})
    )
    (manifest,) = load([str(file)]).manifests
    assert (manifest.group, manifest.kind, manifest.name) == ("apps", "Deployment", "one")


@pytest.mark.parametrize(
    ("head", "kinds"),
    [
        pytest.param({"kind": "ConfigMap", "metadata": {"name": "out"}}, ["ConfigMap", "Pod"], id="of-another-kind"),
        pytest.param({"kind": "List", "metadata": {"name": 5}}, ["Pod"], id="with-unreadable-metadata"),
    ],
)
def test_items_are_read_whatever_they_stand_in(tmp_path: Path, head: dict[str, object], kinds: list[str]) -> None:
    """Or ``kubectl apply`` would create what was never checked: for it all that has items is a list."""
    file = tmp_path / "list.json"
    inner = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "in"}}
    file.write_text(json.dumps({"apiVersion": "v1", **head, "items": [inner]}))
    assert [one.kind for one in load([str(file)]).manifests] == kinds


@pytest.mark.parametrize("text", ["just text\n", "[1, 2]\n", "3\n", "a: 1\n", "kind: [x]\napiVersion: {}\n"])
def test_a_document_that_is_no_object_of_kubernetes_has_no_kind(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    (manifest,) = load([str(file)]).manifests
    assert (manifest.kind, manifest.api_version) == ("", "")


def test_a_wrong_type_in_the_metadata_leaves_the_rest_known(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: 12, namespace: dev}\n")
    (manifest,) = load([str(file)]).manifests
    assert (manifest.kind, manifest.name, manifest.namespace) == ("Pod", "", "dev")


def test_faults_of_a_file_are_told_up_to_a_bound(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("a: [\n---\n" * (load_module.MAX_FAULTS + 50) + POD % "one")
    loaded = load([str(file)])
    assert len(loaded.faults) == load_module.MAX_FAULTS + 1
    assert str(loaded.faults[-1]) == f"{file}: {load_module.MAX_FAULTS} faults: the rest of the file is not read"


@pytest.mark.parametrize("text", ["---\n".join([POD % "one"] * 50), json.dumps({"kind": "List", "items": [{}] * 50})])
def test_objects_are_read_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(load_module, "MAX_MANIFESTS", 10)
    file = tmp_path / "x.yaml"
    file.write_text(text)
    loaded = load([str(file)])
    assert len(loaded.manifests) == 11
    assert "more than 10 objects" in str(loaded.faults[0])
