"""Text of manifests in each format: one function a format, so that nothing in it is taken for the format's own signs.

All text is printable before it comes here (`core/text.py`): no line ends, no controls of a terminal, no characters that
XML forbids, no signs that turn the direction of writing.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

_COMMAND: Final = re.compile(r"#(?=#[\[A-Za-z])")
"""``##[`` and ``##vso[`` are commands of pipelines wherever they stand in a line of the log."""
_FIRST: Final = re.compile(r"^(\s*)::")
"""So is ``::`` at the beginning of a line."""
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_BACKTICKS: Final = re.compile("`+")


def log_line(line: str) -> str:
    """Return a line for people that is no command to the pipeline whose log it stands in."""
    return _FIRST.sub(r"\1: :", _COMMAND.sub("# ", line))


def command_data(text: str) -> str:
    """Return the message of a workflow command of GitHub."""
    return _COMMAND.sub("# ", text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """Return the value of a property of a workflow command."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def json_text(value: Any) -> str:  # noqa: ANN401  # any value of JSON
    """Return a document of JSON, which is no command where it goes to a log."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return _COMMAND.sub(r"\\u0023", text) + "\n"


def sarif_message(text: str) -> str:
    """Return a plain text message of SARIF without placeholders and links (SARIF 2.1.0, 3.11.5 and 3.11.6)."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def markup(text: str) -> str:
    """Return text of an element of XML or HTML, or in the quotes of an attribute."""
    return _COMMAND.sub("&#35;", text.translate(_ENTITIES))


def attribute(text: str) -> str:
    """Return an attribute's value with its quotes."""
    return f'"{markup(text)}"'


def markdown_code(text: str) -> str:
    """Return text as code of Markdown, in which there are no links, mentions, references, images or markup."""
    if not text:
        return ""
    text = _COMMAND.sub("# ", text)
    ticks = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    blank = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{blank}{text}{blank}{ticks}"


def markdown_cell(text: str) -> str:
    """Return the same in a cell of a table: a backslash must not escape the one that escapes a bar."""
    return markdown_code(text).replace("\\|", "\\ |").replace("|", "\\|")


def html_code(text: str) -> str:
    """Return text as code of HTML, where Markdown is passed over."""
    return f"<code>{markup(text)}</code>"
