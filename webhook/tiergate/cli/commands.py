"""The commands for people and pipelines. Each is a module of this package, imported when it is called.

Such a module has ``DESCRIPTION``, ``add_arguments(parser)`` and ``run(arguments)``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any, Final

from tiergate.cli.around import WrongUsage
from tiergate.cli.exit_codes import Exit
from tiergate.cli.help_text import Help
from tiergate.cli.live import NoCluster
from tiergate.cli.output_file import CannotWrite

COMMANDS: Final = ("adopt", "check", "completion", "defaults", "explain", "replay", "snapshot", "usage")
"""Their names, which are those of their modules."""
OWN_PACKAGES: Final = ("tiergate", "tiergate_certs")


def module(command: str) -> Any:  # noqa: ANN401  # a module, whose names mypy does not know
    """Return the module of a command."""
    return importlib.import_module(f"tiergate.cli.{command}")


def describe(parser: argparse.ArgumentParser, command: str) -> None:
    """Describe the arguments of a command, with its examples as they are written."""
    of = module(command)
    parser.description = of.DESCRIPTION[:1].upper() + of.DESCRIPTION[1:] + "."
    parser.formatter_class = Help
    of.add_arguments(parser)


def run(program: str, command: str, words: Sequence[str]) -> int:
    """Run a command and return its exit code; ``words`` are what follows its name."""
    parser = argparse.ArgumentParser(prog=f"{program} {command}", formatter_class=Help)
    describe(parser, command)
    return called(command, parser.parse_args(words))


def called(command: str, arguments: argparse.Namespace) -> int:
    """Run a command whose arguments are parsed, and say why one cannot do its work: here for all of them."""
    try:
        code: int = module(command).run(arguments)
    except (WrongUsage, CannotWrite) as error:
        sys.stderr.write(f"tiergate {command}: {error}\n")
        return Exit.USAGE
    except NoCluster as error:
        sys.stderr.write(f"tiergate {command}: {error}\n")
        return Exit.CLUSTER_UNAVAILABLE
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in OWN_PACKAGES:
            raise
        sys.stderr.write(f"tiergate {command} needs the package {package}: pip install 'tiergate[live]'\n")
        return Exit.USAGE
    return code
