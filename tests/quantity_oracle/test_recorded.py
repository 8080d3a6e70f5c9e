"""Our quantities equal the library's recorded answers; needs no Go."""

from __future__ import annotations

from tests.quantity_oracle.compare import Outcome, compare_pairs, compare_readings
from tests.quantity_oracle.recording import Recorded
from tests.quantity_oracle.texts import TABLE, quoted


def test_every_recorded_text_reads_and_prints_as_the_library_does() -> None:
    """Verdict class, amount, format, canonical text, rounding to milli and to whole units are the library's."""
    recorded, outcome = Recorded(), Outcome()
    compare_readings(recorded.readings, recorded, outcome)
    assert outcome.disagreements == []
    assert {"refused as format", "refused as numeric", "refused as suffix"} <= outcome.counts.keys()


def test_every_recorded_pair_compares_and_adds_as_the_library_does() -> None:
    """Order, sum and difference with their formats and texts are the library's."""
    recorded, outcome = Recorded(), Outcome()
    compare_pairs(recorded.pairs, recorded, outcome)
    assert outcome.disagreements == []
    assert outcome.counts["pairs"] == len(recorded.pairs) > 0


def test_the_whole_table_is_recorded() -> None:
    """An example added to the table is recorded too (`python -m tests.quantity_oracle --record`)."""
    assert {quoted(text) for text in TABLE} <= set(Recorded().readings)


def test_a_wrong_answer_is_a_disagreement() -> None:
    """The comparison sees each field: with any one of them changed it reports the line."""
    recorded = Recorded()
    line = '"1.5Gi"'
    (right,) = recorded([line])
    for key in right.keys() - {"printed"}:
        outcome = Outcome()
        compare_readings([line], lambda _lines, key=key: [{**right, key: "other"}], outcome)  # type: ignore[misc]  # a default binds the loop's value
        assert len(outcome.disagreements) == 1, key
