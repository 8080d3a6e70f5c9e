"""A type has its name for itself in the whole product, and no name has a word of ours where Kubernetes has one."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = [path.read_text() for folder in ("webhook", "certs") for path in (ROOT / folder).rglob("*.py")]
LEFT: Final = {"door", "question", "trial", "given", "breath", "aftermath", "gate", "front"}
_ALIAS: Final = re.compile(r"^ *([A-Z]\w*[a-z]\w*)(?:: TypeAlias)? = ([^\n]+)", re.MULTILINE)


def test_a_public_class_has_its_name_for_itself() -> None:
    classes = Counter(name for text in SOURCES for name in re.findall(r"^class ([A-Za-z]\w*)", text, re.MULTILINE))
    assert [name for name, count in classes.items() if count > 1] == []


def test_no_type_has_two_meanings() -> None:
    """An alias may stand twice, but for the same type; so may a type variable. None has the name of a class."""
    meanings = defaultdict[str, set[str]](set)
    for text in SOURCES:
        for name in re.findall(r"^class ([A-Za-z]\w*)", text, re.MULTILINE):
            meanings[name].add("a class")
        for name, meaning in _ALIAS.findall(text):
            meanings[name].add("a type variable" if meaning.startswith("TypeVar") else meaning)
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


def names(text: str) -> Iterator[str]:
    """Yield whatever a module gives a name to: classes, functions, parameters, variables and attributes."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def test_names_have_the_words_of_the_glossary() -> None:
    """Also in the plural, and in names of constants."""
    found = {name for text in SOURCES for name in names(text)}
    words = {name: {word.removesuffix("s") for word in re.findall("[A-Z]*[a-z]+|[A-Z]+", name)} for name in found}
    assert [name for name, parts in words.items() if LEFT & {part.lower() for part in parts}] == []
