# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What README.md and docs/ tell people to type is true: snippets, commands, links, files."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bridge_process import hosting

from rl_bridge import cli, parameters
from rl_bridge.client.ros_transport import RosTransport
from rl_bridge.errors import BridgeError
from rl_bridge.processes import RobotSide
from rl_bridge.types import StatusCode

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / 'README.md').read_text(encoding='utf-8')
PAGES = sorted([ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *(ROOT / 'docs').glob('*.md')])
TIMEOUT_S = 60.0
WIDEST = 120


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf'^```{language}\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Every command line of README.md, in words."""
    lines = '\n'.join(blocks('sh')).replace('\\\n', ' ').splitlines()
    lines += re.findall(r'`((?:python3?|ros2|rl_bridge|make|ROS=\w+ make) [^`\n]+)`', README)
    words = [shlex.split(line, comments=True) for line in lines]
    return [line for line in words if line]


def lines_of(*start: str) -> list[list[str]]:
    """The commands that contain these words one after the other, from there on."""
    found = []
    for words in commands():
        for first in range(len(words)):
            if tuple(words[first : first + len(start)]) == start:
                found.append(words[first + len(start) :])
    return found


def wait_until_active(bridge: str) -> None:
    """Wait until a bridge accepts sessions."""
    end_s = time.monotonic() + TIMEOUT_S
    transport = RosTransport(bridge)
    try:
        while True:
            try:
                if transport.get_specs(timeout_s=5.0).status.code == StatusCode.OK:
                    return
            except BridgeError:
                pass  # not there yet
            assert time.monotonic() < end_s, f'{bridge} did not become active'
    finally:
        transport.close()


def run(*words: str) -> str:
    """Run a Python program from the root, as people do; return what it printed."""
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S,
        check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def arm() -> Iterator[str]:
    pytest.importorskip('mujoco', reason='the simulated arm needs MuJoCo')
    with RobotSide(log_level='warn'):
        wait_until_active('/robot_env')
        yield '/robot_env'


@pytest.fixture(scope='module')
def cartpole() -> Iterator[str]:
    with hosting('CartPole-v1', namespace='cartpole') as bridge:
        wait_until_active(bridge)
        yield bridge


@pytest.fixture(scope='module')
def my_robot() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        path = [str(ROOT / 'examples'), os.environ.get('PYTHONPATH', '')]
        patch.setenv('PYTHONPATH', os.pathsep.join(path))
        driver = subprocess.Popen(
            [sys.executable, 'examples/my_robot_driver.py', '--ros-args', '-r', '__ns:=/mine']
        )
        try:
            with RobotSide(
                namespace='mine',
                params_file='examples/my_robot_env.yaml',
                simulated=False,
                log_level='warn',
            ):
                wait_until_active('/mine/robot_env')
                yield '/mine/robot_env'
        finally:
            driver.terminate()
            code = driver.wait(TIMEOUT_S)
    assert code == 0, f'the stand-in driver ended with {code}'


def test_the_snippet_for_the_arm_runs_as_printed(arm: str) -> None:
    (snippet,) = (block for block in blocks('python') if f"bridge='{arm}'" in block)
    assert "'missed'" in run('-c', snippet)


def test_the_snippet_for_a_hosted_environment_runs_as_printed(cartpole: str) -> None:
    (snippet,) = (block for block in blocks('python') if f"bridge='{cartpole}'" in block)
    assert 'array(' in run('-c', snippet)


def test_every_snippet_is_run_by_a_test() -> None:
    bridges = [re.findall(r"bridge='([^']+)'", block) for block in blocks('python')]
    assert sorted(bridges) == [['/cartpole/robot_env'], ['/robot_env']]


def test_the_random_agent_steps_whatever_bridge_it_is_given(arm: str, cartpole: str) -> None:
    assert 'episode 0: 100 steps' in run('examples/random_agent.py', arm)
    assert 'episode 1' in run('examples/random_agent.py', cartpole, '--episodes', '2')


def test_an_own_robot_and_task_run_as_the_examples_describe_them(my_robot: str) -> None:
    said = run('examples/random_agent.py', my_robot)
    assert re.search(r'episode 0: \d+ steps, .* stop reason none', said)


