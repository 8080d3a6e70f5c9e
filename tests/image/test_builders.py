"""How a builder is found, and what a build takes from this machine; nothing is built."""

from __future__ import annotations

import pytest

from tests.image import builders, building
from tests.image.builders import Builder, NoBuilderError


def test_a_name_with_a_registry_stays_as_it_is() -> None:
    assert Builder("buildah").full_name("registry.example/tiergate:1") == "registry.example/tiergate:1"


def found_among(*names: str, broken: dict[str, str], wanted: str | None = None) -> Builder:
    return builders.find(
        wanted,
        path_of=lambda name: f"/usr/bin/{name}" if name in names else None,
        answer=lambda command: broken.get(command[0]),
    )


def test_docker_without_an_engine_is_passed_over() -> None:
    assert found_among("docker", "buildah", broken={"docker": "no engine"}).name == "buildah"
    assert found_among("docker", "podman", "buildah", broken={}).name == "docker"
    assert found_among("podman", "buildah", broken={}).name == "podman"


def test_the_wanted_builder_is_taken() -> None:
    assert found_among("docker", "podman", "buildah", broken={}, wanted="buildah").name == "buildah"
    with pytest.raises(NoBuilderError, match=r"podman: not in PATH\)"):
        found_among("docker", broken={}, wanted="podman")
    with pytest.raises(NoBuilderError, match="BUILDER=kaniko is not known: docker, podman or buildah"):
        found_among("docker", broken={}, wanted="kaniko")


def test_no_builder_is_explained() -> None:
    with pytest.raises(NoBuilderError) as caught:
        found_among("docker", broken={"docker": "Cannot connect to the Docker daemon"})
    assert str(caught.value) == (
        "No image can be built here (docker: Cannot connect to the Docker daemon; podman: not in PATH; "
        "buildah: not in PATH). Install docker, podman or buildah."
    )


def test_a_failing_command_shows_the_end_of_its_output() -> None:
    with pytest.raises(builders.BuildFailedError, match=r"ended with 3:\nthe reason$"):
        builders.run(("sh", "-c", "echo the reason; exit 3"))


def test_pip_in_the_build_installs_from_where_pip_here_does() -> None:
    listed = (
        ":env:.cert='/env.pem'\n"
        ":env:.disable-pip-version-check='1'\n"
        "global.cert='/file.pem'\n"
        "global.find-links='/wheels'\n"
        "global.index-url='https://index.example/simple'\n"
        "install.trusted-host='one.example\\ntwo.example'\n"
    )
    assert building.pip_settings(listed) == {
        "cert": "/env.pem",
        "index-url": "https://index.example/simple",
        "trusted-host": "one.example two.example",
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://git.example/team/tiergate.git", "https://git.example/team/tiergate"),
        ("https://user:secret@git.example/team/tiergate.git?x=1", "https://git.example/team/tiergate"),
        ("git@git.example:team/tiergate.git", ""),
        ("/somewhere/tiergate", ""),
        ("", ""),
    ],
)
def test_the_source_label_has_no_credentials(url: str, shown: str) -> None:
    assert building.without_credentials(url) == shown


def test_labels_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = building.labels({"VERSION": "9.9.9", "REVISION": "abc", "SOURCE": "https://git.example/x"})
    assert labels == {
        "org.opencontainers.image.version": "9.9.9",
        "org.opencontainers.image.revision": "abc",
        "org.opencontainers.image.source": "https://git.example/x",
    }
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "42")
    assert building.epoch() == 42
