"""A PersistentVolumeClaim's JSON as a core value (R-41 to R-43)."""

from __future__ import annotations

import json

import pytest

from tests.builders import Json, a_claim_object
from tiergate.core.claim import Claim
from tiergate.wire.claim import WireClaim, to_claim
from tiergate.wire.decode import Reader

_read = Reader(WireClaim, to_claim)


def read(claim: Json) -> Claim:
    return _read(json.dumps(claim).encode())


def test_storage_and_what_is_allocated_are_read() -> None:
    claim = a_claim_object("5Gi")
    claim["status"] = {"allocatedResources": {"storage": "8Gi"}}
    value = read(claim)
    assert (str(value.storage), str(value.allocated)) == ("5Gi", "8Gi")
    assert value.name == "data"
    assert read({}).storage is None


@pytest.mark.rule("R-42")
@pytest.mark.parametrize(
    ("spec_class", "annotation", "name"),
    [
        pytest.param("gold", None, "gold", id="R-42-spec"),
        pytest.param("gold", "old", "old", id="R-42-annotation-wins"),
        pytest.param("gold", "", "", id="R-42-empty-annotation-wins-too"),
        pytest.param(None, None, "", id="R-42-none"),
    ],
)
def test_the_storage_class_is_found(spec_class: str | None, annotation: str | None, name: str) -> None:
    claim = a_claim_object(storageClassName=spec_class)
    if annotation is not None:
        claim["metadata"]["annotations"] = {"volume.beta.kubernetes.io/storage-class": annotation}
    assert read(claim).storage_class == name


@pytest.mark.rule("R-43")
def test_all_attributes_classes_are_collected() -> None:
    """R-43."""
    claim = a_claim_object(volumeAttributesClassName="a")
    claim["status"] = {
        "currentVolumeAttributesClassName": "b",
        "modifyVolumeStatus": {"targetVolumeAttributesClassName": "c"},
    }
    assert read(claim).attributes_classes == {"a", "b", "c"}
    assert read(a_claim_object(volumeAttributesClassName="")).attributes_classes == frozenset()
