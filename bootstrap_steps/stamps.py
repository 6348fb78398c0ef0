# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the steps of the set-up share: stamps that say a step is finished, commands, progress."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

from bootstrap_steps.layout import ROOT, SetupError


def say(text: str) -> None:
    print('rl_bridge: ' + text, flush=True)


def digest(*parts: str | Path) -> str:
    """A hash over texts and the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        total.update(str(len(data)).encode() + b':' + data)
    return total.hexdigest()


def read_stamp(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def write_stamp(path: Path, stamp: dict[str, str]) -> None:
    """Written last and in one move, so that a stamp always means: finished."""
    unfinished = path.with_suffix('.new')
    unfinished.write_text(json.dumps(stamp, indent=1))
    os.replace(unfinished, path)


def call(command: list[str], *, env: dict[str, str], failed: str) -> None:
    # A command that outlives this script keeps the lock that set_up() opened.
    done = subprocess.run(command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, close_fds=False)
    if done.returncode:
        raise SetupError(failed)
