"""Runs the commands of the story, and shows them: the test listens, the demo prints."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.controlplane.cluster import Cluster, CommandFailed, Result

_SPACES: Final = re.compile(r" {2,}")


class Mismatch(AssertionError):
    """A command did not say what it had to."""

    def __init__(self, result: Result, expected: str) -> None:
        super().__init__(f"`{result.command}` should have printed\n  {expected}\nbut printed\n{result.text}")


def squeezed(text: str) -> str:
    """Return the text with the padding of kubectl's columns reduced to two spaces."""
    return _SPACES.sub("  ", text)


@dataclass(frozen=True)
class Narrator:
    """Runs commands in a cluster. `show` gets each command line and its real output."""

    cluster: Cluster
    show: Callable[[str], None]

    def attempt(self, line: str) -> Result:
        """Run and show a command, whatever its exit code."""
        self.show(f"$ {line}")
        result = self.cluster.run(line)
        self.show(result.text.rstrip("\n"))
        return result

    def run(self, line: str, *expected: str) -> Result:
        """Run and show a command that must succeed and print each expected text, columns two spaces apart."""
        result = self.attempt(line)
        if result.code != 0:
            raise CommandFailed(result)
        return says(result, *expected)

    def refused(self, line: str, *expected: str) -> Result:
        """Run and show a command that must fail and print each expected text."""
        result = self.attempt(line)
        if result.code == 0:
            raise Mismatch(result, "a refusal")
        return says(result, *expected)

    def say(self, text: str) -> None:
        """Show a sentence between commands."""
        self.show(f"# {text}")

    def read(self, line: str) -> Mapping[str, Any]:
        """Return an object without showing the command; kubectl get ... -o json is completed."""
        return self.cluster.kubectl(f"get {line} -o json").json

    def eventually(self, line: str, *expected: str, seconds: float = 30) -> Result:
        """Run a command until it succeeds and prints each expected text; show only the last time."""
        end = time.monotonic() + seconds
        while True:
            result = self.cluster.run(line)
            if result.code == 0 and all(text in squeezed(result.text) for text in expected):
                break
            if time.monotonic() > end:
                raise Mismatch(result, "\n  ".join(expected))
            time.sleep(0.2)
        self.show(f"$ {line}")
        self.show(result.text.rstrip("\n"))
        return result


def says(result: Result, *expected: str) -> Result:
    """Return the result if it contains each text; raise Mismatch otherwise."""
    text = squeezed(result.text)
    for each in expected:
        if each not in text:
            raise Mismatch(result, each)
    return result
