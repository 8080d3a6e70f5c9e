"""Tables that are sorted and cut into pages by the query of a URL: no script is needed for either."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

Row = TypeVar("Row")

ROWS: Final = 50
"""Rows of a page of a table: rendering one must not take from reviews what they notice."""
LONGEST: Final = 253
"""Characters of a value in a query that is looked at."""
DIGITS: Final = 9
REFRESH: Final = 10
"""Seconds between two loads of a page that loads itself again."""
_NAMES: Final = frozenset({"sort", "page", "tier", "namespace", "find", "refresh"})


class Column(NamedTuple, Generic[Row]):
    """A column that a table can be sorted by.

    ``down`` is set where the largest comes first when somebody chooses the column, ``number`` where it is one.
    """

    key: str
    title: str
    order: Callable[[Row], Any]
    down: bool = False
    number: bool = False


class Table(NamedTuple, Generic[Row]):
    """One page of a sorted table: rows ``first`` to ``last`` of ``total``, counted from 1."""

    rows: Sequence[Row]
    columns: Sequence[Column[Row]]
    sort: str
    down: bool
    page: int
    pages: int
    total: int
    first: int
    last: int


class Query:
    """The query of a URL: what is missing or senseless counts as not given."""

    def __init__(self, path: str, values: Mapping[str, str]) -> None:
        """Take the path and the first value of each name."""
        self._path = quote(path)  # a browser takes "/\\site" and "/<TAB>/site" for another site
        self._values = {name: value[:LONGEST] for name, value in values.items() if name in _NAMES and value}

    def __getitem__(self, name: str) -> str:
        """Return a value, "" where there is none."""
        return self._values.get(name, "")

    @property
    def page(self) -> int:
        """The number of the page, from 1."""
        text = self["page"]
        return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else 1

    @property
    def refresh(self) -> int:
        """Seconds after which the page is to be loaded again, 0 for never."""
        return REFRESH if self["refresh"] else 0

    def link(self, **changes: str) -> str:
        """Return the URL of this page with other values, "" for none; on the first page unless it says which."""
        values = {**self._values, "page": "", **changes}
        return self.to(self._path, **values)

    def to(self, path: str, **values: str) -> str:
        """Return the URL of another page, loaded again as this one is."""
        kept = {"refresh": self["refresh"], **values}
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"{path}?{query}" if query else path

    def sorting(self, table: Table[Any], column: Column[Any]) -> str:
        """Return the URL that sorts by a column, the other way round where it is sorted by it."""
        down = not table.down if table.sort == column.key else column.down
        return self.link(sort=f"-{column.key}" if down else column.key)


def table(rows: Iterable[Row], columns: Sequence[Column[Row]], query: Query, *, sort: str) -> Table[Row]:
    """Return the page of the rows that a query asks for, sorted by ``sort`` unless it says how."""
    by_key = {column.key: column for column in columns}
    wanted = query["sort"] if query["sort"].removeprefix("-") in by_key else sort
    key, down = wanted.removeprefix("-"), wanted.startswith("-")
    every = sorted(rows, key=by_key[key].order, reverse=down)
    pages = max(-(-len(every) // ROWS), 1)
    page = min(query.page, pages)
    start = (page - 1) * ROWS
    part = every[start : start + ROWS]
    return Table(part, columns, key, down, page, pages, len(every), start + 1 if part else 0, start + len(part))