def test_training_runs_on_a_hosted_environment(cartpole: str) -> None:
    pytest.importorskip('stable_baselines3', reason='Stable-Baselines3 is not installed')
    said = run('examples/train_sb3.py', cartpole, '--steps', '64', '--rollout', '32')
    assert 'mean return of 5 episodes' in said


def test_every_call_of_rl_bridge_is_one_that_it_understands() -> None:
    found = [words for words in lines_of('rl_bridge') if words and words[0] in ('up', 'demo')]
    assert len(found) >= 3
    known = {parameter.name for parameter in parameters.TABLE}
    for words in found:
        options = cli._parser().parse_args(words)
        for text in getattr(options, 'parameter', []):
            assert text.partition(':=')[0] in known
        named = getattr(options, 'params_file', '')
        assert not named or (ROOT / named).is_file(), named


def test_every_service_call_names_a_service_type_and_fields_that_exist() -> None:
    yaml = pytest.importorskip('yaml')
    found = lines_of('ros2', 'service', 'call')
    assert len(found) >= 4
    for name, kind, *request in found:
        assert re.fullmatch(r'/robot_env/(step|reset|halt|recover)', name)
        package, _, service = kind.split('/')
        built = getattr(importlib.import_module(f'{package}.srv'), service)
        fields: dict[str, Any] = yaml.safe_load(request[0]) if request else {}
        assert set(fields) <= set(built.Request.get_fields_and_field_types())


def test_every_launch_argument_is_one_of_the_launch_file() -> None:
    tree = ast.parse((ROOT / 'launch' / 'robot_env.launch.py').read_text(encoding='utf-8'))
    (table,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == 'ARGUMENTS'
    )
    assert isinstance(table, ast.Dict)
    declared = {ast.literal_eval(key) for key in table.keys if key is not None}
    found = lines_of('ros2', 'launch', 'rl_bridge', 'robot_env.launch.py')
    assert len(found) >= 2
    given = {word.partition(':=')[0] for words in found for word in words if ':=' in word}
    assert given <= declared


def test_every_make_target_is_one_of_the_makefile() -> None:
    makefile = (ROOT / 'Makefile').read_text(encoding='utf-8')
    found = lines_of('make')
    assert ['demo'] in found and ['test'] in found
    for words in found:
        assert re.search(rf'^{words[0]}:', makefile, re.MULTILINE), words


def test_every_program_named_in_a_command_exists() -> None:
    programs = [words[0] for start in ('python', 'python3') for words in lines_of(start)]
    assert len(programs) >= 3
    assert [name for name in programs if not (ROOT / name).is_file()] == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.+)$', page.read_text(encoding='utf-8'), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding='utf-8')
    targets = re.findall(r'\]\(([^)\s]+)\)', text) + re.findall(r'src="([^"]+)"', text)
    for target in targets:
        if '://' in target:
            continue
        name, _, anchor = target.partition('#')
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f'{page.name} links to {target}, which does not exist'
        assert not anchor or anchor in anchors(file), f'{page.name}: no heading for {target}'


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_file_named_in_a_page_exists(page: Path) -> None:
    pattern = r'`((?:rl_bridge|config|examples|launch|test|docs)/[\w./]+\.\w+)`'
    named = re.findall(pattern, page.read_text(encoding='utf-8'))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_no_line_is_too_wide_to_read_outside_tables(page: Path) -> None:
    lines = page.read_text(encoding='utf-8').splitlines()
    wide = [line for line in lines if len(line) > WIDEST and not line.startswith('|')]
    assert wide == []


def test_the_picture_is_small() -> None:
    assert (ROOT / 'docs' / 'images' / 'arm.png').stat().st_size < 200_000


def test_the_changelog_has_an_entry_for_this_version() -> None:
    import rl_bridge

    changelog = (ROOT / 'CHANGELOG.rst').read_text(encoding='utf-8')
    heading = re.search(
        rf'^{re.escape(rl_bridge.__version__)} \(\d{{4}}-\d\d-\d\d\)\n(-+)$', changelog, re.M)
    assert heading and len(heading[1]) == len(heading[0].splitlines()[0])
    for file in ('package.xml', 'rl_bridge_interfaces/package.xml'):
        assert f'<version>{rl_bridge.__version__}</version>' in (ROOT / file).read_text()
    assert f'version = {rl_bridge.__version__}' in (ROOT / 'setup.cfg').read_text()
