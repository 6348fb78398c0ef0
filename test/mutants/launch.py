# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
Runs a module with one protection switched off.

    python test/mutants/launch.py NAME MODULE ARGUMENTS...
"""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from switches import switched_off  # noqa: E402


def main() -> None:
    """Run it; its exit status is the exit status."""
    name, module, *arguments = sys.argv[1:]
    if module.startswith('rl_bridge'):
        importlib.import_module(module)  # what it imports is there to be patched
    with switched_off(name):
        sys.argv = [module, *arguments]
        sys.modules.pop(module, None)
        runpy.run_module(module, run_name='__main__', alter_sys=True)


if __name__ == '__main__':
    main()
