"""A type has its name for itself in the whole product, and no name has a word of ours where Kubernetes has one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = [path.read_text() for folder in ("webhook", "certs") for path in (ROOT / folder).rglob("*.py")]
LEFT: Final = {"door", "question", "trial", "given", "breath", "aftermath", "gate", "front"}


def test_a_public_class_has_its_name_for_itself() -> None:
    classes = Counter(name for text in SOURCES for name in re.findall(r"^class ([A-Za-z]\w*)", text, re.MULTILINE))
    assert [name for name, count in classes.items() if count > 1] == []


def test_no_type_has_two_meanings() -> None:
    """An alias may stand twice, but for the same type, and not beside a class of its name."""
    meanings = defaultdict[str, set[str]](set)
    for text in SOURCES:
        for name in re.findall(r"^class ([A-Za-z]\w*)", text, re.MULTILINE):
            meanings[name].add("a class")
        for name, meaning in re.findall(
            r"^([A-Z]\w*[a-z]\w*)(?:: TypeAlias)? = (?!TypeVar)([^\n]+)", text, re.MULTILINE
        ):
            meanings[name].add(meaning)
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


def test_functions_and_classes_have_the_words_of_the_glossary() -> None:
    names = [name for text in SOURCES for name in re.findall(r"^ *(?:async )?(?:def|class) (\w+)", text, re.MULTILINE)]
    assert [name for name in names if LEFT & {word.lower() for word in re.findall("[A-Z]?[a-z]+", name)}] == []
