"""``tiergate completion``: scripts that complete the command line, made from the parser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tiergate.cli.exit_codes import Exit

DESCRIPTION: Final = "print a script that completes commands and options in a shell"
SHELLS: Final = ("bash", "zsh", "fish")
EXAMPLE: Final = """\
examples:
  source <(tiergate completion bash)          # in ~/.bashrc
  source <(tiergate completion zsh)           # in ~/.zshrc, after compinit
  tiergate completion fish > ~/.config/fish/completions/tiergate.fish

kubectl completes `kubectl tiergate` by the program kubectl_complete-tiergate, which is installed beside it.
"""
NO_FILES, FILES = ":4", ":0"
"""What kubectl is told besides the words: whether files complete the word as well."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument("shell", choices=SHELLS, help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Print the script and return the exit code."""
    make = {"bash": _bash, "zsh": _zsh, "fish": _fish}[arguments.shell]
    sys.stdout.write("".join(f"{line}\n" for line in make(commands())))
    return Exit.OK


class Option(NamedTuple):
    """An option: the words that may follow it, None for any, and what it is for."""

    choices: Sequence[str] | None
    takes_value: bool
    help: str


class Command(NamedTuple):
    """A command: what it is for, its options, and the words that may follow it, () for files."""

    help: str
    options: Mapping[str, Option]
    words: Sequence[str]


def commands() -> dict[str, Command]:
    """Return the commands as the parser has them."""
    from tiergate.cli.main import parser  # noqa: PLC0415 - it describes this command, too

    subparsers = _subparsers(parser())
    helps = {one.dest: one.help or "" for one in subparsers._choices_actions}  # noqa: SLF001 - argparse keeps them nowhere else
    return {name: _command(name, helps.get(name, ""), one) for name, one in subparsers.choices.items()}


def _subparsers(parser: argparse.ArgumentParser) -> Any:  # noqa: ANN401 - the type has no public name
    return next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001 - as above


def _command(name: str, said: str, parser: argparse.ArgumentParser) -> Command:
    options: dict[str, Option] = {}
    words: list[str] = []
    for action in parser._actions:  # noqa: SLF001 - as above
        choices = list(map(str, action.choices)) if action.choices is not None else None
        if not action.option_strings:
            words += choices or ()
        for option in action.option_strings:
            if option.startswith("--"):
                options[option] = Option(choices, action.nargs != 0, _plain(action.help or ""))
    if name == "explain":
        from tiergate.check.explaining import EXPLAINED  # noqa: PLC0415 - nothing else needs the rules

        words += EXPLAINED
    return Command(said, options, words)


def _plain(text: str) -> str:
    return text.replace("%%", "%")


def _bash(found: Mapping[str, Command]) -> Iterator[str]:
    yield "_tiergate() {"
    yield "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}"
    yield '  local words="" files=yes'
    yield "  COMPREPLY=()"
    yield "  if ((COMP_CWORD == 1)); then"
    yield f'    COMPREPLY=($(compgen -W "{" ".join(found)}" -- "$word")); return'
    yield "  fi"
    yield '  case "$command $before" in'
    for name, command in found.items():
        for option, one in command.options.items():
            if one.choices:
                reply = f'COMPREPLY=($(compgen -W "{" ".join(one.choices)}" -- "$word"))'
                yield f'    "{name} {option}") {reply}; return ;;'
    yield "  esac"
    yield '  case "$command" in'
    for name, command in found.items():
        files = " files=no" if command.words else ""
        yield f'    {name}) words="{" ".join((*command.words, *command.options))}"{files} ;;'
    yield "  esac"
    yield '  COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield '  [[ $word == -* || $files == no ]] || COMPREPLY+=($(compgen -f -- "$word"))'
    yield "}"
    yield "complete -o filenames -F _tiergate tiergate"


def _zsh(found: Mapping[str, Command]) -> Iterator[str]:
    yield "autoload -U +X bashcompinit && bashcompinit"
    yield from _bash(found)


def _fish(found: Mapping[str, Command]) -> Iterator[str]:
    for name, command in found.items():
        yield f"complete -c tiergate -f -n __fish_use_subcommand -a {name} -d {_quoted(command.help)}"
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        if command.words:
            yield f"complete -c tiergate {seen} -a {_quoted(' '.join(command.words))}"
        for option, one in command.options.items():
            value = f" -x -a {_quoted(' '.join(one.choices))}" if one.choices else " -r" if one.takes_value else ""
            yield f"complete -c tiergate {seen} -l {option[2:]}{value} -d {_quoted(one.help)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def for_kubectl() -> int:
    """Complete ``kubectl tiergate WORD...``, as kubectl asks for it."""
    words, files = completed(sys.argv[1:])
    sys.stdout.write("".join(f"{word}\n" for word in (*words, FILES if files else NO_FILES)))
    return Exit.OK


def completed(typed: Sequence[str]) -> tuple[list[str], bool]:
    """Return the words that may stand in the place of the last one, and whether files may."""
    found = commands()
    *before, last = typed or [""]
    if not before:
        return [name for name in found if name.startswith(last)], False
    command = found.get(before[0])
    if command is None:
        return [], False
    option = command.options.get(before[-1])
    if option is not None and option.takes_value:
        return [word for word in option.choices or () if word.startswith(last)], option.choices is None
    every = (*command.words, *command.options)
    return [word for word in every if word.startswith(last)], not command.words and not last.startswith("-")
