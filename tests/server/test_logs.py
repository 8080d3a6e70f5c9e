"""Every line that is logged is one JSON object."""

import json
import logging
from typing import Any, cast

from tiergate.process.logs import MOST_ALIKE, MOST_TEXTS, FewAlike, JsonFormatter


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


def test_records_of_one_text_are_few_in_a_second_and_the_rest_is_counted() -> None:
    """Clients cause some of them, such as what is no HTTP."""
    now = 1.0
    few = FewAlike(clock=lambda: now)

    def passed(text: str) -> list[int]:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, None, None)
        return [cast("Any", record).left_out] if few.filter(record) else []

    assert [passed("Invalid HTTP") for _ in range(MOST_ALIKE + 3)] == [[0]] * MOST_ALIKE + [[]] * 3
    assert passed("certificate replaced") == [0]
    for number in range(2 * MOST_TEXTS):
        passed(f"text {number}")
    assert len(few._allowance) == MOST_TEXTS
    now = 2.0
    assert (passed("Invalid HTTP"), passed("Invalid HTTP")) == ([3], [0])
