"""The software bill of materials of a built image, as CycloneDX JSON: its Python distributions and Debian packages.

syft reads the image's archive. What it leaves open is filled in, and what differs from run to run is derived from
the image, so that the same image has the same bill.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, Final

from tests.image import archive
from tests.image.builders import BuildFailedError

CLASSIFIER: Final = "License :: OSI Approved :: "
_SYFT: Final = Path(sys.executable).with_name("syft")

Document = dict[str, Any]


def write(image: Path) -> Path:
    """Write the bill beside an image's archive; return its path. Raise BuildFailedError when syft fails."""
    command = [str(_SYFT), "scan", "--quiet", f"docker-archive:{image}", "--output=cyclonedx-json"]
    environment = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "PATH": "/usr/bin:/bin", "HOME": str(image.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        msg = f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()[-1000:]}"
        raise BuildFailedError(msg)
    about = archive.read(image)
    document = completed(json.loads(done.stdout), tuple(_metadata(image)))
    document = settled(document, digest=about.digest, created=about.config["created"])
    target = image.with_suffix(".cdx.json")
    target.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    return target


def describe(path: Path) -> str:
    """Return one line about a bill."""
    components = json.loads(path.read_text())["components"]
    python = len(distributions({"components": components}))
    return f"bill of materials: {path} ({len(components)} components, {python} of them Python distributions)"


def distributions(document: Document) -> dict[str, Document]:
    """Return the components that are Python distributions, by normalized name."""
    items = (item for item in document["components"] if item.get("purl", "").startswith("pkg:pypi/"))
    return {normalized(item["name"]): item for item in items}


def normalized(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


def completed(document: Document, metadata: tuple[Message, ...]) -> Document:
    """Return the bill with the licences that old metadata gives as a classifier only."""
    classified = {normalized(str(each["Name"])): _classified(each) for each in metadata}
    components = []
    for item in document["components"]:
        names = classified.get(normalized(item["name"]), ())
        if "licenses" not in item and names and item.get("purl", "").startswith("pkg:pypi/"):
            components.append({**item, "licenses": [{"license": {"name": name}} for name in names]})
        else:
            components.append(item)
    return {**document, "components": components}


def settled(document: Document, *, digest: str, created: str) -> Document:
    """Return the bill with number and time derived from the image that it is about, and no path of this machine."""
    metadata = {
        **document["metadata"],
        "timestamp": datetime.fromisoformat(created).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "component": {"bom-ref": digest, "type": "container", "name": "tiergate", "version": digest},
    }
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}", "metadata": metadata}


def _classified(metadata: Message) -> tuple[str, ...]:
    classifiers = (str(value) for value in metadata.get_all("Classifier", ()))
    return tuple(value.removeprefix(CLASSIFIER) for value in classifiers if value.startswith(CLASSIFIER))


def _metadata(image: Path) -> Iterator[Message]:
    for layer in archive.layers(image):
        with tarfile.open(fileobj=layer) as files:
            for member in files:
                if member.isfile() and member.name.endswith(".dist-info/METADATA"):
                    content = files.extractfile(member)
                    if content is not None:
                        yield HeaderParser().parsestr(content.read().decode())
