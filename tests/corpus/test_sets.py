"""Manifests in the styles that people and tools write them in are read whole, without a false fault."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.check.running import KNOWN, Folder
from tests.corpus.public import CORPUS, expected_faults
from tiergate.manifests.load import load

SETS: Final = Path(__file__).parent / "sets"
MIB: Final = 2**20

JUDGED: Final = {
    "helm.yaml": (["deployment agent", "pod agent-test-connection"], 1),
    "kustomize.yaml": (["cronjob agent-report"], 1),
    "operator.yaml": (["deployment agent-operator"], 3),
    "monolith.yaml": (["pod first", "statefulset second"], 1),
    "list.json": (["pod one"], 1),
    "list.yaml": (["persistentvolumeclaim data", "job once-"], 0),
    "stream.json": (["pod one", "pod two"], 1),
    "windows.yaml": (["deployment windows", "namespace dev"], 0),
    "words.yaml": (["deployment words"], 1),
    "tabs.yaml": (["pod tabs"], 0),
}
"""What is judged in each set, and how many objects are of other kinds."""


def test_every_set_is_known() -> None:
    assert {path.name for path in SETS.iterdir()} == set(JUDGED)


@pytest.mark.parametrize("name", JUDGED)
def test_a_set_is_read_whole_and_fits(folder: Folder, name: str) -> None:
    judged, others = JUDGED[name]
    ran = folder.check(*KNOWN, "-n", "dev", "-o", "json", str(SETS / name))
    report = ran.report
    assert [f"{one['kind']} {one['name']}" for one in report["objects"]] == judged
    assert (report["unread"], report["findings"], report["summary"]["others"]) == ([], [], others)
    assert ran.code == 0


def test_words_of_yaml_are_what_kubernetes_takes_them_for(folder: Folder) -> None:
    ran = folder.check(*KNOWN, "-n", "dev", "-o", "json", str(SETS / "words.yaml"))
    (namespace,) = ran.report["namespaces"]
    asked = {one["resource"]: one["steady"] for one in namespace["quotas"]}
    assert (asked["pods"], asked["requests.cpu"], asked["limits.cpu"]) == ("2", "400m", "700m")


def test_merged_containers_and_aliases_count(folder: Folder) -> None:
    ran = folder.check(*KNOWN, "-n", "dev", "-o", "json", str(SETS / "monolith.yaml"))
    (namespace,) = ran.report["namespaces"]
    asked = {one["resource"]: one["steady"] for one in namespace["quotas"]}
    assert (asked["requests.cpu"], asked["requests.storage"]) == ("300m", "1Gi")


def test_a_file_of_two_megabytes_is_read(folder: Folder) -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata:\n  text: |\n"
    folder.write({"large.yaml": config + "    " + "x" * 100 + "\n" + "    line of a text\n" * (2 * MIB // 19)})
    assert folder.check(*KNOWN, "large.yaml").last.endswith("0 unproved; 1 of other kinds")


@pytest.mark.slow
@pytest.mark.skipif(CORPUS is None, reason="TIERGATE_CORPUS names no folder: make corpus DIR=")
def test_public_manifests_are_read_without_a_false_fault() -> None:
    """Faults are where another reader of YAML 1.1 has them, and duplicate keys, which it takes."""
    assert CORPUS is not None
    loaded = load([str(CORPUS)])
    assert loaded.files > 100
    found = {one.path for one in loaded.faults if "duplicate key" not in one.reason}
    assert found == expected_faults(CORPUS)


@pytest.mark.slow
@pytest.mark.skipif(CORPUS is None, reason="TIERGATE_CORPUS names no folder: make corpus DIR=")
def test_public_manifests_are_judged(folder: Folder) -> None:
    ran = folder.check(*KNOWN, "--tier", "dev", "-n", "dev", "-o", "json", str(CORPUS))
    assert ran.code == 3
    assert ran.report["summary"]["objects"] > 100
    assert ran.err == ""
