"""What every wire shape keeps to, so that the fast decoder reads what it says."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator

import msgspec

from tiergate import wire


def _shapes() -> Iterator[type[msgspec.Struct]]:
    for found in pkgutil.walk_packages(wire.__path__, f"{wire.__name__}."):
        module = importlib.import_module(found.name)
        for _, one in inspect.getmembers(module, inspect.isclass):
            if issubclass(one, msgspec.Struct) and one.__module__ == module.__name__:
                yield one


def test_no_value_that_is_kept_as_bytes_may_be_none() -> None:
    """Of a field that is a Raw or None the fast decoder reads nothing but null."""
    hints = [(one.__name__, *hint) for one in _shapes() for hint in typing.get_type_hints(one).items()]
    assert ("AffinityTerm", "namespaceSelector", msgspec.Raw) in hints
    assert [hint for hint in hints if msgspec.Raw in typing.get_args(hint[2])] == []
