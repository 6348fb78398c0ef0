# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The tutorials' files and snippets do what the pages say; my_robot itself runs in test_readme."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bridge_process import hosting

from rl_bridge import cli
from rl_bridge.robot_file import load_robot

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / 'examples'
TIMEOUT_S = 60.0


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / 'docs' / page).read_text(encoding='utf-8')
    return re.findall(rf'^ *```{language}\n(.*?)^ *```$', text, re.MULTILINE | re.DOTALL)


def run(*words: str) -> str:
    path = os.pathsep.join([str(EXAMPLES), os.environ.get('PYTHONPATH', '')])
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env={**os.environ, 'PYTHONPATH': path},
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_robot_file_of_the_page_is_the_one_of_the_example() -> None:
    yaml = pytest.importorskip('yaml')
    whole, _gripper = (yaml.safe_load(block) for block in blocks('tutorial_robot.md', 'yaml'))
    assert whole == yaml.safe_load((EXAMPLES / 'my_robot.yaml').read_text(encoding='utf-8'))


def test_the_pages_gripper_makes_a_robot_with_two_command_topics(tmp_path: Path) -> None:
    yaml = pytest.importorskip('yaml')
    whole, gripper = (yaml.safe_load(block) for block in blocks('tutorial_robot.md', 'yaml'))
    robot: dict[str, Any] = {**whole, **gripper, 'joints': [*whole['joints'], 'gripper']}
    robot['limits'] = {
        'position': {'lower': [-1.0] * 5, 'upper': [1.0] * 5},
        'velocity': [0.5] * 5,
        'acceleration': [2.0] * 5,
    }
    file = tmp_path / 'gripper.yaml'
    file.write_text(yaml.safe_dump(robot), encoding='utf-8')
    arm, hand = load_robot(file).commands['position'].outputs
    assert (arm.topic, arm.joints) == ('arm_controller/commands', (0, 1, 2, 3))
    assert (hand.topic, hand.joints, hand.fields) == ('gripper/command', (4,), ('data',))


def test_the_example_passes_the_check_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['check', str(EXAMPLES / 'my_robot.yaml')]) == 0
    assert 'my_robot' in capsys.readouterr().out


def test_the_example_task_has_not_more_than_the_50_lines_that_the_page_promises() -> None:
    text = (EXAMPLES / 'my_task.py').read_text(encoding='utf-8')
    (task,) = (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    docstring = task.body[0]
    assert docstring.end_lineno is not None and task.end_lineno is not None
    comment = range(docstring.lineno, docstring.end_lineno + 1)
    code = [
        line
        for number, line in enumerate(text.splitlines(), start=1)
        if task.lineno <= number <= task.end_lineno and number not in comment
        if line.strip() and not line.lstrip().startswith('#')
    ]
    assert len(code) <= 50


def test_the_example_task_solves_its_fake_robot_as_printed() -> None:
    (snippet,) = (text for text in blocks('tutorial_task.md', 'python') if 'FakeRobot' in text)
    assert run('-c', snippet) == 'True\n'


def test_every_fragment_of_the_page_is_a_part_of_the_example_task() -> None:
    text = (EXAMPLES / 'my_task.py').read_text(encoding='utf-8')
    lines = {line.strip() for line in text.splitlines()}
    fragments = [text for text in blocks('tutorial_task.md', 'python') if 'FakeRobot' not in text]
    assert len(fragments) == 3
    for fragment in fragments:
        for line in fragment.splitlines():
            shown = line.strip()
            assert shown.startswith(('def ', 'class ', 'return ')) or shown in lines, line


def test_the_example_environment_is_hosted_and_stepped_as_the_page_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    path = os.pathsep.join([str(EXAMPLES), os.environ.get('PYTHONPATH', '')])
    monkeypatch.setenv('PYTHONPATH', path)
    with hosting('my_env:MyRoom-v0', namespace='room') as bridge:
        assert 'episode 0: 200 steps' in run('examples/random_agent.py', bridge)
