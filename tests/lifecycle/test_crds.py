from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.chart.helm import CHART
from tests.lifecycle.fake import FakeApi, Object
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError
from tiergate.cluster.resource import CUSTOM_RESOURCE_DEFINITIONS
from tiergate.lifecycle import crds
from tiergate.lifecycle.crds import VERSION, NotRaised, raise_all, release

PATH = CUSTOM_RESOURCE_DEFINITIONS.object("tiers.tiergate.io")
ESTABLISHED = {"conditions": [{"type": "Established", "status": "True"}]}
LABELS = {"app": "tiergate"}


def a_definition(version: str | None, *, fields: str = "new", **metadata: object) -> Object:
    annotations = {VERSION: version} if version else {}
    return {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "tiers.tiergate.io", "annotations": annotations, **metadata},
        "spec": {"fields": fields},
    }


def stored(version: str | None, **annotations: str) -> Object:
    """Return a definition as a cluster has it, with what others wrote."""
    definition = a_definition(version, fields="old", resourceVersion="7", labels={"theirs": "yes"})
    definition["metadata"]["annotations"] |= annotations
    return {**definition, "status": ESTABLISHED}


async def raised(fake: FakeApi, folder: Path, definition: Object) -> str:
    """Raise one definition and return what is said."""
    file = folder / "tiers.yaml"
    file.write_text(yaml.safe_dump(definition))
    said: list[str] = []
    await raise_all(Api(fake), [file], say=said.append)
    return "\n".join(said)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("0.1.0", "0.2.0"),
        ("0.9.0", "0.10.0"),
        ("1.9.9", "2.0.0"),
        ("1.0.0-rc.1", "1.0.0"),
        ("1.0.0-rc.2", "1.0.0-rc.10"),
        ("1.0.0-alpha", "1.0.0-alpha.1"),
        ("1.0.0-1", "1.0.0-alpha"),
        ("0.9.9", "v1.0.0+build"),
    ],
)
def test_releases_sort_by_semantic_precedence(lower: str, higher: str) -> None:
    assert release(lower) < release(higher)
    assert not release(higher) < release(lower)


@pytest.mark.parametrize("text", ["", "1", "1.2", "1.2.x", "latest", "1.2.3 "])
def test_what_is_no_version_is_named(text: str) -> None:
    with pytest.raises(NotRaised, match=f'is "{text}", which is not a version'):
        release(text)


@pytest.mark.parametrize("present", [None, "0.0.9", "0.1.0"])
async def test_a_lower_or_equal_definition_is_replaced_whole(tmp_path: Path, present: str | None) -> None:
    """The spec is ours alone; labels and annotations of others and the version that was read stay."""
    api = FakeApi({PATH: stored(present, other="kept")})
    said = await raised(api, tmp_path, a_definition("0.1.0", labels=LABELS))
    ((verb, path, body),) = api.writes
    assert (verb, path) == ("PUT", PATH)
    assert body["spec"] == {"fields": "new"}
    assert body["metadata"]["labels"] == {"theirs": "yes", **LABELS}
    assert body["metadata"]["annotations"] == {"other": "kept", VERSION: "0.1.0"}
    assert f"raised from release {present or 'unknown'} to 0.1.0" in said


async def test_a_higher_definition_is_kept(tmp_path: Path) -> None:
    api = FakeApi({PATH: stored("0.10.0")})
    said = await raised(api, tmp_path, a_definition("0.9.0"))
    assert api.writes == []
    assert "kept as it is. It belongs to release 0.10.0, and a lower one (0.9.0) never replaces it" in said


async def test_the_same_definition_is_not_written_again(tmp_path: Path) -> None:
    definition = a_definition("0.1.0")
    api = FakeApi({PATH: {**definition, "status": ESTABLISHED}})
    assert "is that of release 0.1.0 already" in await raised(api, tmp_path, definition)
    assert api.writes == []


async def test_a_definition_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    """Some tools run upgrade hooks at the first installation, before anything is created."""
    api = FakeApi()
    assert "is not there, so there is nothing to raise" in await raised(api, tmp_path, a_definition("0.1.0"))
    assert api.writes == []


async def test_a_refusal_is_passed_on(tmp_path: Path) -> None:
    """For example 422 for a version that is dropped and still stored, or 409 for a change in between."""
    api = FakeApi({PATH: stored("0.0.9")})
    api.refuse[f"PUT {PATH}"] = ApiError(422, "Invalid", "must have v1alpha1")
    with pytest.raises(ApiError, match="must have v1alpha1"):
        await raised(api, tmp_path, a_definition("0.1.0"))


async def test_a_definition_that_is_never_served_is_a_fault(tmp_path: Path) -> None:
    api = FakeApi({PATH: {**stored("0.0.9"), "status": {}}})
    with pytest.raises(NotRaised, match="stored, but not Established after 30"):
        await raised(api, tmp_path, a_definition("0.1.0"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: ConfigMap", "this is not a CustomResourceDefinition"),
        ("- a", "this is not a CustomResourceDefinition"),
        ("a: [", "expected the node content"),
        (json.dumps(a_definition(None)), f"the file has no annotation {VERSION}"),
        (json.dumps(a_definition("soon")), 'is "soon", which is not a version'),
    ],
)
async def test_a_bad_file_changes_nothing(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "tiers.yaml"
    file.write_text(text)
    api = FakeApi({PATH: stored(None)})
    with pytest.raises(NotRaised) as fault:
        await raise_all(Api(api), [file], say=print)
    assert said in str(fault.value)
    assert api.writes == []


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotRaised, match=r"nowhere\.yaml: .*No such file"):
        await raise_all(Api(FakeApi()), [tmp_path / "nowhere.yaml"], say=print)


def test_the_charts_definition_is_of_the_charts_release() -> None:
    """A forgotten annotation would keep an upgrade from raising the definition, or a downgrade from being noticed."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    (definition,) = crds.read(sorted((CHART / "crds").iterdir()))
    assert definition["metadata"]["annotations"][VERSION] == chart["version"]
