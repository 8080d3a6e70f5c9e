"""``tiergate completion``: what the shells and kubectl are told is what the parser has."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.commands.running import Program
from tiergate.check.explaining import EXPLAINED
from tiergate.cli import completion
from tiergate.cli.commands import COMMANDS
from tiergate.cli.entry import main

FOUND = completion.commands()


def in_bash(script: str, *words: str) -> list[str]:
    """Return what bash offers for the last word."""
    quoted = " ".join(f"'{word}'" for word in ("tiergate", *words))
    line = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _tiergate; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", f"{script}\n{line}"], capture_output=True, text=True, check=True, cwd="/")
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        pytest.param(("ex",), ["explain"], id="command"),
        pytest.param(("check", "--fail"), ["--fail-on"], id="option"),
        pytest.param(("check", "--fail-on", "w"), ["warning"], id="value-of-an-option"),
        pytest.param(("explain", "claim-m"), ["claim-min", "claim-max"], id="rule"),
        pytest.param(("completion", "f"), ["fish"], id="shell"),
        pytest.param(("nonsense", "--x"), [], id="no-such-command"),
    ],
)
def test_bash_and_kubectl_are_offered_the_same(tiergate: Program, words: tuple[str, ...], offered: list[str]) -> None:
    assert in_bash(tiergate("completion", "bash").out, *words) == offered
    assert completion.completed(words)[0] == offered


def test_bash_offers_files_where_paths_belong(tiergate: Program) -> None:
    script = tiergate("completion", "bash").out
    assert "usr" in in_bash(script, "check", "us")
    assert in_bash(script, "check", "--tiers", "us") == ["usr"]
    for words, files in ((("check", "x"), True), (("check", "--tiers", "x"), True), (("check", "--t"), False)):
        assert completion.completed(words)[1] == files


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_every_command_and_option_is_in_every_script(tiergate: Program, shell: str) -> None:
    out = tiergate("completion", shell).out
    assert set(COMMANDS) < set(FOUND)
    for name, command in FOUND.items():
        assert name in out
        for option in command.options:
            assert (f"-l {option[2:]} " if shell == "fish" else option) in out
    assert all(rule in out for rule in EXPLAINED)
    if shutil.which(shell):
        read = [shell, "-n"] if shell != "fish" else [shell, "--no-execute"]
        assert subprocess.run(read, input=out, text=True, capture_output=True).returncode == 0


def test_zsh_reads_the_script_of_bash(tiergate: Program) -> None:
    first, *rest = tiergate("completion", "zsh").out.splitlines()
    assert first == "autoload -U +X bashcompinit && bashcompinit"
    assert rest == tiergate("completion", "bash").out.splitlines()


def test_kubectl_is_told_words_and_whether_files_may_follow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {}
    for words in (["ch"], ["check", ""], ["check", "--fail-on", ""], []):
        monkeypatch.setattr(sys, "argv", ["kubectl_complete-tiergate", *words])
        completion.for_kubectl()
        said[" ".join(words)] = capsys.readouterr().out.split()
    assert said["ch"] == ["check", ":4"]
    assert said["check "][-1] == ":0"
    assert said["check --fail-on "] == ["error", "warning", "never", ":4"]
    assert said[""] == [*FOUND, ":4"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(tiergate: Program, name: str) -> None:
    ran = tiergate(name, "--help")
    assert ran.code == 0
    assert f"usage: tiergate {name}" in ran.out
    assert "examples:\n" in ran.out
    assert f"tiergate {name}" in ran.out.partition("examples:")[2]


def test_as_a_plugin_of_kubectl_it_goes_by_that_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/kubectl-tiergate", "explain", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out.startswith("usage: kubectl tiergate explain")


def test_a_package_that_is_missing_is_named(tiergate: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "tiergate.cluster.client", raising=False)
    monkeypatch.delitem(sys.modules, "tiergate.cluster.api", raising=False)
    ran = tiergate("snapshot")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "tiergate snapshot needs the package aiohttp: pip install 'tiergate[live]'\n"
