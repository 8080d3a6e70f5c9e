"""What is done to syft's bill; no image is read."""

from __future__ import annotations

from email.message import Message
from email.parser import HeaderParser
from typing import Any

import pytest

from tests.image import sbom, standin


def a_component(name: str, *, kind: str = "pypi", **changes: object) -> dict[str, Any]:
    return {"name": name, "version": "1", "purl": f"pkg:{kind}/{name}@1", **changes}


def the_metadata(name: str, *classifiers: str) -> Message:
    lines = (f"Name: {name}", *(f"Classifier: {each}" for each in classifiers))
    return HeaderParser().parsestr("\n".join(lines))


def test_a_licence_that_is_a_classifier_only_is_filled_in() -> None:
    document = {"components": [a_component("Old.Style"), a_component("modern", licenses=["as it was"])]}
    metadata = (
        the_metadata("old_style", "Programming Language :: Python", "License :: OSI Approved :: BSD License"),
        the_metadata("modern", "License :: OSI Approved :: MIT License"),
    )
    old, modern = sbom.completed(document, metadata)["components"]
    assert old["licenses"] == [{"license": {"name": "BSD License"}}]
    assert modern["licenses"] == ["as it was"]


def test_what_has_no_licence_anywhere_or_is_no_distribution_stays_without() -> None:
    document = {"components": [a_component("none"), a_component("other", kind="deb")]}
    metadata = (the_metadata("none"), the_metadata("other", "License :: OSI Approved :: MIT License"))
    assert sbom.completed(document, metadata) == document


def test_number_and_time_come_from_the_image() -> None:
    document = {"serialNumber": "urn:uuid:random", "metadata": {"timestamp": "now", "component": {"name": "/a/path"}}}
    first = sbom.settled(document, digest="sha256:1", created="2026-01-02T03:04:05.6Z")
    assert first["metadata"]["timestamp"] == "2026-01-02T03:04:05Z"
    assert first["metadata"]["component"]["version"] == "sha256:1"
    assert "/a/path" not in str(first)
    assert first == sbom.settled(document, digest="sha256:1", created="2026-01-02T03:04:05.6Z")
    other = sbom.settled(document, digest="sha256:2", created="2026-01-02T03:04:05.6Z")
    assert other["serialNumber"] != first["serialNumber"]


@pytest.mark.parametrize("name", ["prometheus_client", "Prometheus.Client", "prometheus-client"])
def test_names_are_compared_as_indexes_do(name: str) -> None:
    assert sbom.normalized(name) == "prometheus-client"


def test_the_stand_in_is_of_the_base_it_stands_in_for() -> None:
    """The same distribution, and the Python that the stand-in's folder is named after."""
    base = standin.of_dockerfile()
    assert base.endswith(f"-slim-{standin.SUITE}")
    version = base.rpartition(":")[2].partition("-")[0]
    assert f"/python{version}/" in standin.PACKAGES
