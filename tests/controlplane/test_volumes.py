from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane.api import Object
from tests.controlplane.container import Source
from tests.controlplane.volumes import NotMountable, Volumes, decoded, write_atomically

SECRET: Object = {"type": "Opaque", "data": {"tls.crt": "Yw==", "tls.key": "aw=="}}


def files_in(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith("..")}


def the_volumes(tmp_path: Path, volumes: list[Object], secrets: dict[str, Object]) -> Volumes:
    pod: Object = {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": {"volumes": volumes}}
    source = Source(pod, "127.65.1.1", lambda name: decoded(secrets.get(name)), lambda _: {"ca.crt": b"root"})

    async def token(audience: str, seconds: int) -> str:
        return f"token for {audience or 'api'} for {seconds}"

    return Volumes(tmp_path, source, token)


def test_an_update_shows_all_new_files_at_once(tmp_path: Path) -> None:
    """What is open keeps its content; the link is what changes, in one rename."""
    assert write_atomically(tmp_path, {"a": b"1", "b": b"1"})
    first = (tmp_path / "..data").resolve()
    with (tmp_path / "a").open() as old:
        assert write_atomically(tmp_path, {"b": b"2", "c": b"2"})
        assert old.read() == "1"
    assert files_in(tmp_path) == {"b": "2", "c": "2"}
    assert not first.exists()


def test_equal_content_changes_nothing(tmp_path: Path) -> None:
    write_atomically(tmp_path, {"a": b"1"})
    before = (tmp_path / "..data").readlink()
    assert not write_atomically(tmp_path, {"a": b"1"})
    assert (tmp_path / "..data").readlink() == before


async def test_a_missing_secret_holds_the_pod_until_it_is_there(tmp_path: Path) -> None:
    secrets: dict[str, Object] = {}
    volumes = the_volumes(tmp_path, [{"name": "tls", "secret": {"secretName": "pair"}}], secrets)
    with pytest.raises(NotMountable, match='Secret "pair" not found'):
        await volumes.refresh()
    secrets["pair"] = SECRET
    await volumes.refresh()
    assert files_in(tmp_path / "tls") == {"tls.crt": "c", "tls.key": "k"}


async def test_an_optional_secret_comes_and_goes(tmp_path: Path) -> None:
    secrets: dict[str, Object] = {}
    volumes = the_volumes(tmp_path, [{"name": "tls", "secret": {"secretName": "pair", "optional": True}}], secrets)
    await volumes.refresh()
    assert files_in(tmp_path / "tls") == {}
    secrets["pair"] = SECRET
    await volumes.refresh()
    assert set(files_in(tmp_path / "tls")) == {"tls.crt", "tls.key"}
    del secrets["pair"]
    await volumes.refresh()
    assert files_in(tmp_path / "tls") == {}


async def test_a_projected_volume_is_what_a_service_account_needs(tmp_path: Path) -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    volumes = the_volumes(tmp_path, [{"name": "account", "projected": {"sources": sources}}], {})
    await volumes.refresh()
    assert files_in(tmp_path / "account") == {"token": "token for api for 3607", "ca.crt": "root", "namespace": "ns"}


async def test_an_unknown_volume_is_not_silently_empty(tmp_path: Path) -> None:
    with pytest.raises(NotMountable, match="nfs"):
        await the_volumes(tmp_path, [{"name": "x", "nfs": {}}], {}).refresh()
