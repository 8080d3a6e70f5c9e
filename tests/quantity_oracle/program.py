"""The Go program that answers for apimachinery: built once into the user's cache folder, asked line by line."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

MODULE: Final = Path(__file__).parent / "module"
NAME: Final = "quantity_oracle"
BUILD_SECONDS: Final = 600
ANSWER_SECONDS: Final = 600

Answer = dict[str, Any]


class NoOracle(RuntimeError):
    """The program cannot be had here; the text is one sentence for the person at the terminal."""


def cache_folder() -> Path:
    """Return the folder of this source's program; it need not exist."""
    digest = hashlib.sha256()
    for file in ("go.mod", "go.sum", "main.go"):
        digest.update((MODULE / file).read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tiergate" / NAME / digest.hexdigest()[:12]


def missing() -> str:
    """Return why there is neither a built program nor the means to build it, or "" when there is one."""
    if (cache_folder() / NAME).is_file() or shutil.which("go"):
        return ""
    return "the comparison with apimachinery needs Go once, and there is no `go` in PATH"


def ensure() -> Path:
    """Return the program, building it if it is not there; raise NoOracle with the reason."""
    folder = cache_folder()
    program = folder / NAME
    if program.is_file():
        return program
    if reason := missing():
        raise NoOracle(reason)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.is_file():  # another run may have built it meanwhile
            _build(program)
    return program


def _build(program: Path) -> None:
    target = program.with_name(f".{NAME}.{os.getpid()}")
    command = ("go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", str(target), ".")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""}
    done = subprocess.run(
        command, cwd=MODULE, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
    )
    if done.returncode != 0:
        target.unlink(missing_ok=True)
        msg = f"building {NAME} failed (go build ended with {done.returncode}): {done.stderr.strip()[-2000:]}"
        raise NoOracle(msg)
    target.replace(program)


def ask(program: Path, lines: Sequence[str]) -> list[Answer]:
    """Return the program's answer to each line: a JSON token, or an array of two of them."""
    done = subprocess.run(
        [str(program)], input="\n".join(lines).encode(), capture_output=True, check=True, timeout=ANSWER_SECONDS
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(lines):
        msg = f"{NAME} gave {len(answers)} answers to {len(lines)} lines"
        raise NoOracle(msg)
    return answers
