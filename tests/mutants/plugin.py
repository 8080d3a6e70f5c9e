"""A pytest plugin: one module is loaded with a step taken out, and the names of failing tests are written down.

Used by ``tests.mutants.running``, one process for each mutant; the environment says which.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

import pytest

_MODULE: Final = "TIERGATE_MUTANT_MODULE"
_SOURCE: Final = "TIERGATE_MUTANT_SOURCE"
_REPORT: Final = "TIERGATE_MUTANT_REPORT"


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads other source than the file's, and never what was compiled before."""

    source = b""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.source, self.get_filename(fullname))
        return code


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, module: str, source: bytes) -> None:
        self._module, self._source = module, source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        loader = _Loader(fullname, spec.origin)
        loader.source = self._source
        spec.loader = loader
        return spec


class _Failures:
    """What failed: names of tests, and names of files that could not even be collected."""

    def __init__(self) -> None:
        self.tests: list[str] = []
        self.uncollected: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.uncollected.append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.nodeid not in self.tests:
            self.tests.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        found = {"tests": sorted(self.tests), "uncollected": sorted(self.uncollected)}
        Path(os.environ[_REPORT]).write_text(json.dumps(found))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Failures())


if module := os.environ.get(_MODULE):
    sys.meta_path.insert(0, _Finder(module, Path(os.environ[_SOURCE]).read_bytes()))
