"""Every line that is logged is one JSON object."""

import json
import logging

from tiergate.process.logs import JsonFormatter


def a_record(*, fields: dict[str, object] | None = None, error: bool = False) -> logging.LogRecord:
    problem = ValueError("two\nlines")
    info = (ValueError, problem, None) if error else None
    record = logging.LogRecord("a.logger", logging.WARNING, "file", 1, "said %s", ("it",), info)
    if fields is not None:
        record.fields = fields
    return record


def test_a_line_has_the_callers_fields() -> None:
    line = json.loads(JsonFormatter().format(a_record(fields={"key": "dev/tier"})))
    assert (line["level"], line["logger"], line["message"], line["key"]) == (
        "warning",
        "a.logger",
        "said it",
        "dev/tier",
    )


def test_a_traceback_stays_on_its_line() -> None:
    text = JsonFormatter().format(a_record(error=True))
    assert "\n" not in text
    assert "two\nlines" in json.loads(text)["traceback"]


def test_what_json_cannot_hold_is_shown_as_text() -> None:
    assert json.loads(JsonFormatter().format(a_record(fields={"error": KeyError("x")})))["error"] == "'x'"
