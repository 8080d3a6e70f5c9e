"""Names, namespaces, labels and annotations: told where the API server refuses them (tests/cluster/test_check.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.check.naming_cases import a_job_with_its_own_selector, an_object
from tests.check.running import KNOWN, Folder
from tiergate.core.naming import LONGEST_ANNOTATIONS, NAMES

LONG: Any = "a" * 64


@pytest.mark.parametrize(
    ("kind", "metadata", "pointer", "said"),
    [
        ("Pod", {"name": "Agent_API"}, "name", '"Agent_API" is not a DNS subdomain: a-z, 0-9, - and .'),
        ("Pod", {"name": "a" * 254}, "name", "has 254 characters, at most 253 are allowed"),
        ("Deployment", {"name": "a/b"}, "name", '"a/b" is not a DNS subdomain'),
        ("StatefulSet", {"name": "a.b"}, "name", '"a.b" is not a DNS label'),
        ("Namespace", {"name": LONG}, "name", "has 64 characters, at most 63 are allowed"),
        ("Job", {"name": LONG}, "name", "has 64 characters, at most 63 are allowed"),
        ("CronJob", {"name": "a" * 53}, "name", "has 53 characters, at most 52 are allowed"),
        ("Tier", {"name": LONG}, "name", "has 64 characters, at most 63 are allowed"),
        ("ResourceQuota", {"name": "a_b"}, "name", '"a_b" is not a DNS subdomain'),
        ("LimitRange", {"name": "A"}, "name", '"A" is not a DNS subdomain'),
        ("PersistentVolumeClaim", {"generateName": "A-"}, "generateName", '"A-00000" is not a DNS subdomain'),
        ("CronJob", {"generateName": "a" * 48}, "generateName", "a name generated from it: "),
        ("Pod", {}, "name", "it is missing"),
        ("Pod", {"name": 1.10}, "name", "expected a string, got a number"),
        ("Pod", {"name": "a", "namespace": "dev_1"}, "namespace", '"dev_1" is not a DNS label'),
        ("Pod", {"name": "a", "labels": {"app": "a b"}}, "labels/app", '"a b" is not the value of a label'),
        (
            "Pod",
            {"name": "a", "labels": {"a/version": True}},
            "labels/a~1version",
            "expected a string, got a boolean: put it in quotes",
        ),
        ("Pod", {"name": "a", "labels": {"a b": "c"}}, "labels/a b", 'the key "a b" is not'),
        ("Pod", {"name": "a", "labels": ["app"]}, "labels", "expected an object"),
        ("Pod", {"name": "a", "annotations": {"A_/b": "c"}}, "annotations/A_~1b", "the prefix of the key"),
        (
            *("Pod", {"name": "a", "annotations": {"a": "b" * LONGEST_ANNOTATIONS}}, "annotations"),
            f"has {LONGEST_ANNOTATIONS + 1} bytes of keys and values, at most {LONGEST_ANNOTATIONS} are allowed",
        ),
    ],
)
def test_what_the_server_refuses_is_told(
    folder: Folder, kind: str, metadata: dict[str, Any], pointer: str, said: str
) -> None:
    folder.write({"a.json": json.dumps(an_object(kind, metadata).document)})
    ran = folder.check(*KNOWN, "-n", "dev", "-o", "json", "a.json")
    (one,) = [one for one in ran.report["findings"] if one["pointer"] == f"/metadata/{pointer}"]
    assert (ran.code, one["severity"]) == (1, "error")
    assert said in one["message"]


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
def test_templates_have_labels_too(folder: Folder, kind: str) -> None:
    folder.write({"a.json": json.dumps(an_object(kind, {"name": "a"}, {"labels": {"app": "a", "on": "a b"}}).document)})
    (one,) = folder.check(*KNOWN, "-n", "dev", "-o", "json", "a.json").report["findings"]
    assert (one["rule"], one["pointer"].endswith("/template/metadata/labels/on")) == ("api-validation", True)


@pytest.mark.parametrize(
    ("length", "manual", "most"), [(64, True, 0), (253, True, 0), (254, True, 253), (64, False, 63), (64, None, 63)]
)
def test_a_job_may_have_a_long_name_if_its_author_selects_its_pods(
    folder: Folder, length: int, manual: object, most: int
) -> None:
    """The server then puts the name into no label of the pods."""
    job = a_job_with_its_own_selector({"name": "a" * length}, manual=manual)
    folder.write({"a.json": json.dumps(job.document)})
    found = folder.check(*KNOWN, "-n", "dev", "-o", "json", "a.json").report["findings"]
    said = [one["message"] for one in found if one["pointer"] == "/metadata/name"]
    assert len(said) == bool(most)
    assert all(f"at most {most} are allowed" in one for one in said)


def test_what_the_server_takes_is_not_told(folder: Folder) -> None:
    """Among it objects of kinds that are read and not judged, which the report leaves out."""
    names: list[dict[str, Any]] = [{"name": "a"}, {"name": "a0-b", "labels": {"a.b/C": "D_e"}}, {"generateName": "a-"}]
    kinds = sorted(kind for _, kind in NAMES if kind != "Tier")
    every = [an_object(kind, metadata).document for kind in kinds for metadata in names]
    every.append(an_object("LimitRange", {}).document)
    folder.write({"a.yaml": "\n---\n".join(map(json.dumps, every))})
    report = folder.check(*KNOWN, "-n", "dev", "-o", "json", "a.yaml").report
    assert "api-validation" not in {one["rule"] for one in report["findings"]}
    assert not {"resourcequota", "limitrange"} & {one["kind"] for one in report["objects"]}
