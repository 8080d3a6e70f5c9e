"""Plain scalars of YAML as Kubernetes' own reader resolves them (Q-20a)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tests.manifests.reading import faults_of, json_of

_RECORDED: Final = json.loads(Path(__file__).with_name("scalars_as_read.json").read_text())
"""Pairs of a scalar and the JSON that sigs.k8s.io/yaml 1.6.0 makes of it as a value; null: it refuses it."""


def as_text(raw: str | bytes) -> object:
    return json.loads(raw, parse_int=str, parse_float=str)


@pytest.mark.rule("Q-20a")
def test_scalars_are_read_as_the_recorded_reader_does() -> None:
    for scalar, expected in _RECORDED:
        raw = f"a: {scalar}\n".encode()
        if expected is None:
            assert faults_of(raw), scalar
        else:
            assert as_text(json_of(raw)) == {"a": as_text(expected)}, scalar


@pytest.mark.rule("Q-20a")
@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        pytest.param("1e3", "1000", id="exponent-is-a-float"),
        pytest.param("1_000", "1000", id="underscores"),
        pytest.param("0777", "511", id="octal"),
        pytest.param("0o10", "8", id="octal-with-a-letter"),
        pytest.param("0x10", "16", id="hexadecimal"),
        pytest.param("08", "8", id="no-octal-digit"),
        pytest.param("1.50", "1.5", id="zero-at-the-end"),
        pytest.param("0.0000001", "1e-7", id="small-with-an-exponent"),
        pytest.param("1e19", "10000000000000000000", id="large-without-an-exponent"),
        pytest.param("1e21", "1e+21", id="very-large-with-an-exponent"),
        pytest.param("9223372036854775808", "9223372036854775808", id="beyond-64-bits-with-sign"),
        pytest.param("18446744073709551616", "18446744073709552000", id="beyond-64-bits"),
        pytest.param("-0.0", "-0", id="negative-zero"),
        pytest.param("on", "true", id="on"),
        pytest.param("no", "false", id="no"),
        pytest.param("y", "true", id="y"),
        pytest.param("~", "null", id="null"),
        pytest.param("12:30:00", '"12:30:00"', id="no-base-60"),
        pytest.param("2001-01-01", '"2001-01-01"', id="no-time"),
        pytest.param("1e400", '"1e400"', id="beyond-a-float"),
        pytest.param("'1'", '"1"', id="quoted"),
        pytest.param("!!str 1", '"1"', id="tagged-text"),
        pytest.param('!!int "3"', "3", id="tagged-number"),
        pytest.param("!!float 3", "3", id="integer-as-a-float"),
        pytest.param("!!binary aGVsbG8=", '"hello"', id="base64"),
        pytest.param("!mine x", '"x"', id="tag-of-an-application"),
        pytest.param("<<", '"<<"', id="merge-word-as-a-value"),
    ],
)
def test_a_scalar_is_what_kubernetes_takes_it_for(scalar: str, expected: str) -> None:
    assert json_of(f"a: {scalar}\n".encode()) == f'{{"a":{expected}}}'.encode()


@pytest.mark.parametrize("scalar", [".nan", "-.inf", "!!int x", "!!bool 1", "!!binary '%'"])
def test_what_has_no_value_in_json_is_a_fault(scalar: str) -> None:
    assert faults_of(f"a: {scalar}\n".encode())


@pytest.mark.parametrize(
    ("key", "name"),
    [("on", "true"), ("no", "false"), ("010", "8"), ("1.5", "1.5"), ("'on'", "on"), (".inf", ".inf"), ("!!str 1", "1")],
)
def test_a_name_is_a_text(key: str, name: str) -> None:
    assert json_of(f"{key}: 1\n".encode()) == f'{{"{name}":1}}'.encode()
