"""``tiergate defaults``: manifests as they would be stored."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tiergate.cli.around import add_around, add_version, minor_of, surroundings_of
from tiergate.cli.exit_codes import Exit

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tiergate.check.persisting import Notes

DESCRIPTION: Final = "print manifests with the tiers' defaults, as they would be stored"
EXAMPLE: Final = """\
examples:
  tiergate defaults --tiers tiers.yaml -n dev pod.yaml
  helm template charts/app | tiergate defaults --tiers tiers.yaml -n dev --templates - | diff before.yaml -

exit codes: 0 all could be stored, 1 something would be refused, 2 wrong usage, 3 unreadable input
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a file, a folder with all files below it, or - for stdin"
    )
    add_around(parser)
    parser.add_argument("--templates", action="store_true", help="also set defaults in templates of workloads")
    parser.add_argument("--ignore", action="append", default=[], metavar="GLOB", help="files to leave out; repeatable")
    add_version(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the manifests and return the exit code."""
    from tiergate.check.escaping import log_line  # noqa: PLC0415 - --help needs no rules
    from tiergate.check.persisting import Persister  # noqa: PLC0415 - as above
    from tiergate.manifests.load import load_files  # noqa: PLC0415 - as above

    files, loaded = load_files(arguments.paths, ignore=arguments.ignore)
    surroundings = surroundings_of(arguments, loaded)
    persister = Persister(surroundings, minor=minor_of(arguments, surroundings), templates=arguments.templates)
    texts = [(path, persister.persisted(raw, path)) for path, raw in files]
    for path, text in texts:
        if len(texts) > 1:
            sys.stdout.write(f"---\n# Source: {path}\n")
        sys.stdout.flush()
        sys.stdout.buffer.write(text if text.endswith(b"\n") or not text else text + b"\n")
    sys.stdout.buffer.flush()
    unread = [str(one) for one in (*surroundings.faults, *loaded.faults)]
    for line in (*(f"unreadable  {one}" for one in unread), *_said(persister.notes)):
        sys.stderr.write(log_line(line) + "\n")
    if unread:
        return Exit.UNREADABLE_INPUT
    return Exit.VIOLATIONS if persister.notes.refused else Exit.OK


def _said(notes: Notes) -> Iterator[str]:
    for one in notes.refused:
        yield f"refused  {one}"
    for one in notes.unproved:
        yield f"unproved  {one}"
    if notes.templates:
        what = "1 template is" if notes.templates == 1 else f"{notes.templates} templates are"
        yield f"{what} stored as written, and the pods get defaults when they are created: --templates shows them"
