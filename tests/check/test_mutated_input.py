"""Whatever the files hold, a command ends with one of its exit codes and no traceback."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.check.running import AROUND, KNOWN, NAMESPACE, TIERS, deployment, pod, quota
from tests.corpus.test_sets import SETS
from tests.docs.values import ROOT
from tests.golden.test_golden import CASES
from tiergate.cli.check import FORMATS
from tiergate.cli.entry import main

RUNS: Final = 150
PIECES: Final = (
    b"\\ud800", b"\0", b"\xff", b"{}", b"[]", b"1e999", b"-1", b"*a", b"&a ", b"<<: ", b"!!binary x", b"!!int x",
    b"\t", b"\r\n", b"---\n", b"...\n", b"%YAML 1.1\n", b'"', b"'", b": ", b"- ", b"[", b"{", b"kind: List\nitems:\n",
    b".inf", b"0x1F", b"9" * 50, b"\\u0000", b"\xef\xbb\xbf", b"? ", b"| ", b"on: 1\n", b"apiVersion: v1\n",
    b"null", b"namespace: [x]\n", b"1Zi", b'""', b"~1",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Return files that can be read."""
    written = [f"{pod()}---\n{deployment(replicas=9)}", quota({"pods": "3"}), TIERS, NAMESPACE]
    chart = ROOT / "charts/tiergate/values/teams.yaml"
    return [*(path.read_bytes() for path in sorted(SETS.iterdir())), *map(str.encode, written), chart.read_bytes()]


def mutated(text: bytes, others: list[bytes], choose: random.Random) -> bytes:
    """Return a text with pieces put in, taken out, changed, repeated or taken from another one."""
    made = bytearray(text)
    for _ in range(choose.choice((1, 1, 2, 3, 8))):
        at, most = choose.randrange(len(made) + 1), choose.choice((1, 5, 30, 300))
        match choose.randrange(5):
            case 0 | 1:
                made[at:at] = choose.choice(PIECES)
            case 2:
                del made[at : at + most]
            case 3:
                made[at : at + 1] = bytes([choose.randrange(256)])
            case _:
                other = choose.choice((text, choose.choice(others)))
                start = choose.randrange(len(other))
                made[at:at] = other[start : start + most]
    return bytes(made)


def commands(folder: Path, choose: random.Random) -> Iterator[list[str]]:
    """Write files and yield a command that reads them, so many times."""
    texts = seeds()
    reviews = [path.read_bytes() for path in sorted(CASES.glob("*/request.json"))]
    options = (
        KNOWN,
        ("--tiers", "u.yaml"),
        ("--namespaces", "u.yaml"),
        ("--usage", "u.yaml", "--tiers", "around/tiers.yaml", "--tier", "dev"),
        (),
    )
    for number in range(RUNS):
        (folder / "x.yaml").write_bytes(mutated(choose.choice(texts), texts, choose))
        (folder / "u.yaml").write_bytes(mutated(choose.choice(texts), texts, choose))
        (folder / "r.json").write_bytes(mutated(choose.choice(reviews), reviews, choose))
        yield ["check", "-n", "dev", "-o", FORMATS[number % len(FORMATS)], "x.yaml", *choose.choice(options)]
        yield ["defaults", "-n", "dev", "--templates", "x.yaml", *AROUND]
        yield ["replay", "r.json", "--tier", "dev", *KNOWN]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_every_command_ends_with_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "around").mkdir()
    (tmp_path / "around/tiers.yaml").write_text(TIERS)
    (tmp_path / "around/namespaces.yaml").write_text(NAMESPACE)
    ended = set()
    for words in commands(tmp_path, random.Random(seed)):  # noqa: S311  # nothing secret
        ended.add(main(words))
        capsysbinary.readouterr()
    assert ended == {0, 1, 3}
