"""Archives as builders write them, made here by hand."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.image import archive
from tests.image.archive import Variant


def a_tar(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as written:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            written.addfile(member, io.BytesIO(data))
    return content.getvalue()


def an_image(path: Path, *layers: bytes, config: Mapping[str, object] | None = None) -> Path:
    text = json.dumps({"config": dict(config or {}), "created": "2026-01-02T03:04:05Z"}).encode()
    names = [f"{number}.tar" for number, _ in enumerate(layers)]
    manifest = [{"Config": "config.json", "RepoTags": ["tiergate:dev"], "Layers": names}]
    files = {
        "manifest.json": json.dumps(manifest).encode(),
        "config.json": text,
        **dict(zip(names, layers, strict=True)),
    }
    path.write_bytes(a_tar(files))
    return path


def test_reading(tmp_path: Path) -> None:
    image = archive.read(an_image(tmp_path / "a.tar", a_tar({}), config={"User": "1", "Env": ["A=b=c"]}))
    assert image.settings["User"] == "1"
    assert image.environment == {"A": "b=c"}
    assert image.layers == ("0.tar",)
    assert image.digest.startswith("sha256:")


@pytest.mark.parametrize("packed", [False, True])
def test_the_compressed_size_is_the_same_however_the_layer_lies_there(tmp_path: Path, *, packed: bool) -> None:
    layer = a_tar({"file": b"word " * 100_000})
    path = an_image(tmp_path / "a.tar", gzip.compress(layer, 6) if packed else layer)
    assert archive.compressed_size(path) == pytest.approx(len(gzip.compress(layer, 6)), abs=50)


def test_a_higher_layer_hides_what_it_whites_out(tmp_path: Path) -> None:
    lower = a_tar({"kept": b"1", "gone": b"1", "folder/old": b"1", "changed": b"1", "tree/a/b": b"1"})
    upper = a_tar({".wh.gone": b"", "folder/.wh..wh..opq": b"", "folder/new": b"2", "changed": b"2", "tree/.wh.a": b""})
    folder = tmp_path / "root"
    folder.mkdir()
    archive.unpack(an_image(tmp_path / "a.tar", lower, gzip.compress(upper)), folder)
    files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert files == {"kept": "1", "folder/new": "2", "changed": "2"}


def test_variants_share_the_layers(tmp_path: Path) -> None:
    layer = a_tar({"file": b"content"})
    source = an_image(tmp_path / "a.tar", layer, config={"User": "1", "Entrypoint": ["tiergate"]})
    target = tmp_path / "b.tar"
    names = ["one.example/a:1", "one.example/b:1"]
    archive.write_variants(source, target, [Variant(["own:1"], ["tiergate"]), Variant(names, ["sleep"], "SIGKILL")])
    with tarfile.open(target) as written:
        manifest = json.load(written.extractfile("manifest.json") or io.BytesIO())
        configs = [(written.extractfile(entry["Config"]) or io.BytesIO()).read() for entry in manifest]
        assert sum(member.name.endswith("layer.tar") for member in written) == 1
        assert (written.extractfile(manifest[1]["Layers"][0]) or io.BytesIO()).read() == layer
    assert [entry["RepoTags"] for entry in manifest] == [["own:1"], names]
    assert [entry["Config"] for entry in manifest] == [f"{hashlib.sha256(one).hexdigest()}.json" for one in configs]
    assert [json.loads(one)["config"] for one in configs] == [
        {"User": "1", "Entrypoint": ["tiergate"], "Cmd": None},
        {"User": "1", "Entrypoint": ["sleep"], "Cmd": None, "StopSignal": "SIGKILL"},
    ]
