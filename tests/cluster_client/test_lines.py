"""Lines come out whole, however the stream was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiergate.cluster.lines import LineSplitter, LineTooLong


def split(*chunks: bytes, limit: int = 100) -> list[bytes]:
    splitter = LineSplitter(limit)
    return [line for chunk in chunks for line in splitter.feed(chunk)]


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        pytest.param([b"a\nb\n"], [b"a", b"b"], id="two-in-one"),
        pytest.param([b"a", b"b\n", b"c\n"], [b"ab", b"c"], id="one-in-two"),
        pytest.param([b"a\n", b"b"], [b"a"], id="the-end-is-cut-off"),
        pytest.param([b"a", b"\n"], [b"a"], id="newline-alone"),
        pytest.param([b"\n\na\n\n"], [b"a"], id="blank-lines"),
        pytest.param([b""], [], id="nothing"),
        pytest.param([b"x" * 100 + b"\n"], [b"x" * 100], id="as-long-as-the-limit"),
    ],
)
def test_lines_of_chunks(chunks: list[bytes], lines: list[bytes]) -> None:
    assert split(*chunks) == lines


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"x" * 101 + b"\n"], id="in-one-chunk"),
        pytest.param([b"x" * 60, b"x" * 60], id="before-its-end-came"),
    ],
)
def test_a_line_over_the_limit_is_an_error(chunks: list[bytes]) -> None:
    with pytest.raises(LineTooLong):
        split(*chunks)


@pytest.mark.slow
@given(st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line)), st.data())
def test_where_the_stream_is_cut_does_not_matter(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert split(*chunks, limit=10**6) == lines
