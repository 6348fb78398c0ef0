# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""ruff, mypy and the house rules that neither of them knows."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ('rl_bridge', 'launch', 'test', 'examples', 'benchmarks', 'docs')
SOURCES = sorted([*(path for name in FOLDERS for path in (ROOT / name).rglob('*.py')),
                  ROOT / 'bootstrap.py', ROOT / 'setup.py'])


def run_tool(*arguments: str) -> None:
    if importlib.util.find_spec(arguments[0]) is None:
        pytest.skip(f'{arguments[0]} is not installed')
    done = subprocess.run([sys.executable, '-m', *arguments], cwd=ROOT, text=True,
                          capture_output=True, timeout=300)
    assert done.returncode == 0, '\n' + done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    run_tool('ruff', 'check', '--no-cache', '--output-format=concise', '.')


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < '2.4.0',
                    reason='the type stubs of NumPy before 2.4 know less and disagree')
def test_mypy_strict_finds_nothing() -> None:
    run_tool('mypy', '--no-error-summary')


def test_every_source_file_names_its_licence() -> None:
    def nameless(path: Path) -> bool:
        return '# SPDX-License-Identifier: Apache-2.0' not in path.read_text()[:200]

    assert [str(path.relative_to(ROOT)) for path in SOURCES if nameless(path)] == []


def test_no_module_is_called_a_drawer() -> None:
    drawers = {'utils', 'helpers', 'common', 'manager', 'misc'}
    assert [path for path in SOURCES if drawers & set(path.stem.split('_'))] == []
